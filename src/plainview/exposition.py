"""Metrics as text: Prometheus's format 0.0.4 and OpenMetrics 1.0, and which of them a client asks for.

The formats: https://prometheus.io/docs/instrumenting/exposition_formats/,
https://prometheus.io/docs/specs/om/open_metrics_spec/.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["OPENMETRICS", "TEXT", "Exemplar", "Family", "Histogram", "Labels", "Sample", "negotiate", "render"]

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

#: Label names and values, in the order in which they are shown.
Labels: TypeAlias = tuple[tuple[str, str], ...]
#: Value, seconds since 1970, trace id, span id.
Exemplar: TypeAlias = tuple[float, float, str, str]

_TOTAL: Final = "_total"
_VALUE: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


class Sample(Struct, gc=False):
    """The value of a counter or a gauge."""

    labels: Labels
    value: float
    exemplar: Exemplar | None = None


class Histogram(Struct):
    """What a histogram's series has counted."""

    labels: Labels
    #: Observations per classic bucket, not cumulative; the last one is beyond the last bound.
    buckets: list[int]
    sum: float
    #: The exponential half: index → observations, see `plainview.records.MetricPoint`.
    scale: int = 0
    zero: int = 0
    positive: dict[int, int] = {}
    negative: dict[int, int] = {}
    #: Classic bucket → the latest exemplar in it.
    exemplars: dict[int, Exemplar] = {}


class Family(Struct):
    """A metric and its series.

    ``kind`` is counter, gauge, histogram or unknown. A counter's name ends in ``_total`` as a rule; ``unit`` is the end
    of the name, or is not shown.
    """

    name: str
    kind: str
    unit: str = ""
    description: str = ""
    bounds: tuple[float, ...] = ()
    samples: list[Sample] = []
    histograms: list[Histogram] = []


def negotiate(accept: str) -> str:
    """The content type to answer an ``Accept`` header with: `OPENMETRICS` where it is preferred, else `TEXT`."""
    weights = {OPENMETRICS: 0.0, TEXT: 0.0}
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        given = dict(piece.split("=", 1) for piece in parameters if "=" in piece)
        try:
            weight = float(given.get("q", "1"))
        except ValueError:
            weight = 0.0
        if media == "application/openmetrics-text" and given.get("version", "1.0.0") in {"1.0.0", "0.0.1"}:
            weights[OPENMETRICS] = max(weights[OPENMETRICS], weight)
        elif media == "text/plain" and given.get("version", "0.0.4") == "0.0.4":
            weights[TEXT] = max(weights[TEXT], weight)
    return OPENMETRICS if weights[OPENMETRICS] > 0 and weights[OPENMETRICS] >= weights[TEXT] else TEXT


def render(families: Iterable[Family], content_type: str = TEXT) -> bytes:
    """All families as the body of an answer, by name. Of several of one name, those of the first's kind are shown."""
    modern = content_type == OPENMETRICS
    lines: list[str] = []
    for name, group in groupby(sorted(families, key=lambda family: family.name), lambda family: family.name):
        first, *others = group
        lines += _head(name, first, modern=modern)
        alike = [first, *(family for family in others if family.kind == first.kind)]
        _body(lines, alike, modern=modern)
    if modern:
        lines.append("# EOF\n")
    return "".join(lines).encode("utf-8", "replace")


def _head(name: str, family: Family, *, modern: bool) -> Iterator[str]:
    kind = family.kind
    if modern and kind == "counter":
        if name.endswith(_TOTAL):
            name = name[: -len(_TOTAL)]
        else:
            kind = "unknown"
    description = family.description.translate(_VALUE if modern else _HELP)
    if description or not modern:
        yield f"# HELP {name} {description}\n"
    yield f"# TYPE {name} {'untyped' if kind == 'unknown' and not modern else kind}\n"
    if modern and family.unit and name.endswith("_" + family.unit):
        yield f"# UNIT {name} {family.unit}\n"


def _body(lines: list[str], families: list[Family], *, modern: bool) -> None:
    seen: set[Labels] | None = None
    if (
        len(families) > 1
    ):  # processes of several versions: a series is shown once, whatever its buckets are in the others
        seen = set()
    for family in families:
        lead = family.name
        for sample in family.samples:
            if seen is None or _is_new(sample.labels, seen):
                end = _exemplar(sample.exemplar) if modern and sample.exemplar is not None else ""
                lines.append(f"{lead}{_braces(sample.labels)} {_number(sample.value)}{end}\n")
        for histogram in family.histograms:
            if seen is None or _is_new(histogram.labels, seen):
                _histogram(lines, family, histogram, modern=modern)


def _is_new(labels: Labels, seen: set[Labels]) -> bool:
    key = tuple(sorted(labels))
    if key in seen:
        return False
    seen.add(key)
    return True


def _histogram(lines: list[str], family: Family, histogram: Histogram, *, modern: bool) -> None:
    name = family.name
    labels = _inner(histogram.labels)
    lead = f"{name}_bucket{{{labels}," if labels else f"{name}_bucket{{"
    count = 0
    bounds = [*map(_number, family.bounds), "+Inf"]
    for place, (bound, more) in enumerate(zip(bounds, histogram.buckets, strict=True)):
        count += more
        exemplar = histogram.exemplars.get(place) if modern else None
        lines.append(f'{lead}le="{bound}"}} {count}{"" if exemplar is None else _exemplar(exemplar)}\n')
    braces = f"{{{labels}}}" if labels else ""
    # A sum is no counter where observations are negative: OpenMetrics wants none then, and no count without it.
    if not (modern and histogram.negative):
        lines.append(f"{name}_count{braces} {count}\n{name}_sum{braces} {_number(histogram.sum)}\n")


def _braces(labels: Labels) -> str:
    return f"{{{_inner(labels)}}}" if labels else ""


def _inner(labels: Labels) -> str:
    return ",".join([f'{name}="{value if value.isalnum() else value.translate(_VALUE)}"' for name, value in labels])


def _number(value: float) -> str:
    if value - value == 0:
        return repr(float(value))
    return "NaN" if value != value else "+Inf" if value > 0 else "-Inf"  # noqa: PLR0124 - only NaN is not itself


def _exemplar(exemplar: Exemplar) -> str:
    value, seconds, trace, span = exemplar
    return f' # {{trace_id="{trace}",span_id="{span}"}} {_number(value)} {seconds:.3f}'
