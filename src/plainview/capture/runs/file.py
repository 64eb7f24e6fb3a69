"""``summary.json`` on disk: whole or not at all."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from plainview.capture.runs.summary import RunSummary

__all__ = ["save"]

_NAME: Final = "summary.json"


def save(folder: str, summary: RunSummary) -> str:
    """Write the file into a folder, which is made where it is missing. Returns its path.

    Raises:
        OSError: it cannot be written.
    """
    content = msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n"
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, _NAME)
    temporary = os.path.join(folder, f".{_NAME}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    return path
