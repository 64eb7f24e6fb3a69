"""For applications that run the OpenTelemetry SDK: a span processor that records their spans here as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainview.capture.spans import Span, _link

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.capture.spans import Tracing

__all__ = ["SpanProcessor"]


class SpanProcessor:
    """Add it to the SDK's provider: ``provider.add_span_processor(plainview.SpanProcessor())``.

    It has the methods of ``opentelemetry.sdk.trace.SpanProcessor`` and needs no SDK to be imported. Spans that the
    SDK's sampler dropped never get here.
    """

    def __init__(self, tracing: Callable[[], Tracing] | None = None) -> None:
        from plainview.capture import runtime  # noqa: PLC0415 - the runtime imports spans as well

        self._tracing = tracing or runtime.tracing

    def on_start(self, span: Any, parent_context: Any = None) -> None:  # noqa: ANN401 - the SDK's types
        """Nothing happens at the start of a span."""

    def _on_ending(self, span: Any) -> None:  # noqa: ANN401 - the SDK's types
        pass

    def on_end(self, span: Any) -> None:  # noqa: ANN401 - opentelemetry.sdk.trace.ReadableSpan
        """Record a span that has ended."""
        tracing = self._tracing()
        try:
            context = span.get_span_context()
            if context is None or not context.trace_flags.sampled:
                return
            from plainview.context import current  # noqa: PLC0415 - keeps the module's imports to what types need

            ours = Span(tracing, span.name, dict(span.attributes or {}), current.get())
            ours.trace_id, ours.sampled, ours.tail = f"{context.trace_id:032x}", True, None
            ours.parent_id = f"{span.parent.span_id:016x}" if span.parent is not None else None
            ours.span_id, ours.kind, ours.start_time = f"{context.span_id:016x}", span.kind.name, span.start_time
            ours.scope = span.instrumentation_scope.name if span.instrumentation_scope else ""
            ours.status, ours.status_message = span.status.status_code.name, span.status.description or ""
            ours.events = [
                {"name": event.name, "time_unix_nano": event.timestamp, "attributes": dict(event.attributes or {})}
                for event in span.events
            ]
            ours.links = [_link(link.context, link.attributes) for link in span.links]
            ours.end(span.end_time)
        except Exception as error:  # noqa: BLE001 - never into the application
            tracing.record.spool.failed(error)

    def shutdown(self) -> None:
        """There is nothing to shut down: what was recorded is in the spool."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # noqa: ARG002 - the SDK's signature
        """There is nothing to flush."""
        return True
