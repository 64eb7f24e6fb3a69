"""One exception, one occurrence: its line of kind ``error``, written once, however often the exception is met.

An exception carries the id of its occurrence in an attribute, a plain string that goes along when it is pickled into
another process. Whoever meets it next (the log call, the middleware, a hook) finds the id, and writes no second line.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.capture import errors
from plainview.capture.clock import THOUSAND, millisecond
from plainview.capture.encoding import encode
from plainview.capture.errors import chain, stack
from plainview.capture.errors.frames import Frames, structured
from plainview.capture.errors.storm import Storm
from plainview.capture.errors.variables import variables
from plainview.context import current, left_in
from plainview.records import level_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plainview.capture.errors.frames import Walk
    from plainview.capture.recorder import Recorder
    from plainview.context import Frame

__all__ = ["Errors", "id_of"]

#: Attribute of an exception that holds the id of its occurrence; empty: it was counted, not written.
KEY: Final = "__plainview_error_id__"
_attributes: Final = vars(BaseException)["__dict__"].__get__

#: Loggers by which others tell of exceptions that nobody handled → the mechanism.
_NOT_HANDLED: Final = {
    "aiohttp.server": "aiohttp",
    "apscheduler.executors.default": "apscheduler",
    "asyncio": "asyncio",
    "celery.app.trace": "celery",
    "concurrent.futures": "futures",
    "django.request": "django",
    "flask.app": "flask",
    "gunicorn.error": "gunicorn",
    "hypercorn.error": "asgi",
    "rq.worker": "rq",
    "tornado.application": "tornado",
    "uvicorn.error": "asgi",
}
_INNERMOST: Final = 8
_MAX_THREADS: Final = 256
#: Frames and source lines of an occurrence whose line is too long otherwise.
_LEAN: Final = (5, 15)
#: Exceptions that may wait for somebody to tell of them, and how long, seconds.
_MOST_LEFT: Final = 200
_PATIENCE: Final = 1.0


class _Left(msgspec.Struct, eq=False):
    """An exception that left a span: when (of two clocks), what was current, what was being served."""

    error: BaseException
    clock: float
    when: int
    frame: Frame
    request: dict[str, Any] | None


class _Seen:
    """An exception as it was found: what belongs to it, where it was raised, what it says."""

    __slots__ = ("_encoding", "_messages", "_stack", "chain", "walks")

    def __init__(self, errors: Errors, error: BaseException) -> None:
        self._encoding: Final = errors.recorder.encoding
        self._messages: list[str] | None = None
        self._stack: bytes | None = None
        self.chain: Final = chain.of(error)
        walk = errors.frames.walk
        self.walks: Final[list[Walk]] = [walk(chain.traceback_of(link.error)) for link in self.chain.links]

    # What follows is made when it is wanted: of most exceptions of a storm it is not.
    @property
    def messages(self) -> list[str]:
        """What each of the exceptions says."""
        if self._messages is None:
            self._messages = [self._encoding.text(stack.said(link.error)) for link in self.chain.links]
        return self._messages

    @property
    def stack(self) -> bytes:
        """The stack trace as JSON."""
        if self._stack is None:
            self._stack = encode(stack.printed(self.chain, self.walks, self.messages, self._encoding))
        return self._stack

    def member(self, error_id: str | None) -> bytes:
        """The value of a log record's member exception."""
        kind = chain.type_name(type(self.chain.links[0].error))
        told = b',"error_id":"%b"' % error_id.encode() if error_id else b""
        return b'{"type":%b,"message":%b,"stack_trace":%b%b}' % (
            encode(kind), encode(self.messages[0]), self.stack, told,
        )  # fmt: skip

    def place(self) -> tuple[object, ...]:
        """What is one place for `Storm`: the type, and the innermost frames."""
        link, walk = self.chain.links[0], self.walks[0]
        return (type(link.error), *[(place.code, place.identity[1]) for place in walk.places[-_INNERMOST:]])


