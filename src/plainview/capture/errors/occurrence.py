"""One exception, one occurrence: its line of kind ``error``, written once, however often the exception is met.

An exception carries the id of its occurrence in an attribute, a plain string that goes along when it is pickled into
another process. Whoever meets it next (the log call, the middleware, a hook) finds the id, and writes no second line.
"""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.capture.clock import THOUSAND, millisecond
from plainview.capture.encoding import encode
from plainview.capture.errors import chain
from plainview.capture.errors.frames import Frames
from plainview.capture.errors.line import Lines
from plainview.capture.errors.seen import Seen
from plainview.capture.errors.storm import Storm
from plainview.context import current, leave, left_in
from plainview.records import level_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plainview.capture.recorder import Recorder
    from plainview.context import Left

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
#: Occurrences that may wait for somebody to tell more of them, and how long, seconds.
_MOST_WAITING: Final = 200
_PATIENCE: Final = 1.0


class _Waiting(msgspec.Struct, eq=False):
    """An exception that left a span, as it was then. The exception itself is not kept: its frames hold all sorts."""

    left: Left
    clock: float
    when: int
    place: tuple[object, ...]
    line: bytes


class Errors:
    """Writes the occurrences of one configuration."""

    def __init__(self, recorder: Recorder) -> None:
        settings = recorder.settings
        self._recorder: Final = recorder
        self._enabled: Final = settings.enabled and settings.capture_errors
        self._frames: Final = Frames(recorder.encoding, 0 if settings.low_resource else settings.source_context)
        self._lines: Final = Lines(recorder)
        self._least: Final = level_number(settings.error_level)
        self._channel: Final = recorder.spool.channels["error"]
        self._storm: Final = Storm(settings.error_burst)
        self._waiting: deque[_Waiting] = deque()

    def after_fork(self) -> None:
        """In a forked child: what the parent has not told yet is the parent's to tell."""
        self._storm.after_fork()
        self._waiting.clear()

    def member(self, error: BaseException) -> bytes:
        """The value of a span event's member exception, with the id that it has by now."""
        left = left_in(error)
        return self._see(error).member(id_of(error) or (left.error_id if left is not None else None))

    def logged(self, error: BaseException, head: bytes, message: bytes, known: bytes, extra: bytes) -> bytes:
        """An exception was logged: make it an occurrence, and return the value of the line's member exception.

        Never raises: whatever goes wrong here, the line is written.

        Args:
            error: the exception.
            head: the log line's members level and logger; see `Recorder.head`.
            message: what was said, as JSON.
            known: the log line's ids and context fields, each followed by a comma.
            extra: the log line's fields.
        """
        try:
            seen = self._see(error)
            error_id = id_of(error)
            if error_id is None and self._enabled and chain.is_error(error):
                told = _told(head)
                if level_number(told["level"]) >= self._least:
                    mechanism = _NOT_HANDLED.get(told["logger"])
                    members = {**told, "mechanism": mechanism or "logging"} | ({"handled": False} if mechanism else {})
                    known = self._merged(left_in(error), known)
                    error_id = self._write(seen, members, message=message, known=known, extra=extra)
            return seen.member(error_id)
        except Exception as failure:  # noqa: BLE001 - see above
            self._recorder.spool.failed(failure)
            return encode({"type": type(error).__name__})

    def log_line(self, head: bytes, message: bytes, known: bytes, extra: bytes) -> None:
        """A line without an exception was logged, and the settings may want an occurrence of it. Never raises."""
        try:
            told = _told(head)
            if self._enabled and level_number(told["level"]) >= level_number("ERROR"):
                self._write(None, {**told, "mechanism": "logging"}, message=message, known=known, extra=extra)
        except Exception as failure:  # noqa: BLE001 - see above
            self._recorder.spool.failed(failure)

    def capture(  # noqa: PLR0913 - what an occurrence consists of
        self,
        error: BaseException,
        *,
        mechanism: str,
        handled: bool = True,
        abortive: bool = False,
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
            abortive: whether a `SystemExit` with an exit code is an error as well: where it ends work in the middle.
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
            if not self._enabled or not (chain.is_error(error) or (abortive and chain.is_abort(error))):
                return None
            members = {"level": level, "logger": logger, "mechanism": mechanism, **(more or {})}
            if not handled:
                members["handled"] = False
            left = left_in(error)
            known, extra = self._recorder.surroundings(current.get() if left is None else left.frame, fields or {})
            said = self._recorder.message(message)
            error_id = self._write(self._see(error), members, message=said, known=known, extra=extra, context=context)
            listener = self._recorder.listener
            if listener is not None and level_number(level) >= level_number("WARNING"):
                listener.heard(self._recorder.head(level, logger), message, fields or {}, error)
        except Exception as failure:  # noqa: BLE001 - never into the application
            self._recorder.spool.failed(failure)
            return None
        return error_id

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
            if not self._enabled:
                return None
            known, extra = self._recorder.surroundings(current.get(), fields)
            members = {"level": level, "mechanism": "manual", **more}
            said = self._recorder.message(message)
            return self._write(None, members, message=said, known=known, extra=extra, context=context)
        except Exception as failure:  # noqa: BLE001 - never into the application
            self._recorder.spool.failed(failure)
            return None

    def left(self, error: BaseException) -> None:
        """An exception leaves the outermost span. Never raises.

        It is an error, but who comes next (an ``except`` that logs it, a hook) knows more of it: so its line waits,
        and is written when a second has gone by and nobody told.
        """
        try:
            leave(error, current.get())
            left = left_in(error)
            if left is None or left.turn is not None or id_of(error) is not None:
                return
            if not self._enabled or not chain.is_error(error):
                return
            left.error_id, left.turn = os.urandom(16).hex(), [None]
            known, extra = self._recorder.surroundings(left.frame, {})
            seen = self._see(error)
            line = self._lines.rest(seen, {"level": "ERROR", "mechanism": "span"}, b'""', known, extra, None)
            if len(self._waiting) >= _MOST_WAITING:
                self._tell(everything=True)
            self._waiting.append(_Waiting(left, time.monotonic(), time.time_ns(), seen.place(), line))
        except Exception as failure:  # noqa: BLE001 - never into the application
            self._recorder.spool.failed(failure)

    def flush(self, *, everything: bool = False) -> None:
        """Write what waits, and tell of what was only counted so far. Never raises.

        Args:
            everything: not only what has waited for long enough.
        """
        try:
            self._tell(everything=everything)
            for line, count in self._storm.overdue(everything=everything):
                self._put(os.urandom(16).hex(), count, line)
        except Exception as failure:  # noqa: BLE001 - never into the application
            self._recorder.spool.failed(failure)

    def _tell(self, *, everything: bool) -> None:
        """Write the exceptions that left a span, and that somebody handled without a word."""
        due = time.monotonic() - (0.0 if everything else _PATIENCE)
        while self._waiting and self._waiting[0].clock <= due:
            try:
                one = self._waiting.popleft()
            except IndexError:  # another thread was quicker
                return
            if one.left.take():
                count = self._storm.weight(one.place)
                if count:
                    self._storm.wrote(one.place, one.line)
                    self._put(one.left.error_id, count, one.line, one.when)
                else:
                    one.left.error_id = ""

    def _see(self, error: BaseException) -> Seen:
        return Seen(error, self._recorder.encoding, self._frames)

    def _merged(self, left: Left | None, known: bytes) -> bytes:
        """The context that an exception has left, and what the log line knows besides."""
        if left is None:
            return known
        there, _ = self._recorder.surroundings(left.frame, {})
        if there == known:
            return known
        members = {**_decoded(known), **_decoded(there)}
        return encode(members)[1:-1] + b"," if members else b""

    def _write(  # noqa: PLR0913 - what a line is made of
        self,
        seen: Seen | None,
        members: dict[str, Any],
        *,
        message: bytes,
        known: bytes,
        extra: bytes,
        context: Mapping[str, Any] | None = None,
    ) -> str | None:
        """Write a line, unless the storm rule has it counted only."""
        if seen is None:
            place: tuple[object, ...] = (members.get("logger", ""), message)
            error_id, mark = os.urandom(16).hex(), None
        else:
            error, place = seen.chain.links[0].error, seen.place()
            left, mark = left_in(error), _attributes(error)
            waits = left is not None and left.turn is not None
            error_id = left.error_id if left is not None and waits else os.urandom(16).hex()
            mine = mark.setdefault(KEY, error_id)
            if mine is not error_id:  # another thread was quicker
                return mine if type(mine) is str else None
            if left is not None and waits and not left.take():  # it has been written meanwhile
                return error_id or None
        count = self._storm.weight(place)
        if not count:
            if mark is not None:
                mark[KEY] = ""
            return None
        try:
            line = self._lines.rest(seen, members, message, known, extra, context)
        except Exception:
            if mark is not None:  # an id that nothing has is no id
                del mark[KEY]
            raise
        self._storm.wrote(place, line)
        self._put(error_id, count, line)
        return error_id

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
