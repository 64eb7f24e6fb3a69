"""The line of an occurrence: what is known of an exception as a record of kind ``error``."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.capture import errors
from plainview.capture.encoding import encode
from plainview.capture.errors import stack
from plainview.capture.errors.frames import structured
from plainview.capture.errors.variables import variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plainview.capture.errors.frames import Walk
    from plainview.capture.errors.seen import Seen
    from plainview.capture.recorder import Recorder

__all__ = ["Lines"]

_MAX_THREADS: Final = 256
#: Outermost and innermost frames of an occurrence whose line is too long otherwise.
_LEAN: Final = (5, 15)
#: Room for what a line has of its own.
_OWN_BYTES: Final = 256
_MAX_NOTE: Final = 2_000


class Lines:
    """Makes lines."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder: Final = recorder
        self._with_locals: Final = recorder.settings.error_locals
        runtime = {"name": sys.implementation.name, "version": sys.version.partition(" ")[0]}
        self._runtime: Final = {"runtime": runtime}
        self._threads: dict[str, bytes] = {}

    def rest(  # noqa: PLR0913, PLR0917 - what a line is made of
        self,
        seen: Seen | None,
        members: dict[str, Any],
        message: bytes,
        known: bytes,
        extra: bytes,
        context: Mapping[str, Any] | None,
    ) -> bytes:
        """A line without what is its own: the time, the id, the count."""
        recorder = self._recorder
        component = members.get("component") or _component(extra)
        if component:
            members["component"] = component
        safe = recorder.encoding.safe
        given = {name: safe(members[name]) for name in ("component", "fingerprint") if name in members}
        said = encode({name: value for name, value in (members | given).items() if value != ""})[1:-1]
        around = self._around(context)
        head = b"".join((said, b',"message":', message, b",", recorder.static, known))
        tail = b'"context":%b,"extra":%b}\n' % (around, extra)
        if seen is None:
            return head + tail
        left_out = b'"exceptions_omitted":%d,' % seen.chain.omitted if seen.chain.omitted else b""
        exceptions = self._exceptions(seen, lean=False)
        line = b'%b%b%b,"stack_trace":%b,%b' % (head, left_out, exceptions, seen.stack, tail)
        if len(line) > recorder.max_line - _OWN_BYTES:
            note = encode({"line_too_long": f"{len(line)} bytes; fields and frames left out"})
            tail = b'"context":%b,"extra":%b}\n' % (b"{}" if len(around) > recorder.max_line // 8 else around, note)
            line = b"%b%b%b,%b" % (head, left_out, self._exceptions(seen, lean=True), tail)
        if len(line) > recorder.max_line - _OWN_BYTES:
            named = {**self._named(seen, 0), "message": seen.messages[0][:_MAX_NOTE]}
            named.pop("notes", None)
            line = head + b'"exceptions":%b,' % encode([named]) + tail
        return line

    def _around(self, context: Mapping[str, Any] | None) -> bytes:
        """The member context: the interpreter and the thread, the request, what was given."""
        encoding, thread = self._recorder.encoding, threading.current_thread().name
        told = self._threads.get(thread)
        if told is None:
            if len(self._threads) >= _MAX_THREADS:
                self._threads.clear()
            contexts = {**self._runtime, "thread": {"name": encoding.text(thread)}}
            told = self._threads[thread] = encode({"contexts": contexts})[:-1]
        serving = errors.request()
        more = {**({"request": serving} if serving else {}), **(context or {})}
        return b"%b,%b" % (told, encode(encoding.safe(more))[1:]) if more else told + b"}"

    def _exceptions(self, seen: Seen, *, lean: bool) -> bytes:
        """The member exceptions."""
        parts = []
        for number, walk in enumerate(seen.walks):
            named = self._named(seen, number)
            indices, omitted = structured(walk, _LEAN) if lean else structured(walk)
            if omitted:
                named["frames_omitted"] = omitted
            frames = [
                b"{%b%b%b}" % (
                    place.members,
                    b"" if lean else place.around,
                    self._locals(walk, index) if self._with_locals and not lean else b"",
                )
                for index in indices
                for place in (walk.places[index],)
            ]  # fmt: skip
            frames += self._syntax(seen.chain.links[number].error)
            parts.append(b'%b,"frames":[%b]}' % (encode(named)[:-1], b",".join(frames)))
        return b'"exceptions":[%b]' % b",".join(parts)

    def _named(self, seen: Seen, number: int) -> dict[str, Any]:
        """An exception of an occurrence, but for its frames."""
        link = seen.chain.links[number]
        kind, text = type(link.error), self._recorder.encoding.text
        named: dict[str, Any] = {"type": text(kind.__qualname__), "message": seen.messages[number]}
        if type(kind.__module__) is str and kind.__module__ != "builtins":
            named["module"] = text(kind.__module__)
        notes = [text(note[:_MAX_NOTE]) for note in stack.notes(link.error)]
        if notes:
            named["notes"] = notes
        if link.parent is not None:
            named |= {"parent": link.parent, "relation": link.relation}
        return named

    def _locals(self, walk: Walk, index: int) -> bytes:
        try:
            found = variables(walk.frames[index], self._recorder.encoding)
            return b',"locals":%b' % encode(found) if found else b""
        except Exception as failure:  # noqa: BLE001 - a namespace of the application's own kind
            return b',"locals":%b' % encode({"…": f"[not readable: {type(failure).__name__}]"})

    def _syntax(self, error: BaseException) -> list[bytes]:
        """Where the syntax is wrong, as the innermost frame: that is where the code did not get."""
        if not issubclass(type(error), SyntaxError):
            return []
        file, line, text = (getattr(error, name, None) for name in ("filename", "lineno", "text"))
        if type(file) is not str or type(line) is not int:
            return []
        clean = self._recorder.encoding.text
        source = clean(text.strip("\n")[:256]) if type(text) is str else ""
        shown = {"file": clean(file), "line": line, "source": source}
        return [encode({name: value for name, value in shown.items() if value})]


class _Component(msgspec.Struct):
    component: Any = ""


_component_of: Final = msgspec.json.Decoder(_Component).decode


def _component(extra: bytes) -> str:
    if b'"component"' not in extra:
        return ""
    found = _component_of(extra).component
    return found if type(found) is str else ""
