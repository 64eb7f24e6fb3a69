"""Names of the files, and the lines of ``cells.series``."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

__all__ = [
    "CELLS",
    "CLASSIC",
    "DONE",
    "EMITTED",
    "NEGATIVE",
    "OVERFLOW",
    "POSITIVE",
    "SCALE",
    "SERIES",
    "SLOTS",
    "ZERO",
    "Bucket",
    "Entry",
    "Metric",
    "Removed",
    "Row",
    "decode",
    "encode",
    "is_cells_file",
]

CELLS: Final = "cells"
SERIES: Final = "cells.series"
EMITTED: Final = ("cells.emitted-0", "cells.emitted-1")
DONE: Final = "cells.done"

#: Slots that a map has room for. The file is sparse: blocks are there for those in use.
SLOTS: Final = 1 << 22
#: Exponential buckets: each power of two is divided into ``2**SCALE``. The relative error is at most 0.55 %.
SCALE: Final = 6

#: The label that stands instead of a metric's own on the series for what was beyond its cap: OpenTelemetry's
#: ``otel.metric.overflow``, as Prometheus writes it.
OVERFLOW: Final = ("otel_metric_overflow", "true")

#: What the exponential half of a bucket is: of positive values, of negative ones, of zero; or there is none.
POSITIVE, NEGATIVE, ZERO, CLASSIC = "+", "-", "0", "c"


# There are many of these; without gc, for nothing in them refers back to them.


class Metric(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="m"):
    """A metric is declared. ``number`` is what its series name it by."""

    number: int
    name: str
    #: counter, gauge or histogram.
    kind: str
    unit: str = ""
    description: str = ""
    labels: tuple[str, ...] = ()
    aggregation: str = "sum"
    #: Upper bounds of the classic buckets, rising, without the infinite one.
    bounds: tuple[float, ...] = ()
    #: Most series that it may have, in a process and in the totals of the dead.
    most: int = 1000


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="s"):
    """A series begins. Its slot holds a counter, a gauge, or the sum of a histogram.

    A gauge of which the latest value counts has the time of that in the next slot.
    """

    metric: int
    slot: int
    #: In the order of the metric's labels; None: it is the one for what is beyond the cap.
    values: tuple[str, ...] | None = ()


class Bucket(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="b"):
    """A bucket of a histogram's series has its slot: one exponential bucket, as far as it lies in one classic one."""

    #: The slot of the series.
    series: int
    slot: int
    #: Index of the classic bucket; the last one is beyond the last bound.
    classic: int
    sign: str = POSITIVE
    index: int = 0


class Removed(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="r"):
    """A series is gone. Its slots are not used again."""

    series: int


Entry: TypeAlias = Metric | Row | Bucket | Removed

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Entry)


def encode(entry: Entry) -> bytes:
    """One line."""
    return _encoder.encode(entry) + b"\n"


def decode(data: bytes) -> list[Entry]:
    """All whole lines. What cannot be read (the end of a file that was cut) ends them."""
    data = data[: data.rfind(b"\n") + 1]
    try:
        return _decoder.decode_lines(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found: list[Entry] = []
        for line in data.splitlines():
            try:
                found.append(_decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError):
                break
        return found


def is_cells_file(name: str) -> bool:
    """Whether a file of a stream belongs to its cells, and may go with it once they are done."""
    return name == CELLS or name.startswith("cells.")
