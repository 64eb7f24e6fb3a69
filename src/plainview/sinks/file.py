"""A rotating file of JSON lines that several processes may share.

The file is opened, locked, written and closed once a batch. That costs a few microseconds and makes the rest
simple: the file is its own lock, no descriptor is inherited by a fork, and a file that was deleted or moved
away is made anew.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainview.settings import Settings

__all__ = ["RotatingFile", "filled_in", "from_settings"]

_MODE: Final = 0o600
_UNSAFE: Final = re.compile(r"[^\w.-]+")


def filled_in(path: str, *, directory: str, service: str) -> Path:
    """Path with ``{dir}`` and ``{service}`` filled in; the service's name cannot lead out of the folder."""
    name = _UNSAFE.sub("-", service).strip(".-") or "python"
    return Path(path.replace("{dir}", directory).replace("{service}", name)).expanduser()


def from_settings(settings: Settings) -> RotatingFile:
    """The sink that the setting ``file`` asks for."""
    path = filled_in(settings.file, directory=settings.dir, service=settings.service)
    return RotatingFile(path, max_bytes=settings.file_max_bytes, backups=settings.file_backups)


class RotatingFile:
    """Writes log lines to ``path``; at ``max_bytes`` it becomes ``path.1``, ``path.1`` becomes ``path.2``, and so on.

    Args:
        path: the file; its folder is made when missing. The file is readable by its owner only.
        max_bytes: size that a file does not exceed, unless one line alone does; bytes.
        backups: how many rotated files are kept besides the current one.
    """

    name = "file"
    kinds = frozenset({"log"})

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int = 10 << 20, backups: int = 10) -> None:
        # Absolute now: the application may change its working directory.
        self.path = Path(path).absolute()
        self.max_bytes = max_bytes
        self.backups = backups

    def write(self, kind: str, lines: Sequence[bytes]) -> None:  # noqa: ARG002 - the interface's; all kinds look alike
        """Append the lines, all of them or, when the disk is full, none of the part that did not fit.

        Raises:
            OSError: the file cannot be opened or written.
        """
        for part in self._parts(lines):
            self._append(part)

    def close(self) -> None:
        """Nothing is held between batches."""

    def _parts(self, lines: Sequence[bytes]) -> Iterator[bytes]:
        # Pieces that fit into one file each.
        part: list[bytes] = []
        size = 0
        for line in lines:
            if part and size + len(line) >= self.max_bytes:
                yield b"\n".join((*part, b""))
                part, size = [], 0
            part.append(line)
            size += len(line) + 1
        if part:
            yield b"\n".join((*part, b""))

    def _append(self, data: bytes) -> None:
        while True:
            descriptor = self._open()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                state = os.fstat(descriptor)
                if not stat.S_ISREG(state.st_mode):  # a pipe or a terminal: neither rotated nor checked
                    _write_all(descriptor, data)
                    return
                if not self._is_current(state):  # rotated or deleted while we waited for the lock
                    continue
                if state.st_size and state.st_size + len(data) > self.max_bytes:
                    self._rotate()
                    continue
                self._append_locked(descriptor, state.st_size, data)
                return
            finally:
                os.close(descriptor)

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(self.path, flags, _MODE)
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self.path, flags, _MODE)

    def _is_current(self, state: os.stat_result) -> bool:
        try:
            current = self.path.stat()
        except FileNotFoundError:
            return False
        return (current.st_dev, current.st_ino) == (state.st_dev, state.st_ino)

    def _rotate(self) -> None:
        # Runs under the lock of the current file. The oldest goes first, so a crash in between loses nothing.
        names = [self.path, *(self.path.with_name(f"{self.path.name}.{n}") for n in range(1, self.backups + 1))]
        names[-1].unlink(missing_ok=True)
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            if newer.exists():
                newer.rename(older)

    @staticmethod
    def _append_locked(descriptor: int, size: int, data: bytes) -> None:
        # A process that was killed in the middle of its write may have left half a line.
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data
        try:
            _write_all(descriptor, data)
        except OSError:
            # The batch will come again: leave nothing of it.
            os.ftruncate(descriptor, size)
            raise


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
