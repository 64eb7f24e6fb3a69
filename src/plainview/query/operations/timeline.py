"""Operations along the time: what lies beneath one, however deep, and of very many those that took longest."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from plainview.query.operations.folding import states
from plainview.query.sql import Sql, select
from plainview.query.times import beside, moment, rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from plainview.query.reader import Reader

__all__ = ["MORE", "beneath", "timeline"]

#: Operations on a time line: those that took longest.
_SHOWN: Final = 2000
_NAMES: Final = ("operation_id", "parent_id", "kind", "name", "started_at", "duration_ms", "status")
#: How far the clocks of machines that work on one thing may be apart.
_SLACK: Final = timedelta(hours=1)
#: All that is a part of an operation, or of such a part; each once, so that a circle ends.
_BENEATH: Final = """WITH RECURSIVE beneath AS (
    SELECT operation_id FROM operations WHERE parent_id = ? AND start_time >= ? AND id <= ?
    UNION
    SELECT below.operation_id FROM operations AS below JOIN beneath ON below.parent_id = beneath.operation_id
    WHERE below.start_time >= ? AND below.id <= ?
  ) SELECT operation_id FROM beneath"""
#: What `timeline` needs to know of an operation beside what `folding.states` tells.
MORE: Final = ", any_value(parent_id) AS parent"


def timeline(reader: Reader, folded: Sql) -> tuple[list[Mapping[str, Any]], int]:
    """Operations in the order in which they began, the longest 2,000 of them, and how many there are beside these.

    Args:
        reader: the way to the store.
        folded: the operations, as `folding.states` gives them with `MORE`.
    """
    columns = (
        "operation_id, parent, kind, name, started, coalesce(took, (seen - started) / 1e3) AS length, status, "
        "count(*) OVER () AS found"
    )
    rest = f"ORDER BY length DESC, started, operation_id LIMIT {_SHOWN}"
    # One that waits in a queue has no place on it.
    rows = reader.rows(select(columns, folded, Sql("status <> 'queued'"), rest))
    shown: list[Mapping[str, Any]] = [
        dict(zip(_NAMES, (*row[:4], rfc3339(moment(row[4])), *row[5:7]), strict=True))
        for row in sorted(rows, key=lambda row: (row[4], row[0]))
    ]
    return shown, int(rows[0][7]) - len(rows) if rows else 0


def beneath(reader: Reader, id_: str, *, until_id: int, began: datetime) -> tuple[list[Mapping[str, Any]], int]:
    """What an operation is made of, its parts and theirs, as `timeline` gives it.

    Args:
        reader: the way to the store.
        id_: ``operation_id``.
        until_id: the last row that counts.
        began: when the operation did.
    """
    first = beside(began, -_SLACK)
    among = Sql(
        f"start_time >= ? AND operation_id <> ? AND operation_id IN ({_BENEATH})",
        (first, id_, id_, first, until_id, first, until_id),
    )
    return timeline(reader, states(reader.dialect, until_id, among, MORE, queued=False))
