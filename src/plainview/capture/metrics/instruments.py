"""Counter, gauge, histogram, timer: a metric and its series."""

from __future__ import annotations

import sys
import time
from bisect import bisect_left
from functools import cache
from math import log2
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from plainview.capture.metrics import guards, metering
from plainview.capture.metrics.registry import REGISTRY, Registry
from plainview.capture.metrics.series import CounterSeries, GaugeSeries, HistogramSeries
from plainview.capture.spans import Span
from plainview.cells import AGGREGATIONS, SCALE, Metric, Removed
from plainview.cells.form import OVERFLOW
from plainview.context import current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from plainview.capture.metrics.blocks import Counted, InProgress, Timing
    from plainview.capture.metrics.board import Board
    from plainview.capture.metrics.series import Inc, Put
    from plainview.exposition import Exemplar

__all__ = ["BOUNDS", "Counter", "Gauge", "Histogram", "Instrument", "counter", "gauge", "histogram", "timer"]

S = TypeVar("S", CounterSeries, GaugeSeries, HistogramSeries)
I = TypeVar("I", bound="Instrument[Any]")  # noqa: E741 - of Instrument

#: Upper bounds of the classic buckets, unless others are given: those of prometheus_client.
BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


class Instrument(Generic[S]):
    """A metric, and its series by their label values. Without labels it is itself its only series."""

    kind: ClassVar[str]
    #: Slots that a series begins with.
    _slots = 1
    #: A gauge of which "no value yet" is not the same as 0.
    starts_unset = False
    #: Names that no label can have.
    _reserved: ClassVar[frozenset[str]] = frozenset()
    #: Asked for values whenever values are read.
    callbacks: ClassVar[dict[Any, Any]] = {}

    def __init__(self, registry: Registry, entry: Metric) -> None:
        self.registry: Final = registry
        self.board: Final[Board] = registry.board
        self.entry = entry
        self.name: Final = entry.name
        self.number: Final = entry.number
        self._series: dict[tuple[str, ...], S] = {}
        #: What is beyond the cap.
        self._rest: S | None = None
        self._warned = False

    def _make(self, values: tuple[str, ...] | None, slot: int) -> S:
        raise NotImplementedError

    def _begin(self) -> None:
        """Without labels: the one series is there from the beginning."""
        if not self.entry.labels:
            self._bind(self._new(()))
        else:
            self._unbind()

    def _bind(self, series: S) -> None:
        """Offer what a series offers."""
        raise NotImplementedError

    def _unbind(self) -> None:
        """Offer it too where there are labels to be given first, and say so."""
        raise NotImplementedError

    def labels(self, *values: object, **named: object) -> S:
        """The series of these label values: all by position, or all by name.

        Raises:
            MetricError: they are not the labels of this metric; in development and testing. Elsewhere it is counted, and
                what is missing is the empty text.
        """
        if named:
            if not values and len(named) == len(self.entry.labels):
                try:
                    return self._series[tuple([named[name] for name in self.entry.labels])]  # type: ignore[misc] # no text is not found
                except (KeyError, TypeError):
                    pass
            return self._find(self._in_order(values, named))
        try:
            return self._series[values]  # type: ignore[index] # what is no text is not found
        except (KeyError, TypeError):
            return self._find(values)

    def _in_order(self, values: tuple[object, ...], named: dict[str, object]) -> tuple[object, ...]:
        names = self.entry.labels
        if not values and named.keys() == set(names):
            return tuple(named[name] for name in names)
        missing = [name for name in names if name not in named]
        unknown = [name for name in named if name not in names]
        guards.misuse(
            self.name,
            "labels",
            f"{self.name} has the labels {_listed(names)}: "
            + "; ".join(
                part
                for part in (
                    f"not given: {_listed(missing)}" if missing else "",
                    f"not one of them: {_listed(unknown)}" if unknown else "",
                    "give all by position or all by name" if values else "",
                )
                if part
            ),
        )
        return tuple(named.get(name, "") for name in names)

    def _find(self, values: tuple[object, ...]) -> S:
        names = self.entry.labels
        if len(values) != len(names):
            guards.misuse(
                self.name, "labels", f"{self.name} has the labels {_listed(names)}: {len(values)} values were given"
            )
            values = (*values, *("",) * len(names))[: len(names)]
        kept = []
        for name, value in zip(names, values, strict=True):
            try:
                kept.append(guards.label_value(value))
            except Exception as error:  # noqa: BLE001 - the application's own __str__
                what = f"{self.name}: the value of {name} has no text: {type(error).__name__}"
                guards.misuse(self.name, "label value", what)
                kept.append("")
        return self._new(tuple(kept))

    def _new(self, values: tuple[str, ...]) -> S:
        with self.registry.lock:
            found = self._series.get(values)
            if found is not None:
                return found
            if len(self._series) < self.entry.most:
                made = self._add(values)
                if made is not None:
                    self._series[values] = made
                    return made
            if self._rest is None:
                self._rest = self._add(None) or self._make(None, 0)
        self._warn(values)
        return self._rest

    def _add(self, values: tuple[str, ...] | None) -> S | None:
        slot = self.board.allocate(self._slots)
        if not slot:
            return None
        if self.starts_unset and len(self.board.view):
            self.board.writers.put(slot, float("nan"))
        made = self._make(values, slot)
        self.board.declare(*made.entries())
        return made

    def _warn(self, values: tuple[str, ...]) -> None:
        if self._warned:
            return
        self._warned = True
        names = self.entry.labels
        if not names:
            return
        different = [len({key[place] for key in self._series}) for place in range(len(names))]
        place = different.index(max(different))
        guards.warn(
            f"{self.name} has {len(self._series)} series, as many as metrics_max_series lets it have: what is beyond is "
            f"counted together, under {OVERFLOW[0]}. Its label {names[place]} has {different[place]} different values, "
            f"for example {values[place]!r}",
            metric=self.name,
            label=names[place],
            example=values[place],
        )

    def remove(self, *values: object, **named: object) -> None:
        """Forget a series; nothing happens if there is none of these label values."""
        given = self._in_order(values, named) if named else values
        self._forget([key for key in (tuple(map(guards.label_value, given)),) if key in self._series])

    def clear(self) -> None:
        """Forget all series."""
        self._forget(list(self._series))
        with self.registry.lock:
            self._rest, self._warned = None, False

    def _forget(self, keys: Iterable[tuple[str, ...]]) -> None:
        with self.registry.lock:
            for key in keys:
                series = self._series.pop(key, None)
                if series is not None:
                    self._callbacks_gone(series)
                    removed = Removed(series.slot)
                    self.registry.gone.append((self, list(series.entries()), removed))
                    self.board.declare(removed)
            if not self.entry.labels:
                self._bind(self._new(()))

    def _callbacks_gone(self, series: S) -> None:
        self.callbacks.pop(series, None)

    def all_series(self) -> list[S]:
        """Its series in this process."""
        rest = self._rest
        return [*list(self._series.values()), *((rest,) if rest is not None and rest.slot else ())]

    def series_count(self) -> int:
        """How many series it has in this process."""
        return len(self._series) + (self._rest is not None)

    def value_of(self, slot: int) -> float:
        """What a slot holds."""
        view = self.board.view
        if len(view):
            return view[slot]
        return float("nan") if self.starts_unset else 0.0

    def look(self) -> None:
        """Ask the callbacks for their values."""

    def late(self, slot: int, amount: object) -> None:
        """What the hot path left: there are no cells yet, or the amount is none."""
        found = self.number_of(amount)
        if found is not None and slot:
            try:
                self.board.ready()
                self.board.writers.add(slot, found)
            except Exception as error:  # noqa: BLE001 - never into the application
                self.failed(error)

    def number_of(self, value: object) -> float | None:
        """A value that can be added to a cell, or None."""
        return guards.number(self.name, value)

    @staticmethod
    def failed(error: BaseException) -> None:
        """Count an error of ours."""
        metering.failed(error)

    def _needs_labels(self, *_: object, **__: object) -> None:
        guards.misuse(
            self.name, "labels", f"{self.name} has the labels {_listed(self.entry.labels)}: call labels(…) first"
        )

    def _bare(self) -> S:
        """The series of an instrument without labels; of one with, that of empty values, which was counted as wrong."""
        return self.labels()


