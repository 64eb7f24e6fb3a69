"""One HTTP request being served: what the ASGI and the WSGI middleware have in common.

An exchange binds the request's context, opens its SERVER span, and writes its one line when the response is complete:
``request completed`` or, with the stack trace, ``request failed``. Names of attributes are OpenTelemetry's
(https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span).

None of its methods raises: whatever goes wrong here is counted, reported once, and the request goes on.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace

from plainview.capture import errors as capturing
from plainview.capture.propagation import frame_from, request_id_from
from plainview.capture.provider import TracerProvider
from plainview.capture.runtime import runtime
from plainview.context import Bound, Frame, current, reset
from plainview.integrations.baggage import with_baggage
from plainview.integrations.safety import failed
from plainview.records import LEVEL_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token

    from plainview.capture.runtime import Runtime
    from plainview.capture.spans import Span
    from plainview.integrations.measured import Route

__all__ = ["KNOWN_METHODS", "LOGGER", "Exchange", "access", "server_attributes", "serving"]

#: Logger of the request lines.
LOGGER: Final = "plainview.http"
#: Methods that may stand in a span's name; there is no bound to what a client can make up.
KNOWN_METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
#: Loggers of servers that say what we say.
_ACCESS_LOGGERS: Final = ("gunicorn.access", "hypercorn.access", "uvicorn.access")
#: Attribute of the span → header of the request, as an error's record has it.
_HEADERS: Final = {"server.address": "Host", "user_agent.original": "User-Agent"}
_SERVER_ERROR: Final = 500
_CLIENT_CLOSED: Final = 499  # nginx's word for a client that did not wait for the answer

#: The request being served here and now, for those who know more about it: the framework's hooks.
serving: Final[ContextVar[Exchange | None]] = ContextVar("plainview_serving", default=None)


def _served() -> dict[str, Any] | None:
    """The request of here and now, for an error that happens in it."""
    exchange = serving.get()
    return None if exchange is None else exchange.described()


capturing.request = _served


class Access:
    """How request lines are written under one configuration."""

    def __init__(self, now: Runtime) -> None:
        self.runtime: Final = now
        self.enabled: Final = now.settings.enabled
        #: Path that is answered with the metrics; empty: none is.
        self.metrics_path: Final = now.settings.metrics_path
        from plainview.integrations.measured import Requests  # noqa: PLC0415 - threads need this module, too, not that

        prefix = now.settings.http_metrics_prefix
        self.requests: Final = Requests(prefix) if prefix and self.enabled else None
        self.tracing: Final = now.tracing
        self.hides: Final = now.recorder.encoding.scrubber.hides
        self._gates: Final = now.gates
        # One line a request is enough, whatever else is kept of servers: a level given to them by name still counts.
        now.gates._quiet |= dict.fromkeys(_ACCESS_LOGGERS, 30)  # noqa: SLF001 - the other half of the same thing
        self._heads: Final = {
            level: (now.recorder.head(name, LOGGER), now.gates.gate(LOGGER, level))
            for level, name in LEVEL_NAMES.items()
        }

    def keeps(self, level: int) -> bool:
        """Whether lines of a level are kept."""
        return level >= self._gates.level(LOGGER)

    def write(self, level: int, message: str, fields: dict[str, Any], error: BaseException | None = None) -> None:
        """Record a line of a level that is kept."""
        head, admit = self._heads[level]
        if admit is None or admit(message):
            self.runtime.recorder.log(time.time_ns(), head, message, fields, b"", error)


_access: Access | None = None


def access() -> Access:
    """The access of the configuration in force."""
    global _access  # noqa: PLW0603 - remembered for as long as the configuration stays the same
    now = runtime()
    found = _access
    if found is None or found.runtime is not now:
        found = _access = Access(now)
    return found


def server_attributes(host: str) -> dict[str, Any]:
    """Address and port of a ``Host`` header."""
    name, separator, port = host.rpartition(":")
    if separator and port.isdecimal():
        return {"server.address": name, "server.port": int(port[:5])}
    return {"server.address": host}


class Exchange:
    """A request that has arrived.

    Args:
        method: as the client sent it; WS for a WebSocket.
        path: decoded, with the application's root.
        header: looks a request header up by its lower-case name.
        attributes: first attributes of the span; the caller's no more.
    """

    __slots__ = (
        "_access",
        "_clock",
        "_frame",
        "_inner",
        "_series",
        "_streamed",
        "_tokens",
        "disconnected",
        "done",
        "error",
        "method",
        "path",
        "request_bytes",
        "request_id",
        "response_bytes",
        "route",
        "span",
        "status",
        "streaming",
    )

    #: How its errors are said to have been caught.
    mechanism = "http"
    noun = "request"
    outcome = "completed"

    def __init__(self, method: str, path: str, header: Callable[[str], str | None], attributes: dict[str, Any]) -> None:
        self._clock = time.perf_counter_ns()
        self._access = access()
        self.method = method
        self.path = path
        self.route = ""
        self.status = 0
        self.request_bytes = self.response_bytes = 0
        self.request_id = request_id_from(header("x-request-id"))
        #: An exception that the framework turned into a response.
        self.error: BaseException | None = None
        self.disconnected = self.done = self.streaming = False
        self._tokens: tuple[Token[Frame], Token[Exchange | None]] | None = None
        self.span: Span | None = None
        frame = frame_from(header, request_id=self.request_id)
        if len(frame.bound.fields) == 1:  # encoded here, as nearly always: its alphabet needs no second look
            frame.bound.known = b'"request_id":"%b",' % self.request_id.encode()
        if type(trace.get_tracer_provider()) is TracerProvider:
            name = method if method in KNOWN_METHODS or method == "WS" else "HTTP"
            span = self._access.tracing.start(
                name, attributes, frame=frame, kind="SERVER", scope=LOGGER, activate=False
            )
            self.span = span
            self._frame = Frame(frame.bound, span, None, with_baggage(header("baggage"), frame.otel), frame.operation)
        else:  # the application traces by itself: no span of ours in its traces
            outside = current.get()
            self._frame = Frame(frame.bound, outside.span, outside.ids, outside.otel, frame.operation)
        self._inner = self._frame
        #: When the response began that may go on for hours, 0: it does not.
        self._streamed = 0
        #: Where it is measured; None: it is not, or no more.
        self._series: Route | None = None
        if method != "WS" and self._access.requests is not None:
            series = self._access.requests.route(method if method in KNOWN_METHODS else "_OTHER", "")
            series.in_progress.inc()
            self._series = series

    def enter(self) -> None:
        """Make the request's context current, as it was when it was last left."""
        self._tokens = (current.set(self._inner), serving.set(self))

    def leave(self) -> None:
        """Restore the context from before."""
        tokens, self._tokens = self._tokens, None
        if tokens is not None:
            self._inner = current.get()
            reset(tokens[0])
            try:
                serving.reset(tokens[1])
            except ValueError:  # left in another context than it was entered in
                serving.set(None)

    def announce(self) -> None:
        """Say that the request has arrived, where such detail is wanted."""
        if self._access.keeps(10):
            self._access.write(10, f"{self.noun} received", {"method": self.method, "path": self.path})

    def inner_span(self) -> None:
        """Note the span that is current now: the application's own, where it traces by itself."""
        if self.span is None and self._frame.span is None:
            frame = current.get()
            self._frame = Frame(self._frame.bound, frame.span, frame.ids, frame.otel, self._frame.operation)

    def rejected(self, errors: list[dict[str, Any]]) -> None:
        """The framework found the request invalid; ``errors`` says where and why."""
        try:
            self.resolve_route()
            self._write(30, "request validation failed", {"errors": errors})
        except Exception as error:  # noqa: BLE001 - see the module
            failed(error)

    def broke(self, error: BaseException) -> None:
        """The framework caught an exception and makes a response of it. Called while the request is current."""
        self.error = error
        try:
            self._tell(error, f"{self.noun} failed")
        except Exception as fault:  # noqa: BLE001 - see the module
            failed(fault)

    def _tell(self, error: BaseException, message: str) -> None:
        """Make an exception an error of the request."""
        self._access.runtime.recorder.errors.capture(
            error, mechanism=self.mechanism, handled=False, abortive=True, logger=LOGGER, message=message
        )

    def stream_started(self) -> None:
        """A response has begun that may go on for hours (server-sent events): say so now, not when it is over."""
        self.streaming = True
        self._streamed = time.perf_counter_ns()
        self.resolve_route()
        self._write(20, "response streaming", {"status": self.status})

    def described(self) -> dict[str, Any]:
        """What an error that happens in it says of the request: few headers, and no body."""
        if not self.done:
            self.resolve_route()
        told = {"method": self.method, "path": self.path, "route": self.route}
        attributes = self.span.attributes if self.span is not None else {}
        headers = {header: attributes[name] for name, header in _HEADERS.items() if name in attributes}
        further = {"query_string": attributes.get("url.query"), "client": attributes.get("client.address")}
        found = {**told, **further, "headers": headers}
        return {name: value for name, value in found.items() if value}

    def resolve_route(self) -> None:
        """Find out the route, where it is not told."""

    def routed(self) -> None:
        """The framework has chosen a route, and is about to have it served."""
        try:
            if not self.done:
                self.resolve_route()
                self._measured_route()
        except Exception as error:  # noqa: BLE001 - see the module
            failed(error)

    def disown(self) -> None:
        """It is none of the application's requests after all: no line, no span, no number."""
        self.done = True
        series, self._series = self._series, None
        if series is not None:
            series.in_progress.dec()

    def finish(self, error: BaseException | None = None) -> None:
        """The response is complete, or never will be. Only the first call counts; a later error is recorded alone."""
        try:
            if not self.done:
                self.done = True
                self.resolve_route()
                self._finish(error or self.error)
            elif error is not None:
                self._write(40, "work after the response failed", {}, error)
        except Exception as fault:  # noqa: BLE001 - see the module
            failed(fault)

    def _finish(self, error: BaseException | None) -> None:
        duration = time.perf_counter_ns() - self._clock
        cancelled = type(error).__name__ == "CancelledError"
        if self.status == 0:
            self.status = _CLIENT_CLOSED if self.disconnected or cancelled else _SERVER_ERROR
        if self.method == "HEAD":  # whatever the application made of it, no body was sent
            self.response_bytes = 0
        self._measure(self._streamed - self._clock if self._streamed else duration)
        fields: dict[str, Any] = {
            "status": self.status,
            "duration_ms": round(duration / 1e6, 3),
            "request_bytes": self.request_bytes,
            "response_bytes": self.response_bytes,
        }
        if self.disconnected:
            fields["disconnected"] = True
        if self.streaming:
            fields["streaming"] = True
        self._complete(fields)
        bad = not cancelled and (error is not None or self.status >= _SERVER_ERROR)
        if bad:
            self._write(40, f"{self.noun} failed", fields, error)
        elif cancelled:
            self._write(30, f"{self.noun} cancelled", fields)
        else:
            self._write(20, f"{self.noun} {self.outcome}", fields)
        if self.span is not None:
            self._end_span(self.span, None if cancelled else error, bad=bad)

    def _measured_route(self) -> Route | None:
        """The series of the route that is known by now."""
        series = self._series
        if series is not None and series.route != self.route and self._access.requests is not None:
            series.in_progress.dec()
            series = self._series = self._access.requests.route(series.method, self.route)
            series.in_progress.inc()
        return series

    def _measure(self, duration: int) -> None:
        series, self._series = self._measured_route(), None
        if series is not None:
            series.in_progress.dec()
            series.answered(self.status, duration / 1e9, self.request_bytes, self.response_bytes)

    def _complete(self, fields: dict[str, Any]) -> None:
        """For kinds of exchange that have more to say."""

    def _end_span(self, span: Span, error: BaseException | None, *, bad: bool) -> None:
        attributes = span.attributes
        if self.route:
            attributes["http.route"] = self.route
            span.name = f"{span.name} {self.route}"
        attributes["http.response.status_code"] = self.status
        if self.response_bytes:
            attributes["http.response.body.size"] = self.response_bytes
        if error is not None:
            attributes["error.type"] = type(error).__qualname__
            span.note_exception(error)
            span.status, span.status_message = "ERROR", type(error).__qualname__
        elif bad:
            attributes["error.type"] = str(self.status)
            span.status = "ERROR"
        span.bound = self._bound()  # as leaving the span's block does
        span.end()

    def _bound(self) -> Bound:
        """What is bound now: what the application added, where it can be seen from here."""
        bound = current.get().bound
        return bound if bound.fields.get("request_id") == self.request_id else self._frame.bound

    def _write(self, level: int, message: str, fields: dict[str, Any], error: BaseException | None = None) -> None:
        if not self._access.keeps(level) and error is None:
            return
        # In the request's own context, whatever span the last byte was sent in, with what the application bound.
        own = self._frame
        token = current.set(Frame(self._bound(), own.span, own.ids, own.otel, own.operation))
        try:
            if error is not None:
                self._tell(error, message)
            named = {"method": self.method, "route": self.route, "path": self.path, **fields}
            if self._access.keeps(level):
                self._access.write(level, message, named, error)
        finally:
            current.reset(token)
