"""What the application and its libraries declared with prometheus_client, in our cells.

So it is in every snapshot, and in ``/metrics`` of any process for all of them. The values are taken over whenever
values are read; nothing is changed in that library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import prometheus_client
from prometheus_client.metrics import MetricWrapperBase

from plainview.capture.metrics.instruments import declare
from plainview.capture.metrics.kinds import Counter, Gauge, Histogram
from plainview.capture.metrics.registry import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainview.capture.metrics.instrument import Instrument

__all__ = ["before_fork", "look"]

#: Of a process, which Plainview measures itself.
_OWN: Final = ("process_", "python_gc_")
#: Families of its kinds that have no total of their own → how several processes' gauges become one.
_GAUGES: Final = {"gauge": "sum", "unknown": "sum", "untyped": "sum", "stateset": "sum", "info": "max"}

Key = tuple[str, tuple[str, ...], str]


class _Mirror:
    """What was taken over, and how far."""

    def __init__(self) -> None:
        self._instruments: dict[tuple[str, tuple[str, ...]], Instrument[Any] | None] = {}
        #: Where a count stood when it was last looked at.
        self._last: dict[Key, float] = {}

    def take(self, families: Iterable[Any]) -> None:
        """Take over what has changed."""
        for family in families:
            if not family.name.startswith(_OWN):
                if family.type == "histogram":
                    self._histogram(family)
                else:
                    self._others(family)

    def _instrument(self, made: type[Any], name: str, family: Any, names: tuple[str, ...], **more: Any) -> Any:  # noqa: ANN401 - of that library
        key = name, names
        if key not in self._instruments:
            self._instruments[key] = (
                None  # it is declared here as well, and we are not to count it twice
                if name in REGISTRY.instruments
                else declare(made, name, family.documentation, names, family.unit, exact=True, variant=True, **more)
            )
        return self._instruments[key]

    def _others(self, family: Any) -> None:  # noqa: ANN401 - of that library
        for sample in family.samples:
            if sample.name.endswith("_created"):
                continue
            names = tuple(sample.labels)
            if family.type in _GAUGES:
                gauge = self._instrument(Gauge, sample.name, family, names, aggregation=_GAUGES[family.type])
                if gauge is not None and sample.value - sample.value == 0:
                    gauge.labels(*sample.labels.values()).set(sample.value)
            elif family.type in {"counter", "summary"} and "quantile" not in sample.labels:
                counter = self._instrument(Counter, sample.name, family, names)
                if counter is not None:
                    self._count(counter.labels(*sample.labels.values()).inc, sample)

    def _count(self, add: Any, sample: Any) -> None:  # noqa: ANN401 - of that library
        key = sample.name, tuple(sample.labels.values()), ""
        more = self._more(key, sample.value)
        if more:
            add(more)

    def _more(self, key: Key, value: float) -> float:
        """By how much a count rose. One that fell has begun anew."""
        last = self._last.get(key, 0.0)
        self._last[key] = value
        return value - last if value >= last else value

    def _histogram(self, family: Any) -> None:  # noqa: ANN401 - of that library
        bounds = tuple(
            sorted({float(sample.labels["le"]) for sample in family.samples if "le" in sample.labels} - {float("inf")})
        )
        below: dict[tuple[str, ...], float] = {}
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name != "le"}
            values = tuple(labels.values())
            histogram = self._instrument(Histogram, family.name, family, tuple(labels), bounds=bounds)
            if histogram is None:
                return
            series = histogram.labels(*values)
            if "le" in sample.labels:
                alone = sample.value - below.get(values, 0.0)
                below[values] = sample.value
                more = self._more((family.name, values, sample.labels["le"]), alone)
                place = sum(bound < float(sample.labels["le"]) for bound in bounds)
                if more:
                    series.add_classic(place, more)
            elif sample.name.endswith("_sum"):
                last = self._last.get((family.name, values, "sum"), 0.0)
                self._last[family.name, values, "sum"] = sample.value
                series.add_to_sum(sample.value - last)


_mirror: Final = _Mirror()


def look() -> None:
    """Take over what prometheus_client's registry holds now."""
    _mirror.take(prometheus_client.REGISTRY.collect())


def before_fork() -> None:
    """A child begins with copies of all values, and is to count from there: up to here it is the parent's."""
    for collector in list(prometheus_client.REGISTRY._collector_to_names):  # noqa: SLF001 - others' may take long
        if isinstance(collector, MetricWrapperBase):
            _mirror.take(collector.collect())