class Counter(Instrument[CounterSeries]):
    """Counts: it only rises."""

    kind = "counter"

    #: Add to it, where it has no labels.
    inc: Inc

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
    inc: Inc
    set: Put

    def __init__(self, registry: Registry, entry: Metric) -> None:
        super().__init__(registry, entry)
        self.is_timed = entry.aggregation == "last"
        self.starts_unset = entry.aggregation != "sum"
        self._slots = 2 if self.is_timed else 1
        self.callbacks = {}

    def _make(self, values: tuple[str, ...] | None, slot: int) -> GaugeSeries:
        return GaugeSeries(self, values, slot)

    def _bind(self, series: GaugeSeries) -> None:
        self.inc, self.set = series.inc, series.set

    def _unbind(self) -> None:
        self.inc = self.set = self._needs_labels

    def adder(self, slot: int) -> Inc:
        """``inc`` of a series that has no value at first: it counts from 0, and remembers when."""

        def inc(amount: float = 1.0) -> None:
            found = self.number_of(amount)
            if found is None or not slot:
                return
            try:
                with self.registry.lock:
                    self.board.ready()
                    before = self.board.view[slot]
                    if before != before:  # noqa: PLR0124 - NaN: not set yet
                        self.board.writers.put(slot, 0.0)
                    if self.is_timed:
                        self.board.writers.put(slot + 1, time.time())
                    self.board.writers.add(slot, found)
            except Exception as error:  # noqa: BLE001 - never into the application
                self.failed(error)

        return inc

    def late_set(self, slot: int, value: object) -> None:
        """What the hot path left of a ``set``."""
        found = self.number_of(value)
        if found is not None and slot:
            try:
                self.board.ready()
                if self.is_timed:
                    self.board.writers.put(slot + 1, time.time())
                self.board.writers.put(slot, found)
            except Exception as error:  # noqa: BLE001 - never into the application
                self.failed(error)

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
                self.failed(error)

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
    _reserved = frozenset({"le"})

    #: Count a value, where it has no labels.
    observe: Put

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


