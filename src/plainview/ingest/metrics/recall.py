"""What the store knows of the totals, for a start that goes on where the last one ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from plainview.store.samples import NativeHistogram

if TYPE_CHECKING:
    from plainview.store.interface import Store

__all__ = ["Memory", "latest_times", "recall"]

#: Milliseconds for which a series may have been silent without beginning at nothing again.
_WINDOW: Final = 25 * 3_600_000

_VALUES: Final = (
    "SELECT series_id, arg_max(value, timestamp) AS value, epoch_ms(max(timestamp)) AS last, "
    "arg_max(stale, timestamp) AS stale FROM metric_samples "
    "WHERE timestamp >= make_timestamp_ms(?) AND timestamp <= make_timestamp_ms(?) AND series_id IN "
    "(SELECT series_id FROM metric_series WHERE origin = 'process') GROUP BY series_id"
)
_NATIVES: Final = (
    'SELECT series_id, "count", "sum", scale, zero, zero_threshold, positive, positive_counts, negative, '
    "negative_counts, epoch_ms(timestamp) FROM metric_histograms WHERE (series_id, timestamp) IN ("
    "SELECT series_id, max(timestamp) FROM metric_histograms WHERE stale = 0 AND timestamp >= make_timestamp_ms(?) "
    "AND timestamp <= make_timestamp_ms(?) AND series_id IN "
    "(SELECT series_id FROM metric_series WHERE origin = 'process') GROUP BY series_id)"
)
_TIMES: Final = (
    "SELECT series_id, epoch_ms(max(timestamp)) AS last FROM {} "
    "WHERE timestamp >= make_timestamp_ms(?) AND series_id IN "
    "(SELECT series_id FROM metric_series WHERE origin <> 'process') GROUP BY series_id"
)


@dataclass(slots=True)
class Memory:
    """Totals as they were stored last."""

    #: Number of the series → its last value.
    values: dict[int, float] = field(default_factory=dict)
    natives: dict[int, NativeHistogram] = field(default_factory=dict)
    #: The series that had a sample at the last tick.
    alive: set[int] = field(default_factory=set)
    #: When each series that others write had its last sample, milliseconds.
    times: dict[int, int] = field(default_factory=dict)


def recall(store: Store, closed: int, recent: int) -> Memory:
    """The totals of processes' series.

    Args:
        store: the store.
        closed: the last tick that is stored, milliseconds.
        recent: milliseconds before it within which a series that lived had a sample.
    """
    range_ = (max(0, closed - _WINDOW), closed)
    columns = store.arrays(_VALUES, range_, timeout=None)
    ids = np.asarray(columns["series_id"]).tolist()
    values = np.ma.filled(columns["value"].astype(np.float64), np.nan)
    memory = Memory(dict(zip(ids, values.tolist(), strict=True)))
    lives = (np.asarray(columns["last"]) > closed - recent) & (np.asarray(columns["stale"]) == 0)
    memory.alive = {number for number, alive in zip(ids, lives.tolist(), strict=True) if alive}
    for number, count, total, scale, zero, threshold, *buckets, last in store.query(
        _NATIVES, range_, timeout=None
    ).rows:
        positive, negative = _buckets(*buckets[:2]), _buckets(*buckets[2:])
        memory.natives[number] = NativeHistogram(count, total, scale, zero, threshold, positive, negative)
        if last > closed - recent:
            memory.alive.add(number)
    return memory


def _buckets(indexes: bytes, counts: bytes) -> dict[int, float]:
    numbers = np.frombuffer(bytes(indexes), "<i4").tolist()
    return dict(zip(numbers, np.frombuffer(bytes(counts), "<f8").tolist(), strict=True))


def latest_times(store: Store) -> dict[int, int]:
    """When each series that others write had its last sample, milliseconds; of the last day."""
    times: dict[int, int] = {}
    for table in ("metric_samples", "metric_histograms"):
        newest = store.query(f"SELECT epoch_ms(max(timestamp)) FROM {table}", timeout=None).rows[0][0]  # noqa: S608 - ours
        if newest is not None:
            rows = store.query(_TIMES.format(table), (max(0, newest - _WINDOW),), timeout=None).rows
            for number, last in rows:
                times[number] = max(last, times.get(number, 0))
    return times
