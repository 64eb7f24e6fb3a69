"""Metrics as they stand: counters, gauges, and histograms with their percentiles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainview.exposition import Family, Histogram

__all__ = ["GROUPS", "percentile", "summary"]

#: Part of the metrics → what their names begin with.
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "jobs": ("job_", "jobs_", "batch_", "batches_", "celery_", "queue_"),
    "engines": ("engine_", "engines_", "llm_", "ml_"),
    "api": ("http_", "api_"),
}
_PERCENTILES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def summary(families: Iterable[Family], beginnings: Sequence[str] = ("",)) -> dict[str, list[dict[str, Any]]]:
    """All series of the metrics whose names begin so.

    Args:
        families: the metrics.
        beginnings: beginnings of names; one of them is enough.
    """
    found: dict[str, list[dict[str, Any]]] = {"counters": [], "gauges": [], "histograms": []}
    for family in sorted(families, key=lambda family: family.name):
        if not family.name.startswith(tuple(beginnings)):
            continue
        words = {"name": family.name, "unit": family.unit, "description": family.description}
        place = "counters" if family.kind == "counter" else "gauges"
        found[place] += [words | {"labels": dict(one.labels), "value": _number(one.value)} for one in family.samples]
        found["histograms"] += [words | _told(one) for one in family.histograms]
    return found


def _told(histogram: Histogram) -> dict[str, Any]:
    count = sum(histogram.buckets)
    told: dict[str, Any] = {
        "labels": dict(histogram.labels),
        "count": count,
        "sum": _number(histogram.sum),
        "mean": _number(histogram.sum / count) if count else None,
    }
    return told | {name: percentile(histogram, share) for name, share in _PERCENTILES.items()}


def _number(value: float) -> float | str:
    """A number as JSON can hold it."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def percentile(histogram: Histogram, share: float) -> float | None:
    """The value that so large a share of the observations does not exceed, by the exponential buckets.

    It is the middle of the bucket in which that value lies, so it is wrong by at most half of its width: 0.55 % with
    64 buckets to a power of two. None: there are no observations.
    """
    base = 2.0 ** (2.0**-histogram.scale)
    buckets = [(-_middle(base, index), count) for index, count in sorted(histogram.negative.items(), reverse=True)]
    buckets.append((0.0, histogram.zero))
    buckets += [(_middle(base, index), count) for index, count in sorted(histogram.positive.items())]
    total = sum(count for _, count in buckets)
    if not total:
        return None
    rank = max(1, math.ceil(share * total))
    reached = 0
    for value, count in buckets:
        reached += count
        if reached >= rank:
            return value
    return buckets[-1][0]


def _middle(base: float, index: int) -> float:
    """The value in a bucket that is as far from its lower end as from its upper one, as a ratio."""
    try:
        return 2.0 * base ** (index + 1) / (1.0 + base)
    except OverflowError:
        return math.inf
