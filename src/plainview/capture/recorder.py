"""Makes lines out of what happened, and puts them into the spool: one encode and one copy."""

from __future__ import annotations

import os
import sys
from _thread import RLock
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from plainview.capture.clock import THOUSAND, millisecond
from plainview.capture.encoding import EXCLUSIVE, Encoding, encode
from plainview.capture.spool import Spool
from plainview.context import current
from plainview.records import CONTEXT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType, FrameType

    from plainview.capture.errors.occurrence import Errors
    from plainview.context import Bound, Frame
    from plainview.settings import Settings

__all__ = ["LOUD", "Listener", "Recorder", "exception_of", "ids_of"]

#: Where the first letter of the level stands in a head, and those of the levels from WARNING up.
LOUD: Final = (12, frozenset(b"WEC"))
_PLACE, _LETTERS = LOUD

#: Context fields that a record has a place for, other than those of the span.
_KNOWN: Final = frozenset(CONTEXT_FIELDS) - {"trace_id", "span_id"}
_MAX_ID: Final = 256
_NUMBERS: Final = frozenset({int, float})
_MAX_SOURCES: Final = 20_000


class Listener(Protocol):
    """Who wants to know of errors and warnings."""

    def heard(self, head: bytes, message: object, fields: Mapping[str, Any], error: BaseException | None) -> None:
        """A line from WARNING up is being recorded; see `Recorder.log`. Must not raise."""


