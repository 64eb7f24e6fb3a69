"""What all metrics have in common: label values, each with its series, and a cap on how many."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Generic, TypeVar

from plainview.capture.metrics import guards, metering, writers
from plainview.capture.metrics.series import CounterSeries, GaugeSeries, HistogramSeries
from plainview.cells import Removed
from plainview.cells.form import OVERFLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plainview.capture.metrics.board import Board
    from plainview.capture.metrics.registry import Registry
    from plainview.cells import Metric

__all__ = ["Instrument", "listed"]

S = TypeVar("S", CounterSeries, GaugeSeries, HistogramSeries)


class Instrument(Generic[S]):
    """A metric, and its series by their label values. Without labels it is itself its only series."""

    kind: ClassVar[str]
    #: Slots that a series begins with.
    _slots = 1
    #: A gauge of which "no value yet" is not the same as 0.
    starts_unset = False
    #: Names that no label can have.
    reserved: ClassVar[frozenset[str]] = frozenset()

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
        #: Asked for values whenever values are read.
        self.callbacks: Final[dict[S, Callable[[], float]]] = {}

    def _make(self, values: tuple[str, ...] | None, slot: int) -> S:
        raise NotImplementedError

    def begin(self) -> None:
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
            MetricError: they are not the labels of this metric; in development and testing. Elsewhere it is counted,
                and what is missing is the empty text.
        """
        if named:
            if not values and len(named) == len(self.entry.labels):
                try:
                    key = tuple([named[name] for name in self.entry.labels])
                    return self._series[key]  # type: ignore[index] # what is no text is not found
                except (KeyError, TypeError):
                    pass
            return self._find(self._in_order(values, named))
        try:
            return self._series[values]  # type: ignore[index] # as above
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
            f"{self.name} has the labels {listed(names)}: "
            + "; ".join(
                part
                for part in (
                    f"not given: {listed(missing)}" if missing else "",
                    f"not one of them: {listed(unknown)}" if unknown else "",
                    "give all by position or all by name" if values else "",
                )
                if part
            ),
        )
        return tuple(named.get(label, "") for label in names)

    def _find(self, values: tuple[object, ...]) -> S:
        names: tuple[str, ...] = self.entry.labels
        if len(values) != len(names):
            guards.misuse(
                self.name, "labels", f"{self.name} has the labels {listed(names)}: {len(values)} values were given"
            )
            values = (*values, *("" for _ in names))[: len(names)]
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
            writers.put(slot, float("nan"))
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
            f"{self.name} has {len(self._series)} series, as many as metrics_max_series lets it have: what is beyond "
            f"is counted together, under {OVERFLOW[0]}. Its label {names[place]} has {different[place]} values, "
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
                    self.callbacks.pop(series, None)
                    removed = Removed(series.slot)
                    self.registry.gone.append((list(series.entries()), removed))
                    self.board.declare(removed)
            if not self.entry.labels:
                self._bind(self._new(()))

    def all_series(self) -> list[S]:
        """Its series in this process."""
        found = list(self._series.values())
        if self._rest is not None and self._rest.slot:
            found.append(self._rest)
        return found

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

    def late(self, slot: int, value: object, *, put: bool = False) -> None:
        """What the hot path left: there are no cells yet, or the value is none."""
        found = self.number_of(value)
        if found is not None and slot:
            try:
                self.board.ready()
                self._write(slot, found, put=put)
            except Exception as error:  # noqa: BLE001 - never into the application
                self.failed(error)

    def _write(self, slot: int, value: float, *, put: bool) -> None:
        (writers.put if put else writers.add)(slot, value)

    def number_of(self, value: object) -> float | None:
        """A value that can be added to a cell, or None."""
        return guards.number(self.name, value)

    @staticmethod
    def failed(error: BaseException) -> None:
        """Count an error of ours."""
        metering.failed(error)

    def _needs_labels(self, *_: object, **__: object) -> None:
        guards.misuse(
            self.name, "labels", f"{self.name} has the labels {listed(self.entry.labels)}: call labels(…) first"
        )

    def _bare(self) -> S:
        """The series of an instrument without labels; of one with, that of empty values, which was counted as wrong."""
        return self.labels()


def listed(names: Iterable[str]) -> str:
    """Names as they stand in a message."""
    return ", ".join(names) or "none"
