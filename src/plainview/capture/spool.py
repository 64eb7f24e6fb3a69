"""The flight recorder: where a record goes, and is safe, before the call that made it returns.

A record is copied into a file that is mapped into memory. The kernel owns those pages: what was copied outlives the
process, whatever ends it. One `mmap.write` is one C call that copies and moves on without letting go of the
interpreter lock, so callers in several threads (or signal handlers) need no lock and never wait. The mapped file *is*
the segment that the server reads (`plainview.segments`): nothing is copied a second time, nothing is flushed at exit.

Everything that takes time is the keeper's (`plainview.capture.keeper`), a thread: it has the next segment ready
before the present one is full, and finds its way back when the disk was full or the folder went away.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import select
import sys
import time
from _thread import RLock  # native even where gevent has patched `threading`: it is never held across a switch
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from plainview.capture.encoding import encode
from plainview.records import KINDS
from plainview.segments import LOCK, PROCESS, STATUS, STATUS_BYTES, SegmentName

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from plainview.settings import Settings

__all__ = ["Channel", "Counters", "Segment", "Spool", "now"]

_FIRST_BYTES: Final = 256 << 10
_ZEROS: Final = bytes(256 << 10)
_POPULATE_WRITE: Final = 23  # MADV_POPULATE_WRITE of Linux 5.14, not yet named in `mmap`


def now() -> str:
    """The present time as records carry it: RFC 3339, UTC, microseconds, ``Z``."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds // 1000:06d}Z"


class Counters:
    """What was not kept, and why. Plain attributes: a lost increment under contention is no harm."""

    __slots__ = ("dropped", "internal_errors", "rate_limited", "reason", "sampled", "sink_dropped")

    def __init__(self) -> None:
        self.dropped: dict[str, int] = dict.fromkeys(KINDS, 0)
        self.reason = ""
        self.sampled = 0
        self.rate_limited = 0
        self.internal_errors = 0
        self.sink_dropped: dict[str, int] = {}

    def snapshot(self) -> dict[str, Any]:
        """The counters under the names of the status file."""
        return {
            "dropped": dict(self.dropped),
            "dropped_reason": self.reason,
            "sampled": self.sampled,
            "rate_limited": self.rate_limited,
            "internal_errors": self.internal_errors,
            "sink_dropped": dict(self.sink_dropped),
        }