def _declare(
    made: type[I],
    name: str,
    description: str,
    labels: Sequence[str],
    unit: str,
    *,
    exact: bool = False,
    aggregation: str = "sum",
    bounds: tuple[float, ...] = (),
) -> I:
    name = guards.valid_name(name)
    unit = unit if not unit else guards.valid_name(unit)
    if not exact:
        name = name.removesuffix("_total") if made.kind == "counter" else name
        name = name if not unit or name.endswith(f"_{unit}") else f"{name}_{unit}"
        name += "_total" if made.kind == "counter" else ""
    names = guards.valid_labels(name, labels, made._reserved)  # noqa: SLF001 - of the same module
    with REGISTRY.lock:
        found = REGISTRY.instruments.get(name)
        if found is not None:
            return _same(found, made, name, names, aggregation, bounds)
        entry = Metric(
            len(REGISTRY.instruments) + 1,
            sys.intern(name),
            made.kind,
            unit,
            guards.label_value(description),
            names,
            aggregation,
            bounds,
            metering.most_series(),
        )
        instrument = made(REGISTRY, entry)
        REGISTRY.board.declare(entry)
        instrument._begin()  # noqa: SLF001 - of the same module
        REGISTRY.instruments[name] = instrument
    metering.in_use()
    return instrument


def _same(
    found: Instrument[Any], made: type[I], name: str, labels: tuple[str, ...], aggregation: str, bounds: tuple[float, ...]
) -> I:
    entry = found.entry
    for what, there, here in (
        ("kind", found.kind, made.kind),
        ("labels", _listed(entry.labels), _listed(labels)),
        ("aggregation", entry.aggregation, aggregation),
        ("buckets", entry.bounds, bounds),
    ):
        if there != here:
            guards.misuse(name, "declared twice", f"{name} is declared already, with another {what}: {there}, now {here}")
            break
    if isinstance(found, made):
        return found
    stray = made(_stray(), Metric(0, name, made.kind, labels=labels, bounds=bounds))
    stray._begin()  # noqa: SLF001 - of the same module
    return stray


