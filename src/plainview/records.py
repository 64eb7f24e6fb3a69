"""The records and their wire form: the one vocabulary that both halves share.

A record travels as one line of JSON (UTF-8, no raw newline, no NUL byte). A segment file or an ingest
request holds lines of one *stream kind* (`log`, `span`, `error`, `metric` or `operation`). Fields that are absent
are left out of the line.
Unknown fields are not an error: a newer writer may talk to an older reader.

Field names follow the OpenTelemetry data model where it has a word for the thing
(https://opentelemetry.io/docs/specs/otel/logs/data-model/, .../trace/api/).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

__all__ = [
    "CONTEXT_FIELDS",
    "KINDS",
    "LEVELS",
    "LEVEL_NAMES",
    "Ending",
    "ErrorRecord",
    "ExceptionInfo",
    "LogRecord",
    "MetricPoint",
    "MetricRecord",
    "OperationRecord",
    "RaisedException",
    "SampledHistogram",
    "SampledSeries",
    "Source",
    "SpanEvent",
    "SpanLink",
    "SpanRecord",
    "StackFrame",
    "level_number",
]

#: Context fields with a place of their own on every record, in wire order. Any other key that a user binds
#: goes into ``extra`` (logs) or ``attributes`` (spans).
CONTEXT_FIELDS: Final = (
    "request_id",
    "trace_id",
    "span_id",
    "job_id",
    "batch_id",
    "run_id",
    "user_id",
    "project_id",
    "session_id",
    "tenant_id",
)

#: The kinds of stream a spool holds, each in segments of its own.
KINDS: Final = ("log", "span", "error", "metric", "operation")

#: Level name to severity, the numbers of the standard ``logging`` module.
LEVELS: Final[dict[str, int]] = {
    "DEBUG": 10,
    "INFO": 20,
    "WARNING": 30,
    "ERROR": 40,
    "CRITICAL": 50,
}
#: Severity to level name.
LEVEL_NAMES: Final[dict[int, str]] = {number: name for name, number in LEVELS.items()}

_ALIASES: Final = {"WARN": "WARNING", "FATAL": "CRITICAL", "TRACE": "DEBUG", "NOTSET": "DEBUG"}


def level_number(level: str | int) -> int:
    """Severity of a level given by name (any case; ``WARN`` is ``WARNING``) or by number.

    A number between two levels counts as the lower one's, as with the standard ``logging`` module.

    Raises:
        ValueError: the name is none of DEBUG, INFO, WARNING (WARN), ERROR, CRITICAL (FATAL).
    """
    if isinstance(level, int):
        return max(10, min(50, level // 10 * 10))
    name = level.strip().upper()
    number = LEVELS.get(_ALIASES.get(name, name))
    if number is None:
        choices = ", ".join(LEVELS)
        msg = f"unknown level {level!r}: use one of {choices}"
        raise ValueError(msg)
    return number


class Source(msgspec.Struct, omit_defaults=True):
    """Where in the code a record was made."""

    file: str = ""
    function: str = ""
    line: int = 0


class ExceptionInfo(msgspec.Struct, omit_defaults=True):
    """The exception that a record carries; ``fingerprint`` groups it with its like.

    ``error_id`` is the occurrence (`ErrorRecord`) that tells the whole of it.
    """

    type: str = ""
    message: str = ""
    stack_trace: str = ""
    fingerprint: str | None = None
    error_id: str | None = None


class LogRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One log line. ``timestamp`` is RFC 3339, UTC, with microseconds and ``Z``; ``duration_ms`` is in milliseconds."""

    timestamp: str
    level: str
    message: str
    logger: str = ""
    service: str = ""
    environment: str = ""
    version: str = ""
    host: str = ""
    pid: int = 0
    request_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    job_id: str | None = None
    batch_id: str | None = None
    run_id: str | None = None
    user_id: str | None = None
    project_id: str | None = None
    session_id: str | None = None
    tenant_id: str | None = None
    duration_ms: float | None = None
    #: Raw JSON object: it is stored as it came, and parsed only when asked for.
    extra: msgspec.Raw = msgspec.Raw(b"{}")
    source: Source | None = None
    exception: ExceptionInfo | None = None


class SpanEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Something that happened at one moment of a span."""

    name: str
    time_unix_nano: int
    attributes: dict[str, Any] = {}


class SpanLink(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A pointer from a span to a span of another trace (or the same)."""

    trace_id: str
    span_id: str
    attributes: dict[str, Any] = {}


class Ending(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The end of an operation, on the line of the span that it began with: what its ``close`` would tell.

    Of a kind that is short there is nothing to tell but that it took place and went well, and that much its span has;
    so it needs no line of its own. See `OperationRecord` for what each member is.
    """

    kind: str
    name: str
    parent_id: str | None = None
    #: Processor time of this process in between, nanoseconds.
    cpu_ns: int = 0
    memory_peak_bytes: int | None = None
    memory_delta_bytes: int | None = None
    rows: int | None = None
    #: Raw JSON object: what went in and came out.
    data: msgspec.Raw = msgspec.Raw(b"{}")


class SpanRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One finished span. Ids are lower-case hex (32 and 16 digits); times are nanoseconds since 1970.

    ``kind`` is INTERNAL, SERVER, CLIENT, PRODUCER or CONSUMER; ``status`` is UNSET, OK or ERROR.
    """

    trace_id: str
    span_id: str
    name: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    parent_span_id: str | None = None
    kind: str = "INTERNAL"
    status: str = "UNSET"
    status_message: str = ""
    scope: str = ""
    service: str = ""
    environment: str = ""
    version: str = ""
    host: str = ""
    pid: int = 0
    request_id: str | None = None
    job_id: str | None = None
    batch_id: str | None = None
    run_id: str | None = None
    user_id: str | None = None
    project_id: str | None = None
    session_id: str | None = None
    tenant_id: str | None = None
    #: Raw JSON object, and raw JSON arrays of SpanEvent and SpanLink: stored as they came.
    attributes: msgspec.Raw = msgspec.Raw(b"{}")
    events: msgspec.Raw = msgspec.Raw(b"[]")
    links: msgspec.Raw = msgspec.Raw(b"[]")
    #: The operation that it is of has ended with it.
    operation: Ending | None = None


class StackFrame(msgspec.Struct, omit_defaults=True):
    """One frame of a stack, outermost first among its like."""

    #: As short as it can be told apart: below the import root, else below the working directory, else absolute.
    file: str = ""
    #: Absolute, where it is known.
    path: str = ""
    module: str = ""
    #: Qualified name.
    function: str = ""
    line: int = 0
    #: The source line, and those before and after it.
    source: str = ""
    before: list[str] = []
    after: list[str] = []
    #: Whether it is the application's own code; None: not known, it is decided when it is grouped.
    in_app: bool | None = None
    #: Local variables, name to what is said of the value. Only where the setting asks for it.
    locals: dict[str, Any] | None = None


class RaisedException(msgspec.Struct, omit_defaults=True):
    """One exception of a chain or of a group; the first of a record's list is the one that was caught."""

    type: str = ""
    module: str = ""
    message: str = ""
    frames: list[StackFrame] = []
    #: From which frame to which (of the whole stack, the end is not part of it) they were left out of ``frames``.
    frames_omitted: tuple[int, int] | None = None
    notes: list[str] = []
    #: Index in the list of the exception that this one belongs to, and how: its ``cause`` (``raise … from``), its
    #: ``context`` (raised while it was handled), a ``member`` of the group.
    parent: int | None = None
    relation: str | None = None


class ErrorRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One occurrence of an error: an exception that was caught, logged or not handled; or a message sent as one."""

    timestamp: str
    #: 32 hexadecimal digits; the same error seen twice has the same.
    error_id: str
    level: str = "ERROR"
    logger: str = ""
    #: What was said with it: the message of the log call, or the captured message itself.
    message: str = ""
    service: str = ""
    environment: str = ""
    version: str = ""
    host: str = ""
    pid: int = 0
    request_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    job_id: str | None = None
    batch_id: str | None = None
    run_id: str | None = None
    user_id: str | None = None
    project_id: str | None = None
    session_id: str | None = None
    tenant_id: str | None = None
    #: Raw JSON array of `RaisedException`; empty for a message.
    exceptions: msgspec.Raw = msgspec.Raw(b"[]")
    #: Exceptions of a long chain or a large group that are not in the list.
    exceptions_omitted: int = 0
    #: As the interpreter prints it.
    stack_trace: str = ""
    #: What caught it: ``logging``, ``excepthook``, ``threading``, ``asyncio``, ``unraisable``, ``asgi``, ``wsgi``,
    #: ``span``, ``manual``, ``sentry``, ``otlp`` …
    mechanism: str = "manual"
    handled: bool = True
    #: The part of the application it belongs to; empty: told by the logger or the innermost module of the application.
    component: str = ""
    #: Given by the user; ``{{ default }}`` stands for what would be used without.
    fingerprint: list[str] | None = None
    platform: str = "python"
    #: Raw JSON object: ``tags``, ``user``, ``request``, ``breadcrumbs``, ``contexts``, ``attachments``, ``sdk``.
    context: msgspec.Raw = msgspec.Raw(b"{}")
    extra: msgspec.Raw = msgspec.Raw(b"{}")
    #: Occurrences that it stands for: more than one where a storm was sampled.
    count: int = 1


class MetricPoint(msgspec.Struct, omit_defaults=True):
    """One series of a metric in one snapshot of one process."""

    labels: dict[str, str] = {}
    #: Of a counter, the increase since the snapshot before; of a gauge, the value.
    value: float | None = None
    #: Of a histogram, the increase of each since the snapshot before.
    sum: float | None = None
    #: Observations per classic bucket (not cumulative); the last one is beyond the last bound.
    buckets: list[int] = []
    #: Observations that are zero; positive and negative exponential buckets as pairs of index and observations.
    #: Bucket ``i`` holds ``base**i < |v| <= base**(i+1)`` with ``base = 2**2**-scale`` (OpenTelemetry's data model).
    zero: int = 0
    positive: list[tuple[int, int]] = []
    negative: list[tuple[int, int]] = []
    #: Value, seconds since 1970, trace id, span id.
    exemplars: list[tuple[float, float, str, str]] = []
    #: The series is gone from the process.
    removed: bool = False


class SampledHistogram(msgspec.Struct, omit_defaults=True):
    """A native histogram at one moment; bucket ``i`` ends at ``2**(i * 2**-scale)``, as Prometheus counts them."""

    #: Milliseconds since 1970.
    time: int
    scale: int
    #: Count, sum, observations that are zero, and what is as small as zero: little-endian float64.
    numbers: bytes
    positive: list[tuple[int, float]] = []
    negative: list[tuple[int, float]] = []
    #: It says that the series has ended.
    stale: bool = False


class SampledSeries(msgspec.Struct, omit_defaults=True):
    """A series with samples as somebody else took them: by remote write, or scraped."""

    #: All of its labels; the name is ``__name__``.
    labels: dict[str, str]
    family: str = ""
    kind: str = ""
    unit: str = ""
    description: str = ""
    #: Milliseconds since 1970, little-endian int64, and as many values, float64: so that no NaN is lost.
    times: bytes = b""
    values: bytes = b""
    histograms: list[SampledHistogram] = []
    #: Milliseconds since 1970, value, labels.
    exemplars: list[tuple[int, float, dict[str, str]]] = []


class MetricRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Some series of one metric in one snapshot of one process.

    A snapshot is several lines; the last has the kind ``snapshot`` and no name. Series that have not changed are left
    out of it, unless it is ``full``; the first of a process is.
    """

    timestamp: str
    name: str = ""
    #: ``counter``, ``gauge``, ``histogram``; ``snapshot`` closes one. ``samples`` holds ``series`` and belongs to none.
    kind: str = "snapshot"
    unit: str = ""
    description: str = ""
    #: What the gauges of several processes make together: ``sum``, ``max``, ``min``, ``mean``, ``last``.
    aggregation: str = "sum"
    #: Upper bounds of the classic buckets, rising, without the infinite one.
    bounds: list[float] = []
    scale: int = 0
    points: list[MetricPoint] = []
    series: list[SampledSeries] = []
    full: bool = False
    #: Number of the snapshot, from 1; the same on each of its lines.
    number: int = 0
    service: str = ""
    environment: str = ""
    version: str = ""
    host: str = ""
    pid: int = 0


class OperationRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One event in the life of an operation: a job, a run, an engine's execution … begins, gets on, ends.

    The ``event`` is one of: ``create`` (it waits to be done), ``open``, ``progress``, ``checkpoint``, ``retry``,
    ``recover``, ``lock``, ``item`` (one that failed), ``check``, ``warning``, ``artifact``, ``backup``, ``sample`` (of
    what it uses), ``heartbeat``, ``dead_letter``, ``cleanup``, ``detach`` (it goes on in another process), ``resume``
    (here it does), ``close``, and ``abandon``, which the server says of what a dead process left open. Of kinds that
    are short only the end is told, and by the line of its span (`Ending`) where that one is kept and all went well.
    """

    timestamp: str
    #: 16 hexadecimal digits: the ``span_id`` of the span that it began with. Each attempt has its own.
    operation_id: str
    event: str
    #: ``job``, ``stage``, ``engine``, ``batch``, ``run``, ``agent``, ``worker``, ``task``, or the application's own.
    kind: str = ""
    #: What is done: the type of a job, the name of an engine, the role of an agent.
    name: str = ""
    #: The id that the application knows it by: the ``job_id``, ``batch_id``, ``run_id``; empty: it has none.
    key: str = ""
    #: ``operation_id`` of the one that it is a part of.
    parent_id: str | None = None
    #: Nanoseconds since 1970.
    start_time_unix_nano: int = 0
    attempt: int = 1
    #: How it ended: ``completed``, ``failed``, ``cancelled``, ``dead_lettered``, ``abandoned``; empty while it has not.
    status: str = ""
    duration_ms: float | None = None
    #: Processor time of this process in between.
    cpu_ms: float | None = None
    #: Resident memory of the process: the most in between, and the end less the beginning.
    memory_peak_bytes: int | None = None
    memory_delta_bytes: int | None = None
    #: Rows, records, events … that it worked through.
    rows: int | None = None
    #: How far it is; ``done`` of ``total`` where that is known, else ``percent``.
    done: float | None = None
    total: float | None = None
    percent: float | None = None
    step: str = ""
    #: Why: of a retry, a failure, a dead letter. An exception as ``Type: message``.
    reason: str = ""
    error_type: str = ""
    #: The occurrence (`ErrorRecord`) that tells of the failure.
    error_id: str | None = None
    #: Kind and name of the innermost operation that failed first: ``stage render``.
    failed_in: str = ""
    #: ``operation_id`` of the attempt that this one goes on from, where it is known.
    recovers: str | None = None
    service: str = ""
    environment: str = ""
    version: str = ""
    host: str = ""
    pid: int = 0
    request_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    job_id: str | None = None
    batch_id: str | None = None
    run_id: str | None = None
    user_id: str | None = None
    project_id: str | None = None
    session_id: str | None = None
    tenant_id: str | None = None
    #: Raw JSON object, by event: inputs (``open``), results (``close``), configuration (``lock``) …
    data: msgspec.Raw = msgspec.Raw(b"{}")
