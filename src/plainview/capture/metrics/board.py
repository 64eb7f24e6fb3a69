"""The cells of this process: where they are, how they grow, what becomes of them when files cannot be had.

There is one view of memory that all instruments write to (`writers`). It is a file in this process's stream, mapped;
where that cannot be (no room, no folder, not configured yet) it is plain memory with the same content, until it can.
The file is sparse and mapped at its full size: growing means to write zeros behind what is in use, so that a full disk
shows there and not as a fault in the middle of an increment.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
from _thread import RLock
from typing import TYPE_CHECKING, Final

from plainview.capture.metrics.writers import EMPTY, exchange, move
from plainview.cells import CELLS, DONE, SERIES, SLOTS, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plainview.capture.spool import Spool
    from plainview.cells.form import Entry

__all__ = ["Board"]

_DOUBLE: Final = 8
#: Slots that have their blocks at first, and at most how many more at a time.
_FIRST, _MORE = 1 << 11, 1 << 17


class Board:
    """Slots, and the view of them.

    Args:
        entries: everything that the slots are, in the order in which it was declared.
        unset: slots that begin as "not set" (NaN) rather than 0.
    """

    def __init__(self, entries: Callable[[], Iterable[Entry]], unset: Callable[[], Iterable[int]]) -> None:
        self._entries: Final = entries
        self._unset: Final = unset
        #: The next slot; the first is nobody's.
        self._next = 1
        self.spool: Spool | None = None
        #: Called when the cells have come into a stream; when they are in memory because there is none.
        self.settled: Callable[[str], None] = _nobody
        self.homeless: Callable[[], None] = _nobody
        self._reset()

    def _reset(self) -> None:
        self.lock = RLock()
        #: What is written to now. None: nothing yet.
        self.view: memoryview[float] = EMPTY
        #: The file, as long as it is written to: its map as a view, its path, how many slots have blocks.
        self._file: memoryview[float] | None = None
        self.path = ""
        self._backed = 0
        self._series = -1

    @property
    def used(self) -> int:
        """How many slots there are."""
        return self._next

    @property
    def stream(self) -> str:
        """The folder whose file is written to; empty: it is memory."""
        return self.path if self._file is not None and self.view is self._file else ""

    def attach(self, spool: Spool | None) -> None:
        """From now on the cells belong in this stream. What was counted before goes there."""
        with self.lock:
            self._leave_file()
            self.spool = spool
            if self.view is not EMPTY:
                self.settle()

    def after_fork(self) -> None:
        """In a forked child: nothing of the parent's is written to again; everything begins at 0, when it is needed."""
        if self._series >= 0:
            with contextlib.suppress(OSError):
                os.close(self._series)
        self._reset()
        exchange(EMPTY)

    def allocate(self, count: int = 1) -> int:
        """The first of ``count`` new slots that follow each other; 0: there are no more."""
        # No lock, and none is needed: nobody comes between these two lines (see `writers`).
        slot = self._next
        self._next = slot + count
        if self._next > SLOTS:
            self._next = slot
            return 0
        if self._file is not None and slot + count > self._backed:
            with self.lock:
                self._back(slot + count)
        return slot

    def declare(self, *entries: Entry) -> None:
        """Say what slots are, before they are first written to."""
        if self._series < 0:
            return  # all of it is said when the file is made
        with self.lock:
            if self._series >= 0:
                try:
                    _write(self._series, b"".join(map(encode, entries)))
                except OSError:
                    self._to_memory()

    def ready(self) -> None:
        """See that there is something to write to."""
        with self.lock:
            if self.view is EMPTY and not self.settle():
                self._to_memory()
                if self.spool is None:
                    self.homeless()

    def settle(self) -> bool:
        """Put the cells where they belong, if they are not there: a file in the stream. False: it cannot be had now."""
        with self.lock:
            spool = self.spool
            if spool is None or not spool.settings.enabled or not spool.open():
                return False
            path = os.path.join(spool.path, CELLS)
            if self._file is not None and os.path.exists(path) and self.view is self._file:
                return True
            try:
                self._make(spool.path)
            except (OSError, ValueError, OverflowError):
                return False
            return True

    def _make(self, stream: str) -> None:
        # Under other names first: what stands there holds the counts until the new file does.
        paths = [os.path.join(stream, name) for name in (CELLS, SERIES)]
        fresh = [f"{path}.new" for path in paths]
        for path in fresh:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(fresh[0], flags, 0o600)
        try:
            os.ftruncate(descriptor, SLOTS * _DOUBLE)
            backed = max(_FIRST, self._next)
            _reserve(descriptor, 0, backed)
            mapped = memoryview(mmap.mmap(descriptor, SLOTS * _DOUBLE)).cast("d")
        finally:
            os.close(descriptor)
        series = os.open(fresh[1], flags | os.O_APPEND, 0o600)
        try:
            # What is declared meanwhile waits for the lock: it is in here already, or is appended after.
            _write(series, b"".join(map(encode, self._entries())))
        except BaseException:
            os.close(series)
            raise
        self._close_series()
        self.path, self._backed, self._series = stream, backed, series
        self._file = mapped
        self._show(mapped)
        for before, after in zip(fresh, paths, strict=True):
            os.rename(before, after)
        self.settled(stream)

    def _show(self, fresh: memoryview[float]) -> None:
        """Let everybody write there, with what there is so far."""
        if self.view is EMPTY:
            for slot in self._unset():
                fresh[slot] = float("nan")
            exchange(fresh)
        elif self.view is not fresh:
            move(fresh, min(self._next, SLOTS))
        self.view = fresh

    def _to_memory(self) -> None:
        """There is no file to be had, or it cannot grow: go on in memory, with what there is so far."""
        self._close_series()
        self._show(memoryview(mmap.mmap(-1, SLOTS * _DOUBLE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)).cast("d"))

    def _close_series(self) -> None:
        descriptor, self._series = self._series, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _back(self, least: int) -> None:
        if self._file is None or least <= self._backed or self.view is not self._file:
            return
        more = min(SLOTS, max(least, self._backed + min(self._backed, _MORE)))
        try:
            descriptor = os.open(os.path.join(self.path, CELLS), os.O_RDWR | os.O_CLOEXEC)
            try:
                _reserve(descriptor, self._backed, more)
            finally:
                os.close(descriptor)
        except OSError:
            self._to_memory()
            return
        self._backed = more

    def _leave_file(self) -> None:
        """Move to memory for good: the file's stream is over, and what it holds was told."""
        if self._file is None:
            return
        path = self.path
        if self.view is self._file:
            self._to_memory()
        self._file, self.path = None, ""
        with contextlib.suppress(OSError), open(os.path.join(path, DONE), "wb"):
            pass


def _nobody(*_: object) -> None:
    pass


def _reserve(descriptor: int, start: int, end: int) -> None:
    """See that slots have blocks on the disk; what they hold stays.

    Raises:
        OSError: there is no room.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, start * _DOUBLE, (end - start) * _DOUBLE)
    else:
        os.pwrite(descriptor, bytes((end - start) * _DOUBLE), start * _DOUBLE)


def _write(descriptor: int, data: bytes) -> None:
    """Write all of it.

    Raises:
        OSError: it does not fit.
    """
    if os.write(descriptor, data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
