"""A writer of the spool, as the form on disk says, and lines to write."""

from __future__ import annotations

import fcntl
import json
import mmap
import os
from typing import TYPE_CHECKING, Any

from plainview.segments import LOCK, PROCESS, STATUS, STATUS_BYTES, SegmentName

if TYPE_CHECKING:
    from pathlib import Path


def log_line(number: int, **fields: Any) -> bytes:
    values = {
        "timestamp": f"2026-11-22T01:47:{number % 60:02d}.{number % 1_000_000:06d}Z",
        "level": "INFO",
        "logger": "studio.api",
        "message": f"line {number}",
        "service": "studio",
        "pid": 41,
        "extra": {"n": number},
    }
    return json.dumps(values | fields, separators=(",", ":")).encode()


def span_line(number: int, **fields: Any) -> bytes:
    values = {
        "trace_id": f"{number:032x}",
        "span_id": f"{number:016x}",
        "name": f"span {number}",
        "start_time_unix_nano": 1_795_312_075_000_000_000 + number,
        "end_time_unix_nano": 1_795_312_075_000_000_000 + number + 1000,
        "service": "studio",
    }
    return json.dumps(values | fields, separators=(",", ":")).encode()


class Stream:
    """Writes a stream the way an application does: whole lines copied into mapped files, under a held lock."""

    def __init__(self, directory: Path, name: str = "studio-41-00000001", size: int = 64 << 10) -> None:
        self.directory = directory / "spool" / name
        self.size = size
        self.numbers: dict[str, int] = {}
        self.maps: dict[str, mmap.mmap] = {}
        self.directory.mkdir(parents=True)
        self.lock = os.open(self.directory / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        process = {
            "service": "studio",
            "environment": "test",
            "pid": 41,
            "host": "box",
            "started": "2026-11-22T01:00:00Z",
        }
        (self.directory / PROCESS).write_text(json.dumps(process))
        self.status()

    @property
    def name(self) -> str:
        return self.directory.name

    def path(self, kind: str = "log", number: int | None = None) -> Path:
        return self.directory / str(SegmentName(kind, number or self.numbers[kind]))

    def status(self, **values: Any) -> None:
        text = json.dumps({"dropped": {"log": 0, "span": 0}, "degraded_since": None} | values)
        (self.directory / STATUS).write_bytes(text.encode().ljust(STATUS_BYTES - 1) + b"\n")

    def write(self, *lines: bytes, kind: str = "log") -> None:
        for line in lines:
            data = line + b"\n"
            place = self.maps.get(kind)
            if place is None or place.tell() + len(data) > len(place):
                self.begin(kind)
            self.maps[kind].write(data)

    def begin(self, kind: str = "log", *, cut: bool = True) -> None:
        """Go on in the next segment; the last one is cut to its length when its writer gets round to it."""
        last = self.maps.get(kind)
        before = self.path(kind) if last is not None else None
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        with self.path(kind).open("xb+") as file:
            file.truncate(self.size)
            self.maps[kind] = mmap.mmap(file.fileno(), self.size)
        if last is not None and before is not None and cut and before.exists():
            os.truncate(before, last.tell())

    def tear(self, data: bytes, kind: str = "log") -> None:
        """Bytes as they come: half a line, garbage, NUL bytes."""
        if kind not in self.maps:
            self.begin(kind)
        self.maps[kind].write(data)

    def die(self) -> None:
        """As after kill -9: nothing is tidied up, the lock is free."""
        os.close(self.lock)

    def end(self) -> None:
        """As at a regular exit."""
        for kind, place in self.maps.items():
            os.truncate(self.path(kind), place.tell())
        self.die()
