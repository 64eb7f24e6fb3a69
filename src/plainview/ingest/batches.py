"""Batches with an id: each a stream by itself, taken once however often it is sent.

The name of the stream comes from the id, and it appears whole or not at all. When it is stored and its stream goes,
the name is remembered.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import threading
from typing import TYPE_CHECKING, Final

from plainview.ingest.disk import sync_folder, write_new
from plainview.ingest.spool import BATCH, COMPLETE
from plainview.segments import SegmentName

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["Batches"]

#: File with the names of batches that were taken and are stored; so many of them are remembered.
_TAKEN: Final = "taken"
_REMEMBERED: Final = 200_000


class Batches:
    """The batches of an inbox. Methods may be called from any thread.

    Args:
        directory: ``inbox/`` of the data directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._taken = dict.fromkeys(self._load())
        for path in directory.glob(f".{BATCH}*"):
            shutil.rmtree(path, ignore_errors=True)  # it was being written when the process ended

    def take(self, batch: str, lines: Mapping[str, bytes]) -> bool:
        """Make a batch a stream by itself. Gives False when it is there, or was.

        Args:
            batch: its id.
            lines: kind → whole lines.

        Raises:
            OSError: there is no room, or the disk failed; nothing was taken.
        """
        name = BATCH + hashlib.sha256(batch.encode()).hexdigest()[:32]
        target = self._directory / name
        if name in self._taken or target.exists():
            return False
        draft = self._directory / f".{name}-{secrets.token_hex(4)}"
        draft.mkdir(mode=0o700, parents=True)
        try:
            for kind, data in lines.items():
                write_new(draft / str(SegmentName(kind, 1)), data)
            (draft / COMPLETE).touch()
            sync_folder(draft)
            with self._lock:
                if name in self._taken or target.exists():
                    return False
                draft.rename(target)
            sync_folder(self._directory)
        finally:
            if draft.exists():
                shutil.rmtree(draft, ignore_errors=True)
        return True

    def remember(self, streams: Sequence[str]) -> None:
        """Keep the names of batches that are stored and whose streams are about to go."""
        batches = [name for name in streams if name.startswith(BATCH)]
        if not batches:
            return
        with self._lock:
            path = self._directory / _TAKEN
            self._taken |= dict.fromkeys(batches)
            if len(self._taken) > 2 * _REMEMBERED:
                self._taken = dict.fromkeys(list(self._taken)[-_REMEMBERED:])
                draft = self._directory / ".taken"
                write_new(draft, _names(self._taken))
                draft.replace(path)
            else:
                with path.open("ab") as file:
                    file.write(_names(batches))
                    file.flush()
                    os.fsync(file.fileno())
            sync_folder(self._directory)

    def _load(self) -> list[str]:
        try:
            return (self._directory / _TAKEN).read_text(encoding="ascii", errors="replace").splitlines()
        except OSError:
            return []


def _names(batches: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in batches).encode("ascii")
