"""Spans: OpenTelemetry's `Span`, lean. A span is one object while it is open and one line when it has ended."""

from __future__ import annotations

import os
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any, Final, final

import msgspec
from opentelemetry.trace import Span as SpanInterface, SpanContext, Status, StatusCode, TraceFlags

from plainview.capture.encoding import encode
from plainview.context import Frame, current, leave, reset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.util.types import AttributeValue

    from plainview.capture.recorder import Recorder

__all__ = ["Span", "Tail", "Tracing"]

_POOL_BYTES: Final = 4096
_MAX_EVENTS: Final = 256
_MAX_WAITING: Final = 5000
_SAMPLED, _DROPPED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)

#: Random ids in hex, drawn many at a time: one call to the system for all of them.
_trace_ids: list[str] = []
_span_ids: list[str] = []


def _another(pool: list[str], length: int) -> str:
    """Fill a pool of ids of ``length`` bytes, and take one."""
    pool += os.urandom(_POOL_BYTES).hex(" ", length).split()
    return pool.pop()


def _in_child() -> None:
    _trace_ids.clear()
    _span_ids.clear()


os.register_at_fork(after_in_child=_in_child)  # or parent and child would draw the same ids


class Tracing:
    """What spans share: the recorder and the sampling in force."""

    __slots__ = ("always", "enabled", "rate", "record", "slow_ns", "tail_rate")

    def __init__(self, recorder: Recorder) -> None:
        settings = recorder.settings
        self.record: Final = recorder
        self.enabled: Final = settings.enabled
        self.rate: Final = settings.trace_sample
        self.tail_rate: Final = min(settings.trace_tail, 0.1) if settings.low_resource else settings.trace_tail
        self.slow_ns: Final = int(settings.trace_slow_ms * 1e6)
        #: Every trace that begins here is recorded, and nothing is decided later.
        self.always: Final = self.enabled and self.rate >= 1.0 and self.tail_rate >= 1.0

    def start(  # noqa: PLR0913 - the parameters of OpenTelemetry's start_span
        self,
        name: str,
        attributes: dict[str, Any],
        *,
        frame: Frame | None = None,
        kind: str = "INTERNAL",
        scope: str = "",
        start_time: int | None = None,
        links: Sequence[Any] = (),
        activate: bool = True,
    ) -> Span:
        """Start a span as a child of what is current in ``frame`` (here and now when left out)."""
        span = Span(self, name, attributes, current.get() if frame is None else frame)
        span.kind, span.scope, span.activate = kind, scope, activate
        if start_time is not None:
            span.start_time = start_time
        if links:
            span.links = [_link(link.context, link.attributes) for link in links]
        return span


