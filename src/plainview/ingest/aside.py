"""Lines that could not be understood, kept for a look."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from plainview.ingest.ndjson import Rejected

__all__ = ["Aside"]

#: Most of one line that is kept, bytes.
_MOST_OF_LINE: Final = 16 << 10


class Aside:
    """A folder with the latest of them, as lines of JSON: time, stream, kind, reason, line.

    It holds two files, the newer half and the older; together they never exceed ``max_bytes``. A line that cannot be
    kept (a full disk) is only counted.
    """

    def __init__(self, directory: Path, max_bytes: int = 8 << 20) -> None:
        self.directory = directory
        self._half = max_bytes // 2
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        """The newer file."""
        return self.directory / "lines.ndjson"

    def keep(self, stream: str, kind: str, rejected: Iterable[Rejected]) -> None:
        """Keep lines of a stream."""
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        entries = [
            msgspec.json.encode(
                {
                    "time": stamp,
                    "stream": stream,
                    "kind": kind,
                    "reason": one.reason,
                    "bytes": len(one.line),
                    "line": one.line[:_MOST_OF_LINE].decode(errors="replace"),
                }
            )
            + b"\n"
            for one in rejected
        ]
        with self._lock:
            try:
                self._append(entries)
            except OSError:
                return

    def _append(self, entries: list[bytes]) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.path
        size = path.stat().st_size if path.exists() else 0
        waiting: list[bytes] = []
        for entry in entries:
            if size + len(entry) > self._half:
                self._write(waiting)
                waiting = []
                if path.exists():
                    path.replace(self.directory / "lines.1.ndjson")
                size = 0
            if len(entry) <= self._half:
                waiting.append(entry)
                size += len(entry)
        self._write(waiting)

    def _write(self, entries: list[bytes]) -> None:
        if entries:
            with self.path.open("ab") as file:
                file.writelines(entries)
