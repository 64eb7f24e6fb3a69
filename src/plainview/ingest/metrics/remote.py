"""Requests of Prometheus's remote write become lines of samples."""

# ruff: noqa: EM101, EM102 - what is wrong, and with which field, is said where it is found

from __future__ import annotations

import time
from array import array
from dataclasses import dataclass
from itertools import accumulate
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import cramjam
from google.protobuf.message import DecodeError

from plainview.ingest.metrics.protocol import V1, V2, messages
from plainview.ingest.metrics.written import encoded_lines
from plainview.records import SampledHistogram, SampledSeries
from plainview.store.samples import STALE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["V1", "V2", "BadRequest", "Received", "RemoteWrite"]

#: Most bytes of a request once it is unpacked.
MOST_UNPACKED: Final = 64 << 20
#: Most labels of a series, and characters of a name and of a value.
_MOST_LABELS: Final = 128
_MOST_NAME: Final = 1024
_MOST_VALUE: Final = 16_384
_MOST_LETTERS: Final = 65_536
#: Most labels of an exemplar, and characters of each: longer ones are cut.
_MOST_EXEMPLAR: Final = 16
_EXEMPLAR_LETTERS: Final = 256
#: Milliseconds that a sample may be ahead of this clock: later ones of its series would be taken for older.
_AHEAD: Final = 3_600_000
#: Most buckets of a histogram.
_MOST_BUCKETS: Final = 20_000
#: Metrics whose kind is remembered: version 1 tells it apart from the samples.
_MOST_KNOWN: Final = 20_000
#: Exponential buckets of the finest and of the coarsest schema.
_SCHEMAS: Final = range(-4, 9)

_KINDS: Final = ("unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset")
_PARTS: Final = ("_bucket", "_sum", "_count")


class BadRequest(ValueError):  # noqa: N818 - the word of the protocol (400 Bad Request)
    """The request is not taken, and nothing of it was stored.

    Attributes:
        field: what is wrong.
        too_large: it is only too large.
    """

    def __init__(self, field: str, message: str, *, too_large: bool = False) -> None:
        super().__init__(message)
        self.field = field
        self.too_large = too_large


@dataclass(slots=True)
class Received:
    """A request as lines of kind ``metric``, and how much is in it."""

    lines: list[bytes]
    samples: int = 0
    histograms: int = 0
    exemplars: int = 0


class RemoteWrite:
    """Reads requests. It remembers what is said of metrics, so there is one for a server. For any thread."""

    def __init__(self) -> None:
        self._messages = messages()
        self._known: dict[str, tuple[str, str, str]] = {}

    def read(self, body: bytes, message: str) -> Received:
        """The lines of a request.

        Args:
            body: as it came, packed by snappy.
            message: full name of the message, `V1` or `V2`.

        Raises:
            BadRequest: it is none, or something in it is out of bounds.
        """
        request = self._messages[message]()
        try:
            request.ParseFromString(_unpacked(body))
        except DecodeError as error:
            raise BadRequest("body", f"is no {message}: {error}") from None
        received = Received([])
        read = self._first(request, received) if message == V1 else self._second(request, received)
        received.lines = list(encoded_lines(list(read)))
        return received

    # -- version 1 --------------------------------------------------------------------------------------------------

    def _first(self, request: Any, received: Received) -> Iterator[SampledSeries]:  # noqa: ANN401 - a message
        for one in request.metadata:
            if len(self._known) < _MOST_KNOWN or one.metric_family_name in self._known:
                self._known[one.metric_family_name] = (_kind(one.type), one.unit[:_MOST_NAME], one.help[:_MOST_VALUE])
        for place, given in enumerate(request.timeseries):
            labels = _labels([(label.name, label.value) for label in given.labels], place)
            series = SampledSeries(labels)
            self._describe(series)
            exemplars = [
                (one.timestamp, one.value, {label.name: label.value for label in one.labels}) for one in given.exemplars
            ]
            yield _filled(series, given, exemplars, place, received)

    def _describe(self, series: SampledSeries) -> None:
        name = series.labels["__name__"]
        for family in (name, *(name.removesuffix(part) for part in _PARTS if name.endswith(part))):
            known = self._known.get(family)
            if known is not None:
                series.family = family
                series.kind, series.unit, series.description = known
                return

    # -- version 2 --------------------------------------------------------------------------------------------------

    def _second(self, request: Any, received: Received) -> Iterator[SampledSeries]:  # noqa: ANN401 - a message
        symbols = list(request.symbols)
        if symbols and symbols[0]:
            raise BadRequest("symbols", "the first of them must be empty")
        for place, given in enumerate(request.timeseries):
            series = SampledSeries(_labels(_pairs(given.labels_refs, symbols, place), place))
            series.kind = _kind(given.metadata.type)
            series.description = _symbol(given.metadata.help_ref, symbols, place)[:_MOST_VALUE]
            series.unit = _symbol(given.metadata.unit_ref, symbols, place)[:_MOST_NAME]
            name = series.labels["__name__"]
            series.family = name
            if series.kind in ("histogram", "summary"):
                series.family = next((name.removesuffix(part) for part in _PARTS if name.endswith(part)), name)
            exemplars = [
                (one.timestamp, one.value, dict(_pairs(one.labels_refs, symbols, place))) for one in given.exemplars
            ]
            yield _filled(series, given, exemplars, place, received)


