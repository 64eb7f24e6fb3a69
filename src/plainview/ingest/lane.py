"""One kind of record of one stream, read segment by segment."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from plainview.ingest.ndjson import MAX_LINE, Rejected
from plainview.segments import SegmentName

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Lane", "Piece", "closed_marker"]

#: Read first, to see whether there is anything at all: most of a live segment is NUL bytes.
_PROBE: Final = 32 << 10
#: Seconds that a writer has to finish a line in a segment that it has left.
_SETTLE: Final = 1.0
#: Most of an overlong line that is looked at.
_HEAD: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines of a stream, what was skipped between them, and the position after both."""

    stream: str
    kind: str
    segment: int
    offset: int
    data: bytes = b""
    rejected: list[Rejected] = field(default_factory=list)


def closed_marker(segment: SegmentName) -> str:
    """Name of the file that says that a segment from another machine is complete; it holds the size."""
    return f"{segment.kind}-{segment.number:06d}.closed"


class Lane:
    """Where the reading of one kind of one stream stands, and how it goes on.

    Args:
        directory: the stream's folder; its name is the stream's.
        kind: ``log`` or ``span``.
        position: segment and offset to go on from, as they were committed; None to begin with what is there.
        is_over: whether nothing more will be written to the stream.
        shipped: the stream comes from another machine: only a marker closes its segments.
    """

    def __init__(
        self,
        directory: Path,
        kind: str,
        position: tuple[int, int] | None,
        is_over: Callable[[], bool],
        *,
        shipped: bool = False,
    ) -> None:
        self.directory = directory
        self.stream = directory.name
        self.kind = kind
        self.segment, self.offset = position or (0, 0)
        #: Segments that were gone before they had been read to their end.
        self.missing = 0
        #: Numbers of the segments that are there, as of the last listing.
        self.numbers: list[int] = []
        self._begun = position is not None
        self._is_over = is_over
        self._shipped = shipped
        self._waiting = ((-1, 0), 0.0)

    def _path(self, number: int) -> Path:
        return self.directory / str(SegmentName(self.kind, number))

    def read(self, most: int) -> Piece | None:
        """What comes next, about ``most`` bytes of it at the most (a longer line is never cut), or None for now.

        Raises:
            OSError: the segment is there but cannot be read.
        """
        piece = self._take(most, final=False)
        if piece is None and self._is_closed():
            # Only now is it sure that nothing was added after the look above.
            piece = self._take(most, final=True)
        return piece

    def _is_closed(self) -> bool:
        if self._shipped:
            return (self.directory / closed_marker(SegmentName(self.kind, self.segment))).exists() or self._is_over()
        return self._path(self.segment + 1).exists() or any(n > self.segment for n in self.numbers) or self._is_over()

    def _piece(self, data: bytes = b"", rejected: list[Rejected] | None = None) -> Piece:
        self._begun = True
        return Piece(self.stream, self.kind, self.segment, self.offset, data, rejected or [])

    def _take(self, most: int, *, final: bool) -> Piece | None:
        try:
            file = os.open(self._path(self.segment), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return self._next_there()
        try:
            return self._take_from(file, most, final=final)
        finally:
            os.close(file)

    def _next_there(self) -> Piece | None:
        """Go on with the next segment that exists: the one looked for was never there, or was removed unread."""
        later = [number for number in self.numbers if number > self.segment]
        if not later or not self._path(min(later)).exists():
            return None
        if self._begun:
            self.missing += 1
        self.segment, self.offset = min(later), 0
        return self._piece()

    def _take_from(self, file: int, most: int, *, final: bool) -> Piece | None:
        data = os.pread(file, min(_PROBE, most), self.offset)
        if len(data) == min(_PROBE, most) and b"\0" not in data:
            data += os.pread(file, most - len(data), self.offset + len(data))
            if len(data) == most and b"\n" not in data and b"\0" not in data:
                data += os.pread(file, MAX_LINE + 1 - len(data), self.offset + len(data))
        end = data.find(b"\0")
        ready = data if end < 0 else data[:end]
        whole = ready.rfind(b"\n") + 1
        if whole:
            self.offset += whole
            return self._piece(ready[:whole])
        if len(ready) > MAX_LINE:
            return self._skip_line(file, ready, final=final)
        if not final or (end >= 0 and not self._settled()):
            return None
        # The rest of a closed segment: perhaps a torn line, perhaps NUL bytes with something behind them.
        self.offset = self._next_byte(file, self.offset + len(ready))
        return self._piece(ready + b"\n" if ready else b"")

    def _settled(self) -> bool:
        """Whether NUL bytes in a closed segment are there to stay.

        A thread of the writer may still be copying a line there while another has begun the next segment.
        """
        if self._is_over():
            return True
        here, now = (self.segment, self.offset), time.monotonic()
        if self._waiting[0] != here:
            self._waiting = (here, now)
        return now - self._waiting[1] >= _SETTLE

    def _skip_line(self, file: int, ready: bytes, *, final: bool) -> Piece | None:
        """Leave out a line that is longer than any may be."""
        offset = self.offset + len(ready)
        while block := os.pread(file, MAX_LINE, offset):
            newline, nul = block.find(b"\n"), block.find(b"\0")
            if newline >= 0 and not 0 <= nul < newline:
                offset += newline + 1
                break
            if nul >= 0:
                if not final:
                    return None
                offset = self._next_byte(file, offset + nul)
                break
            offset += len(block)
        else:
            if not final:
                return None
        self.offset = offset
        return self._piece(rejected=[Rejected(ready[:_HEAD], f"longer than {MAX_LINE} bytes")])

    def _next_byte(self, file: int, offset: int) -> int:
        """Offset of the next byte that is not NUL. At the end of the file: go to the next segment, offset 0."""
        while block := os.pread(file, MAX_LINE, offset):
            kept = block.lstrip(b"\0")
            if kept:
                return offset + len(block) - len(kept)
            offset += len(block)
        self.segment += 1
        return 0

    def has_begun(self) -> bool:
        """Whether anything of it was there to be read, as far as is known."""
        return self._begun

    def is_done(self) -> bool:
        """Whether all of it has been read that ever will be there."""
        return self._is_over() and not any(number >= self.segment for number in self.numbers)

    def rewind(self, position: tuple[int, int] | None) -> None:
        """Go back to a position; None: to the beginning."""
        self.segment, self.offset = position or (0, 0)
        self._begun = position is not None

    def lag(self) -> int:
        """Bytes that wait to be read. Of the last segment: up to the NUL bytes at its end, found by halving."""
        total = 0
        for number in self.numbers:
            if number < self.segment:
                continue
            start = self.offset if number == self.segment else 0
            with contextlib.suppress(OSError):
                total += self._waiting_bytes(number, start)
        return total

    def _waiting_bytes(self, number: int, start: int) -> int:
        file = os.open(self._path(number), os.O_RDONLY | os.O_CLOEXEC)
        try:
            end = os.fstat(file).st_size
            return max(0, (_content_end(file, start, end) if number == self.numbers[-1] else end) - start)
        finally:
            os.close(file)


def _content_end(file: int, start: int, end: int) -> int:
    """Where the NUL bytes at the end of a file begin."""
    low, high = start, max(start, end)
    while low < high:
        middle = (low + high) // 2
        if os.pread(file, 1, middle) in {b"", b"\0"}:
            high = middle
        else:
            low = middle + 1
    return low
