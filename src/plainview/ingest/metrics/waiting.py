"""Lines that wait for the tick they belong to, with the positions that are reached with them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from plainview.ingest.ndjson import MAX_LINE, Rejected, reason
from plainview.records import MetricRecord
from plainview.store.interface import Position
from plainview.store.rows import RowError, microseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainview.ingest.lane import Piece

__all__ = ["Entry", "Waiting"]

_decoder: Final = msgspec.json.Decoder(MetricRecord)


class Entry(NamedTuple):
    """One line and where it ends."""

    stream: str
    moment: int
    record: MetricRecord | None
    position: Position


class Waiting:
    """What was read and is not stored yet, in the order of the ticks.

    Args:
        interval: milliseconds between two ticks.
    """

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self._ticks: defaultdict[int, list[Entry]] = defaultdict(list)
        #: Stream → the last tick that something of it waits for. Lines of a stream never overtake one another.
        self._last: dict[str, int] = {}
        #: Series that wait.
        self.size = 0
        #: Samples of others: they have times of their own, and need not wait.
        self.ready: list[Entry] = []

    def add(self, piece: Piece, now: int, closed: int) -> tuple[list[Rejected], int]:
        """Take in what was read.

        Args:
            piece: whole lines.
            now: milliseconds since 1970; what claims to be of later is of now.
            closed: the last tick that is stored.

        Returns:
            What could not be understood, and the number of lines.
        """
        rejected, count = list(piece.rejected), 0
        offset = piece.offset - len(piece.data)
        end = Position(piece.stream, piece.kind, piece.segment, piece.offset)
        for line in piece.data.splitlines(keepends=True):
            offset += len(line)
            if line.isspace():
                continue
            count += 1
            try:
                record, moment = _read(line)
            except ValueError as error:
                rejected.append(Rejected(line.rstrip(b"\n"), reason(error)))
                continue
            at = end if offset >= piece.offset else Position(piece.stream, piece.kind, piece.segment, offset)
            self._put(Entry(piece.stream, min(moment, now), record, at), closed)
        self._put(Entry(piece.stream, 0, None, end), closed)
        return rejected, count

    def _put(self, entry: Entry, closed: int) -> None:
        record, stream = entry.record, entry.stream
        held = self._last.get(stream)
        if held is None and (record is None or record.series):
            self.ready.append(entry)
            return
        own = -(-entry.moment // self._interval) * self._interval
        tick = max(held or 0, own if own > closed else closed + 1)
        self._last[stream] = tick
        self._ticks[tick].append(entry)
        if record is not None:
            self.size += 1 + len(record.points) + len(record.series)

    def first(self) -> int | None:
        """The tick of the earliest that wait."""
        return min(self._ticks, default=None)

    def take(self, tick: int) -> Iterator[Entry]:
        """All that belong to this tick or to an earlier one; they wait no longer."""
        for each in sorted(one for one in self._ticks if one <= tick):
            for entry in self._ticks.pop(each):
                if entry.record is not None:
                    self.size -= 1 + len(entry.record.points) + len(entry.record.series)
                if self._last.get(entry.stream) == each:
                    self._last.pop(entry.stream, None)
                yield entry

    def streams(self) -> set[str]:
        """Those of which something waits."""
        return set(self._last)

    def holds(self, stream: str) -> bool:
        """Whether something of a stream waits."""
        return stream in self._last


def _read(line: bytes) -> tuple[MetricRecord, int]:
    """A line's record, and its time in milliseconds.

    Raises:
        ValueError: it is none.
    """
    if len(line) > MAX_LINE + 1:
        msg = f"longer than {MAX_LINE} bytes"
        raise RowError(msg)
    if b"\0" in line:
        msg = "a NUL byte"
        raise RowError(msg)
    try:
        record = _decoder.decode(line)
    except RecursionError as error:
        raise RowError(reason(error)) from None
    for series in record.series:
        if len(series.times) % 8 or len(series.times) != len(series.values):
            msg = "times and values: not as many of one as of the other"
            raise RowError(msg)
        if any(len(one.numbers) != 4 * 8 or not -4 <= one.scale <= 8 for one in series.histograms):  # noqa: PLR2004 - see there
            msg = "histograms: numbers or scale do not fit"
            raise RowError(msg)
    return record, microseconds(record.timestamp) // 1000
