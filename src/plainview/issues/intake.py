"""Occurrences become issues: a stretch of them at a time, together with how far they were read."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from sqlalchemy import bindparam, case, func, select, update

from plainview.issues.stretch import HOUR, MINUTES
from plainview.state.database import insert
from plainview.state.tables import affected, counts, groups, issues, meta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection

    from plainview.issues.stretch import Newest, Stretch, Total

__all__ = ["WATERMARK", "Touched", "fold", "portions", "recount", "watermark"]

T = TypeVar("T")

#: Key of the last occurrence that was taken in.
WATERMARK: Final = "watermark"
_PORTION: Final = 5000
_TITLE: Final = 1000


@dataclass(slots=True)
class Touched:
    """The issues that a stretch concerns."""

    #: Those that began with it.
    fresh: set[int] = field(default_factory=set)
    #: Issue → occurrences.
    counts: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    #: Issue → its last occurrence in the stretch, microseconds.
    last: dict[int, int] = field(default_factory=dict)
    #: Issue → release → its last occurrence, microseconds.
    releases: dict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    #: Issue → starts of five minutes.
    buckets: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))


def portions(values: Iterable[T], size: int = _PORTION) -> Iterator[list[T]]:
    """The values, so many at a time: a statement takes no more."""
    rest = iter(values)
    while portion := list(islice(rest, size)):
        yield portion


def watermark(connection: Connection) -> int:
    """The id of the last occurrence that was taken in."""
    return int(connection.scalar(select(meta.c.value).where(meta.c.key == WATERMARK)) or 0)


def fold(connection: Connection, stretch: Stretch, older: Callable[[int], list[str]], now: int) -> Touched:
    """Take a stretch in, and move the watermark behind it.

    Args:
        connection: in a transaction.
        stretch: what is after the watermark.
        older: the fingerprints that an occurrence has by older versions of the algorithm.
        now: microseconds since 1970.
    """
    touched = Touched()
    known = _known(connection, [total.fingerprint for total in stretch.totals])
    fresh = [total for total in stretch.totals if total.fingerprint not in known]
    if fresh:
        touched.fresh = _begin(connection, fresh, stretch.newest, older, now)
        known |= _known(connection, [total.fingerprint for total in fresh])
    of = {fingerprint: group.issue for fingerprint, group in known.items()}
    _count(connection, stretch, {fingerprint: group.id for fingerprint, group in known.items()})
    changes: dict[int, dict[str, Any]] = {}
    for total in stretch.totals:
        issue = of[total.fingerprint]
        touched.counts[issue] += total.weight
        touched.last[issue] = max(touched.last.get(issue, 0), total.last)
        change = changes.setdefault(
            issue, {"_id": issue, "_count": 0, "_first": total.first, "_last": total.last, "_level": total.level}
        )
        change["_count"] += total.weight
        change["_first"] = min(change["_first"], total.first)
        change["_level"] = max(change["_level"], total.level)
        if "error_type" not in change or total.last >= change["_last"]:
            change |= _shown(stretch.newest[total.fingerprint])
        change["_last"] = max(change["_last"], total.last)
    for hit in stretch.hits:
        if hit.kind == "release":
            seen = touched.releases[of[hit.fingerprint]]
            seen[hit.value] = max(seen.get(hit.value, 0), hit.last)
    for fingerprint, start, _ in stretch.buckets:
        touched.buckets[of[fingerprint]].add(start)
    if changes:
        connection.execute(_UPDATE, list(changes.values()))
        recount(connection, {of[hit.fingerprint] for hit in stretch.hits if hit.kind in ("user", "job")})
    statement = insert(connection, meta).values(key=WATERMARK, value=str(stretch.until))
    connection.execute(
        statement.on_conflict_do_update(index_elements=["key"], set_={"value": statement.excluded.value})
    )
    return touched


class _Group(NamedTuple):
    fingerprint: str
    id: int
    issue: int


def _known(connection: Connection, fingerprints: list[str]) -> dict[str, _Group]:
    return {
        row[0]: _Group(*row)
        for portion in portions(fingerprints)
        for row in connection.execute(
            select(groups.c.fingerprint, groups.c.id, groups.c.issue).where(groups.c.fingerprint.in_(portion))
        )
    }


def _shown(newest: Newest) -> dict[str, Any]:
    """What a list shows of an issue: as of its last occurrence."""
    message = newest.value or newest.message
    return {
        "error_type": newest.type,
        "error_message": message,
        "title": (f"{newest.type}: {message}" if newest.type else message)[:_TITLE],
        "culprit": newest.culprit,
        "component": newest.component,
        "category": newest.category,
        "platform": newest.platform[:60],
        "handled": newest.handled,
    }


def _begin(
    connection: Connection,
    fresh: list[Total],
    newest: dict[str, Newest],
    older: Callable[[int], list[str]],
    now: int,
) -> set[int]:
    """Make groups for fingerprints that were not known, and issues, unless an older version of grouping knew them.

    Gives the issues.
    """
    carried: dict[str, int] = {}
    for total in fresh:
        former = older(total.newest)
        row = former and connection.execute(select(groups.c.issue).where(groups.c.fingerprint.in_(former))).first()
        if row:
            carried[total.fingerprint] = row[0]
    begun: dict[str, int] = {}
    rows = [
        {
            **_shown(newest[total.fingerprint]),
            "status": "new",
            "level": total.level,
            "fingerprint": total.fingerprint,
            "first_seen": total.first,
            "last_seen": total.last,
            # Counted below, as those of issues that are there.
            "count": 0,
            "users": 0,
            "jobs": 0,
            "sample": json.dumps(newest[total.fingerprint]._asdict()),
            "since": now,
        }
        for total in fresh
        if total.fingerprint not in carried
    ]
    if rows:
        made = connection.execute(issues.insert().returning(issues.c.fingerprint, issues.c.id), rows)
        begun = {fingerprint: number for fingerprint, number in made}  # noqa: C416 - rows are no pairs to mypy
    places = carried | begun
    connection.execute(
        groups.insert(),
        [
            {
                "fingerprint": total.fingerprint,
                "grouping": total.grouping,
                "issue": places[total.fingerprint],
                "origin": places[total.fingerprint],
                "first_seen": total.first,
                "last_seen": total.last,
                "count": 0,
            }
            for total in fresh
        ],
    )
    return set(begun.values())


def _count(connection: Connection, stretch: Stretch, of: dict[str, int]) -> None:
    """Add to what is counted per group."""
    if not stretch.totals:
        return
    connection.execute(
        update(groups)
        .where(groups.c.id == bindparam("_id"))
        .values(
            count=groups.c.count + bindparam("_count"),
            first_seen=_least(groups.c.first_seen, bindparam("_first")),
            last_seen=_greatest(groups.c.last_seen, bindparam("_last")),
        ),
        [
            {"_id": of[each.fingerprint], "_count": each.weight, "_first": each.first, "_last": each.last}
            for each in stretch.totals
        ],
    )
    tally: dict[tuple[int, int, int], int] = defaultdict(int)
    for fingerprint, start, count in stretch.buckets:
        tally[of[fingerprint], MINUTES, start] += count
        tally[of[fingerprint], HOUR, start // HOUR * HOUR] += count
    statement = insert(connection, counts)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["group", "width", "start"], set_={"count": counts.c.count + statement.excluded["count"]}
        ),
        [
            {"group": group, "width": width, "start": start, "count": count}
            for (group, width, start), count in tally.items()
        ],
    )
    if stretch.hits:
        statement = insert(connection, affected)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["group", "kind", "value"],
                set_={
                    "count": affected.c.count + statement.excluded["count"],
                    "first_seen": _least(affected.c.first_seen, statement.excluded.first_seen),
                    "last_seen": _greatest(affected.c.last_seen, statement.excluded.last_seen),
                },
            ),
            [
                {
                    "group": of[hit.fingerprint],
                    "kind": hit.kind,
                    "value": hit.value,
                    "count": hit.weight,
                    "first_seen": hit.first,
                    "last_seen": hit.last,
                }
                for hit in stretch.hits
            ],
        )


def recount(connection: Connection, numbers: Iterable[int]) -> None:
    """Count anew the users and jobs of issues."""
    for portion in portions(numbers):
        found: dict[int, dict[str, int]] = {number: {"user": 0, "job": 0} for number in portion}
        # Groups by number: else SQLite goes through all users and jobs there are.
        ids = list(connection.scalars(select(groups.c.id).where(groups.c.issue.in_(portion))))
        for issue, kind, count in connection.execute(
            select(groups.c.issue, affected.c.kind, func.count(affected.c.value.distinct()))
            .join_from(groups, affected, affected.c.group == groups.c.id)
            .where(affected.c.group.in_(ids), affected.c.kind.in_(("user", "job")))
            .group_by(groups.c.issue, affected.c.kind)
        ):
            found[issue][kind] = count
        connection.execute(
            update(issues)
            .where(issues.c.id == bindparam("_id"))
            .values(users=bindparam("_users"), jobs=bindparam("_jobs")),
            [{"_id": number, "_users": each["user"], "_jobs": each["job"]} for number, each in found.items()],
        )


def _least(one: Any, other: Any) -> Any:  # noqa: ANN401 - SQL expressions of either side
    return case((one < other, one), else_=other)


def _greatest(one: Any, other: Any) -> Any:  # noqa: ANN401 - SQL expressions of either side
    return case((one > other, one), else_=other)


_UPDATE: Final = (
    update(issues)
    .where(issues.c.id == bindparam("_id"))
    .values(
        count=issues.c.count + bindparam("_count"),
        first_seen=_least(issues.c.first_seen, bindparam("_first")),
        last_seen=_greatest(issues.c.last_seen, bindparam("_last")),
        level=_greatest(issues.c.level, bindparam("_level")),
        **{
            name: bindparam(name)
            for name in (
                *("error_type", "error_message", "title", "culprit", "component"),
                *("category", "platform", "handled"),
            )
        },
    )
)
