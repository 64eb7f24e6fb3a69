"""Messages by their pattern: a thousand lines that differ in a number are one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from plainview.grouping.messages import MAX_LENGTH, normalise
from plainview.query.filters import of_logs
from plainview.query.ordered import measure, reaches
from plainview.query.sql import all_of, select
from plainview.query.times import rfc3339
from plainview.records import LEVEL_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from plainview.query.reader import Reader

__all__ = ["LOOKED_INTO", "patterns"]

#: How many of the newest rows are looked into.
LOOKED_INTO: Final = 50_000


@dataclass(slots=True)
class _Pattern:
    count: int
    level: int
    first: datetime
    last: datetime
    example_id: int


def patterns(reader: Reader, given: Mapping[str, Any], *, limit: int = 50) -> dict[str, Any]:
    """The patterns of the newest :data:`LOOKED_INTO` logs that a filter lets through, most frequent first.

    ``level`` is the most severe one seen of a pattern, ``example_id`` its newest entry; ``examined`` says how
    many entries were looked into.
    """
    where = of_logs(given).sql(reader.dialect)
    rows: list[tuple[Any, ...]] = []
    for reach in reaches(measure(reader, where), "desc", LOOKED_INTO):
        newest = select(
            f"substr(message, 1, {MAX_LENGTH}) AS text, level, timestamp, id",
            "logs",
            all_of(where, reach),
            f"ORDER BY timestamp DESC, id DESC LIMIT {LOOKED_INTO}",
        )
        columns = "text, max(level), count(*), min(timestamp), max(timestamp), max(id)"
        rows = reader.rows(select(columns, newest, rest="GROUP BY text"))
        if sum(row[2] for row in rows) >= LOOKED_INTO:
            break
    found: dict[str, _Pattern] = {}
    for text, level, count, first, last, id_ in rows:
        pattern = normalise(text)
        known = found.get(pattern)
        if known is None:
            found[pattern] = _Pattern(count, level, first, last, id_)
            continue
        known.count += count
        known.level = max(known.level, level)
        known.first = min(known.first, first)
        known.last = max(known.last, last)
        known.example_id = max(known.example_id, id_)
    ranked = sorted(found.items(), key=lambda item: (-item[1].count, item[0]))
    return {
        "patterns": [
            {
                "pattern": pattern,
                "count": known.count,
                "level": LEVEL_NAMES.get(known.level, "INFO"),
                "first": rfc3339(known.first),
                "last": rfc3339(known.last),
                "example_id": str(known.example_id),
            }
            for pattern, known in ranked[:limit]
        ],
        "total": len(ranked),
        "examined": sum(known.count for known in found.values()),
    }
