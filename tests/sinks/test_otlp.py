"""OTLP: what is sent is read back with OpenTelemetry's own message definitions."""

from __future__ import annotations

import json
from base64 import b64encode

import msgspec
import pytest
from google.protobuf import json_format
from hypothesis import given, settings as hypothesis_settings, strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from plainview.sinks import Rejected
from plainview.sinks.otlp import Otlp, _logs_request

TRACE, SPAN, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"


def base64_ids(value):
    """OTLP writes ids in hex where proto3's JSON mapping has base64: the one deviation of its encoding."""
    if isinstance(value, dict):
        return {
            key: b64encode(bytes.fromhex(item)).decode()
            if key in {"traceId", "spanId", "parentSpanId"}
            else base64_ids(item)
            for key, item in value.items()
        }
    return [base64_ids(item) for item in value] if isinstance(value, list) else value


def parsed(body, message):
    return json_format.ParseDict(base64_ids(json.loads(body)), message)


def plain(value):
    """A Python value of an AnyValue."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: plain(item.value) for item in value.kvlist_value.values}
    return getattr(value, kind) if kind else None


def attributes(message):
    return {item.key: plain(item.value) for item in message.attributes}


def test_a_log_record_arrives_as_the_log_data_model_has_it(receiver, line):
    extra = {
        "step": 3,
        "ratio": 0.5,
        "ok": True,
        "none": None,
        "tags": ["a", 1],
        "deep": {"x": {"y": "z"}},
        "big": 1 << 70,
    }
    Otlp(receiver.url).write(
        "log",
        [
            line(
                level="WARNING",
                version="1.2",
                host="box",
                pid=41,
                trace_id=TRACE,
                span_id=SPAN,
                job_id="j1",
                duration_ms=1.5,
                extra=extra,
                source={"file": "/app/api.py", "function": "create", "line": 12},
                exception={"type": "ValueError", "message": "no", "stack_trace": "Traceback …"},
            )
        ],
    )
    request = receiver.requests[0]
    assert request.path == "/v1/logs"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Content-Encoding"] == "gzip"
    (resource,) = parsed(request.body, ExportLogsServiceRequest()).resource_logs
    assert attributes(resource.resource) == {
        "service.name": "studio",
        "service.version": "1.2",
        "deployment.environment.name": "development",
        "host.name": "box",
        "process.pid": 41,
    }
    (scope,) = resource.scope_logs
    assert scope.scope.name == "studio.api"
    (record,) = scope.log_records
    assert record.time_unix_nano == 1795312075123456000
    assert (record.severity_number, record.severity_text) == (13, "WARNING")
    assert record.body.string_value == "book created"
    assert (record.trace_id.hex(), record.span_id.hex()) == (TRACE, SPAN)
    assert attributes(record) == {
        **extra,
        "big": str(1 << 70),
        "job_id": "j1",
        "duration_ms": 1.5,
        "code.file.path": "/app/api.py",
        "code.function.name": "create",
        "code.line.number": 12,
        "exception.type": "ValueError",
        "exception.message": "no",
        "exception.stacktrace": "Traceback …",
    }


def test_a_span_arrives_as_it_was(receiver):
    start = 1795312075123456789
    span = {
        "trace_id": TRACE,
        "span_id": SPAN,
        "parent_span_id": PARENT,
        "name": "GET /books/{id}",
        "kind": "SERVER",
        "status": "ERROR",
        "status_message": "boom",
        "scope": "plainview.asgi",
        "start_time_unix_nano": start,
        "end_time_unix_nano": start + 5,
        "service": "studio",
        "request_id": "r1",
        "attributes": {"http.response.status_code": 500},
        "events": [{"name": "exception", "time_unix_nano": start + 1, "attributes": {"exception.type": "E"}}],
        "links": [{"trace_id": TRACE, "span_id": PARENT, "attributes": {"why": "batch"}}],
    }
    Otlp(receiver.url + "/").write("span", [msgspec.json.encode(span)])
    request = receiver.requests[0]
    assert request.path == "/v1/traces"
    (resource,) = parsed(request.body, ExportTraceServiceRequest()).resource_spans
    (scope,) = resource.scope_spans
    (found,) = scope.spans
    assert scope.scope.name == "plainview.asgi"
    assert (found.trace_id.hex(), found.span_id.hex(), found.parent_span_id.hex()) == (TRACE, SPAN, PARENT)
    assert (found.name, found.kind) == ("GET /books/{id}", found.SPAN_KIND_SERVER)
    assert (found.start_time_unix_nano, found.end_time_unix_nano) == (start, start + 5)
    assert (found.status.code, found.status.message) == (found.status.STATUS_CODE_ERROR, "boom")
    assert attributes(found) == {"http.response.status_code": 500, "request_id": "r1"}
    assert (found.events[0].name, found.events[0].time_unix_nano) == ("exception", start + 1)
    assert attributes(found.events[0]) == {"exception.type": "E"}
    assert (found.links[0].span_id.hex(), attributes(found.links[0])) == (PARENT, {"why": "batch"})


def test_records_are_grouped_by_resource_and_logger(receiver, line):
    Otlp(receiver.url).write("log", [line(pid=1), line(pid=2), line(pid=1, logger="b"), line(pid=1)])
    message = parsed(receiver.requests[0].body, ExportLogsServiceRequest())
    shape = [[len(scope.log_records) for scope in resource.scope_logs] for resource in message.resource_logs]
    assert shape == [[2, 1], [1]]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@hypothesis_settings(deadline=None)
@given(st.dictionaries(st.text(), json_values, max_size=6))
def test_any_extra_is_valid_otlp(extra):
    encoded = msgspec.json.encode(
        {"timestamp": "2026-11-22T01:47:55Z", "level": "INFO", "message": "m", "extra": extra}
    )
    body = msgspec.json.encode(_logs_request([encoded]))
    parsed(body, ExportLogsServiceRequest())


@pytest.mark.parametrize(("kind", "field"), [("log", "rejectedLogRecords"), ("span", "rejectedSpans")])
def test_of_a_partial_success_only_what_was_refused_counts(receiver, line, kind, field):
    receiver.answer(200, json.dumps({"partialSuccess": {field: "2", "errorMessage": "too old"}}).encode())
    span = {"trace_id": TRACE, "span_id": SPAN, "name": "x", "start_time_unix_nano": 1, "end_time_unix_nano": 2}
    with pytest.raises(Rejected, match="too old") as caught:
        Otlp(receiver.url).write(kind, [line() if kind == "log" else msgspec.json.encode(span)] * 5)
    assert caught.value.count == 2


@pytest.mark.parametrize("answer", [b"", b"{}", b"\x0a\x00", b'{"partialSuccess":null}', b"[]", b"OK"])
def test_a_success_in_other_words_is_a_success(receiver, line, answer):
    receiver.answer(200, answer)
    Otlp(receiver.url).write("log", [line()])
    assert len(receiver.requests) == 1


def test_the_standard_variable_gives_headers(receiver, line, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=a%20b,Authorization=Bearer%20t, ,broken")
    Otlp(receiver.url).write("log", [line()])
    headers = receiver.requests[0].headers
    assert (headers["x-api-key"], headers["Authorization"]) == ("a b", "Bearer t")
