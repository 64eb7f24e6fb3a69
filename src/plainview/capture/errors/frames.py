"""Frames of a traceback: as JSON and as the interpreter prints them, made once per place in the code.

The same places raise again and again. So what a frame looks like (its file, its source line and those around it) is
remembered by code object and instruction, and a frame that was seen before costs one look into a dictionary.
"""

from __future__ import annotations

import linecache
import os
import stat
import sys
import traceback
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from plainview.capture.encoding import encode

if TYPE_CHECKING:
    from types import CodeType, FrameType, TracebackType

    from plainview.capture.encoding import Encoding

__all__ = ["Frames", "Place", "Walk", "structured"]

_MAX_PLACES: Final = 2_000
#: Frames of one exception: the outermost and the innermost are kept, of a deep recursion the middle is left out.
_HEAD, _TAIL = 30, 90
#: So many are printed as the interpreter would; beyond, the middle is left out here as well.
_PRINTED: Final = 750
_LINE: Final = 256
_MAX_FILE: Final = 8 << 20


class Place(Struct, eq=False):
    """A place in the code: what a frame that is there looks like."""

    #: Kept, so that its id stays its own.
    code: CodeType
    #: File, line and function: the interpreter prints three in a row that have the same.
    identity: tuple[str, int, str]
    #: As the interpreter prints it.
    text: str
    #: The members of its JSON object, and those of them that it can do without.
    members: bytes
    around: bytes


class Walk(Struct, eq=False):
    """The frames of a traceback, outermost first, each with its place."""

    places: list[Place]
    frames: list[FrameType]
    #: From where to where frames were left out of `places`; None: they are all there.
    omitted: tuple[int, int] | None


class Frames:
    """Looks at frames.

    Args:
        encoding: scrubs what is shown of the source.
        context: lines of source before and after that of a frame; 0: not even that one.
    """

    def __init__(self, encoding: Encoding, context: int) -> None:
        self._clean: Final = encoding.text
        self._context: Final = context
        self._places: dict[tuple[int, int], Place] = {}
        self._files: dict[str, tuple[str, str, bool]] = {}

    def walk(self, trace: TracebackType | None) -> Walk:
        """The frames of a traceback."""
        head: list[TracebackType] = []
        while trace is not None and len(head) < _PRINTED:
            head.append(trace)
            trace = trace.tb_next
        tail: deque[TracebackType] = deque(maxlen=_PRINTED)
        passed = 0
        while trace is not None:
            tail.append(trace)
            passed += 1
            trace = trace.tb_next
        kept = head + list(tail)
        cut = passed - len(tail)
        places = self._places
        found = []
        for entry in kept:
            frame = entry.tb_frame
            key = (id(frame.f_code), entry.tb_lasti)
            found.append(places.get(key) or self._look(key, entry, frame))
        omitted = (len(head), len(head) + cut) if cut else None
        return Walk(found, [entry.tb_frame for entry in kept], omitted)

    def _look(self, key: tuple[int, int], entry: TracebackType, frame: FrameType) -> Place:
        """See a place for the first time."""
        if len(self._places) >= _MAX_PLACES:
            self._places.clear()
        code = frame.f_code
        line = entry.tb_lineno or 0
        place = self._places[key] = self._place(code, line, frame, entry)
        return place

    def _place(self, code: CodeType, line: int, frame: FrameType, entry: TracebackType) -> Place:
        file, path, readable = self._file(code.co_filename)
        text = ""
        lines: list[str] = []
        if readable:
            try:  # what reads the source may be a loader of anybody's
                text = "".join(traceback.extract_tb(entry, limit=1).format())
                if self._context:
                    lines = linecache.getlines(code.co_filename, frame.f_globals)
            except Exception:  # noqa: BLE001 - then it is shown without
                lines = []
        text = text or f'  File "{code.co_filename}", line {line}, in {code.co_name}\n'
        module = dict.get(frame.f_globals, "__name__")
        shown: dict[str, Any] = {
            "file": self._clean(file),
            "path": self._clean(path),
            "module": self._clean(module) if type(module) is str else "",
            "function": self._clean(getattr(code, "co_qualname", code.co_name)),
            "line": line,
        }
        around: dict[str, Any] = {}
        if 0 < line <= len(lines):
            shown["source"] = self._source(lines[line - 1])
            around["before"] = [self._source(each) for each in lines[max(0, line - 1 - self._context) : line - 1]]
            around["after"] = [self._source(each) for each in lines[line : line + self._context]]
        return Place(
            code,
            (code.co_filename, line, code.co_name),
            self._clean(text),
            encode({name: value for name, value in shown.items() if value})[1:-1],
            b"".join(b",%b:%b" % (encode(name), encode(value)) for name, value in around.items() if value),
        )

    def _source(self, line: str) -> str:
        return self._clean(line.rstrip()[:_LINE])

    def _file(self, name: str) -> tuple[str, str, bool]:
        """A file as short as it can be told apart, its absolute path, and whether it can be read for its source."""
        found = self._files.get(name)
        if found is None:
            if len(self._files) >= _MAX_PLACES:
                self._files.clear()
            found = self._files[name] = _described(name)
        return found


def _described(name: str) -> tuple[str, str, bool]:
    if not name or name.startswith("<"):
        return name, "", True
    try:
        path = os.path.abspath(name)
        readable = True
        try:
            found = os.stat(path)
        except OSError:
            pass  # in an archive, or gone: the loader knows
        else:  # neither a pipe nor a device that never ends
            readable = stat.S_ISREG(found.st_mode) and found.st_size <= _MAX_FILE
        roots = [os.path.abspath(root) for root in sys.path]
        below = [root for root in roots if path.startswith(root.rstrip(os.sep) + os.sep) and root != os.sep]
        if not below and path.startswith(os.getcwd().rstrip(os.sep) + os.sep):
            below = [os.getcwd()]
        return (path[len(max(below, key=len).rstrip(os.sep)) + 1 :] if below else path), path, readable
    except (OSError, TypeError, ValueError):  # no working directory any more; a NUL in the name; an odd path
        return name, "", False


def structured(walk: Walk, most: tuple[int, int] = (_HEAD, _TAIL)) -> tuple[list[int], tuple[int, int] | None]:
    """Which frames of a walk are kept with their structure, by index, and which of the whole stack are not."""
    head, tail = most
    count = len(walk.places)
    missing = walk.omitted[1] - walk.omitted[0] if walk.omitted else 0
    if count <= head + tail and not missing:
        return list(range(count)), None
    indices = [*range(min(head, count)), *range(max(head, count - tail), count)]
    return indices, (head, count + missing - (len(indices) - head))
