"""Logs: search, one entry, what stands around it, and what came after it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from plainview.query import cursor as cursors, ordered
from plainview.query.entries import LOG_COLUMNS, Entry, log_entry
from plainview.query.errors import BadInput
from plainview.query.filters import now, of_logs
from plainview.query.ordered import Extent, Order, after_place, measure
from plainview.query.sql import EVERY_ROW, Sql, all_of, select
from plainview.query.times import microseconds, moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from plainview.query.filters import Filter
    from plainview.query.reader import Reader

__all__ = ["SCOPES", "Order", "Scope", "after", "context", "entry", "export", "search"]

Scope = Literal["all", "request", "process", "trace"]

#: Scope → the column whose value the entries around share with the one in the middle.
SCOPES: Final[Mapping[Scope, str | None]] = {
    "all": None,
    "request": "request_id",
    "process": "stream",
    "trace": "trace_id",
}

_EXPORT_PAGE: Final = 5000


def search(
    reader: Reader,
    given: Mapping[str, Any],
    *,
    limit: int = 100,
    cursor: str | None = None,
    order: Order = "desc",
) -> dict[str, Any]:
    """One page of the logs that a filter lets through.

    The pages of one list hold what was stored when the first was asked for, each entry once.

    Args:
        reader: the way to the store.
        given: the request's filter, see :func:`plainview.query.filters.of_logs`.
        limit: most entries of the page.
        cursor: ``next`` of the page before.
        order: newest first (``desc``) or oldest first.

    Returns:
        ``logs``, ``total`` (of the whole list), ``next`` (``None`` at the end), ``last_id`` (for the tail to
        go on from).

    Raises:
        BadInput: the filter or the cursor is wrong.
    """
    of = f"logs.{order}"
    place = cursors.read(cursor, of, cursors.LAST_MOMENT) if cursor else None
    asked_at = moment(place.now) if place else now()
    until = place.until_id if place else reader.store.last_id("logs")
    where = all_of(of_logs(given, asked_at).sql(reader.dialect), Sql("id <= ?", (until,)))
    start = None
    if place:
        extent = Extent(place.total, place.low, place.high)
        start = place.key
        where = all_of(where, after_place(order, place.key, cursors.row_id(place.id)))
    else:
        extent = measure(reader, where)
    rows = ordered.rows(reader, LOG_COLUMNS, where, order, limit + 1, start=start, extent=extent)
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        more = cursors.write(
            cursors.Cursor(
                of,
                microseconds(last[1]),
                str(last[0]),
                until,
                microseconds(asked_at),
                extent.count,
                extent.low,
                extent.high,
            )
        )
    return {
        "logs": [log_entry(row) for row in rows[:limit]],
        "total": extent.count,
        "next": more,
        "last_id": str(until),
    }


def _count(reader: Reader, where: Sql) -> int:
    row = reader.row(select("count(*)", "logs", where))
    return int(row[0]) if row else 0


def _row(reader: Reader, id_: str) -> tuple[Any, ...] | None:
    return reader.row(select(f"{LOG_COLUMNS}, stream", "logs", Sql("id = ?", (cursors.row_id(id_),)), "LIMIT 1"))


def entry(reader: Reader, id_: str) -> Entry | None:
    """The entry of an id, if there is one."""
    row = _row(reader, id_)
    return log_entry(row[:-1]) if row else None


def context(
    reader: Reader, id_: str, *, before: int = 20, after: int = 20, scope: Scope = "all"
) -> dict[str, Any] | None:
    """An entry between those that came before and after it, oldest first; ``None`` when there is no such entry.

    Args:
        reader: the way to the store.
        id_: the entry's id.
        before: most entries before it.
        after: most entries after it.
        scope: which ones: all, or those of the same request, process or trace.

    Raises:
        BadInput: the entry belongs to no request or trace.
    """
    row = _row(reader, id_)
    if row is None:
        return None
    middle = log_entry(row[:-1])
    column = SCOPES[scope]
    shared = EVERY_ROW
    if column:
        value = row[-1] if column == "stream" else middle.get(column)
        if value is None:
            raise BadInput(field="scope", message=f"this entry has no {column}")
        shared = Sql(f"{column} = ?", (value,))
    key, number = microseconds(row[1]), int(row[0])
    sides: tuple[tuple[Order, int], ...] = (("desc", before), ("asc", after))
    older, newer = (
        ordered.rows(reader, LOG_COLUMNS, all_of(shared, after_place(order, key, number)), order, most, start=key)
        for order, most in sides
    )
    return {
        "before": [log_entry(found) for found in reversed(older)],
        "entry": middle,
        "after": [log_entry(found) for found in newer],
    }


def after(reader: Reader, wanted: Filter, last_id: int, limit: int) -> tuple[list[Entry], int, int]:
    """What was stored since: for following along.

    Args:
        reader: the way to the store.
        wanted: the filter; its times count too.
        last_id: the last id already seen.
        limit: most entries; the newest ones, when there are more.

    Returns:
        The entries, oldest first; how many were left out before them; the last id that was looked at.
    """
    newest = reader.store.last_id("logs")
    if newest <= last_id:
        return [], 0, last_id
    where = all_of(Sql("id > ? AND id <= ?", (last_id, newest)), wanted.sql(reader.dialect))
    rows = reader.rows(select(LOG_COLUMNS, "logs", where, f"ORDER BY id DESC LIMIT {int(limit)}"))
    skipped = _count(reader, where) - len(rows) if len(rows) == limit else 0
    return [log_entry(row) for row in reversed(rows)], skipped, newest


def export(reader: Reader, given: Mapping[str, Any], *, limit: int, order: Order = "desc") -> Iterator[list[Entry]]:
    """All entries that a filter lets through, page by page, so that none has to be held in full.

    Each page has the reader's whole time.
    """
    cursor: str | None = None
    while limit > 0:
        page = search(
            replace(reader),
            given,
            limit=min(limit, _EXPORT_PAGE),
            cursor=cursor,
            order=order,
        )
        yield page["logs"]
        limit -= len(page["logs"])
        cursor = page["next"]
        if cursor is None:
            return
