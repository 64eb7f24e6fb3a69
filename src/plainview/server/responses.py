"""What answers hold, for the API's description; the answers themselves are built in :mod:`plainview.query`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Accepted",
    "ContextPage",
    "Facets",
    "FieldNames",
    "Health",
    "LogEntry",
    "LogHistogram",
    "LogPage",
    "MetricCatalogue",
    "MetricSnapshot",
    "Patterns",
    "ProblemDetails",
    "Resolved",
    "Services",
    "SessionState",
    "SpoolOffset",
    "Status",
    "Trace",
    "TraceHistogram",
    "TracePage",
]

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class Source(BaseModel):
    """Where in the code."""

    file: str | None = None
    function: str | None = None
    line: int | None = None


class ExceptionShape(BaseModel):
    """The exception of a record."""

    type: str | None = None
    message: str | None = None
    stack_trace: str | None = None
    fingerprint: str | None = None
    error_id: str | None = None


class _Context(BaseModel):
    request_id: str | None = None
    job_id: str | None = None
    batch_id: str | None = None
    run_id: str | None = None
    user_id: str | None = None
    project_id: str | None = None
    session_id: str | None = None
    tenant_id: str | None = None


class LogEntry(_Context):
    """A log line as it was written, and its id. What is absent is left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "48211",
                    "timestamp": "2026-11-22T01:47:55.123456Z",
                    "level": "INFO",
                    "logger": "studio.api",
                    "message": "book created",
                    "service": "studio",
                    "environment": "development",
                    "pid": 41,
                    "request_id": "8f14e45fceea167a",
                    "extra": {"title": "A year in the garden", "step": 3},
                    "source": {"file": "/app/api.py", "function": "create", "line": 12},
                }
            ]
        }
    )

    id: str
    timestamp: str = Field(description="RFC 3339, UTC, microseconds.")
    level: Level
    message: str
    logger: str | None = None
    service: str | None = None
    environment: str | None = None
    version: str | None = None
    host: str | None = None
    pid: int | None = None
    trace_id: str | None = None
    span_id: str | None = None
    duration_ms: float | None = None
    extra: dict[str, Any] | None = None
    source: Source | None = None
    exception: ExceptionShape | None = None


class LogPage(BaseModel):
    """A page of logs."""

    logs: list[LogEntry]
    total: int = Field(description="Of the whole list; exact.")
    next: str | None = Field(description="Cursor of the next page; null at the end.")
    last_id: str = Field(description="Where a tail goes on from (`after`) to miss nothing and repeat nothing.")


class ContextPage(BaseModel):
    """An entry between those around it, all oldest first."""

    before: list[LogEntry]
    entry: LogEntry
    after: list[LogEntry]


class FacetValue(BaseModel):
    """A value and how often it occurs."""

    value: str
    count: int


class Facet(BaseModel):
    """The most frequent values of a field."""

    field: str
    values: list[FacetValue]
    more: bool = Field(description="Whether there are further values.")


class Facets(BaseModel):
    """Facets, in the order asked for."""

    facets: list[Facet]


class FieldName(BaseModel):
    """A name that can be asked for."""

    field: str
    type: Literal["keyword", "text", "integer", "number", "level", "time"]


class FieldNames(BaseModel):
    """The names that can be asked for."""

    fields: list[FieldName]


class LogBucket(BaseModel):
    """A stretch of time from ``time`` on. Levels without an entry are left out."""

    time: str
    counts: dict[str, int]


class LogHistogram(BaseModel):
    """Counts over time. Buckets lie on multiples of their width; only what is between start and end counts."""

    start: str
    end: str
    width_ms: int
    buckets: list[LogBucket]


class Pattern(BaseModel):
    """A pattern of messages."""

    pattern: str
    count: int
    level: Level = Field(description="The most severe one seen.")
    first: str
    last: str
    example_id: str


class Patterns(BaseModel):
    """Patterns, most frequent first."""

    patterns: list[Pattern]
    total: int = Field(description="Number of patterns found.")
    examined: int = Field(description="Number of entries looked into: the newest.")


class TraceItem(BaseModel):
    """A trace in a list."""

    trace_id: str
    name: str
    service: str
    services: list[str]
    start_time: str
    duration_ms: float
    span_count: int
    error_count: int
    status: Literal["OK", "ERROR"]
    kind: str
    request_id: str | None = None


class TracePage(BaseModel):
    """A page of traces."""

    traces: list[TraceItem]
    total: int
    next: str | None