class Errors:
    """Writes the occurrences of one configuration."""

    def __init__(self, recorder: Recorder) -> None:
        settings = recorder.settings
        self.recorder: Final = recorder
        self.enabled: Final = settings.enabled and settings.capture_errors
        self.frames: Final = Frames(recorder.encoding, 0 if settings.low_resource else settings.source_context)
        self._least: Final = level_number(settings.error_level)
        self._logs: Final = settings.capture_error_logs
        self._with_locals: Final = settings.error_locals
        self._channel: Final = recorder.spool.channels["error"]
        self._storm: Final = Storm(settings.error_burst)
        self._left: deque[_Left] = deque()
        runtime = {"name": sys.implementation.name, "version": sys.version.partition(" ")[0]}
        self._runtime: Final = {"runtime": runtime}
        self._threads: dict[str, bytes] = {}

    def after_fork(self) -> None:
        """In a forked child."""
        self._storm.after_fork()
        self._left.clear()

    def member(self, error: BaseException) -> bytes:
        """The value of a log record's (or a span event's) member exception, with the id that it has by now."""
        return _Seen(self, error).member(id_of(error))

    def logged(self, error: BaseException, head: bytes, message: bytes, known: bytes, extra: bytes) -> bytes:
        """An exception was logged: make it an occurrence, and return the value of the line's member exception.

        Args:
            error: the exception.
            head: the log line's members level and logger; see `Recorder.head`.
            message: what was said, as JSON.
            known: the log line's ids and context fields, each followed by a comma.
            extra: the log line's fields.
        """
        seen = _Seen(self, error)
        error_id = id_of(error)
        if error_id is None and self.enabled and chain.is_error(error):
            told = _told(head)
            if level_number(told["level"]) >= self._least:
                mechanism = _NOT_HANDLED.get(told["logger"])
                error_id = self._write(
                    seen,
                    {**told, "mechanism": mechanism or "logging"} | ({"handled": False} if mechanism else {}),
                    message=message,
                    known=self._merged(left_in(error), known),
                    extra=extra,
                )
        return seen.member(error_id)

    def log_line(self, head: bytes, message: bytes, known: bytes, extra: bytes) -> None:
        """A line without an exception was logged: an occurrence where the settings make one of it."""
        told = _told(head)
        if self._logs and self.enabled and level_number(told["level"]) >= level_number("ERROR"):
            self._write(None, {**told, "mechanism": "logging"}, message=message, known=known, extra=extra)

    def capture(  # noqa: PLR0913 - what an occurrence consists of
        self,
        error: BaseException,
        *,
        mechanism: str,
        handled: bool = True,
        level: str = "ERROR",
        logger: str = "",
        message: str = "",
        fields: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> str | None:
        """Make an exception an occurrence, unless it is one already. Never raises.

        Args:
            error: the exception.
            mechanism: what caught it.
            handled: whether the application did.
            level: of the occurrence.
            logger: what it belongs to.
            message: what is said with it.
            fields: ``extra``, and context fields.
            more: further members of the record: ``component``, ``fingerprint``.
            context: further members of the record's ``context``.

        Returns:
            The id of the occurrence; None where there is none: it is no error, or was only counted.
        """
        try:
            known_id = id_of(error)
            if known_id is not None:
                return known_id or None
            if not self.enabled or not chain.is_error(error):
                return None
            members = {"level": level, "logger": logger, "mechanism": mechanism, **(more or {})}
            if not handled:
                members["handled"] = False
            known, extra = self._context(left_in(error) or current.get(), fields or {})
            return self._write(
                _Seen(self, error), members, message=self.recorder.message(message), known=known, extra=extra,
                context=context,
            )  # fmt: skip
        except Exception as failure:  # noqa: BLE001 - never into the application
            self.recorder.spool.failed(failure)
            return None

    def left(self, error: BaseException) -> None:
        """An exception leaves the outermost span. Never raises.

        It is an error, but who comes next (an ``except`` that logs it, a hook) knows more of it: it is written when a
        second has gone by and nobody did.
        """
        try:
            if self.enabled and id_of(error) is None:
                if len(self._left) >= _MOST_LEFT:
                    self._nobody_told(everything=True)
                self._left.append(
                    _Left(error, time.monotonic(), time.time_ns(), left_in(error) or current.get(), errors.request())
                )
        except Exception as failure:  # noqa: BLE001 - never into the application
            self.recorder.spool.failed(failure)

    def say(
        self,
        message: object,
        level: str,
        fields: Mapping[str, Any],
        more: Mapping[str, Any],
        context: Mapping[str, Any] | None,
    ) -> str | None:
        """Make a message an occurrence. Never raises."""
        try:
            if not self.enabled:
                return None
            known, extra = self._context(current.get(), fields)
            members = {"level": level, "mechanism": "manual", **more}
            return self._write(
                None, members, message=self.recorder.message(message), known=known, extra=extra, context=context
            )
        except Exception as failure:  # noqa: BLE001 - never into the application
            self.recorder.spool.failed(failure)
            return None

    def flush(self, *, everything: bool = False) -> None:
        """Tell of what was only counted so far. Never raises."""
        try:
            self._nobody_told(everything=everything)
            for rest, count in self._storm.overdue(everything=everything):
                self._put(os.urandom(16).hex(), count, rest)
        except Exception as failure:  # noqa: BLE001 - never into the application
            self.recorder.spool.failed(failure)

    def _nobody_told(self, *, everything: bool) -> None:
        """Write the exceptions that left a span and that somebody handled without a word."""
        due = time.monotonic() - (0.0 if everything else _PATIENCE)
        while self._left and self._left[0].clock <= due:
            try:
                one = self._left.popleft()
            except IndexError:  # another thread was quicker
                return
            if id_of(one.error) is None and chain.is_error(one.error):
                known, extra = self._context(one.frame, {})
                members = {"level": "ERROR", "mechanism": "span"}
                context = {"request": one.request} if one.request else None
                self._write(
                    _Seen(self, one.error),
                    members,
                    message=b'""',
                    known=known,
                    extra=extra,
                    context=context,
                    when=one.when,
                )

    def _context(self, frame: Frame, fields: Mapping[str, Any]) -> tuple[bytes, bytes]:
        """Ids and context fields, each followed by a comma, and ``extra``: of a frame and of fields."""
        return self.recorder.surroundings(frame, fields)

    def _merged(self, frame: Frame | None, known: bytes) -> bytes:
        """The context that an exception has left, and what the log line knows besides."""
        if frame is None:
            return known
        left, _ = self._context(frame, {})
        if left == known:
            return known
        members = {**_decoded(known), **_decoded(left)}
        return encode(members)[1:-1] + b"," if members else b""

    def _write(  # noqa: PLR0913 - what a line is made of
        self,
        seen: _Seen | None,
        members: dict[str, Any],
        *,
        message: bytes,
        known: bytes,
        extra: bytes,
        context: Mapping[str, Any] | None = None,
        when: int | None = None,
    ) -> str | None:
        """Write a line, unless the storm rule has it counted only."""
        error_id = os.urandom(16).hex()
        if seen is not None:
            mine = _attributes(seen.chain.links[0].error).setdefault(KEY, error_id)
            if mine is not error_id:  # another thread was quicker
                return mine if type(mine) is str else None
        place = seen.place() if seen is not None else (members.get("logger", ""), message)
        count = self._storm.weight(place)
        if not count:
            if seen is not None:
                _attributes(seen.chain.links[0].error)[KEY] = ""
            return None
        try:
            line = self._rest(seen, members, message, known, extra, context)
        except Exception:
            if seen is not None:  # an id that nothing has is no id
                del _attributes(seen.chain.links[0].error)[KEY]
            raise
        self._storm.wrote(place, line)
        self._put(error_id, count, line, when)
        return error_id

    def _rest(  # noqa: PLR0913, PLR0917 - what a line is made of
        self,
        seen: _Seen | None,
        members: dict[str, Any],
        message: bytes,
        known: bytes,
        extra: bytes,
        context: Mapping[str, Any] | None,
    ) -> bytes:
        """A line without what is its own: the time, the id, the count."""
        recorder = self.recorder
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
        if len(line) > recorder.max_line - 256:
            note = encode({"line_too_long": f"{len(line)} bytes; fields and frames left out"})
            tail = b'"context":%b,"extra":%b}\n' % (b"{}" if len(around) > recorder.max_line // 8 else around, note)
            line = b"%b%b%b,%b" % (head, left_out, self._exceptions(seen, lean=True), tail)
        if len(line) > recorder.max_line - 256:
            line = head + b'"exceptions":%b,' % encode([self._named(seen, 0)]) + tail
        return line

    def _around(self, context: Mapping[str, Any] | None) -> bytes:
        """The member context: the interpreter and the thread, the request, what was given."""
        encoding, thread = self.recorder.encoding, threading.current_thread().name
        told = self._threads.get(thread)
        if told is None:
            if len(self._threads) >= _MAX_THREADS:
                self._threads.clear()
            contexts = {**self._runtime, "thread": {"name": encoding.text(thread)}}
            told = self._threads[thread] = encode({"contexts": contexts})[:-1]
        serving = errors.request()
        more = {**({"request": serving} if serving else {}), **(context or {})}
        return b"%b,%b" % (told, encode(encoding.safe(more))[1:]) if more else told + b"}"

    def _exceptions(self, seen: _Seen, *, lean: bool) -> bytes:
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

    def _named(self, seen: _Seen, number: int) -> dict[str, Any]:
        """An exception of an occurrence, but for its frames."""
        link = seen.chain.links[number]
        kind, text = type(link.error), self.recorder.encoding.text
        named: dict[str, Any] = {"type": text(kind.__qualname__), "message": seen.messages[number]}
        if type(kind.__module__) is str and kind.__module__ != "builtins":
            named["module"] = text(kind.__module__)
        notes = [text(note) for note in stack.notes(link.error)]
        if notes:
            named["notes"] = notes
        if link.parent is not None:
            named |= {"parent": link.parent, "relation": link.relation}
        return named

    def _locals(self, walk: Walk, index: int) -> bytes:
        try:
            found = variables(walk.frames[index], self.recorder.encoding)
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
        clean = self.recorder.encoding.text
        source = clean(text.strip("\n")[:256]) if type(text) is str else ""
        shown = {"file": clean(file), "line": line, "source": source}
        return [encode({name: value for name, value in shown.items() if value})]

    def _put(self, error_id: str, count: int, rest: bytes, when: int | None = None) -> None:
        nanoseconds = time.time_ns() if when is None else when
        start, instant = millisecond(nanoseconds)
        line = b'%b%bZ","error_id":"%b",%b%b' % (
            instant,
            THOUSAND[(nanoseconds - start) // 1000],
            error_id.encode(),
            b'"count":%d,' % count if count > 1 else b"",
            rest,
        )
        try:
            self._channel.write(line)
        except ValueError:
            self._channel.overflow(line)


def id_of(error: BaseException) -> str | None:
    """The id of an exception's occurrence; empty where it was only counted; None: it has none."""
    found = _attributes(error).get(KEY)
    return found if type(found) is str else None


def _told(head: bytes) -> dict[str, str]:
    """Level and logger of a log line's head."""
    found: dict[str, str] = msgspec.json.decode(b"{%b}" % head[3 : head.rindex(b',"message":')])
    return found


def _decoded(members: bytes) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(b"{%b}" % members.rstrip(b","))
    return found


class _Component(msgspec.Struct):
    component: Any = ""


_component_of: Final = msgspec.json.Decoder(_Component).decode


def _component(extra: bytes) -> str:
    if b'"component"' not in extra:
        return ""
    found = _component_of(extra).component
    return found if type(found) is str else ""