class Segment:
    """One mapped stretch of lines: a preallocated file, or plain memory where there is no file to be had."""

    __slots__ = ("end", "map", "number", "path", "size")

    def __init__(self, map_: mmap.mmap, path: Path | None, number: int) -> None:
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
    def create(cls, path: Path, size: int, number: int) -> Segment:
        """Preallocate and map a file.

        Zeros are written rather than blocks reserved: that brings the pages into memory at once, which is several
        times cheaper than a page fault each, and a full disk shows here, not as SIGBUS in the middle of a copy.

        Raises:
            OSError: the disk is full or read-only, or the folder is gone.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            left = size
            while left > 0:
                left -= os.write(descriptor, _ZEROS[:left])
            map_ = mmap.mmap(descriptor, size)
        except BaseException:
            with contextlib.suppress(OSError):
                path.unlink()
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
            self.spool.exclusively(_nobody)
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
        path = self.spool.path / f"spare-{self.kind}-{os.getpid()}-{time.monotonic_ns():x}"
        return Segment.create(path, size, 0)

    def publish(self, segment: Segment) -> None:
        """Give a segment its number and name, and let callers write to it.

        Raises:
            OSError: the folder is gone.
        """
        target = self.spool.path / str(SegmentName(self.kind, self.next_number))
        if segment.path is not None:
            segment.path.rename(target)
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
                segment.path.unlink()
        segment.map.close()


def _no_segment(_line: bytes) -> object:
    raise ValueError


class Spool:
    """The stream of this process: its folder, its channels, its counters. A forked child starts one of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings: Final = settings
        #: The data directory, absolute from the start: the application may change its working directory.
        self.directory: Final = os.path.abspath(settings.dir)
        self.counters = Counters()
        self.channels: Final = {kind: Channel(self, kind) for kind in KINDS}
        #: Called when there is work for the keeper; set by it.
        self.wake: Callable[[], None] = _nobody
        #: Called (once a process) when a record first needs the keeper.
        self.on_open: Callable[[], None] = _nobody
        self.after_fork()

    def after_fork(self) -> None:
        """Forget the parent's stream (it goes on writing it) and begin with nothing."""
        self.lock = RLock()
        self._changing = False
        self.opened = False
        self.path: Path = None  # type: ignore[assignment] # set when the stream is opened
        self.degraded_since: str | None = None
        self.counters.__init__()  # type: ignore[misc] # the same object: others hold it
        self._lock_descriptor = -1
        self._status_descriptor = -1
        self._complained = False
        for channel in self.channels.values():
            channel.reset()

    def let_go(self) -> None:
        """In a forked child: close what was the parent's, so that its lock ends with it."""
        for descriptor in (self._lock_descriptor, self._status_descriptor):
            if descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.close(descriptor)

    @property
    def root(self) -> Path:
        """The data directory."""
        from pathlib import Path  # noqa: PLC0415 - slow to import: only once there is something to write

        return Path(self.directory)

    def exclusively(self, change: Callable[[], None]) -> None:
        """Change segments, one thread at a time, and place the lines that waited for it.

        A signal handler or a finaliser may log while its own thread is in here. Its line then waits as well; whoever
        is in here places it before leaving.
        """
        with self.lock:
            if self._changing:
                return
            while True:
                self._changing = True
                try:
                    change()
                    change = _nobody
                    for channel in self.channels.values():
                        channel.place_waiting()
                finally:
                    self._changing = False
                if not any(channel.waiting for channel in self.channels.values()):
                    return

    def open(self) -> bool:
        """Make the stream's folder. False: it cannot be made now; the keeper tries again."""
        with self.lock:
            if self.opened:
                return True
            self.on_open()
            name = _slug(self.settings.service)
            try:
                self._make(f"{name}-{os.getpid()}-{os.urandom(4).hex()}")
            except OSError as error:
                self.degrade(error)
                return False
            self.opened, self.degraded_since = True, None
            return True

    def _make(self, name: str) -> None:
        """Make the folder under another name, lock it, then let it appear: a visible stream is a locked one."""
        parent = self.root / "spool"
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        hidden = parent / f".{name}.new"
        if hidden.exists():  # a folder made again, whose making failed half way
            import shutil  # noqa: PLC0415 - slow to import

            shutil.rmtree(hidden, ignore_errors=True)
        hidden.mkdir(mode=0o700)
        self.let_go()
        self._lock_descriptor = self._status_descriptor = -1
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._lock_descriptor = os.open(hidden / LOCK, flags, 0o600)
        fcntl.flock(self._lock_descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._status_descriptor = os.open(hidden / STATUS, flags, 0o600)
        os.pwrite(self._status_descriptor, self._status(), 0)
        (hidden / PROCESS).write_bytes(encode(self._process()) + b"\n")
        self.path = parent / name
        hidden.rename(self.path)

    def remake(self) -> None:
        """Make the folder again, under its old name, after somebody removed it.

        Raises:
            OSError: it cannot be made now.
        """
        self._make(self.path.name)

    def _process(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "service": settings.service,
            "environment": settings.environment,
            "version": settings.version,
            "host": os.uname().nodename,
            "pid": os.getpid(),
            "python": sys.version.split()[0],
            "argv": [os.path.basename(argument) for argument in sys.argv[:1]],
            "started": now(),
        }

    def _status(self) -> bytes:
        status = self.counters.snapshot() | {"degraded_since": self.degraded_since, "updated": now()}
        return encode(status)[: STATUS_BYTES - 1].ljust(STATUS_BYTES - 1) + b"\n"

    def write_status(self) -> None:
        """Rewrite the status file in place."""
        if self._status_descriptor >= 0:
            with contextlib.suppress(OSError):
                os.pwrite(self._status_descriptor, self._status(), 0)

    def degrade(self, error: OSError) -> None:
        """Note that files cannot be written: records go to memory until they can."""
        if self.degraded_since is None:
            self.degraded_since = now()
        self.counters.reason = f"{type(error).__name__}: {error.strerror or error}"
        self.complain(
            f"cannot write to {self.directory}: {error.strerror or error}; records are kept in memory "
            f"({self.settings.spool_memory_bytes >> 20} MiB) until it can be written again"
        )

    def failed(self, error: BaseException) -> None:
        """Count an error of ours, and say so once."""
        self.counters.internal_errors += 1
        self.counters.reason = f"{type(error).__name__}: {error}"
        self.complain(f"internal error: {type(error).__name__}: {error}; the application is not affected")

    def complain(self, message: str) -> None:
        """Say something on standard error, once a process."""
        if self._complained:
            return
        self._complained = True
        with contextlib.suppress(Exception):
            if select.select((), (2,), (), 0)[1]:  # a full pipe is not waited for
                os.write(2, f"plainview: {message}\n".encode(errors="backslashreplace")[:4096])


def _nobody() -> None:
    pass


def _slug(service: str) -> str:
    kept = "".join(character if character.isascii() and character.isalnum() else "-" for character in service)
    return kept.strip("-")[:48] or "app"
