"""Where OpenTelemetry's batch processors send to: exporters that count, and write nothing.

That flatters them: a real exporter encodes and sends. What a peer pays at least is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.trace import ReadableSpan


class CountingSpans(SpanExporter):
    """Counts the spans that arrive."""

    def __init__(self) -> None:
        self.count = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See the interface."""
        self.count += len(spans)
        return SpanExportResult.SUCCESS


class EncodingSpans(CountingSpans):
    """Counts the spans, and encodes them for OTLP as the real exporter does before it sends them."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See the interface."""
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

        encode_spans(spans).SerializeToString()
        return super().export(spans)


class CountingLogs(LogRecordExporter):
    """Counts the log records that arrive."""

    def __init__(self) -> None:
        self.count = 0

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """See the interface."""
        self.count += len(batch)
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing to close."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the interface's
        """Nothing waits here."""
        return True