@final
class Span(SpanInterface):
    """An open span. As a context manager it is current inside the block, and ends with it."""

    __slots__ = (
        "_context",
        "_token",
        "_tracing",
        "activate",
        "attributes",
        "bound",
        "clock",
        "encoded",
        "end_on_exit",
        "ended",
        "ending",
        "events",
        "kind",
        "links",
        "name",
        "parent_id",
        "record_exceptions",
        "sampled",
        "scope",
        "span_id",
        "start_time",
        "status",
        "status_message",
        "status_on_exception",
        "tail",
        "trace_id",
    )

    def __init__(self, tracing: Tracing, name: str, attributes: dict[str, Any], frame: Frame) -> None:
        # All of it here, not on the class: an attribute of the instance is found in a tenth of the time.
        self._tracing = tracing
        self.name = name
        self.attributes = attributes
        self.kind = "INTERNAL"
        self.scope = ""
        #: Member of its line, after a comma: the end of the operation that it is of.
        self.ending = b""
        #: Its attributes as a JSON object, where somebody knows that; None: they are encoded at its end.
        self.encoded: bytes | None = None
        self.status = "UNSET"
        self.status_message = ""
        self.events: list[dict[str, Any]] | None = None
        self.links: list[dict[str, Any]] | None = None
        self.parent_id: str | None = None
        self.sampled = True
        self.tail: Tail | None = None
        self.activate = self.end_on_exit = self.record_exceptions = self.status_on_exception = True
        #: The fields that its line has: those bound where it began, or where its block was left.
        self.bound = frame.bound
        self._token: Token[Frame] | None = None
        self._context: SpanContext | None = None
        self.ended = False
        parent = frame.span
        try:
            self.span_id = _span_ids.pop()
        except IndexError:
            self.span_id = _another(_span_ids, 8)
        if parent is None:
            try:
                self.trace_id = _trace_ids.pop()
            except IndexError:
                self.trace_id = _another(_trace_ids, 16)
            if not tracing.always:
                self._sample(_within(self.trace_id, tracing.rate))
        elif type(parent) is Span:
            self.trace_id, self.parent_id = parent.trace_id, parent.span_id
            if not tracing.always or not parent.sampled:
                self._sample(parent.sampled, parent.tail)
        else:
            self._follow(parent.get_span_context())
        #: When it began, by ``perf_counter_ns``.
        self.clock = perf_counter_ns()
        self.start_time = time_ns()

    def _follow(self, context: SpanContext) -> None:
        """Become the child of a span of another make, or of another process."""
        if context.is_valid:
            self.trace_id, self.parent_id = f"{context.trace_id:032x}", f"{context.span_id:016x}"
            self._sample(context.trace_flags.sampled)
        else:
            self.trace_id = _trace_ids.pop() if _trace_ids else _another(_trace_ids, 16)
            self._sample(_within(self.trace_id, self._tracing.rate))

    def _sample(self, sampled: bool, tail: Tail | None = None) -> None:  # noqa: FBT001 - one decision
        tracing = self._tracing
        self.sampled = sampled and tracing.enabled
        if self.sampled and tracing.tail_rate < 1.0:
            self.tail = Tail(tracing, self) if tail is None else tail

    @property
    def ids(self) -> bytes:
        """Members trace_id and span_id of records made inside this span, each followed by a comma."""
        return f'"trace_id":"{self.trace_id}","span_id":"{self.span_id}",'.encode()

    def __enter__(self) -> Span:
        if self.activate:
            frame = current.get()
            self._token = current.set(Frame(frame.bound, self, None, frame.otel, frame.operation))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        token = self._token
        if token is not None:
            frame = current.get()
            if error is not None:
                leave(error, frame)
            if frame.span is self:
                self.bound = frame.bound  # with what was bound inside
            self._token = None
            try:
                current.reset(token)
            except (ValueError, RuntimeError):
                reset(token)
        if error is not None and isinstance(error, Exception):
            if self.record_exceptions:
                if self._outermost():
                    self._tracing.record.errors.left(error)
                self.note_exception(error)
            if self.status_on_exception and self.status == "UNSET":
                self.status, self.status_message = "ERROR", f"{type(error).__name__}: {_message(error)}"
        if self.end_on_exit:
            self.end()

    async def __aenter__(self) -> Span:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _outermost(self) -> bool:
        """Whether no span of this process is around this one: what leaves it, leaves the work that is traced."""
        return self.parent_id is None or type(current.get().span) is not Span

    def end(self, end_time: int | None = None) -> None:
        """End the span and record it. A second call does nothing. ``end_time`` is in nanoseconds since 1970."""
        if self.ended:
            return
        self.ended = True
        if not self.sampled:
            return
        if end_time is None:
            end_time = self.start_time + (perf_counter_ns() - self.clock)
        recorder = self._tracing.record
        try:
            line = self._line(recorder, end_time)
            if self.tail is not None:
                self.tail.take(self, line, end_time - self.start_time)
                return
            try:
                recorder.spans.write(line)
            except ValueError:
                recorder.spans.overflow(line)
        except Exception as error:  # noqa: BLE001 - never into the application
            recorder.spool.failed(error)

    def _line(self, recorder: Recorder, end_time: int) -> bytes:
        bound = self.bound
        known = bound.known
        if known is None:
            known = recorder.encode_bound(bound)
        encoding = recorder.encoding
        attributes = self.encoded or encoding.plain(self.attributes)
        if attributes is None or bound.extra:
            attributes = recorder.merge_bound(bound, self.attributes)
        tail = end = self.ending + b"}\n" if self.ending else b"}\n"
        if self.events or self.links:
            tail = b',"events":%b,"links":%b%b' % (self._encoded(self.events), self._encoded(self.links), end)
        if self.scope:
            tail = b',"scope":%b%b' % (encode(self.scope), tail)
        if self.status_message:
            tail = b',"status_message":%b%b' % (encoding.message(self.status_message), tail)
        parent = f'"parent_span_id":"{self.parent_id}",' if self.parent_id else ""
        head = (
            f'{{"trace_id":"{self.trace_id}","span_id":"{self.span_id}",{parent}"kind":"{self.kind}",'
            f'"start_time_unix_nano":{self.start_time},"end_time_unix_nano":{end_time},"status":"{self.status}","name":'
        ).encode()
        name = encoding.message(self.name)
        line = b"".join((head, name, b",", recorder.static, known, b'"attributes":', attributes, tail))
        if len(line) > recorder.max_line:
            note = encode({"line_too_long": f"{len(line)} bytes; attributes and events left out"})
            line = b"".join((head, name, b",", recorder.static, known, b'"attributes":', note, end))
        return line

    def _encoded(self, items: list[dict[str, Any]] | None) -> bytes:
        return encode(self._tracing.record.encoding.safe(items or []))

    def get_span_context(self) -> SpanContext:
        """The ids in OpenTelemetry's form."""
        if self._context is None:
            flags = _SAMPLED if self.sampled else _DROPPED
            self._context = SpanContext(
                int(self.trace_id, 16), int(self.span_id, 16), is_remote=False, trace_flags=flags
            )
        return self._context

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several attributes; later values win."""
        if not self.ended:
            self.attributes.update(attributes)

    def set_attribute(self, key: str, value: AttributeValue | Any) -> None:  # noqa: ANN401 - more than OpenTelemetry asks
        """Set an attribute to a value of any kind; it is bounded and scrubbed when the span ends."""
        if not self.ended:
            self.attributes[key] = value

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        """Note something that happened now, or at ``timestamp`` (nanoseconds since 1970)."""
        if self.ended or not self.sampled:
            return
        if self.events is None:
            self.events = []
        if len(self.events) < _MAX_EVENTS:
            when = time_ns() if timestamp is None else timestamp
            self.events.append({"name": str(name), "time_unix_nano": when, "attributes": dict(attributes or {})})

    def add_link(self, context: SpanContext, attributes: Mapping[str, Any] | None = None) -> None:
        """Point to another span."""
        if not self.ended:
            self.links = [*(self.links or ()), _link(context, attributes)]

    def update_name(self, name: str) -> None:
        """Give the span another name."""
        if not self.ended:
            self.name = name

    def is_recording(self) -> bool:
        """Whether what is set on the span will be kept."""
        return self.sampled and not self.ended

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status. OK is final; UNSET changes nothing (OpenTelemetry trace API, set status)."""
        if isinstance(status, Status):
            code, description = status.status_code, status.description or description
        else:
            code = status
        if self.ended or self.status == "OK" or code is StatusCode.UNSET:
            return
        self.status = code.name
        self.status_message = (description or "") if code is StatusCode.ERROR else ""

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: ARG002, FBT001, FBT002 - OpenTelemetry's signature
    ) -> None:
        """Note an exception as an event, and make it an error: whoever calls this by hand has something to tell."""
        if isinstance(exception, BaseException):
            self._tracing.record.errors.capture(exception, mechanism="span")
        self.note_exception(exception, attributes, timestamp)

    def note_exception(
        self, exception: BaseException, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None
    ) -> None:
        """Note an exception as an event, with the names of OpenTelemetry's semantic conventions."""
        if not self.is_recording():
            return
        parts = msgspec.json.decode(self._tracing.record.errors.member(exception))
        named = {f"exception.{'stacktrace' if key == 'stack_trace' else key}": value for key, value in parts.items()}
        self.add_event("exception", {**named, **(attributes or {})}, timestamp)


