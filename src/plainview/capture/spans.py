"""Spans: OpenTelemetry's `Span`, lean. A span is one object while it is open and one line when it has ended."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final, final

import msgspec
from opentelemetry.trace import Span as SpanInterface, SpanContext, Status, StatusCode, TraceFlags

from plainview.capture.encoding import encode
from plainview.context import Frame, current, reset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.util.types import AttributeValue

    from plainview.capture.recorder import Recorder

__all__ = ["Span", "Tail", "Tracing"]

_POOL_BYTES: Final = 2048
_MAX_EVENTS: Final = 256
_MAX_WAITING: Final = 5000
_SAMPLED, _DROPPED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)

_pool: list[str] = []


def _identifier() -> str:
    """Sixteen random hex digits, from a pool: one call to the system for many of them."""
    try:
        return _pool.pop()
    except IndexError:
        digits = os.urandom(_POOL_BYTES).hex()
        _pool.extend(digits[start : start + 16] for start in range(0, len(digits), 16))
        return _pool.pop()


os.register_at_fork(after_in_child=_pool.clear)  # or parent and child would draw the same ids


class Tracing:
    """What spans share: the recorder and the sampling in force."""

    __slots__ = ("enabled", "rate", "record", "slow_ns", "tail_rate")

    def __init__(self, recorder: Recorder) -> None:
        settings = recorder.settings
        self.record: Final = recorder
        self.enabled: Final = settings.enabled
        self.rate: Final = settings.trace_sample
        self.tail_rate: Final = min(settings.trace_tail, 0.1) if settings.low_resource else settings.trace_tail
        self.slow_ns: Final = int(settings.trace_slow_ms * 1e6)

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
        frame = current.get() if frame is None else frame
        parent, tail = frame.span, None
        parent_id: str | None
        if type(parent) is Span:
            trace_id, parent_id, sampled, tail = parent.trace_id, parent.span_id, parent.sampled, parent.tail
        else:
            context = parent.get_span_context() if parent is not None else None
            if context is not None and context.is_valid:
                trace_id, parent_id = f"{context.trace_id:032x}", f"{context.span_id:016x}"
                sampled = context.trace_flags.sampled
            else:
                trace_id, parent_id = _identifier() + _identifier(), None
                sampled = self.rate >= 1.0 or _within(trace_id, self.rate)
        if not self.enabled:
            sampled = False
        span = Span(self, name, attributes, trace_id, parent_id, frame.bound, sampled)
        if sampled and self.tail_rate < 1.0:
            if tail is None:
                tail = Tail(self, span)
            span.tail = tail
        span.kind, span.scope, span.activate = kind, scope, activate
        if start_time is not None:
            span.start_time = start_time
        if links:
            span.links = [_link(link.context, link.attributes) for link in links]
        return span


@final
class Span(SpanInterface):
    """An open span. As a context manager it is current inside the block, and ends with it."""

    def __init__(  # noqa: PLR0913, PLR0917 - made on the hot path, by position
        self,
        tracing: Tracing,
        name: str,
        attributes: dict[str, Any],
        trace_id: str,
        parent_id: str | None,
        bound: Any,  # noqa: ANN401 - plainview.context.Bound
        sampled: bool,  # noqa: FBT001 - made on the hot path, by position
    ) -> None:
        self._tracing = tracing
        self.name = name
        self.attributes = attributes
        self.trace_id = trace_id
        self.span_id = _identifier()
        self.parent_id = parent_id
        self.sampled = sampled
        self._bound = bound
        self._clock = time.perf_counter_ns()
        self.start_time = time.time_ns()

    # What most spans never change is the class's own.
    kind = "INTERNAL"
    scope = ""
    status = "UNSET"
    status_message = ""
    activate = True
    record_exceptions = True
    status_on_exception = True
    end_on_exit = True
    tail: Tail | None = None
    events: list[dict[str, Any]] | None = None
    links: list[dict[str, Any]] | None = None
    _ended = False
    _token: Token[Frame] | None = None
    _context: SpanContext | None = None

    @property
    def ids(self) -> bytes:
        """Members trace_id and span_id of records made inside this span, each followed by a comma."""
        return f'"trace_id":"{self.trace_id}","span_id":"{self.span_id}",'.encode()

    def __enter__(self) -> Span:
        if self.activate:
            frame = current.get()
            self._token = current.set(Frame(frame.bound, self, None, frame.otel))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        token = self._token
        if token is not None:
            frame = current.get()
            if frame.span is self:
                self._bound = frame.bound  # with what was bound inside
            reset(token)
            self._token = None
        if isinstance(error, Exception):
            if self.record_exceptions:
                self.record_exception(error)
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

    def end(self, end_time: int | None = None) -> None:
        """End the span and record it. A second call does nothing. ``end_time`` is in nanoseconds since 1970."""
        if self._ended:
            return
        self._ended = True
        if not self.sampled:
            return
        if end_time is None:
            end_time = self.start_time + (time.perf_counter_ns() - self._clock)
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
        bound = self._bound
        known = bound.known
        if known is None:
            known = recorder.encode_bound(bound)
        encoding = recorder.encoding
        attributes = recorder.merge_bound(bound, self.attributes)
        tail = b"}\n"
        if self.events or self.links:
            tail = b',"events":%b,"links":%b}\n' % (self._encoded(self.events), self._encoded(self.links))
        if self.scope:
            tail = b',"scope":%b%b' % (encode(self.scope), tail)
        if self.status_message:
            tail = b',"status_message":%b%b' % (encoding.message(self.status_message), tail)
        parent = f',"parent_span_id":"{self.parent_id}"' if self.parent_id else ""
        head = (
            f'{{"trace_id":"{self.trace_id}","span_id":"{self.span_id}"{parent},"kind":"{self.kind}",'
            f'"start_time_unix_nano":{self.start_time},"end_time_unix_nano":{end_time},"status":"{self.status}","name":'
        )
        line = b"".join(
            (
                head.encode(),
                encoding.message(self.name),
                b",",
                recorder.static,
                known,
                b'"attributes":',
                attributes,
                tail,
            )
        )
        if len(line) > recorder.max_line:
            note = encode({"line_too_long": f"{len(line)} bytes; attributes and events left out"})
            line = b"".join(
                (
                    head.encode(),
                    encoding.message(self.name),
                    b",",
                    recorder.static,
                    known,
                    b'"attributes":',
                    note,
                    b"}\n",
                )
            )
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
        if not self._ended:
            self.attributes.update(attributes)

    def set_attribute(self, key: str, value: AttributeValue | Any) -> None:  # noqa: ANN401 - more than OpenTelemetry asks
        """Set an attribute to a value of any kind; it is bounded and scrubbed when the span ends."""
        if not self._ended:
            self.attributes[key] = value

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        """Note something that happened now, or at ``timestamp`` (nanoseconds since 1970)."""
        if self._ended or not self.sampled:
            return
        if self.events is None:
            self.events = []
        if len(self.events) < _MAX_EVENTS:
            when = time.time_ns() if timestamp is None else timestamp
            self.events.append({"name": str(name), "time_unix_nano": when, "attributes": dict(attributes or {})})

    def add_link(self, context: SpanContext, attributes: Mapping[str, Any] | None = None) -> None:
        """Point to another span."""
        if not self._ended:
            self.links = [*(self.links or ()), _link(context, attributes)]

    def update_name(self, name: str) -> None:
        """Give the span another name."""
        if not self._ended:
            self.name = name

    def is_recording(self) -> bool:
        """Whether what is set on the span will be kept."""
        return self.sampled and not self._ended

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status. OK is final; UNSET changes nothing (OpenTelemetry trace API, set status)."""
        if isinstance(status, Status):
            code, description = status.status_code, status.description or description
        else:
            code = status
        if self._ended or self.status == "OK" or code is StatusCode.UNSET:
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
        """Note an exception as an event, with the names of OpenTelemetry's semantic conventions."""
        if not self.is_recording():
            return
        parts = msgspec.json.decode(self._tracing.record.exception(exception))
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
