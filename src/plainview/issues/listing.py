"""The list of issues: which ones, in which order, page by page; and what they come to together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, func, or_, select

from plainview.issues.stretch import HOUR
from plainview.issues.workflow import number
from plainview.query import cursor as cursors
from plainview.query.errors import BadInput
from plainview.query.times import microseconds, moment, parse, rfc3339
from plainview.records import LEVEL_NAMES, level_number
from plainview.state.tables import affected, counts, groups, issues

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select

    from plainview.state.database import Database

__all__ = ["SORTS", "conditions", "moments", "search", "shown", "summary"]

#: What a list can be sorted by → the column.
SORTS: Final = {
    "last_seen": issues.c.last_seen,
    "first_seen": issues.c.first_seen,
    "count": issues.c["count"],
    "users": issues.c.users,
    "jobs": issues.c.jobs,
    "level": issues.c.level,
}
#: Filter → kind of what an issue affects.
_AFFECTED: Final = {
    "service": "service",
    "environment": "environment",
    "release": "release",
    "job_id": "job",
    "batch_id": "batch",
    "run_id": "run",
    "user_id": "user",
}
#: Filter → column whose value it names.
_PLAIN: Final = {
    "status": issues.c.status,
    "category": issues.c.category,
    "type": issues.c.error_type,
    "component": issues.c.component,
    "assignee": issues.c.assignee,
}
#: Filter → column, and whether it is the earliest that is let through.
_TIMES: Final = {
    "first_seen_after": (issues.c.first_seen, True),
    "first_seen_before": (issues.c.first_seen, False),
    "last_seen_after": (issues.c.last_seen, True),
    "last_seen_before": (issues.c.last_seen, False),
}
_SPARK_HOURS: Final = 24
_LARGEST: Final = (1 << 63) - 1
_SERVICES: Final = 10
_TOP: Final = 10


def moments(at: int) -> str:
    """Microseconds since 1970 as RFC 3339."""
    return rfc3339(moment(at))


def now() -> datetime:
    """The time, naive, UTC."""
    return moment(time.time_ns() // 1000)


def conditions(given: Mapping[str, Any], at: datetime) -> list[ColumnElement[bool]]:
    """What a filter asks of an issue.

    Args:
        given: values by name of the filter; a list lets any of its values through.
        at: what "now" means.

    Raises:
        BadInput: a value is none.
    """
    found: list[ColumnElement[bool]] = [issues.c.merged_into.is_(None)]
    for name, column in _PLAIN.items():
        if given.get(name):
            found.append(column.in_(_values(given[name])))
    for name, kind in _AFFECTED.items():
        if given.get(name):
            hit = select(groups.c.issue).join_from(affected, groups, affected.c.group == groups.c.id)
            hit = hit.where(affected.c.kind == kind, affected.c.value.in_(_values(given[name])))
            found.append(issues.c.id.in_(hit))
    for name, (column, least) in _TIMES.items():
        if given.get(name):
            edge = microseconds(parse(given[name], name, at))
            found.append(column >= edge if least else column < edge)
    if given.get("level"):
        try:
            found.append(issues.c.level >= level_number(given["level"]))
        except ValueError as error:
            raise BadInput(field="level", message=str(error)) from None
    if given.get("text"):
        found += [_text(word) for word in str(given["text"]).split()]
    return found


def _values(given: str | Sequence[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _text(word: str) -> ColumnElement[bool]:
    """A word stands in the title, the place or the component, in any case; or is the id or a fingerprint."""
    places = [
        func.lower(column).contains(word.lower(), autoescape=True)
        for column in (issues.c.title, issues.c.culprit, issues.c.component)
    ]
    exact: list[ColumnElement[bool]] = [
        issues.c.id.in_(select(groups.c.issue).where(groups.c.fingerprint == word.lower()))
    ]
    id_ = number(word)
    if id_ is not None:
        exact.append(issues.c.id == id_)
    return or_(*places, *exact)


def search(  # noqa: PLR0913 - what a list can be asked
    database: Database,
    given: Mapping[str, Any],
    *,
    sort: str = "last_seen",
    order: str = "desc",
    limit: int = 50,
    cursor: str | None = None,
) -> dict[str, Any]:
    """One page of the issues that a filter lets through.

    Args:
        database: the state.
        given: the filter, see `conditions`.
        sort: one of `SORTS`.
        order: ``desc`` or ``asc``.
        limit: most issues of the page.
        cursor: ``next`` of the page before.

    Returns:
        ``errors``, ``total`` (exact, of the whole list as of its first page), ``next`` (None at the end).

    Raises:
        BadInput: the filter or the cursor is wrong.
    """
    of = f"errors.{sort}.{order}"
    place = cursors.read(cursor, of) if cursor else None
    at = moment(place.now) if place else now()
    column, falling = SORTS[sort], order == "desc"
    where = conditions(given, at)
    with database.read() as connection:
        total = place.total if place else _total(connection, where)
        if place:
            last = cursors.row_id(place.id)
            beyond = (
                or_(column < place.key, and_(column == place.key, issues.c.id < last))
                if falling
                else or_(column > place.key, and_(column == place.key, issues.c.id > last))
            )
            where.append(beyond)
        sorted_by = (column.desc(), issues.c.id.desc()) if falling else (column.asc(), issues.c.id.asc())
        page = list(connection.execute(_columns().where(*where).order_by(*sorted_by).limit(limit + 1)).mappings())
        more = None
        if len(page) > limit:
            page = page[:limit]
            key = int(page[-1][column.name])
            asked = microseconds(at)
            more = cursors.write(cursors.Cursor(of, key, str(page[-1]["id"]), 0, asked, total))
        return {"errors": shown(connection, page), "total": total, "next": more}


def _columns() -> Select[Any]:
    return select(*(column for column in issues.c if column.name not in ("sample", "known_releases")))


def _total(connection: Connection, where: Sequence[ColumnElement[bool]]) -> int:
    return int(connection.scalar(select(func.count()).select_from(issues).where(*where)) or 0)


def shown(connection: Connection, rows: Sequence[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    """Rows of issues as the API shows them in a list."""
    numbers = [row["id"] for row in rows]
    sparks = _sparklines(connection, numbers)
    services = _services(connection, numbers)
    return [
        {
            "id": f"E{row['id']}",
            "error_type": row["error_type"],
            "error_message": row["error_message"],
            "title": row["title"],
            "culprit": row["culprit"],
            "component": row["component"],
            "category": row["category"],
            "status": row["status"],
            "level": LEVEL_NAMES.get(row["level"], "ERROR"),
            "fingerprint": row["fingerprint"],
            "first_seen": moments(row["first_seen"]),
            "last_seen": moments(row["last_seen"]),
            "occurrence_count": row["count"],
            "sparkline": sparks[row["id"]],
            "users": row["users"],
            "jobs": row["jobs"],
            "services": services[row["id"]],
            "handled": bool(row["handled"]),
            "assignee": row["assignee"],
            "regressions": row["regressions"],
        }
        for row in rows
    ]


def _sparklines(connection: Connection, numbers: Sequence[int]) -> dict[int, list[int]]:
    """Occurrences in each of the last 24 hours, the latest last."""
    found = {number: [0] * _SPARK_HOURS for number in numbers}
    first = int(time.time()) // HOUR * HOUR - (_SPARK_HOURS - 1) * HOUR
    for issue, start, count in connection.execute(
        select(groups.c.issue, counts.c.start, counts.c["count"])
        .join_from(groups, counts, counts.c.group == groups.c.id)
        .where(
            groups.c.issue.in_(numbers),
            counts.c.width == HOUR,
            counts.c.start >= first,
            counts.c.start < first + _SPARK_HOURS * HOUR,
        )
    ):
        found[issue][(start - first) // HOUR] += count
    return found


def _services(connection: Connection, numbers: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {number: [] for number in numbers}
    weight = func.sum(affected.c["count"])
    ids = list(connection.scalars(select(groups.c.id).where(groups.c.issue.in_(numbers))))
    for issue, service in connection.execute(
        select(groups.c.issue, affected.c.value)
        .join_from(groups, affected, affected.c.group == groups.c.id)
        .where(affected.c.group.in_(ids), affected.c.kind == "service")
        .group_by(groups.c.issue, affected.c.value)
        .order_by(weight.desc(), affected.c.value)
    ):
        if len(found[issue]) < _SERVICES:
            found[issue].append(service)
    return found


def summary(database: Database, given: Mapping[str, Any], start: str, end: str) -> dict[str, Any]:
    """How things stand: counts by status, category and level, occurrences by the hour, the most frequent issues.

    Args:
        database: the state.
        given: the filter, see `conditions`.
        start: from this moment on, whole hours.
        end: up to this one.

    Raises:
        BadInput: a value is none.
    """
    at = now()
    where = conditions(given, at)
    first, last = (parse(text, name, at) for text, name in ((start, "start_time"), (end, "end_time")))
    if last < first:
        raise BadInput(field="end_time", message="is before start_time")
    low, high = microseconds(first) // 10**6 // HOUR * HOUR, microseconds(last) // 10**6
    low = max(low, high // HOUR * HOUR - 90 * 86400)
    meant = select(issues.c.id).where(*where)
    inside = (counts.c.width == HOUR, counts.c.start >= low, counts.c.start <= high, groups.c.issue.in_(meant))
    joined = groups.join(counts, counts.c.group == groups.c.id)
    weight = func.sum(counts.c["count"])
    with database.read() as connection:
        by: dict[str, dict[str, int]] = {}
        for name in ("status", "category", "level"):
            column = issues.c[name]
            rows = connection.execute(
                select(column, func.count()).select_from(issues).where(*where).group_by(column).order_by(column)
            )
            by[name] = {LEVEL_NAMES.get(value, str(value)): count for value, count in rows}
        hours = {
            row[0]: int(row[1])
            for row in connection.execute(
                select(counts.c.start, weight).select_from(joined).where(*inside).group_by(counts.c.start)
            )
        }
        top = {
            row[0]: int(row[1])
            for row in connection.execute(
                select(groups.c.issue, weight)
                .select_from(joined)
                .where(*inside)
                .group_by(groups.c.issue)
                .order_by(weight.desc(), groups.c.issue)
                .limit(_TOP)
            )
        }
        rows_of_top = connection.execute(_columns().where(issues.c.id.in_(top))).mappings()
        those = shown(connection, list(rows_of_top))
        since = microseconds(first)
        fresh = _total(connection, [*where, issues.c.first_seen >= since])
        total = _total(connection, where)
    those.sort(key=lambda issue: (-top[number(issue["id"]) or 0], issue["id"]))
    return {
        "start": rfc3339(moment(low * 10**6)),
        "end": rfc3339(last),
        "total": total,
        "new": fresh,
        "occurrences": sum(hours.values()),
        "by_status": by["status"],
        "by_category": by["category"],
        "by_level": by["level"],
        "top": [issue | {"in_range": top[number(issue["id"]) or 0]} for issue in those],
        "frequency": [
            {"time": rfc3339(moment(hour * 10**6)), "count": hours.get(hour, 0)} for hour in range(low, high + 1, HOUR)
        ],
    }
