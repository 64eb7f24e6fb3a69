"""Native histograms: exponential buckets, dense in memory, all steps at once.

Bucket ``i`` holds what is greater than ``base**(i-1)`` and at most ``base**i`` with ``base = 2**2**-schema``; this is
Prometheus's numbering (OpenTelemetry's is one lower).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainview.query.promql.arrays import Bools, Floats, Integers

__all__ = ["COUNT", "SUM", "Histograms", "added", "fell", "fraction", "quantile"]

#: Columns before the buckets.
COUNT: Final = 0
SUM: Final = 1
ZERO: Final = 2
_FIXED: Final = 3


@dataclass(slots=True)
class Histograms:
    """Histograms with the same buckets, one per row.

    Attributes:
        schema: how fine the buckets are.
        threshold: what is as small as this counts as zero.
        negative, positive: indexes of the buckets, rising.
        data: rows x columns: count, sum, zeros, then the observations in each negative and each positive bucket.
    """

    schema: int
    threshold: float
    negative: Integers
    positive: Integers
    data: Floats

    def rows(self, index: Integers | Bools) -> Histograms:
        """These rows, in this order."""
        return self.with_data(self.data[index])

    def with_data(self, data: Floats) -> Histograms:
        """The same buckets with other contents."""
        return Histograms(self.schema, self.threshold, self.negative, self.positive, data)

    def aligned(self, schema: int, threshold: float, negative: Integers, positive: Integers) -> Histograms:
        """The same histograms in these buckets, which are as coarse or coarser and hold all of these."""
        if (
            self.schema == schema
            and self.threshold == threshold
            and np.array_equal(self.negative, negative)
            and np.array_equal(self.positive, positive)
        ):
            return self
        width = _FIXED + len(negative) + len(positive)
        data = np.zeros((len(self.data), width))
        data[:, :_FIXED] = self.data[:, :_FIXED]
        column = _FIXED
        for own, those, start in (
            (self.negative, negative, _FIXED),
            (self.positive, positive, _FIXED + len(negative)),
        ):
            for index in coarser(own, self.schema, schema):
                place = int(np.searchsorted(those, index))
                if place < len(those) and those[place] == index:
                    data[:, start + place] += self.data[:, column]
                else:  # within the wider bucket of zeros
                    data[:, ZERO] += self.data[:, column]
                column += 1
        return Histograms(schema, threshold, negative, positive, data)

    def bounds(self, *, told: bool = False) -> tuple[Floats, Floats, Floats]:
        """Lower bounds, upper bounds and contents (rows x buckets) of all buckets, from the lowest to the highest.

        To estimate with, the bucket of zeros ends at zero where all observations are on one side of it; not so when
        the buckets are ``told`` to somebody.
        """
        base = 2.0**-self.schema
        negative, positive = self.negative[::-1], self.positive
        low = np.concatenate([-np.exp2(negative * base), [-self.threshold], np.exp2((positive - 1) * base)])
        high = np.concatenate([-np.exp2((negative - 1) * base), [self.threshold], np.exp2(positive * base)])
        first = _FIXED + len(negative)
        contents = [self.data[:, _FIXED:first][:, ::-1], self.data[:, ZERO : ZERO + 1], self.data[:, first:]]
        if len(positive) and not len(negative) and not told:
            low[0] = 0.0  # only positive observations: nothing is below zero
        elif len(negative) and not len(positive) and not told:
            high[-1] = 0.0
        return low, high, np.concatenate(contents, axis=1)


def coarser(indexes: Integers, schema: int, wanted: int) -> Integers:
    """In which bucket of a coarser schema each bucket lies."""
    return ((indexes - 1) >> (schema - wanted)) + 1


def together(histograms: Sequence[Histograms]) -> list[Histograms]:
    """The same histograms, all in the same buckets."""
    schema = min(one.schema for one in histograms)
    threshold = max(one.threshold for one in histograms)
    sides: list[Integers] = []
    for side in ("negative", "positive"):
        indexes = [coarser(getattr(one, side), one.schema, schema) for one in histograms]
        union = np.unique(np.concatenate(indexes))
        sides.append(union[np.exp2(union * 2.0**-schema) > threshold])
    return [one.aligned(schema, threshold, *sides) for one in histograms]


def added(histograms: Sequence[Histograms], present: Sequence[Bools]) -> Histograms:
    """The sum, row by row, of those that are present."""
    same = together(histograms)
    total = np.zeros(same[0].data.shape)
    for one, there in zip(same, present, strict=True):
        total += np.where(there[:, None], one.data, 0.0)
    return same[0].with_data(total)


def fell(histograms: Histograms) -> Bools:
    """For each row, whether the counter began anew there: some of it is smaller than in the row before."""
    counts = np.delete(histograms.data, SUM, axis=1)
    result = np.zeros(len(counts), np.bool_)
    result[1:] = (counts[1:] < counts[:-1]).any(axis=1)
    return result


def quantile(histograms: Histograms, q: Floats) -> Floats:
    """Quantile of each row, evenly spread within its bucket (Prometheus's ``histogramQuantile``)."""
    low, high, contents = histograms.bounds()
    count = histograms.data[:, COUNT]
    rank = np.clip(np.where(np.isnan(q), 0, q), 0, 1) * count
    filled = contents > 0
    reached = np.cumsum(contents, axis=1)
    hit = filled & (reached >= rank[:, None])
    last = contents.shape[1] - 1 - np.argmax(filled[:, ::-1], axis=1)
    bucket = np.where(hit.any(axis=1), np.argmax(hit, axis=1), last)
    rows = np.arange(len(contents))
    total = np.minimum(reached[rows, bucket], count)
    inside = contents[rows, bucket]
    share = (rank - (total - inside)) / inside
    value = low[bucket] + (high - low)[bucket] * share
    value = np.where(total < rank, high[bucket], value)
    value = np.where((count == 0) | np.isnan(q), np.nan, value)
    return np.where(q < 0, -np.inf, np.where(q > 1, np.inf, value))


def fraction(histograms: Histograms, lower: Floats, upper: Floats) -> Floats:
    """Which share of the observations lies between two values (Prometheus's ``histogramFraction``)."""
    count = histograms.data[:, COUNT]
    ranks = [_rank(histograms, bound) for bound in (lower, upper)]
    share = np.where(lower >= upper, 0.0, (ranks[1] - ranks[0]) / count)
    return np.where((count == 0) | np.isnan(lower) | np.isnan(upper), np.nan, share)


def _rank(histograms: Histograms, bound: Floats) -> Floats:
    """How many observations are below a value."""
    low, high, contents = histograms.bounds()
    width = np.where(high > low, high - low, 1.0)
    share = np.clip((bound[:, None] - low) / width, 0.0, 1.0)
    below: Floats = (contents * np.where(np.isnan(share), 0.0, share)).sum(axis=1)
    beyond = bound >= high[-1]
    return np.minimum(np.where(beyond, histograms.data[:, COUNT], below), histograms.data[:, COUNT])
