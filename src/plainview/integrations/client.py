"""One HTTP request made by the application: a CLIENT span, and the context in its headers.

Names are OpenTelemetry's (https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span). Where the
application traces by itself, or one of OpenTelemetry's own instrumentations is at work, the span is theirs.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

import opentelemetry.context as otel_context
from opentelemetry import trace

from plainview.capture.metrics.families import feed
from plainview.capture.propagation import inject
from plainview.capture.provider import TracerProvider
from plainview.capture.runtime import runtime
from plainview.context import current
from plainview.integrations.baggage import inject_baggage
from plainview.integrations.exchange import KNOWN_METHODS
from plainview.integrations.query import without_secrets
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from plainview.capture.spans import Span

__all__ = ["Call", "calling"]

_SCOPE: Final = "plainview.http.client"
_CLIENT_ERROR: Final = 400
#: OpenTelemetry's keys for "do not trace this": exporters set them, or sending spans would make spans.
_SUPPRESSED: Final = [
    getattr(otel_context, name)
    for name in ("_SUPPRESS_INSTRUMENTATION_KEY", "_SUPPRESS_HTTP_INSTRUMENTATION_KEY")
    if hasattr(otel_context, name)
]
#: Whether this is within a call already: a redirect is part of the call that it answers.
_inside: Final[ContextVar[bool]] = ContextVar("plainview_calling", default=False)


class Call:
    """A call that is under way; `answered` is to be told the status."""

    __slots__ = ("_began", "_host", "_method", "_status", "span")

    def __init__(self, span: Span | None, method: str = "", host: str = "") -> None:
        self.span = span
        self._method, self._host, self._status = method, host, "error"
        self._began = time.perf_counter()

    def measure(self) -> None:
        """It is over: count it."""
        try:
            labels = {"method": self._method, "host": self._host}
            feed("http_client_requests_total").labels(**labels, status=self._status).inc()
            feed("http_client_request_duration_seconds").labels(**labels).observe(time.perf_counter() - self._began)
        except Exception as error:  # noqa: BLE001 - the call has been made
            failed(error)

    def answered(self, status: int) -> None:
        """Note the status of the answer; from 400 on it makes the span an error, as the conventions have it."""
        self._status = str(status)
        span = self.span
        if span is not None:
            span.attributes["http.response.status_code"] = status
            if status >= _CLIENT_ERROR:
                span.attributes["error.type"] = str(status)
                span.status = "ERROR"


_NOTHING: Final = Call(None)


@contextmanager
def calling(method: str, url: str, headers: MutableMapping[str, str], theirs: tuple[str, str]) -> Iterator[Call]:
    """A span around a call, its ids and the context in ``headers``.

    Args:
        method: of the request.
        url: of the request; secrets in it are not recorded.
        headers: of the request; changed.
        theirs: module and class of OpenTelemetry's instrumentation of the same library.
    """
    call = _begin(method, url, theirs)
    if call is None:
        yield _NOTHING
        return
    token = _inside.set(True)
    try:
        with call.span or nullcontext():
            _add_headers(headers)
            yield call
    finally:
        _inside.reset(token)
        call.measure()


def _begin(method: str, url: str, theirs: tuple[str, str]) -> Call | None:
    try:
        if _inside.get() or not runtime().settings.enabled or _suppressed():
            return None
        attributes = _attributes(method, url)
        span = None
        if type(trace.get_tracer_provider()) is TracerProvider and not _is_instrumented(*theirs):
            span = runtime().tracing.start(
                method if method in KNOWN_METHODS else "HTTP", attributes, kind="CLIENT", scope=_SCOPE
            )
        return Call(span, attributes["http.request.method"], attributes["server.address"])
    except Exception as error:  # noqa: BLE001 - the call is made without
        failed(error)
        return None


def _suppressed() -> bool:
    context = otel_context.get_current()
    return any(context.get(key) for key in _SUPPRESSED)


def _is_instrumented(module: str, name: str) -> bool:
    instrumentor = getattr(sys.modules.get(module), name, None)
    return instrumentor is not None and bool(getattr(instrumentor(), "is_instrumented_by_opentelemetry", False))


def _add_headers(headers: MutableMapping[str, str]) -> None:
    try:
        inject(headers)
        otel = current.get().otel
        if otel is not None:
            inject_baggage(headers, otel)
    except Exception as error:  # noqa: BLE001 - the call is made without
        failed(error)


def _attributes(method: str, url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    attributes: dict[str, Any] = {
        "http.request.method": method if method in KNOWN_METHODS else "_OTHER",
        "url.full": _shown(parts),
        "server.address": parts.hostname or "",
    }
    if parts.port:
        attributes["server.port"] = parts.port
    return attributes


def _shown(parts: SplitResult) -> str:
    # Neither user:password nor the values of secret parameters.
    hides = runtime().recorder.encoding.scrubber.hides
    return parts._replace(
        netloc=parts.netloc.rpartition("@")[2], query=without_secrets(parts.query, hides), fragment=""
    ).geturl()
