"""Range vectors: the samples of all series in one flat array, and where in it each step's window begins and ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plainview.query.promql.arrays import Bools, Floats, Integers
    from plainview.query.promql.labels import Labels
    from plainview.query.promql.native import Histograms

__all__ = ["Windows", "bounds", "compensated"]

#: Series x steps worked on at once: what fits into the processor's caches, and how often cancelling is looked at.
CELLS: Final = 1 << 18
#: Looking at so many samples takes as long as working on one window otherwise does.
_SAMPLES_PER_CELL: Final = 64


@dataclass(slots=True)
class Windows:
    """Samples by window.

    Attributes:
        labels: of each series.
        times, values: samples of all series, one after the other; milliseconds.
        starts: index of each series' first sample, and of the end.
        low, high: series x steps: index of the first sample in the window, and of the first after it.
        steps: times at which the expression is asked for; milliseconds.
        ends: where each step's window ends; its start lies ``width`` before. Both ends belong to it.
        width: milliseconds.
        histograms: of each series that is one of native histograms: its samples, in the order of ``times``.
        check: called now and then; raises when the question was cancelled.
    """

    labels: list[Labels]
    times: Integers
    values: Floats
    starts: Integers
    low: Integers
    high: Integers
    steps: Integers
    ends: Integers
    width: int
    check: Callable[[], None]
    histograms: dict[int, Histograms] = field(default_factory=dict)

    @property
    def counts(self) -> Integers:
        """Samples in each window."""
        return self.high - self.low

    def rows(self, first: int, last: int) -> Windows:
        """The windows of some series."""
        begin, end = self.starts[first], self.starts[last]
        return Windows(
            self.labels[first:last],
            self.times[begin:end],
            self.values[begin:end],
            self.starts[first : last + 1] - begin,
            self.low[first:last] - begin,
            self.high[first:last] - begin,
            self.steps,
            self.ends,
            self.width,
            self.check,
            {row - first: one for row, one in self.histograms.items() if first <= row < last},
        )

    def portions(self) -> Iterator[tuple[slice, Windows]]:
        """All windows, some series at a time."""
        work = np.cumsum(len(self.steps) + self.counts.sum(axis=1) // _SAMPLES_PER_CELL)
        first = 0
        while first < len(self.labels):
            self.check()
            done = work[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(work, done + CELLS, "right")))
            yield slice(first, last), self.rows(first, last)
            first = last

    def at(self, index: Integers) -> Floats:
        """Values at places of the flat array; those beyond its ends are whatever is nearest."""
        if not len(self.values):
            return np.zeros(index.shape)
        return self.values.take(index, mode="clip")

    def time_at(self, index: Integers) -> Integers:
        """Times at places of the flat array, as :meth:`at`."""
        if not len(self.times):
            return np.zeros(index.shape, np.int64)
        return self.times.take(index, mode="clip")

    def reduce(self, operation: np.ufunc, flat: Floats, skip: int = 0) -> Floats:
        """One number per window: ``operation`` over a flat array's items in it, but for the first ``skip``.

        A window with nothing left gives whatever; look at :attr:`counts`.
        """
        edges = np.empty((*self.low.shape, 2), np.int64)
        edges[..., 0], edges[..., 1] = self.low + skip, self.high
        np.minimum(edges, len(flat), out=edges)
        padded = np.append(flat, flat.dtype.type(0))
        result: Floats = operation.reduceat(padded, edges.ravel())[::2].reshape(self.low.shape)
        return result

    def samples(self, chosen: Bools | None = None) -> Iterator[tuple[Bools, Floats, Integers]]:
        """The first samples of all windows, then the second ones, and so on: which windows have one, values, times."""
        counts = self.counts if chosen is None else np.where(chosen, self.counts, 0)
        for place in range(int(counts.max(initial=0))):
            if place % 16 == 0:
                self.check()
            index = self.low + place
            yield counts > place, self.at(index), self.time_at(index)


def bounds(times: list[Integers], starts: Integers, ends: Integers) -> tuple[Integers, Integers]:
    """Where in the series' samples, laid one after the other, windows begin and end.

    Args:
        times: of each series, rising.
        starts: first millisecond of each window.
        ends: last millisecond of each window.
    """
    shape = (len(times), len(ends))
    low, high = np.empty(shape, np.int64), np.empty(shape, np.int64)
    offset = 0
    before: Integers | None = None
    first = last = np.empty(0, np.int64)
    for row, own in enumerate(times):
        # Series that were scraped together have the same times: then the search is done already.
        if before is None or (own is not before and not np.array_equal(own, before)):
            first, last = np.searchsorted(own, starts, "left"), np.searchsorted(own, ends, "right")
            before = own
        np.add(first, offset, out=low[row])
        np.add(last, offset, out=high[row])
        offset += len(own)
    return low, high


def compensated(total: Floats, lost: Floats, more: Floats, where: Bools) -> tuple[Floats, Floats]:
    """One addition of a sum that keeps track of what rounding takes away (Kahan's sum as Neumaier improved it).

    Args:
        total: the sums so far.
        lost: what they lack.
        more: what is added.
        where: which of them are added to.
    """
    new = total + more
    lacking = np.where(np.abs(total) >= np.abs(more), (total - new) + more, (more - new) + total)
    return np.where(where, new, total), np.where(where, lost + lacking, lost)
