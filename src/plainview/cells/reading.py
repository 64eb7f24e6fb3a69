"""Reading the cells of a stream, of the living and of the dead; and what of them was emitted."""

from __future__ import annotations

import mmap
import os
import struct
from array import array
from typing import TYPE_CHECKING, Final

from plainview.cells.form import CELLS, EMITTED, SERIES, SLOTS, Bucket, Metric, Removed, Row, decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainview.cells.form import Entry

    StrPath = str | os.PathLike[str]

__all__ = ["Reading", "bank", "latest", "mark_told", "read", "write_bank"]

#: Number of the snapshot, how many slots follow, whether all of it was told.
_HEAD: Final = struct.Struct("=qqq")
_DOUBLE: Final = 8


class Reading:
    """What a process's slots are, and what they held at one moment."""

    __slots__ = ("buckets", "gone", "metrics", "series", "tell_gone", "values")

    def __init__(self, entries: Iterable[Entry], values: Sequence[float], *, tell_gone: bool = False) -> None:
        self.values: Final = values
        self.metrics: Final[dict[int, Metric]] = {}
        #: Number of the metric → slot → series.
        self.series: Final[dict[int, dict[int, Row]]] = {}
        #: Slot of a histogram's series → its buckets.
        self.buckets: Final[dict[int, list[Bucket]]] = {}
        #: Number of the metric → series that were removed, but may have counts that nobody was told of.
        self.gone: Final[dict[int, list[Row]]] = {}
        #: They are to be told of in any case: it was not done yet.
        self.tell_gone: Final = tell_gone
        removed: list[Removed] = []
        for entry in entries:
            kind = type(entry)
            if kind is Row:
                try:
                    self.series[entry.metric][entry.slot] = entry  # type: ignore[union-attr,assignment] # it is one
                except KeyError:
                    self.series[entry.metric] = {entry.slot: entry}  # type: ignore[union-attr,dict-item] # the same
            elif isinstance(entry, Bucket):
                self.buckets.setdefault(entry.series, []).append(entry)
            elif isinstance(entry, Metric):
                self.metrics[entry.number] = entry
            elif isinstance(entry, Removed):
                removed.append(entry)
        for entry in removed:
            for number, held in self.series.items():
                row = held.pop(entry.series, None)
                if row is not None:
                    self.gone.setdefault(number, []).append(row)

    def slots(self, series: Row) -> list[int]:
        """All slots that count for a series."""
        return [series.slot, *(bucket.slot for bucket in self.buckets.get(series.slot, ()))]

    def at(self, slot: int) -> float:
        """What a slot held; 0 where it was not there yet."""
        return self.values[slot] if slot < len(self.values) else 0.0


def read(stream: StrPath) -> Reading | None:
    """The cells of a stream; None: it has none, or they cannot be read."""
    try:
        with open(os.path.join(stream, SERIES), "rb") as file:
            entries = decode(file.read())
        used = 1 + max((entry.slot + 1 for entry in entries if isinstance(entry, (Row, Bucket))), default=0)
        descriptor = os.open(os.path.join(stream, CELLS), os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = min(os.fstat(descriptor).st_size // _DOUBLE, SLOTS)
            # Mapped, not read: a load of an aligned double is never half of an old and half of a new one.
            with (
                mmap.mmap(descriptor, size * _DOUBLE, access=mmap.ACCESS_READ) as mapped,
                memoryview(mapped) as raw,
                raw.cast("d") as view,
                view[: min(used, size)] as part,
            ):
                values = part.tolist()
        finally:
            os.close(descriptor)
    except (OSError, ValueError, TypeError):  # a map of less than a slot is the last
        return None
    return Reading(entries, values)


def write_bank(stream: StrPath, number: int, values: array[float], *, told: bool = False) -> None:
    """Keep what the slots held at snapshot ``number``. A bank that was cut short does not count.

    Args:
        stream: the folder.
        number: of the snapshot; 0 for what was told elsewhere.
        values: of the slots.
        told: the snapshot is complete.

    Raises:
        OSError: it cannot be written; the other bank still stands.
    """
    descriptor = os.open(os.path.join(stream, EMITTED[number % 2]), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(descriptor, _HEAD.pack(-1, 0, 0), 0)
        data = memoryview(values).cast("B")
        position = 0
        while position < len(data):
            position += os.pwrite(descriptor, data[position:], _HEAD.size + position)
        os.pwrite(descriptor, _HEAD.pack(number, len(values), told), 0)
    finally:
        os.close(descriptor)


def bank(stream: StrPath, number: int) -> array[float] | None:
    """What the slots held at snapshot ``number``; None: it is not known."""
    try:
        with open(os.path.join(stream, EMITTED[number % 2]), "rb") as file:
            found, count, _ = _HEAD.unpack(file.read(_HEAD.size))
            if found != number:
                return None
            values = array("d")
            values.frombytes(file.read(count * _DOUBLE))
    except (OSError, ValueError, struct.error):
        return None
    return values if len(values) == count else None


def mark_told(stream: StrPath, number: int, count: int) -> None:
    """Note that a snapshot is complete.

    Raises:
        OSError: it cannot be noted; its closing line says it too.
    """
    descriptor = os.open(os.path.join(stream, EMITTED[number % 2]), os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, _HEAD.pack(number, count, 1), 0)
    finally:
        os.close(descriptor)


def latest(stream: StrPath) -> tuple[int, bool]:
    """Number of the latest snapshot that there is a bank of, and whether it is known to be complete. 0: none."""
    found = [(0, False)]
    for name in EMITTED:
        try:
            with open(os.path.join(stream, name), "rb") as file:
                number, _, told = _HEAD.unpack(file.read(_HEAD.size))
        except (OSError, struct.error):
            continue
        found.append((number, bool(told)))
    return max(found)
