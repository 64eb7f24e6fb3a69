"""One series of a metric: what is bound to its label values, and how it is written to."""

from __future__ import annotations

import time
from bisect import bisect_left
from math import ceil, log2
from typing import TYPE_CHECKING, Final

from plainview.capture.metrics.blocks import Counted, InProgress, Timing
from plainview.capture.metrics.writers import AddingCell, CountingCell, ObservingCell, TimedCell, add
from plainview.cells import SCALE, Bucket, Row
from plainview.cells.form import CLASSIC, NEGATIVE, POSITIVE, ZERO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plainview.capture.metrics.instruments import Counter, Gauge, Histogram
    from plainview.cells.form import Entry

__all__ = ["CounterSeries", "GaugeSeries", "HistogramSeries", "TimedGaugeSeries", "UnsetGaugeSeries"]

#: Exponential buckets of one series at full resolution; beyond, one for each power of two.
_FINE: Final = 1280
_PER_OCTAVE: Final = 1 << SCALE


class CounterSeries(CountingCell):
    """A counter with its labels."""

    __slots__ = ("_counter", "values")

    def __init__(self, counter: Counter, values: tuple[str, ...] | None, slot: int) -> None:
        self._counter: Final = counter
        self.values: Final = values
        self.slot = slot

    @property
    def value(self) -> float:
        """What this process has counted."""
        return self._counter.value_of(self.slot)

    def late(self, value: object, *, put: bool = False) -> None:  # noqa: ARG002 - nothing is put into a counter
        """What the hot path left."""
        self._counter.late(self.slot, value)

    def count_exceptions(self, kind: type[BaseException] | tuple[type[BaseException], ...] = Exception) -> Counted:
        """Count exceptions that leave a block or a function: as a context manager or a decorator, sync or async."""
        return Counted(self.inc, kind)

    def entries(self) -> Iterator[Entry]:
        """What its slots are."""
        yield Row(self._counter.number, self.slot, self.values)


class GaugeSeries(AddingCell):
    """A gauge with its labels."""

    __slots__ = ("_gauge", "values")

    def __init__(self, gauge: Gauge, values: tuple[str, ...] | None, slot: int) -> None:
        self._gauge: Final = gauge
        self.values: Final = values
        self.slot = slot

    @property
    def value(self) -> float:
        """Its value in this process; NaN: none was given yet."""
        return self._gauge.value_of(self.slot)

    def late(self, value: object, *, put: bool = False) -> None:
        """What the hot path left."""
        self._gauge.late(self.slot, value, put=put)

    def dec(self, amount: float = 1.0) -> None:
        """Take from it."""
        self.inc(-amount)

    def set_to_current_time(self) -> None:
        """Seconds since 1970."""
        self.set(time.time())

    def callback(self, function: Callable[[], float]) -> Callable[[], float]:
        """Have a function asked for the value whenever values are read. Can be used as a decorator."""
        return self._gauge.ask(self, function)

    def track_inprogress(self) -> InProgress:
        """Count what is inside a block or a function: as a context manager or a decorator, sync or async."""
        return InProgress(self.inc)

    def time(self) -> Timing:
        """Set it to the seconds that a block or a function takes: a context manager or a decorator, sync or async."""
        return Timing(self.set)

    def entries(self) -> Iterator[Entry]:
        """What its slots are."""
        yield Row(self._gauge.number, self.slot, self.values)


class UnsetGaugeSeries(GaugeSeries):
    """One that has no value at first: it counts from 0."""

    __slots__ = ()

    def inc(self, amount: float = 1.0) -> None:
        """Add to it."""
        self.late(amount)


class TimedGaugeSeries(UnsetGaugeSeries, TimedCell):
    """One of which the latest value counts."""

    __slots__ = ()


