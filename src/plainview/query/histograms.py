"""How many logs when, by level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainview.query.buckets import cut, range_of
from plainview.query.filters import Filter, now, of_logs
from plainview.query.sql import select
from plainview.query.times import rfc3339
from plainview.records import LEVEL_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plainview.query.reader import Reader

__all__ = ["logs"]


def logs(reader: Reader, given: Mapping[str, Any], *, buckets: int = 60) -> dict[str, Any]:
    """Counts by level over time.

    Buckets lie on whole multiples of their width, so the first may begin before ``start`` and the last end
    after ``end``; only what lies between the two is counted.

    Args:
        reader: the way to the store.
        given: the request's filter, see :func:`plainview.query.filters.of_logs`.
        buckets: most buckets.

    Returns:
        ``start``, ``end``, ``width_ms``, and ``buckets`` of ``time`` and ``counts`` (level → number), none left out.
    """
    moment = now()
    wanted = of_logs(given, moment)
    found = None
    if wanted.start is None or wanted.end is None:
        # A filter that is costly to decide is decided once: then the range is that of all there is.
        ranged = Filter(wanted.start, wanted.end, () if wanted.heavy else wanted.conditions)
        found = reader.row(select("min(timestamp), max(timestamp)", "logs", ranged.sql(reader.dialect)))
    start, end = range_of(wanted.start, wanted.end, found, moment)
    cuts = cut(start, end, buckets)
    where = Filter(start, end, wanted.conditions).sql(reader.dialect)
    number = reader.dialect.time_bucket("timestamp", cuts.width_ms, cuts.origin_us)
    rows = reader.rows(select(f"{number} AS bucket, level, count(*)", "logs", where, "GROUP BY bucket, level"))
    counts: list[dict[str, int]] = [{} for _ in range(cuts.count)]
    for bucket, level, count in sorted(rows, reverse=True):
        name = LEVEL_NAMES.get(level, "INFO")
        counts[bucket][name] = counts[bucket].get(name, 0) + count
    return {
        "start": rfc3339(start),
        "end": rfc3339(end),
        "width_ms": cuts.width_ms,
        "buckets": [{"time": at, "counts": found} for at, found in zip(cuts.times(), counts, strict=True)],
    }
