"""What becomes lines of log, and what is only counted."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from plainview.ingest.sentry.events import LEVELS
from plainview.ingest.sentry.values import context_fields, hexadecimal, items, mapping, moment, text, whole
from plainview.records import LogRecord, MetricPoint, MetricRecord

__all__ = ["check_in", "count", "discarded", "feedback", "logs", "sessions"]

_MOST: Final = 10_000
_MESSAGE: Final = 16_000
#: Attributes of a log that have a place of their own: attribute → field.
_PLACES: Final = {
    "sentry.environment": "environment",
    "sentry.release": "version",
    "sentry.server.address": "host",
    "server.address": "host",
    "logger.name": "logger",
}


def _extra(values: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(values).replace(b"\\u0000", b""))


def logs(payload: dict[str, Any], service: str, now: int) -> list[LogRecord]:
    """Structured logs (https://develop.sentry.dev/sdk/telemetry/logs/)."""
    return [_log(mapping(each), service, now) for each in items(payload.get("items"))[:_MOST]]


def _log(given: dict[str, Any], service: str, now: int) -> LogRecord:
    attributes = {
        text(name, 200): mapping(each).get("value", each) for name, each in mapping(given.get("attributes")).items()
    }
    fields: dict[str, Any] = {
        field: text(attributes.pop(name), 250) for name, field in _PLACES.items() if text(attributes.get(name))
    }
    user = {name: attributes.get(f"user.{name}") for name in ("id", "name", "email")}
    tags = {name: text(value, 256) for name, value in attributes.items()}
    return LogRecord(
        timestamp=moment(given.get("timestamp"), now),
        level=LEVELS.get(text(given.get("level")).lower(), "INFO"),
        message=text(given.get("body"), _MESSAGE),
        service=service,
        trace_id=hexadecimal(given.get("trace_id"), 32) or None,
        span_id=hexadecimal(given.get("span_id") or attributes.get("sentry.trace.parent_span_id"), 16) or None,
        extra=_extra(attributes),
        **fields,
        **context_fields(tags, user),
    )


def check_in(given: dict[str, Any], service: str, now: int) -> LogRecord:
    """A check-in of a monitor: a line of ``sentry.check_in``."""
    monitor, status = text(given.get("monitor_slug"), 200), text(given.get("status"), 40)
    duration = given.get("duration")
    seconds = float(duration) if isinstance(duration, (int, float)) and 0 <= duration < 1e9 else None  # noqa: PLR2004 - 30 years
    return LogRecord(
        timestamp=moment(None, now),
        level="ERROR" if status in {"error", "missed", "timeout"} else "INFO",
        message=f"check-in of {monitor or 'a monitor'}: {status or 'unknown'}",
        logger="sentry.check_in",
        service=service,
        environment=text(given.get("environment"), 100) or "production",
        version=text(given.get("release"), 250),
        duration_ms=None if seconds is None else seconds * 1000,
        extra=_extra({name: value for name, value in given.items() if name not in {"environment", "release"}}),
    )


def feedback(given: dict[str, Any], service: str, now: int) -> LogRecord:
    """What a person said of an error: a line of ``sentry.feedback``."""
    about = mapping(mapping(given.get("contexts")).get("feedback")) or given
    said = text(about.get("message") or about.get("comments"), _MESSAGE)
    return LogRecord(
        timestamp=moment(given.get("timestamp"), now),
        level="INFO",
        message=said or "feedback",
        logger="sentry.feedback",
        service=service,
        environment=text(given.get("environment"), 100) or "production",
        version=text(given.get("release"), 250),
        extra=_extra({name: value for name, value in about.items() if name not in {"message", "comments"}}),
    )


def count(name: str, description: str, points: list[MetricPoint], service: str, now: int) -> MetricRecord:
    """So many more of something, as a counter."""
    return MetricRecord(
        timestamp=moment(None, now), name=name, kind="counter", description=description, points=points, service=service
    )


#: Member of a session aggregate → the status that it counts.
_OUTCOMES: Final = {"exited": "exited", "errored": "errored", "abnormal": "abnormal", "crashed": "crashed"}


def sessions(given: dict[str, Any], service: str, now: int) -> MetricRecord | None:
    """Sessions that ended, and how (https://develop.sentry.dev/sdk/telemetry/sessions/)."""
    about = mapping(given.get("attrs"))
    labels = {
        "release": text(about.get("release"), 200),
        "environment": text(about.get("environment"), 100) or "production",
    }
    counts: dict[str, int] = {}
    for each in map(mapping, items(given.get("aggregates"))[:_MOST]):
        for member, status in _OUTCOMES.items():
            counts[status] = counts.get(status, 0) + whole(each.get(member))
    if "aggregates" not in given:
        status = text(given.get("status"), 40)
        if status in _OUTCOMES:
            ended = "errored" if status == "exited" and whole(given.get("errors")) else status
            counts[ended] = 1
    points = [MetricPoint(labels=labels | {"status": status}, value=value) for status, value in counts.items() if value]
    if not points:
        return None
    return count("sentry_sessions_total", "Sessions that ended, by how.", points, service, now)


def discarded(given: dict[str, Any], service: str, now: int) -> MetricRecord | None:
    """What the SDK did not send, and why (https://develop.sentry.dev/sdk/telemetry/client-reports/)."""
    points = [
        MetricPoint(
            labels={"reason": text(each.get("reason"), 100), "category": text(each.get("category"), 100)},
            value=float(whole(each.get("quantity"))),
        )
        for each in map(mapping, items(given.get("discarded_events"))[:200])
        if whole(each.get("quantity"))
    ]
    if not points:
        return None
    return count("sentry_discarded_events_total", "What Sentry SDKs did not send.", points, service, now)
