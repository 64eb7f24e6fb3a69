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
import os
import select
import sys
import time
from _thread import RLock  # native even where gevent has patched `threading`: it is never held across a switch
from typing import TYPE_CHECKING, Any, Final

from plainview.capture.channel import Channel
from plainview.capture.encoding import encode
from plainview.records import KINDS
from plainview.segments import LOCK, PROCESS, STATUS, STATUS_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.settings import Settings

__all__ = ["Counters", "Spool", "now", "remove"]


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
        #: The stream's folder, once it is opened.
        self.path = ""
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

    def exclusively(self, change: Callable[[], None] | None = None) -> None:
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
                    if change is not None:
                        change()
                        change = None
                    for channel in self.channels.values():
                        channel.place_waiting()
                finally:
                    self._changing = False
                if not any(channel.waiting for channel in self.channels.values()):
                    return

    def open(self) -> bool:
        """Make the stream's folder. False: it cannot be made now; the keeper tries again."""
        with self.lock:
            if not self.opened:
                self.on_open()  # under gevent a thread's start lets others run, and they have the lock as well
            if self.opened:
                return True
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
        parent = os.path.join(self.directory, "spool")
        for folder in (self.directory, parent):  # the mode counts for the last part of a path only
            os.makedirs(folder, mode=0o700, exist_ok=True)
        hidden = os.path.join(parent, f".{name}.new")
        remove(hidden)  # left by a making that failed half way
        os.mkdir(hidden, mode=0o700)
        self.let_go()
        self._lock_descriptor = self._status_descriptor = -1
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._lock_descriptor = os.open(os.path.join(hidden, LOCK), flags, 0o600)
        fcntl.flock(self._lock_descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._status_descriptor = os.open(os.path.join(hidden, STATUS), flags, 0o600)
        os.pwrite(self._status_descriptor, self._status(), 0)
        descriptor = os.open(os.path.join(hidden, PROCESS), flags, 0o600)  # at the interpreter's end there is no `open`
        try:
            os.write(descriptor, encode(self._process()) + b"\n")
        finally:
            os.close(descriptor)
        self.path = os.path.join(parent, name)
        os.rename(hidden, self.path)

    def remake(self) -> None:
        """Make the folder again, under its old name, after somebody removed it.

        Raises:
            OSError: it cannot be made now.
        """
        self._make(os.path.basename(self.path))

    def _process(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "service": settings.service,
            "environment": settings.environment,
            "version": settings.version,
            "host": os.uname().nodename,
            "pid": os.getpid(),
            "python": sys.version.split()[0],
            "argv": [os.path.basename(argument) for argument in (sys.argv or ())[:1]],
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


def remove(stream: str) -> None:
    """Remove a stream's folder, as far as it can be. It is flat; no module has to be imported for it.

    (An import in a forked child can wait for ever, for a thread of the parent that was importing.)
    """
    with contextlib.suppress(OSError):
        for name in os.listdir(stream):
            os.unlink(os.path.join(stream, name))
        os.rmdir(stream)
