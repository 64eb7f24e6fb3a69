"""Counter, gauge and histogram."""

from __future__ import annotations

import time
from bisect import bisect_left
from math import log2
from typing import TYPE_CHECKING, Final

from plainview.capture.metrics import guards, writers
from plainview.capture.metrics.instrument import Instrument
from plainview.capture.metrics.series import (
    CounterSeries,
    GaugeSeries,
    HistogramSeries,
    TimedGaugeSeries,
    UnsetGaugeSeries,
)
from plainview.capture.spans import Span
from plainview.cells import SCALE
from plainview.context import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.capture.metrics.blocks import Counted, InProgress, Timing
    from plainview.capture.metrics.registry import Registry
    from plainview.cells import Metric
    from plainview.exposition import Exemplar

__all__ = ["Counter", "Gauge", "Histogram"]


class Counter(Instrument[CounterSeries]):
    """Counts: it only rises."""

    kind = "counter"

    #: Add to it, where it has no labels.
    inc: Callable[..., None]

    def _make(self, values: tuple[str, ...] | None, slot: int) -> CounterSeries:
        return CounterSeries(self, values, slot)

    def _bind(self, series: CounterSeries) -> None:
        self.inc = series.inc

    def _unbind(self) -> None:
        self.inc = self._needs_labels

    def number_of(self, value: object) -> float | None:
        """An amount that is not negative, or None."""
        return guards.number(self.name, value, least=0.0)

    @property
    def value(self) -> float:
        """What this process has counted, where it has no labels."""
        return self._bare().value

    def count_exceptions(self, kind: type[BaseException] | tuple[type[BaseException], ...] = Exception) -> Counted:
        """As `CounterSeries.count_exceptions`, where it has no labels."""
        return self._bare().count_exceptions(kind)


class Gauge(Instrument[GaugeSeries]):
    """A value that goes up and down. ``aggregation`` says what the gauges of several processes make together."""

    kind = "gauge"

    #: Add to it; give it a value. Where it has no labels.
    inc: Callable[..., None]
    set: Callable[[float], None]

    def __init__(self, registry: Registry, entry: Metric) -> None:
        super().__init__(registry, entry)
        self.is_timed = entry.aggregation == "last"
        self.starts_unset = entry.aggregation != "sum"
        self._slots = 2 if self.is_timed else 1

    def _make(self, values: tuple[str, ...] | None, slot: int) -> GaugeSeries:
        made = TimedGaugeSeries if self.is_timed else UnsetGaugeSeries if self.starts_unset else GaugeSeries
        return made(self, values, slot)

    def _bind(self, series: GaugeSeries) -> None:
        self.inc, self.set = series.inc, series.set

    def _unbind(self) -> None:
        self.inc = self.set = self._needs_labels

    def _write(self, slot: int, value: float, *, put: bool) -> None:
        with self.registry.lock:
            before = self.board.view[slot]
            if not put and before != before:  # noqa: PLR0124 - NaN: it was not set yet
                writers.put(slot, 0.0)
            if self.is_timed:
                writers.put(slot + 1, time.time())
            super()._write(slot, value, put=put)

    def ask(self, series: GaugeSeries, function: Callable[[], float]) -> Callable[[], float]:
        """Have a function asked for a series' value whenever values are read."""
        self.callbacks[series] = function
        return function

    def look(self) -> None:
        """Ask the callbacks for their values. One that fails leaves its series as it was."""
        for series, function in list(self.callbacks.items()):
            try:
                series.set(function())
            except Exception as error:  # noqa: BLE001 - the application's own function
                what = f"{type(error).__name__}: {error}"
                guards.note(self.name, "callback", f"{self.name}: its callback raised {what}")

    @property
    def value(self) -> float:
        """Its value in this process, where it has no labels; NaN: none was given yet."""
        return self._bare().value

    def dec(self, amount: float = 1.0) -> None:
        """Take from it, where it has no labels."""
        self._bare().dec(amount)

    def set_to_current_time(self) -> None:
        """Seconds since 1970, where it has no labels."""
        self._bare().set_to_current_time()

    def callback(self, function: Callable[[], float]) -> Callable[[], float]:
        """As `GaugeSeries.callback`, where it has no labels."""
        return self._bare().callback(function)

    def track_inprogress(self) -> InProgress:
        """As `GaugeSeries.track_inprogress`, where it has no labels."""
        return self._bare().track_inprogress()

    def time(self) -> Timing:
        """As `GaugeSeries.time`, where it has no labels."""
        return self._bare().time()


class Histogram(Instrument[HistogramSeries]):
    """Counts values by their size: exponential buckets for true percentiles, classic ones for ``le``."""

    kind = "histogram"
    reserved = frozenset({"le"})

    #: Count a value, where it has no labels.
    observe: Callable[[float], None]

    def __init__(self, registry: Registry, entry: Metric) -> None:
        super().__init__(registry, entry)
        #: Exponential buckets that a classic bound lies in (as `Writers.histogram` counts them) → the bound.
        self.edges: Final[dict[float, float]] = {}
        #: Those with several bounds.
        self.crowded: Final[set[float]] = set()
        for bound in entry.bounds:
            if bound > 0:
                key = log2(bound) * -float(1 << SCALE) // 1.0
                if key in self.edges or key in self.crowded:
                    self.edges.pop(key, None)
                    self.crowded.add(key)
                else:
                    self.edges[key] = bound
        #: Slot of a series → classic bucket → the latest exemplar; and those that no snapshot has told of.
        self.exemplars: Final[dict[int, dict[int, Exemplar]]] = {}
        self.untold: dict[int, dict[int, Exemplar]] = {}

    def _make(self, values: tuple[str, ...] | None, slot: int) -> HistogramSeries:
        return HistogramSeries(self, values, slot)

    def _bind(self, series: HistogramSeries) -> None:
        self.observe = series.observe

    def _unbind(self) -> None:
        self.observe = self._needs_labels

    def exemplify(self, slot: int, value: float) -> None:
        """Remember the trace that a value was observed in, if it is recorded."""
        try:
            span = current.get().span
            if type(span) is Span:
                if not span.sampled:
                    return
                trace, own = span.trace_id, span.span_id
            else:  # of another make
                context = span.get_span_context()
                if not (context.is_valid and context.trace_flags.sampled):
                    return
                trace, own = f"{context.trace_id:032x}", f"{context.span_id:016x}"
            exemplar = float(value), time.time(), trace, own
            place = bisect_left(self.entry.bounds, value)
            for held in (self.exemplars, self.untold):
                held.setdefault(slot, {})[place] = exemplar
        except Exception as error:  # noqa: BLE001 - never into the application
            self.failed(error)

    @property
    def sum(self) -> float:
        """Of all values that this process observed, where it has no labels."""
        return self._bare().sum

    @property
    def count(self) -> int:
        """How many values this process observed, where it has no labels."""
        return self._bare().count

    def time(self) -> Timing:
        """As `HistogramSeries.time`, where it has no labels."""
        return self._bare().time()
