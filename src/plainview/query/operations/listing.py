"""Operations as a list, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from plainview.query import cursor as cursors
from plainview.query.filters import now
from plainview.query.operations.filtering import of_operations
from plainview.query.operations.whole import operations
from plainview.query.sql import EVERY_ROW, Sql, select
from plainview.query.times import microseconds, moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plainview.query.reader import Reader

__all__ = ["OrderBy", "search"]

OrderBy = Literal["started_at", "duration_ms", "last_seen"]
#: Order → the whole number that is sorted by; ``?`` is now, in microseconds.
_KEYS: Final[Mapping[str, Sql]] = {
    "started_at": Sql("started"),
    "last_seen": Sql("seen"),
    "duration_ms": Sql(
        "CASE WHEN status = 'queued' THEN -1 WHEN took IS NOT NULL AND took < 9e12 THEN CAST(took * 1000 AS BIGINT) "
        "ELSE greatest(0, coalesce(ended, ?) - started) END"
    ),
}


def search(
    reader: Reader,
    given: Mapping[str, Any],
    *,
    limit: int = 50,
    cursor: str | None = None,
    order_by: OrderBy = "started_at",
) -> dict[str, Any]:
    """One page of the operations that a filter lets through: greatest first.

    Args:
        reader: the way to the store.
        given: the request's filter, see `filtering.of_operations`.
        limit: most operations of the page.
        cursor: ``next`` of the page before.
        order_by: what to sort by.

    Returns:
        ``operations``, ``total`` (exact, of the whole list as of its first page), ``next`` (None at the end).

    Raises:
        BadInput: the filter or the cursor is wrong.
    """
    of = f"operations.{order_by}"
    place = cursors.read(cursor, of) if cursor else None
    asked = place.now if place else microseconds(now())
    until = place.until_id if place else reader.store.last_id("operations")
    wanted = of_operations(given, moment(asked)).states(reader, until)
    key = _KEYS[order_by]
    keyed = select(f"operation_id, {key.text} AS place, started", Sql(wanted.text))
    keyed = Sql(keyed.text, (*((asked,) * key.text.count("?")), *wanted.parameters))
    columns, beyond = "operation_id, place, started", EVERY_ROW
    if place:
        beyond = Sql("(place < ? OR (place = ? AND operation_id < ?))", (place.key, place.key, place.id))
    else:
        columns += ", count(*) OVER ()"
    order = f"ORDER BY place DESC, operation_id DESC LIMIT {int(limit) + 1}"
    rows = reader.rows(select(columns, keyed, beyond, order))
    total = place.total if place else int(rows[0][3]) if rows else 0
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        more = cursors.write(cursors.Cursor(of, last[1], last[0], until, asked, total))
    page = rows[:limit]
    began = [row[2] for row in page]
    between = (min(began), max(began)) if began else None
    found = operations(reader, [row[0] for row in page], until_id=until, at=moment(asked), began=between)
    return {"operations": found, "total": total, "next": more}
