"""Transactions and spans (https://develop.sentry.dev/sdk/telemetry/traces/)."""

from __future__ import annotations

import secrets
from typing import Any, Final

import msgspec

from plainview.ingest.sentry.values import context_fields, hexadecimal, items, mapping, nanoseconds, pairs, text
from plainview.records import SpanRecord

__all__ = ["spans"]

#: Beginning of an ``op`` → kind of span (https://develop.sentry.dev/sdk/telemetry/traces/span-operations/).
_KINDS: Final = (
    ("http.server", "SERVER"),
    ("websocket.server", "SERVER"),
    ("rpc.server", "SERVER"),
    ("queue.task", "CONSUMER"),
    ("queue.process", "CONSUMER"),
    ("queue.submit", "PRODUCER"),
    ("queue.publish", "PRODUCER"),
    ("http", "CLIENT"),
    ("db", "CLIENT"),
    ("cache", "CLIENT"),
    ("rpc", "CLIENT"),
    ("grpc", "CLIENT"),
)
_MOST_SPANS: Final = 5000
_MOST_MEMBERS: Final = 100
_LONG: Final = 4000


def spans(transaction: dict[str, Any], service: str, now: int) -> list[SpanRecord]:
    """The spans of a transaction, itself first.

    Args:
        transaction: the payload.
        service: what the application is called.
        now: nanoseconds since 1970.
    """
    trace = mapping(mapping(transaction.get("contexts")).get("trace"))
    tags, user = pairs(transaction.get("tags")), mapping(transaction.get("user"))
    shared: dict[str, Any] = {
        "service": service,
        "environment": text(transaction.get("environment"), 100) or "production",
        "version": text(transaction.get("release"), 250),
        "host": text(transaction.get("server_name"), 250),
        **context_fields(tags, user),
    }
    # What the trace does not say of itself is told by the event's id, so that the same is known when it comes again.
    id_ = hexadecimal(transaction.get("event_id"), 32) or secrets.token_hex(16)
    root = {
        **trace,
        "span_id": hexadecimal(trace.get("span_id"), 16) or id_[:16],
        "description": transaction.get("transaction"),
        "start_timestamp": transaction.get("start_timestamp"),
        "timestamp": transaction.get("timestamp"),
        "tags": tags,
        "data": {
            **mapping(trace.get("data")),
            **{
                f"measurements.{name}": mapping(value).get("value")
                for name, value in mapping(transaction.get("measurements")).items()
            },
        },
    }
    first = _span(root, hexadecimal(trace.get("trace_id"), 32) or id_, shared, now)
    rest = [mapping(each) for each in items(transaction.get("spans"))[:_MOST_SPANS]]
    return [first, *(_span(each, first.trace_id, shared, now) for each in rest)]


def _span(given: dict[str, Any], trace_id: str, shared: dict[str, Any], now: int) -> SpanRecord:
    op = text(given.get("op"), 200)
    end = nanoseconds(given.get("timestamp"), now)
    start = min(nanoseconds(given.get("start_timestamp"), end), end)
    status = text(given.get("status"), 60)
    attributes = {
        **({"sentry.op": op} if op else {}),
        **{f"tags.{name}": value for name, value in pairs(given.get("tags")).items()},
        **{text(name, 200): _short(value) for name, value in list(mapping(given.get("data")).items())[:_MOST_MEMBERS]},
    }
    return SpanRecord(
        trace_id=hexadecimal(given.get("trace_id"), 32) or trace_id,
        span_id=hexadecimal(given.get("span_id"), 16) or secrets.token_hex(8),
        parent_span_id=hexadecimal(given.get("parent_span_id"), 16) or None,
        name=text(given.get("description"), 500) or op or "span",
        kind=next((kind for beginning, kind in _KINDS if op.startswith(beginning)), "INTERNAL"),
        status="OK" if status == "ok" else "ERROR" if status not in {"", "unknown", "cancelled"} else "UNSET",
        status_message="" if status == "ok" else status,
        scope=text(given.get("origin"), 200),
        start_time_unix_nano=start,
        end_time_unix_nano=end,
        attributes=msgspec.Raw(msgspec.json.encode(attributes).replace(b"\\u0000", b"")),
        **shared,
    )


def _short(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, (dict, list)):
        encoded = msgspec.json.encode(value)
        return value if len(encoded) <= _LONG else encoded[:_LONG].decode("utf-8", "replace")
    return value[:_LONG] if isinstance(value, str) else value
