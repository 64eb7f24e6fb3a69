"""What is worth telling of issues: the new, the returned, the sudden, the critical and the many.

============  ========  =================================================================================
kind          level     when
============  ========  =================================================================================
``new``       WARNING   an error of a kind that was not known
``regressed`` WARNING   one that was resolved happens again
``spike``     ERROR     five minutes have far more of them than usual, see :func:`is_spike`; once an hour
``critical``  CRITICAL  one begins, returns or spikes in a component that is said to be critical
``threshold`` ERROR     its count passes the threshold, then ten times, a hundred times that
============  ========  =================================================================================
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select, update

from plainview.issues.intake import portions
from plainview.issues.releases import regresses
from plainview.issues.stretch import MINUTES
from plainview.issues.workflow import OURSELVES, note
from plainview.state.tables import counts, groups, issues, notices

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from plainview.issues.intake import Touched

__all__ = ["LEVELS", "Policy", "is_spike", "look", "wake"]

#: Kind of notice → level of its log line.
LEVELS: Final[Mapping[str, int]] = {"new": 30, "regressed": 30, "spike": 40, "critical": 50, "threshold": 40}
_SAYS: Final[Mapping[str, str]] = {
    "new": "new error",
    "regressed": "error is back",
    "spike": "error spikes",
    "critical": "error in a critical component",
    "threshold": "error passed the threshold",
}
#: A spike has at least so many occurrences in five minutes.
_LEAST: Final = 20
#: So many five minutes have to be behind, and so many are looked at: an hour, a day.
_BEHIND, _LOOKED_AT = 12, 288
#: Deviations from the median beyond which it is a spike; 1.4826 times the MAD is what normal values deviate by.
_DEVIATIONS: Final = 6.0
_SIGMA: Final = 1.4826
#: Microseconds: what is older is no news; a spike is told of once in so long.
_HOUR: Final = 3600 * 10**6


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say: names of critical components (globs), and the threshold of the count (0: none)."""

    critical: Sequence[str] = ()
    threshold: int = 0

    def is_critical(self, component: str) -> bool:
        """Whether a component is."""
        return any(fnmatchcase(component, pattern) for pattern in self.critical)


def is_spike(count: int, before: Sequence[int]) -> bool:
    """Whether five minutes have far more occurrences than those before.

    At least 20, and more than the median of the day before (an hour of it at least) by six deviations, of which one is
    1.4826 times the median absolute deviation, the root of the median, or 1, whichever is the largest.
    """
    if count < _LEAST or len(before) < _BEHIND:
        return False
    middle = median(before)
    spread = max(_SIGMA * median(abs(each - middle) for each in before), middle**0.5, 1.0)
    return bool(count > middle + _DEVIATIONS * spread)


def look(connection: Connection, touched: Touched, policy: Policy, now: int) -> None:
    """Reopen what has returned, and note what is worth telling, after a stretch was taken in."""
    told: list[dict[str, Any]] = []
    rows = {
        row["id"]: row
        for portion in portions(touched.counts)
        for row in connection.execute(select(issues).where(issues.c.id.in_(portion))).mappings()
    }
    spiking = _spiking(connection, touched, rows, now)
    for issue, row in rows.items():
        kinds: list[str] = ["new"] if issue in touched.fresh else []
        if row["status"] == "resolved" and regresses(row, touched.last[issue], touched.releases[issue]):
            _reopen(connection, row, "regressed", now)
            kinds.append("regressed")
        elif row["status"] == "ignored" and row["ignored_count"] and row["count"] >= row["ignored_count"]:
            _reopen(connection, row, "new", now)
        quiet = row["status"] == "ignored"
        if issue in spiking and not quiet:
            kinds.append("spike")
            connection.execute(update(issues).where(issues.c.id == issue).values(spiked=now))
        if kinds and policy.is_critical(row["component"]):
            kinds.append("critical")
        step = _step(row["count"], policy.threshold)
        if step > row["crossed"]:
            connection.execute(update(issues).where(issues.c.id == issue).values(crossed=step))
            if not quiet:
                kinds.append("threshold")
        told += [_notice(row, kind, spiking.get(issue, 0), step, now) for kind in kinds]
    if told:
        connection.execute(notices.insert(), told)


def wake(connection: Connection, now: int) -> int:
    """Open again what was ignored until a time that has come. Gives how many."""
    due = connection.execute(
        select(issues).where(issues.c.status == "ignored", issues.c.ignored_until <= now)
    ).mappings()
    rows = list(due)
    for row in rows:
        _reopen(connection, row, "new", now)
    return len(rows)


def _reopen(connection: Connection, row: Mapping[Any, Any], to: str, now: int) -> None:
    values: dict[str, Any] = {"status": to, "since": now, "ignored_until": None, "ignored_count": None}
    if to == "regressed":
        values |= {"regressions": row["regressions"] + 1, "known_releases": None}
    connection.execute(update(issues).where(issues.c.id == row["id"]).values(**values))
    note(
        connection,
        row["id"],
        now,
        OURSELVES,
        "regressed" if to == "regressed" else "reopened",
        change=(row["status"], to),
    )


def _step(count: int, threshold: int) -> int:
    """The last of threshold, ten times that, … that a count has passed; 0: none."""
    if not threshold or count < threshold:
        return 0
    step = threshold
    while step * 10 <= count:
        step *= 10
    return step


def _spiking(
    connection: Connection, touched: Touched, rows: Mapping[int, Mapping[Any, Any]], now: int
) -> dict[int, int]:
    """Issue → occurrences in five minutes, of those that spike."""
    found: dict[int, int] = {}
    for issue, starts in touched.buckets.items():
        row, start = rows[issue], max(starts)
        # Cheap first: with fewer in this stretch than its count says, it cannot have enough.
        recent = (now - _HOUR) // 10**6 <= start <= now // 10**6
        if not recent or row["count"] < _LEAST or row["spiked"] > now - _HOUR:
            continue
        first = max(start - _LOOKED_AT * MINUTES, row["first_seen"] // 10**6 // MINUTES * MINUTES)
        by_start = dict(_buckets(connection, issue, first))
        before = [by_start.get(at, 0) for at in range(first, start, MINUTES)]
        if is_spike(by_start.get(start, 0), before):
            found[issue] = by_start[start]
    return found


def _buckets(connection: Connection, issue: int, first: int) -> Iterable[tuple[int, int]]:
    return (
        (row[0], row[1])
        for row in connection.execute(
            select(counts.c.start, func.sum(counts.c["count"]))
            .join_from(counts, groups, counts.c.group == groups.c.id)
            .where(groups.c.issue == issue, counts.c.width == MINUTES, counts.c.start >= first)
            .group_by(counts.c.start)
        )
    )


def _notice(row: Mapping[Any, Any], kind: str, spike: int, step: int, now: int) -> dict[str, Any]:
    details = {
        "issue": f"E{row['id']}",
        "notice": kind,
        "error_type": row["error_type"],
        "culprit": row["culprit"],
        "component": row["component"],
        "category": row["category"],
        "fingerprint": row["fingerprint"],
        "occurrences": row["count"],
    }
    if kind == "spike":
        details["in_five_minutes"] = spike
    if kind == "threshold":
        details["threshold"] = step
    return {
        "issue": row["id"],
        "time": now,
        "kind": kind,
        "level": LEVELS[kind],
        "message": f"{_SAYS[kind]}: {row['title']}",
        "details": json.dumps(details),
    }