class TraceBucket(BaseModel):
    """Traces that began in a stretch of time."""

    time: str
    count: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None


class TraceHistogram(BaseModel):
    """Traces over time."""

    start: str
    end: str
    width_ms: int
    buckets: list[TraceBucket]


class SpanEventShape(BaseModel):
    """Something that happened during a span."""

    name: str
    offset_ms: float = Field(description="From the start of the trace.")
    attributes: dict[str, Any]


class SpanShape(_Context):
    """A span in its place in the trace."""

    span_id: str
    parent_span_id: str | None
    depth: int
    children: list[str]
    name: str
    kind: str
    service: str
    status: str
    status_message: str | None = None
    scope: str | None = None
    environment: str | None = None
    version: str | None = None
    host: str | None = None
    pid: int | None = None
    start_time: str
    start_ms: float = Field(description="From the start of the trace.")
    duration_ms: float
    self_ms: float = Field(description="Time during which none of its children ran.")
    critical: bool = Field(description="Whether the end of the trace waited for it.")
    attributes: dict[str, Any]
    events: list[SpanEventShape]
    links: list[dict[str, Any]]
    log_counts: dict[str, int] | None = None


class TraceLog(LogEntry):
    """An entry of a trace."""

    offset_ms: float = Field(description="From the start of the trace.")


class Trace(BaseModel):
    """A trace: its spans in pre-order and its logs, oldest first."""

    trace_id: str
    name: str
    start_time: str
    duration_ms: float
    services: list[str]
    span_count: int
    error_count: int
    truncated: bool = Field(description="Whether it has more spans than are shown.")
    spans: list[SpanShape]
    logs: list[TraceLog]


class Service(BaseModel):
    """A service that was heard of."""

    service: str
    environments: list[str]
    last_seen: str
    logs: int
    spans: int


class Services(BaseModel):
    """All of them."""

    services: list[Service]


class Resolved(BaseModel):
    """What an id is the id of."""

    kind: str = Field(examples=["trace"])
    url: str = Field(description="Where the screen shows it.", examples=["/traces/0af7651916cd43dd8448eb211c80319c"])
    first: str
    last: str


class Health(BaseModel):
    """The server's own health."""

    status: Literal["healthy", "unhealthy"]
    version: str
    uptime_seconds: float
    message: str | None = None


class Status(BaseModel):
    """What the server is doing."""

    version: str
    uptime_seconds: float
    directory: str
    store: dict[str, Any]
    ingest: dict[str, Any]
    dropped_total: int


class LineError(BaseModel):
    """A line that was refused."""

    line: int = Field(description="Counted from 1.")
    message: str


class MetricValue(BaseModel):
    """A series of a counter or of a gauge."""

    name: str
    unit: str
    description: str
    labels: dict[str, str]
    value: float | Literal["NaN", "+Inf", "-Inf"]


class MetricHistogram(BaseModel):
    """A series of a histogram; percentiles are those of its exponential buckets, null without observations."""

    name: str
    unit: str
    description: str
    labels: dict[str, str]
    count: int
    sum: float | Literal["NaN", "+Inf", "-Inf"]
    mean: float | Literal["NaN", "+Inf", "-Inf"] | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None


class MetricSnapshot(BaseModel):
    """Metrics as they stood at the last tick."""

    timestamp: str
    counters: list[MetricValue]
    gauges: list[MetricValue]
    histograms: list[MetricHistogram]


class CatalogueEntry(BaseModel):
    """A metric."""

    name: str
    kind: str
    unit: str
    description: str
    labels: list[str]
    series: int


class MetricCatalogue(BaseModel):
    """Which metrics there are."""

    metrics: list[CatalogueEntry]


class Accepted(BaseModel):
    """What became of the lines of a request. Those accepted are on the disk."""

    accepted: int
    rejected: int
    errors: list[LineError] = Field(description="The first ones.")


class SpoolOffset(BaseModel):
    """How many bytes of a segment are held."""

    offset: int


class SessionState(BaseModel):
    """Whether a token is needed, and whether this client has shown it."""

    required: bool
    authenticated: bool


class FieldError(BaseModel):
    """A field that is wrong."""

    field: str
    message: str
    position: int | None = Field(None, description="Offset in characters, where the field is a text of several parts.")


class ProblemDetails(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:plainview:problem:invalid",
                    "title": "Unprocessable Content",
                    "status": 422,
                    "detail": "level: unknown level 'LOUD': use one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
                    "errors": [{"field": "level", "message": "unknown level 'LOUD'"}],
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError]
