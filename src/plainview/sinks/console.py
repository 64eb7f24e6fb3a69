"""The terminal: records on standard error, pretty for people or as JSON lines for a collector."""

from __future__ import annotations

import os
import re
import select
import sys
from typing import TYPE_CHECKING, Final, TextIO

from plainview.sinks.text import Pretty

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plainview.settings import Settings

__all__ = ["Console", "from_settings"]

#: C1 control characters as UTF-8. JSON need not escape them, some terminals obey them.
_C1: Final = re.compile(rb"\x7f|\xc2([\x80-\x9f])")

#: Set by what draws on the terminal, while it does: writes text above that. False: it draws no more.
above: Callable[[str], bool] | None = None


def from_settings(settings: Settings) -> Console:
    """The sink that the setting ``console`` asks for."""
    return Console(settings.console)


class Console:
    """Writes log lines to standard error.

    Args:
        form: ``pretty`` or ``json``.
        stream: where to; the standard error of this moment when left out. It is taken once: an application
            that later replaces ``sys.stderr`` by something that logs does not make us log ourselves.
    """

    name = "console"
    kinds = frozenset({"log"})

    def __init__(self, form: str, stream: TextIO | None = None) -> None:
        self._stream: TextIO | None = stream if stream is not None else sys.stderr
        self._format = _json if form == "json" else Pretty(colour=_wants_colour(self._stream))

    def write(self, kind: str, lines: Sequence[bytes]) -> None:  # noqa: ARG002 - the interface's
        """Write the lines. A terminal that is gone (closed, broken pipe) is given up silently."""
        stream = self._stream
        if stream is None:
            return
        text = "".join(map(self._format, lines))
        try:
            drawn = above
            if drawn is not None and stream.isatty() and drawn(text):
                return
            stream.flush()  # what the application has begun to say comes first
            _put(stream, text)
        except (OSError, ValueError):  # ValueError: written to after it was closed
            # Nobody looks any more; the records are in the spool all the same.
            self._stream = None

    def close(self) -> None:
        """The stream is not ours to close."""


def _put(stream: TextIO, text: str) -> None:
    """Write past the stream's buffer."""
    # What a failed write left in it would be tried again at exit, fail again, and become the program's exit code (120).
    try:
        descriptor = stream.fileno()
    except OSError:  # io.UnsupportedOperation: no file behind it
        stream.write(text)
        stream.flush()
        return
    rest = memoryview(text.encode(stream.encoding or "utf-8", "backslashreplace"))
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:  # a terminal that does not block, and is behind
            select.select([], [descriptor], [])


def _json(line: bytes) -> str:
    return _C1.sub(_escape, line).decode(errors="backslashreplace") + "\n"


def _escape(match: re.Match[bytes]) -> bytes:
    return b"\\u00%02x" % match.group()[-1]


def _wants_colour(stream: TextIO | None) -> bool:
    # https://no-color.org, https://force-color.org
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    try:
        return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:
        return False
