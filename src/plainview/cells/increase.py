"""What has changed since the last snapshot, as lines of kind ``metric``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from plainview.cells.form import NEGATIVE, OVERFLOW, POSITIVE, SCALE, ZERO
from plainview.records import MetricPoint, MetricRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from plainview.cells.form import Metric, Row
    from plainview.cells.reading import Reading

    Exemplar = tuple[float, float, str, str]

__all__ = ["Increase", "closing", "labels_of", "lines"]

_encode: Final = msgspec.json.Encoder().encode


def labels_of(metric: Metric, series: Row) -> dict[str, str]:
    """The labels of a series, by name."""
    if series.values is None:
        return dict((OVERFLOW,))
    return dict(zip(metric.labels, series.values, strict=False))


class Increase:
    """The difference between a reading and what was emitted before it.

    Args:
        reading: what the slots hold.
        before: what they held when it was last emitted; slots beyond its end held nothing.
        full: the series that have not changed as well.
        exemplars: slot of a series → exemplars to go with it.
    """

    def __init__(
        self,
        reading: Reading,
        before: Sequence[float],
        *,
        full: bool = False,
        exemplars: Mapping[int, list[Exemplar]] | None = None,
    ) -> None:
        self._reading: Final = reading
        self._before: Final = before
        self._full: Final = full
        self._exemplars: Final = exemplars or {}

    def of(self, metric: Metric) -> Iterator[tuple[Row, MetricPoint]]:
        """The series of a metric that have something to say, those that are gone last."""
        make = {"counter": self._counter, "gauge": self._gauge}.get(metric.kind, self._histogram)
        for series in self._reading.series.get(metric.number, {}).values():
            point = make(metric, series, full=self._full)
            if point is not None:
                yield series, point
        for series in self._reading.gone.get(metric.number, ()):
            point = make(metric, series, full=metric.kind != "gauge" and self._full)
            if point is None and self._reading.tell_gone:
                point = MetricPoint(labels=labels_of(metric, series))
            if point is not None:
                point.removed = True
                yield series, point

    def _difference(self, slot: int) -> float:
        before = self._before
        return self._reading.at(slot) - (before[slot] if slot < len(before) else 0.0)

    def _counter(self, metric: Metric, series: Row, *, full: bool) -> MetricPoint | None:
        difference = self._difference(series.slot)
        if not difference and not full:
            return None
        return MetricPoint(labels=labels_of(metric, series), value=difference)

    def _gauge(self, metric: Metric, series: Row, *, full: bool) -> MetricPoint | None:
        value = self._reading.at(series.slot)
        if value != value:  # noqa: PLR0124 - NaN: it was never set
            return None
        before = self._before
        if not full and series.slot < len(before) and value == before[series.slot]:
            return None
        return MetricPoint(labels=labels_of(metric, series), value=value)

    def _histogram(self, metric: Metric, series: Row, *, full: bool) -> MetricPoint | None:
        classic = [0] * (len(metric.bounds) + 1)
        signs: dict[str, dict[int, int]] = {}
        changed = False
        for bucket in self._reading.buckets.get(series.slot, ()):
            count = int(self._difference(bucket.slot))
            if count:
                changed = True
                classic[bucket.classic] += count
                halves = signs.setdefault(bucket.sign, {})
                halves[bucket.index] = halves.get(bucket.index, 0) + count
        if not changed and not full:
            return None
        return MetricPoint(
            labels=labels_of(metric, series),
            sum=self._difference(series.slot),
            buckets=classic,
            zero=sum(signs.get(ZERO, {}).values()),
            positive=sorted(signs.get(POSITIVE, {}).items()),
            negative=sorted(signs.get(NEGATIVE, {}).items()),
            exemplars=self._exemplars.get(series.slot, []),
        )


def lines(
    metric: Metric, points: Iterator[tuple[Row, MetricPoint]], record: MetricRecord, most: int
) -> Iterator[tuple[bytes, list[Row]]]:
    """Points as lines of ``most`` bytes at most (one point at least), each with the series that it holds.

    Args:
        metric: whose points they are.
        points: as `Increase.of` gives them.
        record: what is the same on every line of the snapshot.
        most: bytes.
    """
    head = _encode(
        msgspec.structs.replace(
            record,
            name=metric.name,
            kind=metric.kind,
            unit=metric.unit,
            description=metric.description,
            aggregation=metric.aggregation,
            bounds=list(metric.bounds),
            scale=SCALE if metric.kind == "histogram" else 0,
        )
    )
    head = head[:-1] + b',"points":['
    room = most - len(head) - 3
    encoded: list[bytes] = []
    held: list[Row] = []
    size = 0
    for series, point in points:
        data = _encode(point)
        if encoded and size + len(data) + 1 > room:
            yield head + b",".join(encoded) + b"]}\n", held
            encoded, held, size = [], [], 0
        encoded.append(data)
        held.append(series)
        size += len(data) + 1
    if encoded:
        yield head + b",".join(encoded) + b"]}\n", held


def closing(record: MetricRecord) -> bytes:
    """The line that closes a snapshot."""
    return _encode(msgspec.structs.replace(record, kind="snapshot")) + b"\n"
