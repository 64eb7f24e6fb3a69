"""Quantiles of classic histograms: series of cumulative buckets, told apart by ``le``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plainview.query.promql.arrays import anywhere
from plainview.query.promql.labels import BUCKET, Labels, get, nameless, without

if TYPE_CHECKING:
    from plainview.query.promql.arrays import Bools, Floats
    from plainview.query.promql.values import Vector

__all__ = ["bucket_quantiles"]


def bucket_quantiles(buckets: Vector, q: Floats) -> dict[Labels, tuple[Labels, Floats, Bools]]:
    """Quantile of each histogram at each step.

    Gives:
        labels without ``le`` → labels of the result, values, and where there are any.
    """
    groups: dict[Labels, list[tuple[float, int]]] = {}
    for row, labels in enumerate(buckets.labels):
        bound = _bound(get(labels, BUCKET))
        if bound is not None:
            groups.setdefault(without(labels, (BUCKET,)), []).append((bound, row))
    result = {}
    for labels, group in groups.items():
        group.sort()
        rows = [row for _, row in group]
        bounds = np.array([bound for bound, _ in group])
        values, present = _histogram(bounds, buckets.values[rows], buckets.present[rows], q)
        result[labels] = (nameless(labels), values, present)
    return result


def _bound(text: str) -> float | None:
    try:
        return None if "_" in text or text != text.strip() else float(text)
    except ValueError:
        return None


def _histogram(bounds: Floats, counts: Floats, present: Bools, q: Floats) -> tuple[Floats, Bools]:
    """Quantile of one histogram at each step; buckets may come and go."""
    value = np.zeros(counts.shape[1])
    patterns, which = np.unique(present, axis=1, return_inverse=True)
    which = which.reshape(-1)
    for number in range(patterns.shape[1]):
        rows, steps = np.flatnonzero(patterns[:, number]), np.flatnonzero(which == number)
        if len(rows):
            value[steps] = _quantile(bounds[rows], counts[np.ix_(rows, steps)], q[steps])
    return value, anywhere(present)


def _quantile(bounds: Floats, counts: Floats, q: Floats) -> Floats:
    """Prometheus's ``bucketQuantile``, for all steps: interpolated evenly within the bucket that has the rank."""
    edge = np.where(np.isnan(q), np.nan, np.where(q < 0, -np.inf, np.inf))
    sound = (q >= 0) & (q <= 1)
    starts = np.flatnonzero(np.append(True, bounds[1:] != bounds[:-1]))
    bounds, counts = bounds[starts], np.add.reduceat(counts, starts, axis=0)
    if not np.isposinf(bounds[-1]) or len(bounds) < 2:  # noqa: PLR2004 - all in one bucket tells nothing
        return np.where(sound, np.nan, edge)
    counts = np.fmax.accumulate(counts, axis=0)  # buckets that were scraped at different times may disagree
    observations = counts[-1]
    rank = q * observations
    bucket = np.argmax(np.vstack([counts[:-1] >= rank, np.ones(len(q), np.bool_)]), axis=0)
    steps = np.arange(len(q))
    below = np.maximum(bucket - 1, 0)
    first = bucket == 0
    start = np.where(first, 0.0, bounds[below])
    before = np.where(first, 0.0, counts[below, steps])
    value = start + (bounds[bucket] - start) * ((rank - before) / (counts[bucket, steps] - before))
    value = np.where(first & (bounds[0] <= 0), bounds[0], value)
    value = np.where(bucket == len(bounds) - 1, bounds[-2], value)
    value = np.where((observations == 0) | np.isnan(observations), np.nan, value)
    return np.where(sound, value, edge)
