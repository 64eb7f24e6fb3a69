"""``/v1/traces``, ``/v1/services``, ``/v1/resolve``, ``/v1/status`` and ``/v1/health`` over HTTP."""

from __future__ import annotations

import socket

import pytest
from live_server import assert_problem, run_server

START = 1_795_176_000 * 10**9  # 2026-11-20T12:00:00Z
TRACE = "0af7651916cd43dd8448eb211c80319c"


def span(span_id, parent, name, start_ms, ms, **more):
    start = START + start_ms * 10**6
    times = {"start_time_unix_nano": start, "end_time_unix_nano": start + ms * 10**6}
    return (
        times | {"trace_id": TRACE, "span_id": span_id, "parent_span_id": parent, "name": name, "service": "s"} | more
    )


@pytest.fixture(scope="module", autouse=True)
def stored(server):
    server.ingest(
        span("2", "1", "SELECT", 5, 10, status="ERROR"),
        span("1", None, "GET /", 0, 20, kind="SERVER", job_id="job-1"),
        {"trace_id": TRACE, "span_id": "2", "message": "slow", "level": "WARNING", "service": "s"},
    )


def test_the_list_and_its_histogram(server):
    found = server.post("/v1/traces/search", {"q": "get", "filters": {"job_id": "job-1"}, "status": "ERROR"})
    assert [(item["trace_id"], item["name"], item["span_count"]) for item in found["traces"]] == [(TRACE, "GET /", 2)]
    found = server.post(
        "/v1/traces/histogram", {"start_time": "2026-11-20T12:00:00Z", "end_time": "2026-11-20T12:01:00Z"}
    )
    assert found["buckets"][0]["count"] == 1
    assert len(found["buckets"]) == 60


def test_one_trace(server):
    found = server.get(f"/v1/traces/{TRACE}")
    assert [(one["name"], one["depth"]) for one in found["spans"]] == [("GET /", 0), ("SELECT", 1)]
    assert found["spans"][1]["log_counts"] == {"WARNING": 1}
    assert found["logs"][0]["message"] == "slow"
    assert_problem(server.client.get("/v1/traces/unknown"), 404)
    assert_problem(server.client.get(f"/v1/traces/{'x' * 201}"), 422, "trace_id")


def test_services_and_ids(server):
    assert [(one["service"], one["logs"], one["spans"]) for one in server.get("/v1/services")["services"]] == [
        ("s", 1, 2)
    ]
    assert server.get("/v1/resolve", id=TRACE)["url"] == f"/traces/{TRACE}"
    assert server.get("/v1/resolve", id="job-1")["kind"] == "job"
    assert_problem(server.client.get("/v1/resolve?id=nope"), 404)


def test_the_servers_own_state(server):
    status = server.get("/v1/status")
    assert {name: rows for name, rows in status["store"]["rows"].items() if rows} == {"logs": 1, "spans": 2}
    assert status["ingest"]["garbage_lines"] == 0
    assert status["dropped_total"] == 0
    assert status["directory"] == str(server.serving.pipeline.inbox.directory.parent)
    for path in ("/v1/health", "/v1/health/live", "/v1/health/ready"):
        assert server.get(path)["status"] == "healthy"


def test_not_ready_while_ingest_does_not_run(tmp_path):
    with run_server(tmp_path) as server:
        server.serving.pipeline.stop()
        assert server.get("/v1/health/ready", 503) | {"uptime_seconds": 0, "version": ""} == {
            "status": "unhealthy",
            "message": "ingest does not run",
            "uptime_seconds": 0,
            "version": "",
        }
        assert server.get("/v1/health/live")["status"] == "healthy"


def test_answers_do_not_wait_for_more_to_send(server):
    """Without TCP_NODELAY, an answer in two pieces takes 40 ms longer."""
    assert server.serving.listener.proto == socket.IPPROTO_TCP