class Recorder:
    """What every record of this process goes through."""

    #: Is told of each line from WARNING up, as long as there is one: of all configurations, so that it stays.
    listener: ClassVar[Listener | None] = None

    def __init__(self, settings: Settings) -> None:
        self.settings: Final = settings
        self.encoding: Final = Encoding(settings)
        self._plain: Final = self.encoding.plain
        self.message: Final = self.encoding.message
        self.spool: Final = Spool(settings)
        self.logs: Final = self.spool.channels["log"]
        self.spans: Final = self.spool.channels["span"]
        self.max_line: Final = settings.max_line
        self.with_source: Final = not settings.low_resource
        self.error_logs: Final = settings.capture_error_logs
        self._errors: Errors | None = None
        self._making = RLock()
        #: Where in the code calls came from. The code object is kept, so that its id stays its own.
        self._sources: dict[tuple[int, int], tuple[CodeType, bytes]] = {}
        self.after_fork()

    def after_fork(self) -> None:
        """The members that are the same on every record of this process."""
        settings = self.settings
        members = {
            "service": settings.service,
            "environment": settings.environment,
            "version": settings.version,
            "host": os.uname().nodename,
            "pid": os.getpid(),
        }
        self.static = encode({key: value for key, value in members.items() if value})[1:-1] + b","
        self._making = RLock()
        if self._errors is not None:
            self._errors.after_fork()

    def log(  # noqa: C901, PLR0913, PLR0917 - the hot path: in one piece, by position
        self,
        nanoseconds: int,
        head: bytes,
        message: object,
        fields: Mapping[str, Any],
        source: bytes,
        exception: BaseException | None = None,
    ) -> None:
        """Record one log line.

        Args:
            nanoseconds: when, since 1970.
            head: the members level and logger, and the name of the next, message; see `head`.
            message: anything; text as a rule.
            fields: ``extra``, and any of `EXCLUSIVE` of the encoding.
            source: the member source, see `source`; may be empty.
            exception: what went wrong.
        """
        frame = current.get()
        bound = frame.bound
        known = bound.known
        if known is None:
            known = self.encode_bound(bound)
        ids = frame.ids
        if ids is None:
            ids = ids_of(frame)
        tail = b"}\n"
        extra = self._plain(fields)
        if extra is None:
            exception = exception_of(fields.get("exc_info")) if exception is None else exception
            fields, ids, known = self._lift(bound, fields, ids, known)
            extra = self._plain(fields)
            if extra is None:
                extra = self.encoding.fields(fields)
        if bound.extra:
            extra = self._merge(bound, fields, extra)
        start, instant = millisecond(nanoseconds)
        encoded = self.message(message)
        if exception is not None:
            tail = b',"exception":%b}\n' % self.errors.logged(exception, head, encoded, ids + known, extra)
        elif self.error_logs:
            self.errors.log_line(head, encoded, ids + known, extra)
        if self.listener is not None and head[_PLACE] in _LETTERS:
            self.listener.heard(head, message, fields, exception)
        line = b"".join((
            instant, THOUSAND[(nanoseconds - start) // 1000], head, encoded, b",", self.static,
            ids, known, b'"extra":', extra, source, tail,
        ))  # fmt: skip
        if len(line) > self.max_line:
            line = self._shorten(line, extra, encoded, tail)
        try:
            self.logs.write(line)
        except ValueError:
            self.logs.overflow(line)

    def head(self, level: str, logger: str) -> bytes:
        """The constant part of a logger's lines of one level, behind the timestamp's microseconds."""
        return b'Z","level":%b,"logger":%b,"message":' % (encode(level), encode(logger))

    def source(self, frame: FrameType) -> bytes:
        """The member source for a call from this frame, remembered by call site."""
        if not self.with_source:
            return b""
        code = frame.f_code
        key = (id(code), frame.f_lasti)
        found = self._sources.get(key)
        if found is None:
            if len(self._sources) >= _MAX_SOURCES:
                self._sources.clear()
            name = getattr(code, "co_qualname", code.co_name)
            found = self._sources[key] = (code, source_member(code.co_filename, name, frame.f_lineno))
        return found[1]

    def encode_bound(self, bound: Bound) -> bytes:
        """Encode bound fields, once; return the members of those with a place of their own."""
        known, rest = {}, {}
        for key, value in bound.fields.items():
            if key in _KNOWN:
                known[key] = self._identifier(value)
            else:
                rest[key] = value
        bound.extra = self.encoding.members(rest) if rest else b""
        bound.extra_keys = frozenset(rest)
        bound.known = encoded = encode(known)[1:-1] + b"," if known else b""
        return encoded

    def merge_bound(self, bound: Bound, fields: Mapping[str, Any]) -> bytes:
        """A JSON object of fields with what is bound; a field wins over what is bound under its name."""
        encoded = self._plain(fields)
        if encoded is None:
            encoded = self.encoding.fields(fields)
        return self._merge(bound, fields, encoded) if bound.extra else encoded

    def _identifier(self, value: object) -> str:
        """A correlation field as text: it is compared, never calculated with."""
        if type(value) is str and len(value) <= _MAX_ID and self.encoding.harmless(value):
            return value
        if type(value) is int:
            return str(value)
        return self.encoding.text(value)[:_MAX_ID]

    def _merge(self, bound: Bound, fields: Mapping[str, Any], encoded: bytes) -> bytes:
        if not fields:
            return b"{%b}" % bound.extra
        if not bound.extra_keys.isdisjoint(fields):
            return self.encoding.fields({**{key: bound.fields[key] for key in bound.extra_keys}, **fields})
        return b"{%b,%b" % (bound.extra, encoded[1:])

    def _lift(
        self, bound: Bound, fields: Mapping[str, Any], ids: bytes, known: bytes
    ) -> tuple[Mapping[str, Any], bytes, bytes]:
        """Take the fields that have a place of their own out of a call's fields."""
        given: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        for key, value in fields.items():
            if key not in EXCLUSIVE:
                rest[key] = value
            elif key in CONTEXT_FIELDS:
                if value is not None:
                    given[key] = self._identifier(value)
            elif key == "duration_ms" and type(value) in _NUMBERS and value - value == 0:
                known += b'"duration_ms":%b,' % encode(float(value))
            elif key != "exc_info":
                rest[key] = value
        if given:
            if "trace_id" in given or "span_id" in given:
                ids = b""
            if not bound.fields.keys().isdisjoint(given):
                kept = {key: self._identifier(value) for key, value in bound.fields.items() if key in _KNOWN}
                known = known[len(bound.known or b"") :]
                given = {**kept, **given}
            known += encode(given)[1:-1] + b","
        return rest, ids, known

    @property
    def errors(self) -> Errors:
        """What makes occurrences of exceptions; made when the first goes wrong."""
        if self._errors is None:
            from plainview.capture.errors.occurrence import Errors  # noqa: PLC0415 - only what goes wrong needs it

            with self._making:
                if self._errors is None:
                    self._errors = Errors(self)
        return self._errors

    def flush(self, *, everything: bool = False) -> None:
        """Write what was only counted so far."""
        if self._errors is not None:
            self._errors.flush(everything=everything)

    def surroundings(self, frame: Frame, fields: Mapping[str, Any]) -> tuple[bytes, bytes]:
        """The members of ids and context fields, each followed by a comma, and ``extra``, for a frame and fields."""
        bound = frame.bound
        known = self.encode_bound(bound) if bound.known is None else bound.known
        ids = ids_of(frame) if frame.ids is None else frame.ids
        fields, ids, known = self._lift(bound, fields, ids, known)
        return ids + known, self.merge_bound(bound, fields)

    def _shorten(self, line: bytes, extra: bytes, message: bytes, tail: bytes) -> bytes:
        """A line that is too long loses its fields first, then most of its stack trace."""
        note = encode({"line_too_long": f"{len(line)} bytes; fields left out"})
        line = line.replace(b'"extra":' + extra, b'"extra":' + note, 1)
        if len(line) > self.max_line:
            line = line.replace(tail, b"}\n", 1) if len(tail) > self.max_line // 2 else line
        if len(line) > self.max_line:
            line = line.replace(message, encode(f"[message of {len(message)} bytes left out]"), 1)
        return line


def source_member(file: str, function: str, line: int) -> bytes:
    """The member source, led by a comma."""
    file = file.encode("utf-8", "backslashreplace").decode()
    return b',"source":' + encode({"file": file, "function": function, "line": line})


def exception_of(exc_info: object) -> BaseException | None:
    """The exception that an ``exc_info`` argument of the standard form means: an exception, a tuple, or truth."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return _of_tuple(*exc_info[:2]) if len(exc_info) > 1 else None
    if exc_info:
        return sys.exc_info()[1]
    return None


def _of_tuple(kind: object, value: object) -> BaseException | None:
    if not isinstance(value, BaseException):
        return None
    if isinstance(kind, type) and not isinstance(value, kind):
        # Wrapped up for the way from another process, as by billiard, Celery's multiprocessing.
        carried = vars(value).get("exc")
        if isinstance(carried, kind) and isinstance(carried, BaseException):
            return carried
    return value


def ids_of(frame: Frame) -> bytes:
    """Members trace_id and span_id of a frame's span, remembered on the frame."""
    ids = getattr(frame.span, "ids", None)
    if not isinstance(ids, bytes):  # a span of another make
        ids = b""
        context = frame.span.get_span_context() if frame.span is not None else None
        if context is not None and context.is_valid:
            ids = b'"trace_id":"%032x","span_id":"%016x",' % (context.trace_id, context.span_id)
    frame.ids = ids
    return ids
