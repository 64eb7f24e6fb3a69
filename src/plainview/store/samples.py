"""Metrics as columns: series, samples, native histograms, exemplars."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import numpy as np

from plainview.store.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

__all__ = [
    "STALE",
    "Exemplar",
    "NativeHistogram",
    "SeriesRow",
    "of_exemplars",
    "of_histograms",
    "of_samples",
    "of_series",
    "stale_marker",
]

#: Bits of the NaN that says that a series has ended
#: (https://github.com/prometheus/prometheus/blob/main/model/value/value.go).
STALE: Final = 0x7FF0000000000002
_STALE_VALUE: Final = float(np.array([STALE], np.int64).view(np.float64)[0])

_encode: Final = msgspec.json.Encoder().encode


def stale_marker() -> float:
    """The NaN that says that a series has ended."""
    return _STALE_VALUE


class SeriesRow(NamedTuple):
    """A series: who it is, and what is known of its metric."""

    series_id: int
    name: str
    labels: Mapping[str, str]
    #: Name of the metric that it is a part of: of ``x_bucket`` it is ``x``.
    family: str
    kind: str
    unit: str = ""
    description: str = ""
    origin: str = "process"


@dataclass(frozen=True, slots=True)
class NativeHistogram:
    """A native histogram at one moment. Its buckets have Prometheus's numbers: ``i`` ends at ``2**(i * 2**-scale)``."""

    count: float
    sum: float
    scale: int
    zero: float = 0.0
    zero_threshold: float = 0.0
    positive: Mapping[int, float] = field(default_factory=dict)
    negative: Mapping[int, float] = field(default_factory=dict)
    stale: bool = False


class Exemplar(NamedTuple):
    """One observation with labels of its own, ``trace_id`` as a rule."""

    series_id: int
    timestamp_ms: int
    value: float
    labels: Mapping[str, str]


def _times(milliseconds: int | Sequence[int] | NDArray[np.int64], count: int) -> NDArray[Any]:
    times = np.broadcast_to(np.asarray(milliseconds, np.int64) * 1000, (count,))
    return np.ascontiguousarray(times).view("M8[us]")


def _objects(values: Sequence[object]) -> NDArray[Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def of_series(series: Sequence[SeriesRow], timestamp_ms: int) -> Rows:
    """Rows of ``metric_series``."""
    columns: dict[str, Any] = {
        "timestamp": _times(timestamp_ms, len(series)),
        "series_id": np.array([one.series_id for one in series], np.int64),
        "labels": _objects([_encode(one.labels).decode() for one in series]),
    }
    for name in ("name", "family", "kind", "unit", "description", "origin"):
        columns[name] = _objects([getattr(one, name) for one in series])
    return Rows("metric_series", len(series), columns)


def of_samples(
    series_ids: Sequence[int] | NDArray[np.int64],
    timestamps_ms: int | Sequence[int] | NDArray[np.int64],
    values: Sequence[float] | NDArray[np.float64],
) -> Rows:
    """Rows of ``metric_samples``; values may be NaN, and that NaN which ends a series."""
    numbers = np.ascontiguousarray(values, np.float64)
    nan = np.isnan(numbers)
    stale = numbers.view(np.int64) == STALE
    columns: dict[str, Any] = {
        "timestamp": _times(timestamps_ms, len(numbers)),
        "series_id": np.asarray(series_ids, np.int64),
        "value": np.ma.array(np.where(nan, 0.0, numbers), mask=nan) if nan.any() else numbers,
        "stale": stale.astype(np.uint8) if stale.any() else 0,
    }
    return Rows("metric_samples", len(numbers), columns)


def _buckets(buckets: Mapping[int, float]) -> tuple[str, str]:
    indexes = sorted(buckets)
    counts = np.array([buckets[index] for index in indexes], "<f8")
    return np.array(indexes, "<i4").tobytes().hex(), counts.tobytes().hex()


def of_histograms(
    series_ids: Sequence[int], timestamps_ms: int | Sequence[int], histograms: Sequence[NativeHistogram]
) -> Rows:
    """Rows of ``metric_histograms``."""
    count = len(histograms)
    columns: dict[str, Any] = {
        "timestamp": _times(timestamps_ms, count),
        "series_id": np.asarray(series_ids, np.int64),
        "scale": np.array([one.scale for one in histograms], np.int32),
        "stale": np.array([one.stale for one in histograms], np.uint8),
    }
    for name in ("count", "sum", "zero", "zero_threshold"):
        numbers = np.array([getattr(one, name) for one in histograms], np.float64)
        nan = np.isnan(numbers)
        columns[name] = np.ma.array(np.where(nan, 0.0, numbers), mask=nan) if nan.any() else numbers
    for name in ("positive", "negative"):
        pairs = [_buckets(getattr(one, name)) for one in histograms]
        columns[name] = _objects([indexes for indexes, _ in pairs])
        columns[f"{name}_counts"] = _objects([counts for _, counts in pairs])
    return Rows("metric_histograms", count, columns)


def of_exemplars(exemplars: Sequence[Exemplar]) -> Rows:
    """Rows of ``metric_exemplars``."""
    numbers = np.array([one.value for one in exemplars], np.float64)
    nan = np.isnan(numbers)
    columns: dict[str, Any] = {
        "timestamp": _times([one.timestamp_ms for one in exemplars], len(exemplars)),
        "series_id": np.array([one.series_id for one in exemplars], np.int64),
        "value": np.ma.array(np.where(nan, 0.0, numbers), mask=nan) if nan.any() else numbers,
        "labels": _objects([_encode(one.labels).decode() for one in exemplars]),
    }
    return Rows("metric_exemplars", len(exemplars), columns)
