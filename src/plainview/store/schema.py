"""The tables of the store, declared once: every column, what it holds, and its type in each engine.

Names are the API's names. A column's *type* is one of ours (:data:`TYPES`); an engine looks up its own word for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from plainview.records import CONTEXT_FIELDS

__all__ = ["SCHEMA_VERSION", "TABLES", "TABLE_OF_KIND", "TYPES", "Column", "Table", "Type"]

#: Version of the layout below. A store written by a newer one is refused, an older one is migrated.
SCHEMA_VERSION: Final = 3

Type: TypeAlias = Literal[
    "id",
    "time",
    "level",
    "flag",
    "integer",
    "count",
    "nanoseconds",
    "milliseconds",
    "number",
    "text",
    "name",
    "json",
    "bytes",
]

#: Type → engine → the engine's word. ``name`` is text with few distinct values (a service, a logger).
TYPES: Final[dict[Type, dict[str, str]]] = {
    "id": {"duckdb": "BIGINT", "clickhouse": "Int64"},
    "time": {"duckdb": "TIMESTAMP", "clickhouse": "DateTime64(6, 'UTC')"},
    "level": {"duckdb": "UTINYINT", "clickhouse": "UInt8"},
    "flag": {"duckdb": "UTINYINT", "clickhouse": "UInt8"},
    "integer": {"duckdb": "INTEGER", "clickhouse": "Int32"},
    "count": {"duckdb": "BIGINT", "clickhouse": "Int64"},
    "nanoseconds": {"duckdb": "BIGINT", "clickhouse": "Int64"},
    "milliseconds": {"duckdb": "DOUBLE", "clickhouse": "Float64"},
    "number": {"duckdb": "DOUBLE", "clickhouse": "Float64"},
    "text": {"duckdb": "VARCHAR", "clickhouse": "String"},
    "name": {"duckdb": "VARCHAR", "clickhouse": "LowCardinality(String)"},
    "json": {"duckdb": "VARCHAR", "clickhouse": "String"},
    "bytes": {"duckdb": "BLOB", "clickhouse": "String"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``null`` says whether a row may be without a value."""

    name: str
    type: Type
    null: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        name: its name.
        kind: the stream kind whose records become its rows.
        time: the column that retention and sealing go by.
        columns: every column, in order.
        sorted_by: what sealed rows are sorted by; empty: by the time, then by the id.
    """

    name: str
    kind: str
    time: str
    columns: tuple[Column, ...]
    sorted_by: tuple[str, ...] = ()

    @property
    def is_metric(self) -> bool:
        """Whether it is one of those that hold metrics: they are kept for a time of their own."""
        return self.kind == "metric"

    @property
    def sealed_names(self) -> tuple[str, ...]:
        """Columns of a sealed file. Out of order, ids would take most of the room; nobody follows metrics by them."""
        return self.names[1:] if self.sorted_by else self.names

    @property
    def types(self) -> dict[str, Type]:
        """Column name → type."""
        return {column.name: column.type for column in self.columns}

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)


_CONTEXT: Final = tuple(Column(name, "text", null=True) for name in CONTEXT_FIELDS)
_PROCESS: Final = (
    Column("service", "name"),
    Column("environment", "name"),
    Column("version", "name"),
    Column("host", "name"),
    Column("pid", "integer"),
    Column("stream", "name"),
)

#: Table name → table.
TABLES: Final[dict[str, Table]] = {
    "logs": Table(
        "logs",
        kind="log",
        time="timestamp",
        columns=(
            Column("id", "id"),
            Column("timestamp", "time"),
            Column("level", "level"),
            Column("logger", "name"),
            Column("message", "text"),
            *_PROCESS,
            *_CONTEXT,
            Column("duration_ms", "milliseconds", null=True),
            Column("extra", "json"),
            Column("source_file", "name", null=True),
            Column("source_function", "name", null=True),
            Column("source_line", "integer", null=True),
            Column("exception_type", "name", null=True),
            Column("exception_message", "text", null=True),
            Column("exception_stack_trace", "text", null=True),
            Column("exception_fingerprint", "text", null=True),
            Column("exception_error_id", "text", null=True),
        ),
    ),
    "spans": Table(
        "spans",
        kind="span",
        time="start_time",
        columns=(
            Column("id", "id"),
            Column("start_time", "time"),
            Column("start_ns", "nanoseconds"),
            Column("duration_ns", "nanoseconds"),
            Column("trace_id", "text"),
            Column("span_id", "text"),
            Column("parent_span_id", "text", null=True),
            Column("name", "name"),
            Column("kind", "name"),
            Column("status", "name"),
            Column("status_message", "text"),
            Column("scope", "name"),
            *_PROCESS,
            *(column for column in _CONTEXT if column.name not in {"trace_id", "span_id"}),
            Column("attributes", "json"),
            Column("events", "json"),
            Column("links", "json"),
        ),
    ),
    "error_occurrences": Table(
        "error_occurrences",
        kind="error",
        time="timestamp",
        columns=(
            Column("id", "id"),
            Column("timestamp", "time"),
            Column("error_id", "text"),
            Column("level", "level"),
            Column("logger", "name"),
            Column("message", "text"),
            *_PROCESS,
            *_CONTEXT,
            # What grouping made of it.
            Column("fingerprint", "name"),
            Column("grouping", "integer"),
            Column("type", "name"),
            Column("value", "text"),
            Column("culprit", "name"),
            Column("component", "name"),
            Column("category", "name"),
            Column("mechanism", "name"),
            Column("handled", "integer"),
            Column("platform", "name"),
            Column("stack_trace", "text"),
            Column("exceptions", "json"),
            Column("context", "json"),
            # What the sender said about grouping: ``component``, ``fingerprint``.
            Column("given", "json"),
            Column("extra", "json"),
            Column("count", "integer"),
        ),
    ),
    # A row for each event in the life of an operation; what it is now, a query makes of them.
    "operations": Table(
        "operations",
        kind="operation",
        time="timestamp",
        columns=(
            Column("id", "id"),
            Column("timestamp", "time"),
            Column("operation_id", "text"),
            Column("event", "name"),
            Column("kind", "name"),
            Column("name", "name"),
            Column("key", "text"),
            Column("parent_id", "text", null=True),
            Column("start_time", "time"),
            Column("start_ns", "nanoseconds"),
            Column("attempt", "integer"),
            Column("status", "name"),
            Column("duration_ms", "milliseconds", null=True),
            Column("cpu_ms", "milliseconds", null=True),
            Column("memory_peak_bytes", "count", null=True),
            Column("memory_delta_bytes", "count", null=True),
            Column("rows", "count", null=True),
            Column("done", "number", null=True),
            Column("total", "number", null=True),
            Column("percent", "number", null=True),
            Column("step", "text"),
            Column("reason", "text"),
            Column("error_type", "name"),
            Column("error_id", "text", null=True),
            Column("failed_in", "name"),
            Column("recovers", "text", null=True),
            *_PROCESS,
            *_CONTEXT,
            Column("data", "json"),
        ),
    ),
    # Which series there are; each is told again on every day that it has samples.
    "metric_series": Table(
        "metric_series",
        kind="metric",
        time="timestamp",
        columns=(
            Column("id", "id"),
            Column("timestamp", "time"),
            Column("series_id", "id"),
            Column("name", "name"),
            Column("labels", "json"),
            Column("family", "name"),
            Column("kind", "name"),
            Column("unit", "name"),
            Column("description", "name"),
            # ``process``: of applications that are captured; ``remote``: written by others, or scraped.
            Column("origin", "name"),
        ),
    ),
    # A value is NULL when it is no number: the end of the series where ``stale`` is 1, NaN otherwise.
    "metric_samples": Table(
        "metric_samples",
        kind="metric",
        time="timestamp",
        columns=(
            Column("id", "id"),
            Column("timestamp", "time"),
            Column("series_id", "id"),
            Column("value", "number", null=True),
            Column("stale", "flag"),
        ),
        sorted_by=("series_id", "timestamp"),
    ),
    # Native histograms. Buckets: indexes (int32, rising) and observations (float64), both little-endian.
    "metric_histograms": Table(
        "metric_histograms",
        kind="metric",
        time="timestamp",
        columns=(
            Column("id", "id"),
            Column("timestamp", "time"),
            Column("series_id", "id"),
            Column("count", "number", null=True),
            Column("sum", "number", null=True),
            Column("zero", "number"),
            Column("zero_threshold", "number"),
            Column("scale", "integer"),
            Column("positive", "bytes"),
            Column("positive_counts", "bytes"),
            Column("negative", "bytes"),
            Column("negative_counts", "bytes"),
            Column("stale", "flag"),
        ),
        sorted_by=("series_id", "timestamp"),
    ),
    "metric_exemplars": Table(
        "metric_exemplars",
        kind="metric",
        time="timestamp",
        columns=(
            Column("id", "id"),
            Column("timestamp", "time"),
            Column("series_id", "id"),
            Column("value", "number", null=True),
            Column("labels", "json"),
        ),
        sorted_by=("series_id", "timestamp"),
    ),
}

#: Stream kind whose lines are the rows of one table → table name.
TABLE_OF_KIND: Final[dict[str, str]] = {table.kind: table.name for table in TABLES.values() if not table.is_metric}
