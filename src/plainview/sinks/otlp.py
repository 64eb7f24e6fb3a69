"""OTLP over HTTP in its JSON encoding: logs and spans to any OpenTelemetry collector, without protobuf.

Sources: https://opentelemetry.io/docs/specs/otlp/#otlphttp (paths, partial success, the JSON mapping),
https://opentelemetry.io/docs/specs/otel/protocol/exporter/ (the headers variable),
https://opentelemetry.io/docs/specs/semconv/ (attribute names).
"""

from __future__ import annotations

import os
from collections import defaultdict
from types import NoneType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import msgspec

from plainview.records import CONTEXT_FIELDS, LogRecord, SpanEvent, SpanLink, SpanRecord, level_number
from plainview.sinks.batch import send_halving
from plainview.sinks.http import Endpoint
from plainview.sinks.interface import Rejected
from plainview.sinks.time import unix_nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from plainview.settings import Settings

__all__ = ["Otlp", "from_settings"]

#: Severity numbers of the log data model, by the numbers of the standard ``logging`` module.
_SEVERITY: Final = {10: 5, 20: 9, 30: 13, 40: 17, 50: 21}
_SPAN_KIND: Final = {"INTERNAL": 1, "SERVER": 2, "CLIENT": 3, "PRODUCER": 4, "CONSUMER": 5}
_STATUS_CODE: Final = {"UNSET": 0, "OK": 1, "ERROR": 2}
#: Context fields that travel as attributes; the trace's have fields of their own.
_CONTEXT: Final = tuple(field for field in CONTEXT_FIELDS if field not in {"trace_id", "span_id"})
_LARGEST: Final = 1 << 63

_log = msgspec.json.Decoder(LogRecord).decode
_span = msgspec.json.Decoder(SpanRecord).decode
_object = msgspec.json.Decoder(dict[str, Any]).decode
_events = msgspec.json.Decoder(list[SpanEvent]).decode
_links = msgspec.json.Decoder(list[SpanLink]).decode


def from_settings(settings: Settings) -> Otlp:
    """The sink that the setting ``otlp_endpoint`` asks for."""
    return Otlp(settings.otlp_endpoint)


