"""Samples that others took, as lines of kind ``metric``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec

from plainview.ingest.ndjson import MAX_LINE
from plainview.records import MetricRecord, SampledSeries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["encoded_lines"]

#: Bytes after which a line is long enough.
_ENOUGH: Final = MAX_LINE // 4
#: Samples, histograms and exemplars of a series in one piece.
_PIECE: Final = 8192
_FEW: Final = 16

_encode: Final = msgspec.json.Encoder().encode


def encoded_lines(series: Sequence[SampledSeries]) -> Iterator[bytes]:
    """The series as lines without their newlines, none too long; a series with very many samples is in several."""
    head = _encode(MetricRecord(timestamp=_now(), kind="samples"))[:-1] + b',"series":['
    held: list[bytes] = []
    size = 0
    for one in series:
        for piece in _pieces(one):
            data = _encode(piece)
            if held and size + len(data) > _ENOUGH:
                yield head + b",".join(held) + b"]}"
                held, size = [], 0
            held.append(data)
            size += len(data) + 1
    if held:
        yield head + b",".join(held) + b"]}"


def _pieces(series: SampledSeries) -> Iterator[SampledSeries]:
    width = 8 * _PIECE
    if len(series.times) <= width and len(series.histograms) <= _FEW and len(series.exemplars) <= _FEW:
        yield series
        return
    empty = msgspec.structs.replace(series, times=b"", values=b"", histograms=[], exemplars=[])
    replace = msgspec.structs.replace
    for start in range(0, len(series.times), width):
        part = slice(start, start + width)
        yield replace(empty, times=series.times[part], values=series.values[part])
    for start in range(len(series.histograms)):
        yield replace(empty, histograms=series.histograms[start : start + 1])
    for start in range(0, len(series.exemplars), _FEW):
        yield replace(empty, exemplars=series.exemplars[start : start + _FEW])


def _now() -> str:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds // 1000:06d}Z"
