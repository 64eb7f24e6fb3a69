"""What all processes together have counted, series by series."""

# ruff: noqa: ARG002 - not every kind of total needs all that is said

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from math import inf
from typing import TYPE_CHECKING, Final

from plainview.exposition import Exemplar as ShownExemplar, Histogram as ShownHistogram, Sample
from plainview.ingest.metrics.identity import series_id
from plainview.store.samples import Exemplar, NativeHistogram, SeriesRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, MutableMapping

    from plainview.records import MetricPoint, MetricRecord

__all__ = ["Counter", "Gauge", "Histogram", "Metric", "Total", "make"]


class Metric:
    """What the series of one metric of one service on one host have in common."""

    __slots__ = ("aggregation", "description", "kind", "name", "totals", "unit")

    def __init__(self, record: MetricRecord) -> None:
        self.name = record.name
        self.kind = record.kind
        self.totals: dict[tuple[tuple[str, str], ...], Total] = {}
        self.describe(record)

    def describe(self, record: MetricRecord) -> None:
        """Take over what the newest record says of it."""
        self.unit = record.unit
        self.description = record.description
        self.aggregation = record.aggregation


class Total:
    """One series of processes' metrics, as it stands.

    Attributes:
        metric: whose series it is.
        labels: its labels.
        members: processes that have it.
        day: the day, counted from 1970, on which the store was last told of it.
        ended: when the last process that had it was gone, milliseconds; 0: there is one.
    """

    __slots__ = ("day", "ended", "exemplars", "id", "labels", "members", "metric")

    def __init__(self, metric: Metric, labels: dict[str, str]) -> None:
        self.metric = metric
        self.labels = labels
        self.id = series_id(metric.name, labels)
        self.members = 0
        self.day = 0
        self.ended = 0
        #: Those of the tick under way.
        self.exemplars: list[Exemplar] = []

    def take(self, stream: str, record: MetricRecord, point: MetricPoint, moment: int) -> None:
        """Add what a process says."""
        raise NotImplementedError

    def leave(self, stream: str) -> None:
        """A process has it no longer."""
        self.members -= 1

    def samples(self) -> Iterable[tuple[int, float]]:
        """Number of the series and value, of each series that it stands for."""
        raise NotImplementedError

    def native(self) -> NativeHistogram | None:
        """The native histogram, of a histogram."""
        return None

    def rows(self) -> Iterator[SeriesRow]:
        """The series that it stands for."""
        metric = self.metric
        yield SeriesRow(self.id, metric.name, self.labels, metric.name, metric.kind, metric.unit, metric.description)

    def shown(self) -> Sample | ShownHistogram | None:
        """For `plainview.exposition`."""
        raise NotImplementedError

    def keep(self, stored: MutableMapping[int, float], natives: MutableMapping[int, NativeHistogram]) -> None:
        """Lay down what it had counted, for when it is counted on."""

    def _exemplify(self, point: MetricPoint, place: Callable[[float], int]) -> None:
        for value, seconds, trace, span in point.exemplars:
            labels = {"trace_id": trace} | ({"span_id": span} if span else {})
            self.exemplars.append(Exemplar(place(value), int(seconds * 1000), value, labels))


class Counter(Total):
    """Of a counter."""

    __slots__ = ("value",)

    def __init__(
        self, metric: Metric, labels: dict[str, str], stored: MutableMapping[int, float], _: object = None
    ) -> None:
        super().__init__(metric, labels)
        self.value = stored.pop(self.id, 0.0)

    def take(self, stream: str, record: MetricRecord, point: MetricPoint, moment: int) -> None:
        """Add the increase."""
        self.value += max(0.0, point.value or 0.0)
        if point.exemplars:
            self._exemplify(point, lambda _: self.id)

    def samples(self) -> Iterable[tuple[int, float]]:
        """The one."""
        return ((self.id, self.value),)

    def shown(self) -> Sample:
        """For `plainview.exposition`."""
        return Sample(tuple(self.labels.items()), self.value)

    def keep(self, stored: MutableMapping[int, float], natives: MutableMapping[int, NativeHistogram]) -> None:
        """Lay down the total."""
        stored[self.id] = self.value


_AGGREGATIONS: Final[dict[str, Callable[[list[tuple[float, int]]], float]]] = {
    "sum": lambda parts: sum(value for value, _ in parts),
    "max": lambda parts: max(value for value, _ in parts),
    "min": lambda parts: min(value for value, _ in parts),
    "mean": lambda parts: sum(value for value, _ in parts) / len(parts),
    "last": lambda parts: max(parts, key=lambda part: part[1])[0],
}


class Gauge(Total):
    """Of a gauge: what the living processes say of it, and what becomes of that.

    Attributes:
        held: stands instead, while it is not known what all of them say.
    """

    __slots__ = ("held", "parts")

    def __init__(
        self, metric: Metric, labels: dict[str, str], stored: MutableMapping[int, float], _: object = None
    ) -> None:
        super().__init__(metric, labels)
        self.parts: dict[str, tuple[float, int]] = {}
        self.held: float | None = stored.pop(self.id, None)

    def take(self, stream: str, record: MetricRecord, point: MetricPoint, moment: int) -> None:
        """Remember what the process says."""
        if point.value is not None:
            self.parts[stream] = (point.value, moment)

    def leave(self, stream: str) -> None:
        """What the process said goes with it."""
        super().leave(stream)
        self.parts.pop(stream, None)

    @property
    def value(self) -> float | None:
        """What they say together."""
        if self.held is not None:
            return self.held
        if not self.parts:
            return None
        return _AGGREGATIONS.get(self.metric.aggregation, _AGGREGATIONS["sum"])(list(self.parts.values()))

    def samples(self) -> Iterable[tuple[int, float]]:
        """The one, if there is any."""
        value = self.value
        return () if value is None else ((self.id, value),)

    def shown(self) -> Sample | None:
        """For `plainview.exposition`."""
        value = self.value
        return None if value is None else Sample(tuple(self.labels.items()), value)


