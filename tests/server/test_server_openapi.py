"""The API as it describes itself: what fits the description and what does not is answered as described."""

from __future__ import annotations

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis.errors import Unsatisfiable
from live_server import run_server
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

PROBLEM = "application/problem+json"


@schemathesis.serializer("application/x-ndjson")
def as_it_is(_context, value):
    """Lines of JSON are sent as they were made up."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.serializer("application/x-protobuf")
def as_bytes(_context, value):
    """What is no message is sent as it was made up."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def errors_are_problems(_context, response, case):
    """Each error is a problem, names its status, and each of its fields has a name."""
    if response.status_code >= 400:
        assert response.headers["content-type"][0] == PROBLEM, (case.method, case.path, response.status_code)
        problem = json.loads(response.content)
        assert problem["status"] == response.status_code
        assert problem["detail"]
        assert all(error["field"] and error["message"] for error in problem["errors"])


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    errors_are_problems,
]


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    with run_server(tmp_path_factory.mktemp("openapi")) as running:
        running.ingest(
            {
                "message": "book created",
                "service": "studio",
                "request_id": "r1",
                "trace_id": "t1",
                "extra": {"step": 3},
            },
            {"message": "failed", "error_id": "ab" * 16, "mechanism": "manual", "job_id": "j1"}
            | {"exceptions": [{"type": "ValueError", "message": "1", "frames": [{"module": "a", "function": "f"}]}]},
            {"message": "failed", "level": "ERROR", "exception": {"type": "ValueError", "stack_trace": "…"}},
            {"trace_id": "t1", "span_id": "s1", "name": "GET /", "start_time_unix_nano": 1_795_176_000 * 10**9}
            | {"end_time_unix_nano": 1_795_176_001 * 10**9, "service": "studio", "events": [], "attributes": {"a": 1}},
            {"timestamp": "2026-11-20T12:00:00Z", "operation_id": "b7ad6b7169203331", "event": "open", "kind": "job"}
            | {"start_time_unix_nano": 1_795_176_000 * 10**9, "name": "render", "key": "j1", "data": {"a": 1}},
        )
        yield running


@pytest.fixture(scope="module")
def api(live):
    description = live.get("/v1/openapi.json")
    # It never ends; its tests are elsewhere.
    del description["paths"]["/v1/logs/tail"]
    return schemathesis.openapi.from_dict(description)


OPERATIONS = {
    *(("POST", f"/v1/logs/{name}") for name in ("search", "facets", "histogram", "patterns")),
    *(("GET", f"/v1/logs/{name}") for name in ("{id}", "{id}/context", "fields", "export")),
    *(("POST", f"/v1/traces/{name}") for name in ("search", "histogram")),
    *(("GET", f"/v1/{name}") for name in ("traces/{trace_id}", "services", "resolve", "status", "health")),
    *(("GET", "/v1/health/live"), ("GET", "/v1/health/ready"), ("POST", "/v1/ingest")),
    *((method, "/v1/spool/{stream}/{kind}/{segment}") for method in ("GET", "PUT")),
    ("PUT", "/v1/spool/{stream}/{kind}/{segment}/close"),
    ("PUT", "/v1/spool/{stream}/end"),
    *(("GET", f"/v1/errors{name}") for name in ("", "/summary", "/{id}", "/{id}/occurrences")),
    *(("GET", f"/v1/errors/{{id}}/{name}") for name in ("distributions", "history", "similar", "grouping")),
    ("GET", "/v1/errors/{id}/occurrences/{error_id}"),
    *(("POST", f"/v1/errors/{{id}}/{name}") for name in ("acknowledge", "resolve", "ignore", "unresolve", "assign")),
    *(("POST", f"/v1/errors/{{id}}/{name}") for name in ("comments", "merge", "split")),
    *(("POST", "/v1/errors/update"), ("GET", "/v1/related")),
    *(("GET", f"/v1/metrics{name}") for name in ("", "/jobs", "/engines", "/api", "/catalogue")),
    *(("GET", f"/v1/{name}") for name in ("operations", "operations/summary", "operations/{id}", "workers")),
    *(("GET", f"/v1/runs{name}") for name in ("", "/compare", "/trend", "/{run_id}", "/{run_id}/analysis")),
    *(("GET", "/metrics"), ("POST", "/api/v1/write")),
    *((method, "/v1/session") for method in ("GET", "POST", "DELETE")),
}


#: A stream that never ends, and what speaks Sentry's protocol, with errors in its form: their tests are elsewhere.
OTHERS = {
    ("GET", "/v1/logs/tail"),
    *(("POST", f"/api/{{project}}/{name}/") for name in ("envelope", "store")),
}


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), sorted(OPERATIONS))
def test_whatever_is_asked_is_answered_as_described(api, live, method, path, mode):
    operation = api[path][method]

    @settings(
        max_examples=25, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(operation.as_strategy(generation_mode=mode))
    def check(case):
        assume(len(str(case.query)) < 10_000)  # beyond 64 KiB it is no address any more
        response = case.call(base_url=live.url)
        case.validate_response(response, checks=CHECKS)

    try:
        check()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing to get wrong


def test_every_route_is_described_with_its_errors(live):
    description = live.get("/v1/openapi.json")
    paths = {(method.upper(), path) for path, methods in description["paths"].items() for method in methods}
    assert {*OPERATIONS, *OTHERS} == paths
    for methods in description["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["description"]
            for status, response in operation["responses"].items():
                if status >= "400" and operation["tags"] != ["server"]:
                    assert list(response["content"]) == [PROBLEM]