@cache
def _stray() -> Registry:
    """Where instruments are that cannot be: nobody looks there."""
    return Registry()


def counter(
    name: str, description: str = "", labels: Sequence[str] = (), *, unit: str = "", exact: bool = False
) -> Counter:
    """Declare a counter, or get the one that is declared under this name.

    Args:
        name: as Prometheus has it; ``_total`` is added to it, and the unit before that.
        description: one line of help.
        labels: names of its labels.
        unit: in full, as ``seconds`` or ``bytes``.
        exact: the name is complete as it is.

    Raises:
        MetricError: the name or a label cannot be, or the metric is declared otherwise; in development and testing.
    """
    return _declare(Counter, name, description, labels, unit, exact=exact)


def gauge(  # noqa: PLR0913 - by name, as a rule
    name: str,
    description: str = "",
    labels: Sequence[str] = (),
    *,
    unit: str = "",
    exact: bool = False,
    aggregation: str = "sum",
) -> Gauge:
    """Declare a gauge, or get the one that is declared under this name.

    Args:
        name: as Prometheus has it; the unit is added to it.
        description: one line of help.
        labels: names of its labels.
        unit: in full, as ``seconds`` or ``bytes``.
        exact: the name is complete as it is.
        aggregation: what the gauges of several processes make together: ``sum``, ``max``, ``min``, ``mean``, or ``last``,
            the one that was set last.

    Raises:
        MetricError: the name or a label cannot be, or the metric is declared otherwise; in development and testing.
    """
    if aggregation not in AGGREGATIONS:
        guards.misuse(str(name), "aggregation", f"{name}: aggregation {aggregation!r} is none of {_listed(AGGREGATIONS)}")
        aggregation = "sum"
    return _declare(Gauge, name, description, labels, unit, exact=exact, aggregation=aggregation)


def histogram(  # noqa: PLR0913 - by name, as a rule
    name: str,
    description: str = "",
    labels: Sequence[str] = (),
    *,
    unit: str = "",
    exact: bool = False,
    buckets: Sequence[float] = BOUNDS,
) -> Histogram:
    """Declare a histogram, or get the one that is declared under this name.

    Args:
        name: as Prometheus has it; the unit is added to it.
        description: one line of help.
        labels: names of its labels.
        unit: in full, as ``seconds`` or ``bytes``.
        exact: the name is complete as it is.
        buckets: upper bounds of the classic buckets. Percentiles do not depend on them.

    Raises:
        MetricError: the name, a label or a bound cannot be, or the metric is declared otherwise; in development and testing.
    """
    return _declare(Histogram, name, description, labels, unit, exact=exact, bounds=_bounds(name, buckets))


def timer(  # noqa: PLR0913 - by name, as a rule
    name: str,
    description: str = "",
    labels: Sequence[str] = (),
    *,
    unit: str = "seconds",
    exact: bool = False,
    buckets: Sequence[float] = BOUNDS,
) -> Histogram:
    """Declare a histogram of seconds; ``time()`` fills it. The arguments are those of `histogram`.

    Raises:
        MetricError: as `histogram` does.
    """
    return _declare(Histogram, name, description, labels, unit, exact=exact, bounds=_bounds(name, buckets))


def _bounds(name: str, buckets: Sequence[float]) -> tuple[float, ...]:
    try:
        bounds = [float(bound) for bound in buckets]
    except (TypeError, ValueError):
        bounds = []
        guards.misuse(str(name), "buckets", f"{name}: buckets are numbers, not {buckets!r}")
    if bounds and bounds[-1] == float("inf"):
        bounds.pop()
    rising = sorted({bound for bound in bounds if bound - bound == 0})
    if rising != bounds:
        guards.misuse(str(name), "buckets", f"{name}: buckets are to be finite and to rise, not {list(buckets)!r}")
    return tuple(rising)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
