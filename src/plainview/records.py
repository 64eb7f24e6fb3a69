"""The records and their wire form: the one vocabulary that both halves share.

A record travels as one line of JSON (UTF-8, no raw newline, no NUL byte). A segment file or an ingest
request holds lines of one *stream kind* (`log` or `span`). Fields that are absent are left out of the line.
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
    "ExceptionInfo",
    "LogRecord",
    "Source",
    "SpanEvent",
    "SpanLink",
    "SpanRecord",
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
KINDS: Final = ("log", "span")

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
    """The exception that a record carries; ``fingerprint`` groups it with its like."""

    type: str = ""
    message: str = ""
    stack_trace: str = ""
    fingerprint: str | None = None


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
