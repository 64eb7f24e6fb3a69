"""`plainview demo`, started for real and looked at as its user would."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sys
import urllib.error
import urllib.request

import pytest
from demo_process import EXAMPLES, alive, eventually
from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(EXAMPLES))

from studio import faults

SERVICES = {"studio-api", "studio-worker", "llm-provider"}
KINDS = {"job", "stage", "engine", "batch", "run", "agent", "worker", "task"}


METRICS = {
    "studio-api": {"http_requests", "http_client_requests", "db_connections_active", "studio_books_created"},
    "studio-worker": {
        "jobs_in_progress", "jobs_completed", "job_stage_duration_seconds", "engine_executions", "engine_retries",
        "batch_items_processed", "content_quality_score", "ml_predictions", "database_queries", "memory_usage_bytes",
    },
    "llm-provider": {"http_requests", "host_memory_total_bytes"},
}  # fmt: skip


def _metrics(url):
    with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(url, timeout=10) as answer:
        return {family.name for family in text_string_to_metric_families(answer.read().decode())}
    return set()


def _services_seen(demo, kind):
    return {each["service"] for each in demo.ask("/v1/services")["services"] if each[kind]}


def _found(demo, **wanted):
    return demo.ask("/v1/logs/search", {"limit": 50, **wanted})["logs"]


def _trace_through_all(demo):
    """A trace of all services in which an engine has ended: of a job that runs, spans are missing yet."""
    for found in demo.ask("/v1/traces/search", {"limit": 1000})["traces"]:
        if set(found["services"]) >= SERVICES:
            trace = demo.ask(f"/v1/traces/{found['trace_id']}")
            if any(span["name"].startswith("engine ") for span in trace["spans"]):
                return trace
    return None


@pytest.mark.slow
def test_the_whole_studio_is_on_the_screen_and_ctrl_c_leaves_nothing_behind(start_demo):
    demo = start_demo("--port", "0", "--rate", "8")
    demo.wait_until_open()
    children = demo.children()
    assert len(children) == 6

    # Every service is there, with logs and with spans.
    for kind in ("logs", "spans"):
        eventually(lambda kind=kind: _services_seen(demo, kind) >= SERVICES, 20, f"{kind} of all services")

    # One trace goes from the request over the job to the provider, and its logs with it.
    trace = eventually(lambda: _trace_through_all(demo), 20, "a trace through all services")
    kinds = {(span["service"], span["kind"]) for span in trace["spans"]}
    assert {("studio-api", "SERVER"), ("studio-worker", "CLIENT"), ("llm-provider", "SERVER")} <= kinds
    assert {log["service"] for log in trace["logs"]} >= {"studio-api", "studio-worker"}
    job = next(log["job_id"] for log in trace["logs"] if log.get("job_id"))
    assert all(_found(demo, job_id=job, service=service) for service in SERVICES)

    # Troubles of several kinds are there.
    for what, wanted in {
        "a bug with its stack": {"message_contains": "request failed", "filters": {"exception_type": "KeyError"}},
        "a refused request": {"message_contains": "request validation failed", "level": "WARNING"},
        "a retry": {"message_contains": "engine retrying", "service": "studio-worker"},
        "a line of the standard library's logging": {"logger": "provider", "level": "WARNING"},
        "a warning of Python": {"logger": "py.warnings"},
        "a hostile title": {"message_contains": "<script>alert(document.cookie)</script>"},
    }.items():
        eventually(lambda wanted=wanted: _found(demo, **wanted), 30, what)

    # An error of each category is there.
    def categories():
        return {issue["category"] for issue in demo.ask("/v1/errors?limit=100")["errors"]}

    eventually(lambda: categories() >= set(faults.ERRORS), 60, "an error of each category")
    bug = _found(demo, message_contains="request failed", filters={"exception_type": "KeyError"})[0]
    assert "in _in_currency" in bug["exception"]["stack_trace"]
    assert not _found(demo, message_contains="sk-studio")

    # Operations of every kind are there.
    def kinds():
        return {each["kind"] for each in demo.ask("/v1/operations/summary?start_time=-1h")["kinds"]}

    eventually(lambda: kinds() >= KINDS, 60, "operations of every kind")

    # Each service answers with its metrics, in its own way.
    for service, wanted in METRICS.items():
        found = re.search(rf"{service}.*(http://127\.0\.0\.1:\d+/metrics)", demo.printed)
        assert found, demo.printed
        eventually(lambda wanted=wanted, url=found[1]: wanted <= _metrics(url), 30, f"metrics of {service}")

    # What dies is started again. (The worker dies by itself meanwhile, when its hour has come.)
    api = demo.child("studio.api")
    api.kill()
    eventually(lambda: "studio-api killed by SIGKILL, started again" in demo.printed, 5, "the API to be started again")

    # One hangs when it is told to stop; all are gone all the same.
    worker = eventually(lambda: demo.child("studio.worker"), 5, "a worker")
    children = demo.children()
    worker.suspend()
    os.kill(demo.process.pid, signal.SIGINT)
    assert demo.process.wait(30) == 0, demo.printed
    assert alive(children) == []
    assert "Stopped" in demo.printed


def test_it_stops_by_itself_after_its_duration(start_demo):
    demo = start_demo("--port", "0", "--duration", "1", "--no-load")
    demo.wait_until_open()
    assert demo.process.wait(20) == 0
    assert "traffic" in demo.printed
    assert "none" in demo.printed


def test_a_second_one_in_the_same_folder_says_so_and_leaves_the_first_alone(start_demo):
    first = start_demo("--port", "0", "--no-load")
    first.wait_until_open()
    second = start_demo("--port", "0")
    assert second.process.wait(20) == 1
    assert "already runs" in second.printed
    assert first.url in second.printed
    assert first.ask("/v1/health")["status"] == "healthy"
    os.kill(first.process.pid, signal.SIGTERM)
    assert first.process.wait(20) == 0


def test_nothing_outlives_a_demo_that_is_killed(start_demo):
    demo = start_demo("--port", "0")
    children = eventually(lambda: len(demo.children()) >= 4 and demo.children(), 10, "the processes")
    demo.process.kill()
    demo.process.wait()
    eventually(lambda: not alive(children), 5, "the children to be gone")


def test_it_says_why_it_cannot_start(start_demo):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        demo = start_demo("--port", str(port))
        assert demo.process.wait(30) == 1
    assert "server did not start" in demo.printed
    assert str(port) in demo.printed