class Tail:
    """Sampling once it is known how a trace went: what failed or was slow is kept, of the rest a share.

    It decides for the part of a trace that this process saw, when its first span here has ended; an error is written
    out at once. What still waits when a process is killed is lost: that is the price of this kind of sampling.
    """

    __slots__ = ("_keep", "_lines", "_root", "_tracing")

    def __init__(self, tracing: Tracing, root: Span) -> None:
        self._tracing: Final = tracing
        self._root: Final = root.span_id
        self._lines: list[bytes] = []
        self._keep: bool | None = None

    def take(self, span: Span, line: bytes, duration: int) -> None:
        """A span of the trace has ended; ``duration`` in nanoseconds."""
        self._lines.append(line)
        tracing = self._tracing
        if self._keep is None:
            if span.status == "ERROR" or duration >= tracing.slow_ns or len(self._lines) >= _MAX_WAITING:
                self._keep = True
            elif span.span_id == self._root:
                self._keep = _within(span.trace_id, tracing.tail_rate)
        if self._keep is None:
            return
        lines, self._lines = self._lines, []
        if not self._keep:
            tracing.record.spool.counters.sampled += len(lines)
            return
        channel = tracing.record.spans
        for waiting in lines:
            try:
                channel.write(waiting)
            except ValueError:
                channel.overflow(waiting)


def _within(trace_id: str, rate: float) -> bool:
    """Whether a trace is in the share kept; every process decides alike (W3C: the last 56 bits are random)."""
    return int(trace_id[-14:], 16) < rate * (1 << 56)


def _link(context: SpanContext, attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "trace_id": f"{context.trace_id:032x}",
        "span_id": f"{context.span_id:016x}",
        "attributes": dict(attributes or {}),
    }


def _message(error: BaseException) -> str:
    try:
        return str(error)[:1000]
    except Exception as failure:  # noqa: BLE001 - the user's __str__
        return f"[__str__ raised {type(failure).__name__}]"
