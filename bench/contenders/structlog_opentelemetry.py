"""structlog for the lines, OpenTelemetry's FastAPI instrumentation and SDK for the spans.

The middleware that binds the request's id and writes the line of each request is the shortest that does so; the ids of
the span get into the lines as structlog's documentation shows for OpenTelemetry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

from bench.contenders import Web
from bench.contenders.counting import CountingSpans
from bench.contenders.opentelemetry_sdk import tracing
from bench.contenders.structlog_orjson import configure
from bench.workload import ATTRIBUTES, CARRIERS, MESSAGE, NAME, SPAN, WEIGHT, application

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

    from bench.workload import ASGIApp


def _add_span(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    return event


class _RequestLine:
    """Binds the request's id, and writes a line when the answer is complete."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.log = structlog.get_logger().bind()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = next((value.decode() for name, value in scope["headers"] if name == b"x-request-id"), "")
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 0

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            self.log.info("request completed", method=scope["method"], path=scope["path"], status=status)
            structlog.contextvars.unbind_contextvars("request_id")


def web(folder: Path, **settings: Any) -> Web:  # noqa: ANN401 - as instrument_app's own
    log = configure(folder / "structlog.json")
    configured = structlog.get_config()
    structlog.configure(processors=[_add_span, *configured["processors"]])
    log = structlog.get_logger().bind()
    provider = tracing(CountingSpans())
    tracer = provider.get_tracer(NAME)

    def work(number: int) -> None:
        with (
            structlog.contextvars.bound_contextvars(user_id="u-118"),
            tracer.start_as_current_span(SPAN, attributes=ATTRIBUTES),
        ):
            log.info(MESSAGE, order_id=number, carrier=CARRIERS[number & 3], weight_kg=WEIGHT)

    app = application(work)
    app.add_middleware(_RequestLine)
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider, **settings)
    return Web(app, provider.shutdown)
