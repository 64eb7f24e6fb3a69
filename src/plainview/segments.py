"""The spool's form on disk, which both halves must agree on.

``<dir>/spool/<stream>/`` belongs to one process. Each *segment* in it (``log-000001.ndjson``) is a file of whole
lines of JSON. While its writer lives, the last segment of a kind is preallocated and mapped into memory: whole lines
are copied into it from the front, the rest of it is NUL bytes. A line never contains a NUL, so what is complete ends
at the last newline before the first NUL. The writer holds a lock on the file ``lock`` as long as it lives; the
kernel lets go of it, whatever ends the process.
"""

from __future__ import annotations

import fcntl
import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    StrPath = str | os.PathLike[str]

__all__ = ["LOCK", "PROCESS", "STATUS", "STATUS_BYTES", "SegmentName", "complete", "content_end", "is_alive", "listing"]

LOCK: Final = "lock"
PROCESS: Final = "process.json"
STATUS: Final = "status"
#: The status file always has this size, so that it can be rewritten in place on a full disk.
STATUS_BYTES: Final = 4096

_NAME: Final = re.compile(r"^(log|span|error|metric|operation)-([0-9]{6,12})\.ndjson$")


class SegmentName(NamedTuple):
    """Kind and number of a segment; ``str()`` of it is its file name."""

    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind}-{self.number:06d}.ndjson"

    @classmethod
    def parse(cls, name: str) -> SegmentName | None:
        """The segment that a file name stands for, or None for a foreign file."""
        match = _NAME.match(name)
        return cls(match[1], int(match[2])) if match else None


def listing(stream: StrPath) -> list[SegmentName]:
    """Segments of a stream, by kind and number. A stream that is gone has none."""
    try:
        names = os.listdir(stream)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(filter(None, map(SegmentName.parse, names)))


def complete(data: bytes | memoryview) -> int:
    """Length of the part of ``data`` that holds whole lines: up to the last newline before the first NUL."""
    data = bytes(data)
    end = data.find(b"\0")
    return data.rfind(b"\n", 0, len(data) if end < 0 else end) + 1


def content_end(path: StrPath, chunk: int = 1 << 20) -> int:
    """Length of a segment without the NUL bytes at its end. Reads from the end, ``chunk`` bytes at a time."""
    with open(path, "rb") as file:
        position = file.seek(0, os.SEEK_END)
        while position > 0:
            start = max(0, position - chunk)
            file.seek(start)
            kept = file.read(position - start).rstrip(b"\0")
            if kept:
                return start + len(kept)
            position = start
    return 0


def is_alive(stream: StrPath) -> bool:
    """Whether the process that writes a stream still lives (holds the stream's lock)."""
    try:
        descriptor = os.open(os.path.join(stream, LOCK), os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # it cannot be told (too many open files …): what may still be written is not taken for finished
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who ask do not see each other
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
