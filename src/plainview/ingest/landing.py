"""The stream that this process writes itself: lines that came over HTTP land in it."""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from typing import TYPE_CHECKING

from plainview.ingest.disk import sync_folder
from plainview.records import KINDS
from plainview.segments import LOCK, SegmentName

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PREFIX", "Landing"]

#: What the names of such streams begin with.
PREFIX = "ingest-"


class _Channel:
    """One kind of it; several requests share one fsync."""

    def __init__(self, directory: Path, kind: str, segment_bytes: int) -> None:
        self._directory = directory
        self._kind = kind
        self._segment_bytes = segment_bytes
        self._writing = threading.Lock()
        self._syncing = threading.Lock()
        self._file = -1
        self._number = self._end = self._size = 0
        #: (segment number, offset) up to which the disk has it.
        self._safe = (0, 0)

    def append(self, data: bytes) -> None:
        """Add whole lines; they are on the disk when this returns.

        Raises:
            OSError: there is no room, or the disk failed; nothing was added.
        """
        with self._writing:
            if self._end + len(data) > self._size:
                self._begin_segment(len(data))
            # The blocks are allocated: this cannot run out of room half way.
            os.pwrite(self._file, data, self._end)
            self._end += len(data)
            wanted = (self._number, self._end)
        with self._syncing:
            if self._safe < wanted:
                with self._writing:
                    reached = (self._number, self._end)
                    file = os.dup(self._file)
                try:
                    os.fdatasync(file)
                finally:
                    os.close(file)
                self._safe = reached

    def _begin_segment(self, least: int) -> None:
        number, size = self._number + 1, max(self._segment_bytes, least)
        path = self._directory / str(SegmentName(self._kind, number))
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, size)
            os.fsync(file)
            sync_folder(self._directory)
        except OSError:
            os.close(file)
            path.unlink()
            raise
        self.finish()
        self._file, self._number, self._end, self._size = file, number, 0, size

    def finish(self) -> None:
        """Cut the segment to its length."""
        if self._file >= 0:
            os.ftruncate(self._file, self._end)
            os.fsync(self._file)
            os.close(self._file)
            self._file, self._size, self._end = -1, 0, 0


class Landing:
    """The stream, made when it is first needed. Methods may be called from any thread.

    Args:
        directory: ``inbox/`` of the data directory.
        segment_bytes: size of a segment.
    """

    def __init__(self, directory: Path, segment_bytes: int) -> None:
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._making = threading.Lock()
        self._channels: dict[str, _Channel] = {}
        self._lock = -1

    def append(self, kind: str, data: bytes) -> None:
        """Add whole lines; they are on the disk when this returns.

        Raises:
            OSError: there is no room, or the disk failed; nothing was added.
        """
        with self._making:
            if not self._channels:
                self._make()
            channel = self._channels[kind]
        channel.append(data)

    def _make(self) -> None:
        folder = self._directory / f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700, parents=True)
        # Held while this process lives, as any writer does.
        self._lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        sync_folder(self._directory)
        self._channels = {kind: _Channel(folder, kind, self._segment_bytes) for kind in KINDS}

    def close(self) -> None:
        """End the stream. What comes later begins another."""
        with self._making:
            for channel in self._channels.values():
                channel.finish()
            self._channels = {}
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1