def _unpacked(body: bytes) -> bytes:
    try:
        size = cramjam.snappy.decompress_raw_len(body)
        if size > MOST_UNPACKED:
            message = f"larger than {MOST_UNPACKED >> 20} MiB when unpacked: send it in parts"
            raise BadRequest("body", message, too_large=True)
        return bytes(cramjam.snappy.decompress_raw(body))
    except (cramjam.DecompressionError, ValueError, OverflowError) as error:
        if isinstance(error, BadRequest):
            raise
        raise BadRequest("body", f"is not whole snappy: {error}") from None


def _kind(number: int) -> str:
    return _KINDS[number] if 0 < number < len(_KINDS) else ""


def _symbol(reference: int, symbols: Sequence[str], place: int) -> str:
    if reference == 0:
        return ""
    if reference >= len(symbols):
        raise BadRequest(f"timeseries.{place}", f"refers to symbol {reference} of {len(symbols)}")
    return symbols[reference]


def _pairs(references: Sequence[int], symbols: Sequence[str], place: int) -> list[tuple[str, str]]:
    if len(references) % 2:
        raise BadRequest(f"timeseries.{place}.labels_refs", "is not made of pairs")
    texts = [_symbol(reference, symbols, place) for reference in references]
    return list(zip(texts[::2], texts[1::2], strict=True))


def _labels(pairs: list[tuple[str, str]], place: int) -> dict[str, str]:
    field = f"timeseries.{place}.labels"
    if len(pairs) > _MOST_LABELS:
        raise BadRequest(field, f"more than {_MOST_LABELS} of them")
    labels = {name: value for name, value in pairs if value}
    if sum(map(len, labels.values())) > _MOST_LETTERS:
        raise BadRequest(field, f"longer than {_MOST_LETTERS} characters together")
    if len({name for name, _ in pairs}) < len(pairs):
        raise BadRequest(field, "a name is there twice")
    if not labels.get("__name__"):
        raise BadRequest(field, "there is no __name__")
    for name, value in labels.items():
        if not name or len(name) > _MOST_NAME or "\0" in name:
            raise BadRequest(field, f"{name[:60]!r} is no name of a label")
        if len(value) > (_MOST_NAME if name == "__name__" else _MOST_VALUE) or "\0" in value:
            raise BadRequest(field, f"the value of {name[:60]!r} is too long, or has a NUL in it")
    return labels


def _filled(
    series: SampledSeries,
    given: Any,  # noqa: ANN401 - a message
    exemplars: list[tuple[int, float, dict[str, str]]],
    place: int,
    received: Received,
) -> SampledSeries:
    """The series with its samples."""
    latest = time.time_ns() // 1_000_000 + _AHEAD
    times = array("q", [sample.timestamp for sample in given.samples])
    for moment in (*times, *(one.timestamp for one in given.histograms), *(moment for moment, _, _ in exemplars)):
        if not 0 <= moment <= latest:
            raise BadRequest(f"timeseries.{place}", f"the time {moment} is before 1970, or ahead of this clock")
    series.times = times.tobytes()
    series.values = array("d", [sample.value for sample in given.samples]).tobytes()
    series.histograms = [_histogram(one, place) for one in given.histograms]
    if series.histograms:
        series.kind, series.family = series.kind or "histogram", series.labels["__name__"]
    series.exemplars = [(moment, value, _short(own)) for moment, value, own in exemplars if isfinite(value)]
    received.samples += len(times)
    received.histograms += len(series.histograms)
    received.exemplars += len(series.exemplars)
    return series


def _short(labels: dict[str, str]) -> dict[str, str]:
    kept = list(labels.items())[:_MOST_EXEMPLAR]
    return {name[:_EXEMPLAR_LETTERS]: value[:_EXEMPLAR_LETTERS] for name, value in kept}


def _histogram(given: Any, place: int) -> SampledHistogram:  # noqa: ANN401 - a message
    field = f"timeseries.{place}.histograms"
    if given.schema not in _SCHEMAS:
        raise BadRequest(field, f"schema {given.schema}: only exponential buckets from -4 to 8 are taken")
    positive = _buckets(given.positive_spans, given.positive_deltas, given.positive_counts, field)
    negative = _buckets(given.negative_spans, given.negative_deltas, given.negative_counts, field)
    count = given.count_float or float(given.count_int)
    zero = given.zero_count_float or float(given.zero_count_int)
    stale = array("d", [given.sum]).tobytes() == array("q", [STALE]).tobytes()
    numbers = array("d", [count, given.sum, zero, given.zero_threshold]).tobytes()
    return SampledHistogram(given.timestamp, given.schema, numbers, positive, negative, stale)


def _buckets(spans: Any, deltas: Any, counts: Any, field: str) -> list[tuple[int, float]]:  # noqa: ANN401 - messages
    values = list(counts) or list(map(float, accumulate(deltas)))
    if sum(span.length for span in spans) != len(values) or len(values) > _MOST_BUCKETS:
        raise BadRequest(field, "the spans do not have as many buckets as there are, or there are too many")
    if any(not value >= 0 for value in values):
        raise BadRequest(field, "a bucket holds less than nothing")
    indexes: list[int] = []
    index = 0
    for span in spans:
        index += span.offset
        indexes += range(index, index + span.length)
        index += span.length
    if any(at.bit_length() > 31 for at in indexes):  # noqa: PLR2004 - what the store has room for
        raise BadRequest(field, "a bucket's index does not fit 32 bits")
    if len(set(indexes)) < len(indexes):
        raise BadRequest(field, "a bucket is there twice")
    return [(at, value) for at, value in zip(indexes, values, strict=True) if value]
