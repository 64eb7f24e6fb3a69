"""Keeps the disk busy from another process: writes and fsyncs, in bounded space and for a bounded time."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["busy"]

_BLOCK: Final = 4 << 20
_BLOCKS: Final = 32
_LONGEST: Final = 60.0
_HEAD_START: Final = 0.5


@contextlib.contextmanager
def busy(folder: Path) -> Iterator[None]:
    """The file system of a folder is under load inside the block."""
    path = folder / "load"
    with subprocess.Popen([sys.executable, __file__, str(path)]) as child:
        try:
            time.sleep(_HEAD_START)
            yield
        finally:
            child.kill()
    path.unlink(missing_ok=True)


def _load(path: Path) -> None:
    end = time.monotonic() + _LONGEST
    block = os.urandom(_BLOCK)
    with path.open("wb", buffering=0) as file:
        while time.monotonic() < end:
            file.seek(0)
            for _ in range(_BLOCKS):
                file.write(block)
                os.fsync(file.fileno())


if __name__ == "__main__":
    _load(Path(sys.argv[1]))
