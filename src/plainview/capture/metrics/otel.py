"""Plainview behind `opentelemetry.metrics`: every OpenTelemetry instrumentation measures with our instruments.

Names and attributes become those of Prometheus by OpenTelemetry's rules
(https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/). The instrumentation scope is no
label. One private name of the API is set, guarded: its provider, without using up the one chance that an application
has to set its own.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import metrics
from opentelemetry.metrics import _internal as api
from opentelemetry.metrics._internal.instrument import Gauge as Gauge_

from plainview.capture.metrics import metering
from plainview.capture.metrics.instruments import BOUNDS, declare
from plainview.capture.metrics.kinds import Counter, Gauge, Histogram
from plainview.capture.metrics.registry import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, CallbackT, Observation
    from opentelemetry.util.types import Attributes

    from plainview.capture.metrics.instrument import Instrument

__all__ = ["Meter", "MeterProvider", "install", "prometheus_name"]

#: Of values in no unit that we know: the specification's.
_BOUNDS: Final = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0)
#: UCUM → what Prometheus calls it.
_UNITS: Final = {
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds",
    "ns": "nanoseconds", "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes",
    "TiBy": "tibibytes", "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes", "m": "meters",
    "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams", "Cel": "celsius", "Hz": "hertz",
    "%": "percent",
}  # fmt: skip
_PER: Final = {
    "s": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year",
}  # fmt: skip
_NOT_NAME: Final = re.compile(r"[^a-zA-Z0-9_:]+|_+")
_NOT_LABEL: Final = re.compile(r"[^a-zA-Z0-9_]+|_+")


def prometheus_name(name: str, unit: str, kind: str) -> tuple[str, str]:
    """Name and unit that a metric of OpenTelemetry has in Prometheus; ``kind`` is counter, gauge or histogram."""
    name = _NOT_NAME.sub("_", name).removesuffix("_total") if kind == "counter" else _NOT_NAME.sub("_", name)
    name = f"_{name}" if name[:1].isdigit() else name
    what, _, per = re.sub(r"\{[^}]*\}", "", unit).partition("/")
    word = _UNITS.get(what, "ratio" if what == "1" and kind == "gauge" else "" if what == "1" else what)
    words = _NOT_LABEL.sub("_", word + (f"_per_{_PER.get(per, per)}" if per else "")).strip("_")
    if words and not name.endswith(f"_{words}") and name != words:
        name = f"{name}_{words}"
    return (f"{name}_total" if kind == "counter" else name), words


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return str(value)


class _Family:
    """A metric of ours for each set of attribute names that one of OpenTelemetry's comes with."""

    def __init__(self, made: type[Any], name: str, unit: str, description: str, **more: Any) -> None:  # noqa: ANN401 - of the kind
        self.name, self._unit = prometheus_name(name, unit, made.kind)
        self._made: Final = made
        self._description: Final = description
        self._more: Final = more
        self._variants: Final[dict[tuple[str, ...], tuple[Instrument[Any], tuple[str, ...]]]] = {}
        self._bare: Any = None

    def series(self, attributes: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - of the kind
        """The series of some attributes."""
        if not attributes:
            if self._bare is None:
                self._bare = self._variant(()).labels()
            return self._bare
        names = tuple(attributes)
        found = self._variants.get(names)
        if found is None:
            labels: dict[str, str] = {}
            for name in sorted(names):
                label = _NOT_LABEL.sub("_", str(name))
                label = f"_{label}" if label[:1].isdigit() else label
                labels.setdefault(label.replace("__", "_") if label.startswith("__") else label, name)
            order = tuple(labels.values())
            found = self._variants[names] = self._variant(tuple(labels)), order
        instrument, order = found
        return instrument.labels(*[_text(attributes[name]) for name in order])

    def _variant(self, labels: tuple[str, ...]) -> Instrument[Any]:
        labels = tuple(f"{label}_" if self._made is Histogram and label == "le" else label for label in labels)
        made: Instrument[Any] = declare(
            self._made, self.name, self._description, labels, self._unit, exact=True, variant=True, **self._more
        )
        return made


class _Synchronous:
    """Hands measurements to our series. Nothing of it is raised into whoever measures."""

    _method = "inc"

    def __init__(self, family: _Family) -> None:
        self._family: Final = family

    def _measure(self, amount: float, attributes: Attributes | None) -> None:
        try:
            getattr(self._family.series(attributes), self._method)(amount)
        except Exception as error:  # noqa: BLE001 - never into the application
            metering.failed(error)


class _Counter(_Synchronous, metrics.Counter):
    def add(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:  # noqa: ARG002 - OpenTelemetry's signature
        self._measure(amount, attributes)


class _UpDownCounter(_Synchronous, metrics.UpDownCounter):
    def add(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:  # noqa: ARG002 - OpenTelemetry's signature
        self._measure(amount, attributes)


class _Gauge(_Synchronous, Gauge_):
    _method = "set"

    def set(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:  # noqa: ARG002 - OpenTelemetry's signature
        self._measure(amount, attributes)


class _Histogram(_Synchronous, metrics.Histogram):
    _method = "observe"

    def record(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:  # noqa: ARG002 - OpenTelemetry's signature
        self._measure(amount, attributes)


class _Observed:
    """Asks its callbacks whenever values are read."""

    def __init__(self, family: _Family, callbacks: Sequence[CallbackT] | None) -> None:
        self._family: Final = family
        self._callbacks: Final = list(callbacks or ())
        #: Of a counter, where it stood: what callbacks say is the total so far.
        self._last: Final[dict[int, float]] = {}
        REGISTRY.before_collect(self._look)

    def _look(self) -> None:
        for place, callback in enumerate(self._callbacks):
            try:
                for observation in self._ask(place, callback):
                    self._take(observation)
            except Exception as error:  # noqa: BLE001 - the application's own function
                metering.failed(error)

    def _ask(self, place: int, callback: Any) -> Iterable[Observation]:  # noqa: ANN401 - a function or a generator
        options = metrics.CallbackOptions()
        if callable(callback):
            found: Iterable[Observation] = callback(options)
            return found
        generator: Generator[Iterable[Observation], CallbackOptions, None] = callback
        try:
            return next(generator) if generator.gi_frame.f_lasti < 0 else generator.send(options)  # type: ignore[attr-defined] # it has a frame
        except (StopIteration, AttributeError):
            self._callbacks[place] = _nothing
            return ()

    def _take(self, observation: Observation) -> None:
        self._family.series(observation.attributes).set(observation.value)


class _ObservableCounter(_Observed, metrics.ObservableCounter):
    def _take(self, observation: Observation) -> None:
        series = self._family.series(observation.attributes)
        last = self._last.get(series.slot, 0.0)
        self._last[series.slot] = observation.value
        series.inc(observation.value - last if observation.value >= last else observation.value)


class _ObservableUpDownCounter(_Observed, metrics.ObservableUpDownCounter):
    pass


class _ObservableGauge(_Observed, metrics.ObservableGauge):
    pass


def _nothing(_: object) -> tuple[()]:
    return ()


class Meter(metrics.Meter):
    """Makes our instruments for one instrumentation scope."""

    def create_counter(self, name: str, unit: str = "", description: str = "") -> metrics.Counter:
        """What only rises."""
        return _Counter(_Family(Counter, name, unit, description))

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> metrics.UpDownCounter:
        """What rises and falls; the processes of a service add up."""
        return _UpDownCounter(_Family(Gauge, name, unit, description))

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> Gauge_:
        """A value; of several processes, the one that was set last."""
        return _Gauge(_Family(Gauge, name, unit, description, aggregation="last"))

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> metrics.Histogram:
        """Values by their size."""
        given = explicit_bucket_boundaries_advisory
        bounds = tuple(map(float, given)) if given else BOUNDS if unit == "s" else _BOUNDS
        return _Histogram(_Family(Histogram, name, unit, description, bounds=bounds))

    def create_observable_counter(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> metrics.ObservableCounter:
        """What only rises, asked for."""
        return _ObservableCounter(_Family(Counter, name, unit, description), callbacks)

    def create_observable_up_down_counter(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> metrics.ObservableUpDownCounter:
        """What rises and falls, asked for."""
        return _ObservableUpDownCounter(_Family(Gauge, name, unit, description), callbacks)

    def create_observable_gauge(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> metrics.ObservableGauge:
        """A value, asked for."""
        return _ObservableGauge(_Family(Gauge, name, unit, description, aggregation="last"), callbacks)


class MeterProvider(metrics.MeterProvider):
    """The provider that `opentelemetry.metrics.get_meter_provider()` answers with, unless the app sets its own."""

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes | None = None,  # noqa: ARG002 - OpenTelemetry's signature
    ) -> Meter:
        """A meter for one instrumentation scope."""
        return Meter(name, version, schema_url)


def install() -> None:
    """Stand behind the API. An application that set up a provider, or does so later, keeps its own."""
    if getattr(api, "_METER_PROVIDER", None) is None:
        provider = MeterProvider()
        api._METER_PROVIDER = provider  # noqa: SLF001 - see the module's docstring
        # Meters and instruments that were made before have stood for nothing so far.
        waiting: Callable[[metrics.MeterProvider], None] = api._PROXY_METER_PROVIDER.on_set_meter_provider  # noqa: SLF001 - the same
        waiting(provider)
