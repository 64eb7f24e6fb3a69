"""Reading rows by time, newest or oldest first, no further than needed.

An engine that is asked for the newest hundred rows of millions may well look at all of them. Here it is asked for
those of a stretch of time that should hold a hundred, and of a longer one when it did not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from plainview.query.sql import EVERY_ROW, Sql, all_of, select
from plainview.query.times import microseconds, moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainview.query.reader import Reader

__all__ = ["Extent", "Order", "after_place", "measure", "reaches", "rows"]

Order = Literal["desc", "asc"]

#: How many rows more than wanted a stretch should hold, as far as one can tell beforehand, and by how much it grows.
_AMPLE: Final = 4
_GROWTH: Final = 8
#: Stretches that are tried before anything is known of the rows, microseconds.
_BLIND: Final = (60 * 10**6, 3600 * 10**6)


@dataclass(frozen=True, slots=True)
class Extent:
    """How many rows there are, and the times of the first and the last (microseconds since 1970)."""

    count: int
    low: int
    high: int


def measure(reader: Reader, where: Sql) -> Extent:
    """The extent of the logs that a condition lets through."""
    row = reader.row(select("count(*), min(timestamp), max(timestamp)", "logs", where))
    if row is None or not row[0]:
        return Extent(0, 0, 0)
    return Extent(int(row[0]), microseconds(row[1]), microseconds(row[2]))


def after_place(order: Order, key: int, id_: int) -> Sql:
    """Rows that come after (timestamp, id) in the order."""
    sign = "<" if order == "desc" else ">"
    at = moment(key)
    return Sql(f"timestamp {sign}= ? AND (timestamp {sign} ? OR id {sign} ?)", (at, at, id_))


def reaches(extent: Extent, order: Order, wanted: int, start: int | None = None) -> Iterator[Sql]:
    """Conditions that reach further and further from the beginning of the order; the last reaches to its end.

    Args:
        extent: of the rows, exactly or nearly.
        order: newest or oldest first.
        wanted: how many rows are looked for.
        start: where in time the order is entered, when not at its beginning.
    """
    if extent.count:
        near, far, sign = (extent.high, extent.low, -1) if order == "desc" else (extent.low, extent.high, 1)
        near = near if start is None else start
        width = max(1, (extent.high - extent.low + 1) * _AMPLE * wanted // extent.count)
        while (far - near) * sign > width:
            yield _within(order, near + sign * width)
            width *= _GROWTH
        yield EVERY_ROW


def _within(order: Order, edge: int) -> Sql:
    return Sql(f"timestamp {'>=' if order == 'desc' else '<='} ?", (moment(edge),))


def rows(  # noqa: PLR0913 - each is one part of the question
    reader: Reader,
    what: str,
    where: Sql,
    order: Order,
    limit: int,
    *,
    start: int | None = None,
    extent: Extent | None = None,
) -> list[tuple[Any, ...]]:
    """The first rows in the order, of the logs that a condition lets through.

    Args:
        reader: the way to the store.
        what: the columns.
        where: the condition.
        order: newest or oldest first.
        limit: most rows.
        start: where in time the order is entered, when not at its beginning.
        extent: of the rows, where it is known.
    """
    direction = "DESC" if order == "desc" else "ASC"
    last = f"ORDER BY timestamp {direction}, id {direction} LIMIT {int(limit)}"
    found: list[tuple[Any, ...]] = []
    for reach in _all_reaches(reader, where, order, limit, start, extent):
        found = reader.rows(select(what, "logs", all_of(where, reach), last))
        if len(found) >= limit:
            break
    return found


def _all_reaches(  # noqa: PLR0913, PLR0917 - as above
    reader: Reader, where: Sql, order: Order, limit: int, start: int | None, extent: Extent | None
) -> Iterator[Sql]:
    if limit <= 0:
        return
    if extent is None and start is not None:
        sign = -1 if order == "desc" else 1
        yield from (_within(order, start + sign * width) for width in _BLIND)
    yield from reaches(extent or measure(reader, where), order, limit, start)