class Otlp:
    """Sends logs to ``<endpoint>/v1/logs`` and spans to ``<endpoint>/v1/traces``.

    Headers are taken from the standard variable ``OTEL_EXPORTER_OTLP_HEADERS``.

    Args:
        endpoint: address of the collector, e.g. ``http://localhost:4318``; ``user:password@`` in it becomes
            Basic authorization.
        timeout: seconds.
    """

    name = "otlp"
    kinds = frozenset({"log", "span"})

    def __init__(self, endpoint: str, *, timeout: float = 10.0) -> None:
        base, headers = endpoint.rstrip("/"), _headers(os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", ""))
        self._signals: Final = {
            kind: (encode, Endpoint(base + path, content_type="application/json", headers=headers, timeout=timeout))
            for kind, encode, path in (("log", _logs_request, "/v1/logs"), ("span", _spans_request, "/v1/traces"))
        }

    def write(self, kind: str, lines: Sequence[bytes]) -> None:
        """Send the lines.

        Raises:
            Rejected: the collector refused lines for good; of a partial success, only as many as it says.
            Unavailable: it cannot be reached or cannot take them now.
        """
        encode, endpoint = self._signals[kind]
        send_halving(lambda part: _send(encode, endpoint, part), lines)

    def close(self) -> None:
        """Close the connections."""
        for _, endpoint in self._signals.values():
            endpoint.close()


def _send(encode: Callable[[Sequence[bytes]], object], endpoint: Endpoint, lines: Sequence[bytes]) -> None:
    answer = endpoint.post(msgspec.json.encode(encode(lines)))
    try:
        partial = _object(answer).get("partialSuccess") or {}
        refused = int(partial.get("rejectedLogRecords") or partial.get("rejectedSpans") or 0)
    except (msgspec.DecodeError, AttributeError, TypeError, ValueError):
        return  # an empty body, or one in protobuf: it was a success all the same
    if refused:
        msg = f"{endpoint.shown}: {partial.get('errorMessage', '')}"
        raise Rejected(msg, refused)


def _headers(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split(","))
    return {name.strip(): unquote(value.strip()) for name, equals, value in pairs if equals and name.strip()}


def _logs_request(lines: Sequence[bytes]) -> object:
    grouped = _grouped((record, record.logger, _log_record(record)) for record in map(_log, lines))
    return {"resourceLogs": _resources(grouped, "scopeLogs", "logRecords")}


def _spans_request(lines: Sequence[bytes]) -> object:
    grouped = _grouped((record, record.scope, _span_record(record)) for record in map(_span, lines))
    return {"resourceSpans": _resources(grouped, "scopeSpans", "spans")}


_Resource = tuple[tuple[str, Any], ...]


def _grouped(
    items: Iterable[tuple[LogRecord | SpanRecord, str, object]],
) -> dict[_Resource, dict[str, list[object]]]:
    groups: dict[_Resource, dict[str, list[object]]] = defaultdict(lambda: defaultdict(list))
    for record, scope, item in items:
        resource = (
            ("service.name", record.service),
            ("service.version", record.version),
            ("deployment.environment.name", record.environment),
            ("host.name", record.host),
            ("process.pid", record.pid),
        )
        groups[resource][scope].append(item)
    return groups


def _resources(groups: dict[_Resource, dict[str, list[object]]], scopes_name: str, items_name: str) -> list[object]:
    return [
        {
            "resource": {"attributes": _attributes({name: value for name, value in resource if value})},
            scopes_name: [{"scope": {"name": scope}, items_name: items} for scope, items in scopes.items()],
        }
        for resource, scopes in groups.items()
    ]


def _log_record(record: LogRecord) -> dict[str, object]:
    attributes = {name: value for name in _CONTEXT if (value := getattr(record, name)) is not None}
    if record.duration_ms is not None:
        attributes["duration_ms"] = record.duration_ms
    if record.source is not None:
        attributes["code.file.path"] = record.source.file
        attributes["code.function.name"] = record.source.function
        attributes["code.line.number"] = record.source.line
    if record.exception is not None:
        attributes["exception.type"] = record.exception.type
        attributes["exception.message"] = record.exception.message
        attributes["exception.stacktrace"] = record.exception.stack_trace
    moment = str(unix_nanoseconds(record.timestamp))
    encoded: dict[str, object] = {
        "timeUnixNano": moment,
        "observedTimeUnixNano": moment,
        "severityNumber": _severity(record.level),
        "severityText": record.level,
        "body": {"stringValue": record.message},
        "attributes": _attributes(attributes | _object(record.extra)),
    }
    if record.trace_id:
        encoded |= {"traceId": record.trace_id, "spanId": record.span_id or ""}
    return encoded


def _severity(level: str) -> int:
    try:
        return _SEVERITY[level_number(level)]
    except ValueError:
        return 0


def _span_record(record: SpanRecord) -> dict[str, object]:
    context = {name: value for name in _CONTEXT if (value := getattr(record, name)) is not None}
    encoded: dict[str, object] = {
        "traceId": record.trace_id,
        "spanId": record.span_id,
        "name": record.name,
        "kind": _SPAN_KIND.get(record.kind, 0),
        "startTimeUnixNano": str(record.start_time_unix_nano),
        "endTimeUnixNano": str(record.end_time_unix_nano),
        "attributes": _attributes(context | _object(record.attributes)),
        "events": [
            {
                "timeUnixNano": str(event.time_unix_nano),
                "name": event.name,
                "attributes": _attributes(event.attributes),
            }
            for event in _events(record.events)
        ],
        "links": [
            {"traceId": link.trace_id, "spanId": link.span_id, "attributes": _attributes(link.attributes)}
            for link in _links(record.links)
        ],
        "status": {"code": _STATUS_CODE.get(record.status, 0), "message": record.status_message},
    }
    if record.parent_span_id:
        encoded["parentSpanId"] = record.parent_span_id
    return encoded


def _attributes(values: Mapping[str, object]) -> list[dict[str, object]]:
    return [{"key": name, "value": _any_value(value)} for name, value in values.items()]


def _any_value(value: object) -> dict[str, object]:
    return _ANY_VALUE[type(value)](value)


def _integer(value: int) -> dict[str, object]:
    return {"intValue" if -_LARGEST <= value < _LARGEST else "stringValue": str(value)}


#: AnyValue in proto3's JSON mapping, where 64-bit integers are strings, for each type that JSON decodes to.
_ANY_VALUE: Final[dict[type, Callable[[Any], dict[str, object]]]] = {
    NoneType: lambda _: {},
    bool: lambda value: {"boolValue": value},
    int: _integer,
    float: lambda value: {"doubleValue": value},
    str: lambda value: {"stringValue": value},
    list: lambda value: {"arrayValue": {"values": [_any_value(item) for item in value]}},
    dict: lambda value: {"kvlistValue": {"values": _attributes(value)}},
}
