"""One mapped stretch of lines: what a record is copied into."""

from __future__ import annotations

import contextlib
import mmap
import os
from typing import Final

__all__ = ["Segment"]

_ZEROS: Final = bytes(256 << 10)
_AT_ONCE: Final = 128 << 20  # a call takes 1024 pieces at most (IOV_MAX)
_POPULATE_WRITE: Final = 23  # MADV_POPULATE_WRITE of Linux 5.14, not yet named in `mmap`


class Segment:
    """One mapped stretch of lines: a preallocated file, or plain memory where there is no file to be had."""

    __slots__ = ("end", "map", "number", "path", "size")

    def __init__(self, map_: mmap.mmap, path: str | None, number: int) -> None:
        self.map: Final = map_
        self.size: Final = len(map_)
        self.path = path
        self.number = number
        #: Length of the content once the segment is sealed; None while it may still grow.
        self.end: int | None = None

    @classmethod
    def in_memory(cls, size: int, number: int) -> Segment:
        """A stand-in while nothing can be written. Each process's own: a forked child does not share it."""
        return cls(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), None, number)

    @classmethod
    def create(cls, path: str, size: int, number: int) -> Segment:
        """Preallocate and map a file.

        Zeros are written rather than blocks reserved: that brings the pages into memory at once, which is several
        times cheaper than a page fault each, and a full disk shows here, not as SIGBUS in the middle of a copy.

        Raises:
            OSError: the disk is full or read-only, or the folder is gone.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            left = size
            while left > 0:  # in one call, for which the kernel takes large pages: half the time, a fifth to map
                whole, rest = divmod(min(left, _AT_ONCE), len(_ZEROS))
                left -= os.writev(descriptor, [*[_ZEROS] * whole, _ZEROS[:rest]])
            map_ = mmap.mmap(descriptor, size)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise
        finally:
            os.close(descriptor)
        with contextlib.suppress(OSError, ValueError):  # an older kernel: the pages come one by one
            map_.madvise(_POPULATE_WRITE)
        return cls(map_, path, number)

    def used(self) -> int:
        """Length of the content so far, bytes."""
        return self.map.tell() if self.end is None else self.end

    def seal(self) -> int:
        """Fill what is left, so that no later write fits; return the length of the content.

        One write of just the rest is atomic against the callers' writes; finding it no longer fits means one of them
        came between, and we look again.
        """
        while self.end is None:
            rest = self.size - self.map.tell()
            try:
                self.map.write(bytes(rest))
            except ValueError:
                continue
            self.end = self.size - rest
        return self.end

    def release(self) -> None:
        """Cut the file to its content and unmap it. Only after `seal`, and when no sink reads it any more."""
        if self.path is not None and self.end is not None:
            with contextlib.suppress(OSError):
                os.truncate(self.path, self.end)
        self.map.close()
