"""Declaring a metric, or getting the one that is declared under a name."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar

from plainview.capture.metrics import guards, metering
from plainview.capture.metrics.instrument import Instrument, listed
from plainview.capture.metrics.kinds import Counter, Gauge, Histogram
from plainview.capture.metrics.registry import REGISTRY
from plainview.cells import AGGREGATIONS, Metric

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BOUNDS", "Counter", "Gauge", "Histogram", "Instrument", "counter", "declare", "gauge", "histogram", "timer"]

I = TypeVar("I", bound="Instrument[Any]")  # noqa: E741 - of Instrument

#: Upper bounds of the classic buckets, unless others are given: those of prometheus_client.
BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


_strays: Final[dict[tuple[str, str], Instrument[Any]]] = {}


def declare(  # noqa: PLR0913 - what makes a metric
    made: type[I],
    name: str,
    description: str,
    labels: Sequence[str],
    unit: str,
    *,
    exact: bool = False,
    aggregation: str = "sum",
    bounds: tuple[float, ...] = (),
    variant: bool = False,
) -> I:
    """Declare a metric of a kind, or get the one that is declared under its name; see `counter`, `gauge`, `histogram`.

    A ``variant`` may be declared several times, with other labels each time: OpenTelemetry's attributes.
    """
    name = guards.valid_name(name)
    unit = unit if not unit else guards.valid_name(unit)
    if not exact:
        name = name.removesuffix("_total") if made.kind == "counter" else name
        name = name if not unit or name.endswith(f"_{unit}") else f"{name}_{unit}"
        name += "_total" if made.kind == "counter" else ""
    names = guards.valid_labels(name, labels, made.reserved)
    with REGISTRY.lock:
        key = f"{name} {','.join(names)}" if variant else name
        found = REGISTRY.instruments.get(key)
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
            REGISTRY.most,
        )
        instrument = made(REGISTRY, entry)
        REGISTRY.board.declare(entry)
        instrument.begin()
        REGISTRY.instruments[key] = instrument
    metering.in_use()
    return instrument


def _same(  # noqa: PLR0913, PLR0917 - what must be the same
    found: Instrument[Any],
    made: type[I],
    name: str,
    labels: tuple[str, ...],
    aggregation: str,
    bounds: tuple[float, ...],
) -> I:
    entry = found.entry
    for what, there, here in (
        ("kind", found.kind, made.kind),
        ("labels", listed(entry.labels), listed(labels)),
        ("aggregation", entry.aggregation, aggregation),
        ("buckets", entry.bounds, bounds),
    ):
        if there != here:
            message = f"{name} is declared already, with another {what}: {there}, now {here}"
            guards.misuse(name, "declared twice", message)
            break
    if isinstance(found, made):
        return found
    # An instrument that cannot be: it is in no list, and nobody reads its cells.
    stray = _strays.get((name, made.kind))
    if not isinstance(stray, made):
        stray = _strays[name, made.kind] = made(REGISTRY, Metric(0, name, made.kind, labels=labels, bounds=bounds))
        stray.begin()
    return stray


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
    return declare(Counter, name, description, labels, unit, exact=exact)


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
        aggregation: what the gauges of several processes make together: ``sum``, ``max``, ``min``, ``mean``, or
            ``last``, the one that was set last.

    Raises:
        MetricError: the name or a label cannot be, or the metric is declared otherwise; in development and testing.
    """
    if aggregation not in AGGREGATIONS:
        guards.misuse(
            str(name), "aggregation", f"{name}: aggregation {aggregation!r} is none of {listed(AGGREGATIONS)}"
        )
        aggregation = "sum"
    return declare(Gauge, name, description, labels, unit, exact=exact, aggregation=aggregation)


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
        MetricError: the name, a label or a bound cannot be, or the metric is declared otherwise; in development and
            testing.
    """
    return declare(Histogram, name, description, labels, unit, exact=exact, bounds=_bounds(name, buckets))


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
    return declare(Histogram, name, description, labels, unit, exact=exact, bounds=_bounds(name, buckets))


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