class Histogram(Total):
    """Of a histogram: classic buckets, which are series of their own, and exponential ones."""

    __slots__ = ("bounds", "buckets", "classic", "latest", "negative", "others", "positive", "scale", "sum", "zero")

    def __init__(
        self,
        metric: Metric,
        labels: dict[str, str],
        stored: MutableMapping[int, float],
        natives: MutableMapping[int, NativeHistogram],
        bounds: tuple[float, ...] = (),
    ) -> None:
        super().__init__(metric, labels)
        self.bounds = bounds
        name = metric.name
        self.others = (series_id(f"{name}_sum", labels), series_id(f"{name}_count", labels))
        self.classic = tuple(series_id(f"{name}_bucket", self._bucket(place)) for place in range(len(bounds) + 1))
        reached = [stored.pop(one, 0.0) for one in self.classic]
        self.buckets = [int(more - less) for more, less in zip(reached, [0.0, *reached], strict=False)]
        self.sum = stored.pop(self.others[0], 0.0)
        #: Classic bucket → the latest exemplar in it.
        self.latest: dict[int, ShownExemplar] = {}
        stored.pop(self.others[1], None)
        before = natives.pop(self.id, None) or NativeHistogram(0, 0.0, -128)
        self.scale = before.scale
        self.zero = before.zero
        self.positive = dict(before.positive)
        self.negative = dict(before.negative)

    def _bucket(self, place: int) -> dict[str, str]:
        return self.labels | {"le": repr(float(self.bounds[place])) if place < len(self.bounds) else "+Inf"}

    def take(self, stream: str, record: MetricRecord, point: MetricPoint, moment: int) -> None:
        """Add the increase."""
        self.sum += point.sum or 0.0
        if len(record.bounds) == len(self.bounds) and tuple(record.bounds) == self.bounds:
            for place, more in enumerate(point.buckets[: len(self.buckets)]):
                self.buckets[place] += more
        else:  # another version of the application has other bounds: the next wider bucket of these takes it
            for bound, more in zip([*record.bounds, inf], point.buckets, strict=False):
                self.buckets[bisect_left(self.bounds, bound)] += more
        self.zero += point.zero
        self._count(record.scale, point)
        if point.exemplars:
            self._exemplify(point, lambda value: self.classic[bisect_left(self.bounds, value)])
            self.latest.update((bisect_left(self.bounds, one[0]), one) for one in point.exemplars)

    def _count(self, scale: int, point: MetricPoint) -> None:
        """Add the exponential buckets."""
        if self.scale == -128:  # noqa: PLR2004 - nothing counted yet
            self.scale = scale
        shift = scale - self.scale
        if shift < 0:  # it is coarser: so are all from now on
            for side in (self.positive, self.negative):
                finer = list(side.items())
                side.clear()
                for index, count in finer:
                    coarse = ((index - 1) >> -shift) + 1
                    side[coarse] = side.get(coarse, 0.0) + count
            self.scale, shift = scale, 0
        for side, more_of in ((self.positive, point.positive), (self.negative, point.negative)):
            for index, more in more_of:
                # OpenTelemetry's index is one lower than Prometheus's.
                place = (index >> shift) + 1
                side[place] = side.get(place, 0.0) + more

    def samples(self) -> Iterable[tuple[int, float]]:
        """The classic series: buckets, sum, count."""
        reached = list(accumulate(self.buckets))
        yield from zip(self.classic, map(float, reached), strict=True)
        yield self.others[0], self.sum
        yield self.others[1], float(reached[-1])

    def native(self) -> NativeHistogram:
        """The exponential half."""
        return NativeHistogram(
            float(sum(self.buckets)), self.sum, max(self.scale, -4), self.zero, 0.0, self.positive, self.negative
        )

    def rows(self) -> Iterator[SeriesRow]:
        """The native histogram and the classic series."""
        yield from super().rows()
        metric, name = self.metric, self.metric.name
        words = (name, metric.kind, metric.unit, metric.description)
        for place, number in enumerate(self.classic):
            yield SeriesRow(number, f"{name}_bucket", self._bucket(place), *words)
        for number, part in zip(self.others, ("sum", "count"), strict=True):
            yield SeriesRow(number, f"{name}_{part}", self.labels, *words)

    def shown(self) -> ShownHistogram:
        """For `plainview.exposition`."""
        return ShownHistogram(
            tuple(self.labels.items()),
            list(self.buckets),
            self.sum,
            self.scale,
            int(self.zero),
            {index - 1: int(count) for index, count in self.positive.items()},
            {index - 1: int(count) for index, count in self.negative.items()},
            dict(self.latest),
        )

    def keep(self, stored: MutableMapping[int, float], natives: MutableMapping[int, NativeHistogram]) -> None:
        """Lay down both halves."""
        stored.update(self.samples())
        natives[self.id] = self.native()


def make(
    metric: Metric,
    labels: dict[str, str],
    record: MetricRecord,
    stored: MutableMapping[int, float],
    natives: MutableMapping[int, NativeHistogram],
) -> Total:
    """The total of a new series; it goes on from what is stored."""
    if metric.kind == "histogram":
        return Histogram(metric, labels, stored, natives, tuple(record.bounds))
    return (Counter if metric.kind == "counter" else Gauge)(metric, labels, stored)
