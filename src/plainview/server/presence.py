"""Which server runs for a data directory: one at most, held by a lock, told by a file."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["AlreadyRunning", "Presence", "Running", "held", "holder", "running", "starting"]

_LOCK: Final = "server.lock"
_STARTING: Final = "server.starting"
_FILE: Final = "server.json"
#: Seconds for which a lock that is held is tried again: somebody may just be looking whether it is.
_PATIENCE: Final = 0.5


class Running(msgspec.Struct, frozen=True):
    """A running server: its process, where it answers, and since when (RFC 3339)."""

    pid: int
    url: str
    started: str


class AlreadyRunning(Exception):  # noqa: N818 - it says how things stand
    """Another server runs for this directory.

    Attributes:
        running: that server; ``None`` while it is still starting.
    """

    def __init__(self, directory: Path, other: Running | None) -> None:
        where = f"at {other.url} (process {other.pid})" if other else "and is still starting"
        super().__init__(f"A server already runs for {directory}, {where}")
        self.running = other


@dataclass(slots=True)
class Presence:
    """This process is the server of a directory, from :meth:`take` to :meth:`leave`.

    Args:
        directory: the data directory; made (mode 0700) when there is none.
    """

    directory: Path
    _lock: int = -1

    def take(self) -> None:
        """Become the directory's server.

        Raises:
            AlreadyRunning: there is one.
            OSError: the directory cannot be written.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < until:
                    time.sleep(0.05)
                    continue
                os.close(lock)
                raise AlreadyRunning(self.directory, running(self.directory)) from None
            break
        self._lock = lock
        (self.directory / _FILE).unlink(missing_ok=True)  # left by one that was killed
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)

    def announce(self, url: str) -> None:
        """Tell where the server answers, now that it does."""
        started = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        draft = self.directory / f".{_FILE}"
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(Running(os.getpid(), url, started)))
        draft.replace(self.directory / _FILE)

    def leave(self) -> None:
        """Be the directory's server no longer."""
        if self._lock < 0:
            return
        with contextlib.suppress(OSError):
            (self.directory / _FILE).unlink(missing_ok=True)
        os.close(self._lock)
        self._lock = -1


def running(directory: Path) -> Running | None:
    """The directory's running server; ``None`` when there is none, or it does not answer yet."""
    pid = holder(directory)
    if pid is None:
        return None
    try:
        told = msgspec.json.decode((directory / _FILE).read_bytes(), type=Running)
    except (OSError, msgspec.MsgspecError):
        return None
    return told if told.pid == pid else None


def held(directory: Path) -> bool:
    """Whether some process is the directory's server, be it still starting or leaving."""
    return holder(directory) is not None


def holder(directory: Path) -> int | None:
    """Process id of the directory's server, be it still starting or leaving; 0 while it has not said so yet."""
    try:
        lock = os.open(directory / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(lock, 20, 0)
        return int(text) if text.isdigit() else 0
    else:
        return None
    finally:
        os.close(lock)


@contextlib.contextmanager
def starting(directory: Path) -> Iterator[Callable[[], bool]]:
    """Agree on who starts a server: gives a function that says whether it is us, from then on and until the end."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(directory / _STARTING, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def ours() -> bool:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        yield ours
    finally:
        os.close(lock)
