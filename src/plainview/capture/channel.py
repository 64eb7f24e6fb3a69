"""The way of one kind of record into its segments."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from plainview.capture.segment import Segment
from plainview.segments import SegmentName

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.capture.spool import Spool

__all__ = ["Channel"]

_FIRST_BYTES: Final = 256 << 10


class Channel:
    """The way of one kind of record into its segments. ``write(line)`` is all that the hot path calls.

    ``write`` raises ValueError when the line does not fit any more; the caller then calls `overflow` with it.
    """

    __slots__ = ("active", "kind", "made_at", "next_number", "retired", "spare", "spool", "waiting", "write")

    def __init__(self, spool: Spool, kind: str) -> None:
        self.spool: Final = spool
        self.kind: Final = kind
        self.reset()

    def reset(self) -> None:
        """No segment yet: the first line opens one."""
        self.active: Segment | None = None
        self.spare: Segment | None = None
        self.retired: list[Segment] = []
        #: Lines that did not fit, from the moment that was seen to the moment there is room.
        self.waiting: deque[bytes] = deque()
        self.next_number = 1
        self.made_at = 0.0
        self.write: Callable[[bytes], object] = _no_segment

    def overflow(self, line: bytes) -> None:
        """Find room for a line that did not fit: the spare segment, a new one, memory; or count it as dropped."""
        try:
            self.waiting.append(line)
            self.spool.exclusively()
        except Exception as error:  # noqa: BLE001 - never into the application
            self.spool.failed(error)

    def place_waiting(self) -> None:
        """Put the lines that wait into a segment. Only inside `Spool.exclusively`."""
        while self.waiting:
            line = self.waiting.popleft()
            if not self._place(line):
                self.spool.counters.dropped[self.kind] += 1

    def _place(self, line: bytes) -> bool:
        for _ in range(3):
            try:
                self.write(line)  # another thread may have made room while we waited
            except ValueError:
                if not self._advance(len(line)):
                    return False
            else:
                return True
        return False

    def _advance(self, least: int) -> bool:
        """Make another segment the active one. False: there is none to be had."""
        spool, active = self.spool, self.active
        if active is not None and active.path is None:
            return False  # memory is the last resort, and it is full
        if not spool.opened and not spool.open():
            return self._to_memory()
        spare, self.spare = self.spare, None
        if spare is not None and spare.size < least:
            self._discard(spare)
            spare = None
        if spare is None:
            if active is not None and spool.settings.when_full == "drop":
                spool.wake()
                spool.counters.reason = "the next segment was not ready (when_full=drop)"
                return False
            try:
                spare = self.prepare(least)
            except OSError as error:
                spool.degrade(error)
                return self._to_memory()
        self._retire()
        try:
            self.publish(spare)
        except OSError as error:  # the folder went away under us
            self._discard(spare)
            spool.degrade(error)
            return self._to_memory()
        spool.wake()
        return True

    def prepare(self, least: int = 0) -> Segment:
        """A new segment under a name that no reader looks at. Twice the last one's size if that one filled fast.

        Raises:
            OSError: there is no room, or no folder.
        """
        size = _FIRST_BYTES
        if self.active is not None:
            fast = time.monotonic() - self.made_at < 10  # noqa: PLR2004 - seconds
            size = self.active.size * 2 if fast else self.active.size
        size = max(min(size, self.spool.settings.segment_bytes), least * 2)
        path = os.path.join(self.spool.path, f"spare-{self.kind}-{os.getpid()}-{time.monotonic_ns():x}")
        return Segment.create(path, size, 0)

    def publish(self, segment: Segment) -> None:
        """Give a segment its number and name, and let callers write to it.

        Raises:
            OSError: the folder is gone.
        """
        target = os.path.join(self.spool.path, str(SegmentName(self.kind, self.next_number)))
        if segment.path is not None:
            os.rename(segment.path, target)
        segment.path, segment.number = target, self.next_number
        self.next_number += 1
        self.active, self.made_at = segment, time.monotonic()
        self.write = segment.map.write

    def _retire(self) -> None:
        active, self.active = self.active, None
        if active is not None:
            active.seal()
            self.retired.append(active)

    def _to_memory(self) -> bool:
        self._retire()
        self.active = Segment.in_memory(self.spool.settings.spool_memory_bytes, 0)
        self.write = self.active.map.write
        return True

    def restore(self, *, same_name: bool) -> None:
        """Move what the active segment holds into a new file, and go on there.

        Args:
            same_name: the file went away under us: make it again under its name, so that whoever had read part of it
                goes on at the same offset. Otherwise the content was in memory and gets a number of its own.

        Raises:
            OSError: still no room, or no folder.
        """
        active = self.active
        if active is None:
            return
        fresh = self.prepare(max(active.size, active.used()))
        end = active.seal()
        try:
            fresh.map.write(active.map[:end])
            if same_name:
                self.next_number = active.number
            self.publish(fresh)
        except (OSError, ValueError):
            # Back to where we were, with room to go on: memory takes what was there.
            self._discard(fresh)
            if active.path is not None:
                self._fall_back(active, end)
            raise
        if active.path is None:
            active.map.close()
        else:
            active.path = None  # its file is no longer ours
            self.retired.append(active)

    def _fall_back(self, active: Segment, end: int) -> None:
        memory = Segment.in_memory(max(self.spool.settings.spool_memory_bytes, end * 2), 0)
        memory.map.write(active.map[:end])
        active.path = None
        self.retired.append(active)
        self.active, self.write = memory, memory.map.write

    def close(self) -> None:
        """At exit: cut the segments to their content. A later line opens another segment."""
        self._retire()
        self.write = _no_segment
        for segment in self.retired:
            segment.release()
        self.retired.clear()
        spare, self.spare = self.spare, None
        if spare is not None:
            self._discard(spare)

    @staticmethod
    def _discard(segment: Segment) -> None:
        if segment.path is not None:
            with contextlib.suppress(OSError):
                os.unlink(segment.path)
        segment.map.close()


def _no_segment(_line: bytes) -> object:
    raise ValueError
