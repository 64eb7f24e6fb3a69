"""Issues taken together, and taken apart again: their groups move, and whatever is counted moves with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select, update

from plainview.issues.intake import recount
from plainview.issues.workflow import Conflict, note
from plainview.state.tables import groups, issues

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

__all__ = ["merge", "split"]

#: What an issue that is split off takes from the one that it was part of.
_COPIED: Final = (
    *("level", "error_type", "error_message", "title", "culprit", "component", "category", "platform", "handled"),
    "sample",
)


def merge(connection: Connection, into: int, others: Sequence[int], actor: str, now: int) -> None:
    """Make several issues one.

    Args:
        connection: in a transaction.
        into: the issue that takes the others in.
        others: those; their ids lead to it from then on.
        actor: who wants it.
        now: microseconds since 1970.

    Raises:
        Conflict: there is nothing to merge.
    """
    those = [other for other in dict.fromkeys(others) if other != into]
    if not those:
        msg = f"E{into} can only be merged with other issues than itself"
        raise Conflict(msg)
    connection.execute(update(groups).where(groups.c.issue.in_(those)).values(issue=into))
    connection.execute(update(issues).where(issues.c.id.in_(those)).values(merged_into=into))
    level = connection.scalar(select(func.max(issues.c.level)).where(issues.c.id.in_([into, *those])))
    connection.execute(update(issues).where(issues.c.id == into).values(level=level))
    note(connection, into, now, actor, "merged", change=(None, ", ".join(f"E{each}" for each in those)))
    for each in those:
        note(connection, each, now, actor, "merged", change=(f"E{each}", f"E{into}"))
    _sum_up(connection, [into])


def split(connection: Connection, issue: int, fingerprints: Collection[str], actor: str, now: int) -> list[int]:
    """Take groups out of an issue: back to the issue that each came from, or to a new one.

    Gives the issues that they are in now.

    Raises:
        Conflict: the issue has no such groups, or would have none left.
    """
    rows = connection.execute(select(groups).where(groups.c.issue == issue)).mappings().all()
    known = {row["fingerprint"] for row in rows}
    missing = [one for one in fingerprints if one not in known]
    if missing or not known - set(fingerprints):
        what = f"has no fingerprint {missing[0][:64]!r}" if missing else "has to keep at least one fingerprint"
        msg = f"E{issue} {what}; it has {', '.join(sorted(known))}"
        raise Conflict(msg)
    places: set[int] = set()
    for row in rows:
        if row["fingerprint"] not in fingerprints:
            continue
        home = row["origin"] if row["origin"] != issue else _begin(connection, issue, row["fingerprint"], now)
        connection.execute(update(groups).where(groups.c.id == row["id"]).values(issue=home, origin=home))
        places.add(home)
    connection.execute(update(issues).where(issues.c.id.in_(places)).values(merged_into=None))
    told = ", ".join(f"E{place}" for place in sorted(places))
    note(connection, issue, now, actor, "split", change=(", ".join(sorted(fingerprints)), told))
    for place in places:
        note(connection, place, now, actor, "split", change=(f"E{issue}", f"E{place}"))
    _sum_up(connection, [issue, *places])
    return sorted(places)


def _begin(connection: Connection, issue: int, fingerprint: str, now: int) -> int:
    row = connection.execute(select(issues).where(issues.c.id == issue)).mappings().one()
    values: dict[str, Any] = {name: row[name] for name in _COPIED}
    made = connection.execute(
        issues.insert()
        .values(
            **values,
            status="new",
            fingerprint=fingerprint,
            first_seen=row["first_seen"],
            last_seen=row["last_seen"],
            count=0,
            users=0,
            jobs=0,
            since=now,
        )
        .returning(issues.c.id)
    )
    return int(made.scalar_one())


def _sum_up(connection: Connection, numbers: Sequence[int]) -> None:
    """Count issues anew from their groups."""
    sums = connection.execute(
        select(groups.c.issue, func.sum(groups.c["count"]), func.min(groups.c.first_seen), func.max(groups.c.last_seen))
        .where(groups.c.issue.in_(numbers))
        .group_by(groups.c.issue)
    )
    for issue, count, first, last in sums.all():
        connection.execute(
            update(issues).where(issues.c.id == issue).values(count=int(count), first_seen=first, last_seen=last)
        )
    recount(connection, numbers)