class HistogramSeries(ObservingCell):
    """A histogram with its labels."""

    __slots__ = ("_histogram", "_others", "values")

    def __init__(self, histogram: Histogram, values: tuple[str, ...] | None, slot: int) -> None:
        self._histogram: Final = histogram
        self.values: Final = values
        self.slot = slot
        self.cells = {}
        self.edges = histogram.edges
        #: All other buckets: of zero, of negative values, coarse ones.
        self._others: dict[tuple[str, int, int], int] | None = None

    def exemplify(self, value: float) -> None:
        """Remember the trace that a value was observed in."""
        self._histogram.exemplify(self.slot, value)

    @property
    def sum(self) -> float:
        """Of all values that this process observed."""
        return self._histogram.value_of(self.slot)

    @property
    def count(self) -> int:
        """How many values this process observed."""
        return int(sum(self._histogram.value_of(bucket.slot) for bucket in self.buckets()))

    def time(self) -> Timing:
        """Observe the seconds that a block or a function takes: a context manager or a decorator, sync or async."""
        return Timing(self.observe)

    def late(self, value: object, *, put: bool = False) -> None:  # noqa: ARG002 - nothing is put into a histogram
        """What the hot path left: the first value of a bucket, zero, negative values, what is no number."""
        histogram = self._histogram
        found = histogram.number_of(value)
        if found is None:
            return
        try:
            cell = self._find(found)
            histogram.board.ready()
            if cell:
                add(cell, 1.0)
                add(self.slot, found)
        except Exception as error:  # noqa: BLE001 - never into the application
            histogram.failed(error)

    def _find(self, value: float) -> int:
        histogram = self._histogram
        classic = bisect_left(histogram.entry.bounds, value)
        if value == 0:
            return self._other(ZERO, 0, classic)
        key = log2(abs(value)) * -float(_PER_OCTAVE) // 1.0
        index = -int(key) - 1
        if value < 0:
            return self._other(NEGATIVE, _coarse(index) if self._is_full() else index, classic)
        cell = self.cells.get(key)
        if cell is None:
            if key in histogram.crowded:  # several classic bounds in it
                return self._other(POSITIVE, index, classic)
            if self._is_full():
                return self._other(POSITIVE, _coarse(index), classic)
            cell = self._new(key, index, classic)
        return cell if cell >= 0 else -cell + (value > histogram.edges[key])

    def _is_full(self) -> bool:
        return len(self.cells) + len(self._others or ()) >= _FINE

    def _new(self, key: float, index: int, classic: int) -> int:
        histogram = self._histogram
        with histogram.registry.lock:
            cell = self.cells.get(key)
            if cell is not None:
                return cell
            if key in histogram.edges:
                first = bisect_left(histogram.entry.bounds, histogram.edges[key])
                slot = histogram.board.allocate(2)
                histogram.board.declare(
                    *(Bucket(self.slot, slot + half, first + half, POSITIVE, index) for half in (0, 1))
                )
                cell = -slot
            else:
                cell = histogram.board.allocate()
                histogram.board.declare(Bucket(self.slot, cell, classic, POSITIVE, index))
            if cell:
                self.cells[key] = cell
            return cell

    def _other(self, sign: str, index: int, classic: int) -> int:
        histogram = self._histogram
        with histogram.registry.lock:
            if self._others is None:
                self._others = {}
            slot = self._others.get((sign, index, classic))
            if slot is None:
                slot = histogram.board.allocate()
                histogram.board.declare(Bucket(self.slot, slot, classic, sign, index))
                if slot:
                    self._others[sign, index, classic] = slot
            return slot

    def add_classic(self, classic: int, count: float) -> None:
        """Count observations of which no more is known than their classic bucket."""
        slot = self._other(CLASSIC, 0, classic)
        self._histogram.board.ready()
        add(slot, count)

    def add_to_sum(self, amount: float) -> None:
        """Count what such observations come to."""
        self._histogram.board.ready()
        add(self.slot, amount)

    def buckets(self) -> Iterator[Bucket]:
        """Its buckets that were needed so far."""
        histogram = self._histogram
        bounds, edges = histogram.entry.bounds, histogram.edges
        for key, cell in list(self.cells.items()):
            index = -int(key) - 1
            if cell < 0:
                first = bisect_left(bounds, edges[key])
                yield Bucket(self.slot, -cell, first, POSITIVE, index)
                yield Bucket(self.slot, -cell + 1, first + 1, POSITIVE, index)
            else:  # no bound lies in it: its middle tells on which side of each it is
                yield Bucket(
                    self.slot, cell, bisect_left(bounds, 2.0 ** ((index + 0.5) / _PER_OCTAVE)), POSITIVE, index
                )
        for (sign, index, classic), cell in list((self._others or {}).items()):
            yield Bucket(self.slot, cell, classic, sign, index)

    def entries(self) -> Iterator[Entry]:
        """What its slots are."""
        yield Row(self._histogram.number, self.slot, self.values)
        yield from self.buckets()


def _coarse(index: int) -> int:
    """The last index of the power of two that an exponential bucket lies in."""
    return ceil((index + 1) / _PER_OCTAVE) * _PER_OCTAVE - 1
