"""Operations over HTTP: as a list, summed up, one whole, and workers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from live_server import assert_problem, run_server

NOW = datetime.now(UTC)


def told(operation_id, event, seconds_ago=0.0, *, began=None, **members):
    """A line about an operation, as an application writes it."""
    at, start = (NOW - timedelta(seconds=ago) for ago in (seconds_ago, seconds_ago if began is None else began))
    return {
        "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "operation_id": operation_id,
        "event": event,
        "kind": "job",
        "name": "render",
        "start_time_unix_nano": int(start.timestamp() * 1e6) * 1000,
        "service": "studio",
        "environment": "test",
        "host": "h1",
        "pid": 7,
        **members,
    }


def op(number):
    """An operation_id."""
    return f"{number:016x}"


JOB = {"key": "j-1", "job_id": "j-1", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}
RECORDS = [
    # A job that waited, was begun, and failed in its stage "encode"; its second attempt goes on.
    told(op(1), "create", 100, **JOB),
    told(op(2), "open", 90, **JOB, span_id=op(2), data={"book": 3}),
    told(op(2), "lock", 89, began=90, **JOB, data={"configuration": {"quality": "high"}}),
    told(op(2), "progress", 80, began=90, **JOB, done=30, total=100, step="page 30"),
    told(op(2), "checkpoint", 79, began=90, **JOB, data={"page": 30}),
    told(op(3), "close", 60, began=70, kind="stage", name="encode", parent_id=op(2), job_id="j-1", status="failed")
    | {"duration_ms": 10_000.0, "reason": "ValueError: page 31", "error_type": "ValueError"},
    told(op(2), "item", 61, began=90, **JOB, reason="ValueError: page 31", data={"index": 31}),
    told(op(2), "close", 60, began=90, **JOB, status="failed", duration_ms=30_000.0, reason="ValueError: page 31")
    | {"error_type": "ValueError", "failed_in": "stage encode", "error_id": "ab" * 16, "cpu_ms": 1200.0, "rows": 30},
    told(op(4), "open", 50, **JOB, attempt=2, recovers=op(2)),
    told(op(4), "progress", 40, began=50, **JOB, attempt=2, percent=55.5, step="page 55"),
    # A worker that does it, and one that died.
    told(op(5), "open", 500, kind="worker", name="celery", data={"interval_seconds": 3600}),
    told(op(5), "heartbeat", 5, began=500, kind="worker", name="celery"),
    told(op(6), "open", 5000, kind="worker", name="celery", pid=8),
    told(op(6), "heartbeat", 4000, began=5000, kind="worker", name="celery", pid=8),
    told(op(7), "close", 20, began=21, kind="engine", name="narrator", parent_id=op(4), status="completed")
    | {"duration_ms": 1000.0, "job_id": "j-1", "data": {"words": 812}},
    told(op(8), "create", 30, key="j-2", job_id="j-2"),
    told(op(9), "close", 90_000, kind="run", name="nightly", key="20261125-nightly", status="completed"),
]
OTHERS = [
    {"message": "page 31 is torn", "level": "ERROR", "job_id": "j-1", "service": "studio"}
    | {"timestamp": (NOW - timedelta(seconds=61)).isoformat()},
    {"message": "page 31 is torn", "error_id": "ab" * 16, "mechanism": "manual", "job_id": "j-1"}
    | {"exceptions": [{"type": "ValueError", "message": "page 31", "frames": [{"module": "a", "function": "f"}]}]}
    | {"timestamp": (NOW - timedelta(seconds=61)).isoformat()},
]


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    with run_server(tmp_path_factory.mktemp("operations")) as running:
        running.ingest(*RECORDS, *OTHERS)
        yield running


def test_a_list_shows_what_each_operation_is_now(live):
    page = live.get("/v1/operations", kind=["job"], start_time="-1h")
    assert page["total"] == 3
    assert page["next"] is None
    queued, running, failed = page["operations"]
    assert (queued["operation_id"], queued["status"], queued["duration_ms"]) == (op(8), "queued", None)
    assert (running["operation_id"], running["status"], running["percent"]) == (op(4), "running", 55.5)
    assert running["duration_ms"] >= 50_000
    assert (running["attempt"], running["attempts"], running["recovers"]) == (2, 2, op(2))
    assert (failed["operation_id"], failed["status"], failed["duration_ms"]) == (op(2), "failed", 30_000.0)
    assert failed["failed_in"] == "stage encode"
    assert (failed["done"], failed["total"], failed["percent"], failed["step"]) == (30, 100, 30, "page 30")
    assert failed["checkpoint"] == {"page": 30}


def test_pages_of_a_list_are_pages_of_one_list(live):
    seen, cursor = [], None
    while True:
        page = live.get("/v1/operations", limit=2, order_by="duration_ms", **({"cursor": cursor} if cursor else {}))
        seen += [one["operation_id"] for one in page["operations"]]
        assert page["total"] == 8
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 8
    assert seen[:2] == [op(6), op(5)]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"status": ["failed"]}, {2, 3}),
        ({"name": ["narrator", "encode"]}, {3, 7}),
        ({"key": "j-1"}, {2, 4}),
        ({"parent_id": op(2)}, {3}),
        ({"trace_id": JOB["trace_id"]}, {2, 4}),
        ({"job_id": "j-1", "kind": "engine"}, {7}),
        ({"q": "PAGE -narrator"}, {2, 3, 4}),
        ({"q": '"page 55"'}, {4}),
        ({"service": "other"}, set()),
        ({"start_time": "-45s", "kind": "job"}, {4, 8}),
        ({"end_time": (NOW - timedelta(seconds=65)).isoformat(), "kind": "job"}, {2}),
    ],
)
def test_each_filter_lets_through_what_it_says(live, asked, expected):
    found = live.client.get("/v1/operations", params=asked).json()["operations"]
    assert {int(one["operation_id"], 16) for one in found} == expected


def test_operations_are_summed_up_by_name_with_reasons_of_failure(live):
    found = live.get("/v1/operations/summary", kind="job", start_time="-10m", buckets=10)
    assert found["by_status"] == {"queued": 1, "running": 1, "failed": 1}
    assert found["running"] == 1
    assert found["throughput_per_hour"] == pytest.approx(6, rel=0.01)
    assert sum(bar["failed"] for bar in found["over_time"]) == 1
    assert sum(bar["started"] for bar in found["over_time"]) == 3
    assert found["kinds"] == [{"kind": "job", "count": 3}]
    (name,) = found["names"]
    assert (name["name"], name["count"], name["success_rate"]) == ("render", 3, 0)
    assert name["p50_ms"] == name["p99_ms"] == name["max_ms"] == 30_000
    assert (name["cpu_ms"], name["rows"], name["last_status"]) == (1200, 30, "queued")
    assert name["reasons"] == [
        {"reason": "ValueError: page 31", "error_type": "ValueError", "failed_in": "stage encode", "count": 1}
        | {"error_id": "ab" * 16}
    ]
    assert sum(name["over_time"]) == 1


def test_one_operation_is_told_whole(live):
    found = live.get(f"/v1/operations/{op(2)}")
    assert found["operation"]["status"] == "failed"
    assert found["inputs"] == {"book": 3}
    assert found["configuration"] == {"quality": "high"}
    events = [event["event"] for event in found["events"]]
    assert events == ["create", "open", "lock", "progress", "checkpoint", "item", "close"]
    assert found["events"][3] | {"data": None} == {
        "timestamp": found["events"][3]["timestamp"],
        "event": "progress",
        "attempt": 1,
        "done": 30,
        "total": 100,
        "step": "page 30",
        "host": "h1",
        "pid": 7,
        "data": None,
    }
    assert [one["operation_id"] for one in found["attempts"]] == [op(2), op(4)]
    assert found["attempts"][1]["recovers"] == op(2)
    assert [(one["name"], one["status"]) for one in found["children"]] == [("encode", "failed")]
    assert [(one["name"], one["parent_id"]) for one in found["timeline"]] == [
        ("encode", found["operation"]["operation_id"])
    ]
    assert found["timeline_more"] == 0
    assert found["ancestors"] == []
    assert [item["data"] for item in found["items_failed"]] == [{"index": 31}]
    assert found["logs"]["count"] == 1
    assert found["logs"]["url"].startswith("/logs?q=job%3Aj-1&from=")
    (error,) = found["errors"]
    assert (error["error_id"], error["error_type"]) == ("ab" * 16, "ValueError")
    assert error["url"].endswith(f"?occurrence={error['error_id']}")
    assert live.get(f"/v1/operations/{op(3)}")["ancestors"] == [
        {"operation_id": op(2), "kind": "job", "name": "render"}
    ]


def test_a_key_leads_to_the_latest_that_has_it_and_so_does_one_whose_place_was_taken(live):
    for id_ in ("j-1", op(1)):
        assert live.get(f"/v1/operations/{id_}")["operation"]["operation_id"] == op(4)
    assert live.get("/v1/operations/j-1", kind="job")["operation"]["operation_id"] == op(4)
    assert_problem(live.client.get("/v1/operations/j-1", params={"kind": "batch"}), 404)
    assert_problem(live.client.get("/v1/operations/nobody"), 404)


def test_workers_live_or_are_lost_by_their_heartbeats(live):
    alive, lost = live.get("/v1/workers")["workers"]
    assert (alive["operation_id"], alive["state"], alive["interval_seconds"]) == (op(5), "alive", 3600)
    assert alive["heartbeat_age_seconds"] >= 5
    assert [one["operation_id"] for one in alive["current"]] == [op(4)]
    assert (alive["completed"], alive["failed"]) == (0, 1)
    assert (lost["operation_id"], lost["state"], lost["current"]) == (op(6), "lost", [])
    assert live.get("/v1/workers", service="other") == {"workers": []}


def test_what_a_process_does_after_its_worker_has_ended_is_none_of_that_worker_s_work(tmp_path):
    with run_server(tmp_path) as running:
        running.ingest(
            told(op(1), "open", 60, kind="worker", name="w"),
            told(op(2), "close", 50, began=55, status="completed"),
            told(op(3), "close", 45, began=46, status="failed"),
            told(op(1), "close", 40, began=60, kind="worker", name="w", status="completed", data={"completed": 0}),
            told(op(4), "close", 30, began=31, status="completed"),
        )
        (worker,) = running.get("/v1/workers")["workers"]
        assert (worker["state"], worker["completed"], worker["failed"]) == ("ended", 1, 1)


def test_ids_of_operations_and_keys_of_jobs_lead_to_their_pages(live):
    assert live.get("/v1/resolve", id=op(3)) == {
        "kind": "operation",
        "url": f"/operations/{op(3)}",
        "first": (NOW - timedelta(seconds=70)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "last": RECORDS[5]["timestamp"],
    }
    job = live.get("/v1/resolve", id="j-1")
    assert (job["kind"], job["url"]) == ("job", f"/operations/{op(4)}")
    run = live.get("/v1/resolve", id="20261125-nightly")
    assert (run["kind"], run["url"]) == ("run", "/runs/20261125-nightly")


def test_what_belongs_to_a_record_tells_its_operation(live):
    found = live.get("/v1/related", error="ab" * 16)["operation"]
    assert found == {
        "operation_id": op(4),
        "kind": "job",
        "name": "render",
        "key": "j-1",
        "status": "running",
        "url": f"/operations/{op(4)}",
    }
    own = live.get("/v1/related", operation=op(2))
    assert own["operation"]["operation_id"] == op(2)
    assert own["logs"]["count"] == 1
    assert [error["error_id"] for error in own["errors"]] == ["ab" * 16]
    assert_problem(live.client.get("/v1/related", params={"operation": "nobody"}), 404)


@pytest.mark.parametrize(
    ("path", "asked", "field"),
    [
        ("", {"status": "sleeping"}, "status.0"),
        ("", {"cursor": "nonsense"}, "cursor"),
        ("", {"order_by": "name"}, "order_by"),
        ("", {"limit": 0}, "limit"),
        ("", {"start_time": "yesterday"}, "start_time"),
        ("", {"start_time": "-1m", "end_time": "-2m"}, "start_time"),
        ("", {"q": '"never closed'}, "q"),
        ("", {"name": "a\0b"}, "name"),
        ("", {"colour": "red"}, "colour"),
        ("/summary", {"buckets": 0}, "buckets"),
    ],
)
def test_what_cannot_be_asked_is_said(live, path, asked, field):
    assert_problem(live.client.get(f"/v1/operations{path}", params=asked), 422, field)


def test_a_cursor_of_another_order_is_refused(live):
    cursor = live.get("/v1/operations", limit=1)["next"]
    asked = {"cursor": cursor, "order_by": "last_seen"}
    assert_problem(live.client.get("/v1/operations", params=asked), 422, "cursor")


def test_names_and_keys_may_be_anything(tmp_path):
    hostile = ["'; DROP TABLE operations; --", "\u202ex", "{}", "a" * 5000, '"%_*\\', "<b>ü</b>"]
    with run_server(tmp_path) as running:
        lines = [told(op(n), "close", 1, name=name, key=name, status="completed") for n, name in enumerate(hostile)]
        running.ingest(*lines)
        found = running.get("/v1/operations")["operations"]
        assert {one["name"] for one in found} == set(hostile)
        for name in hostile:
            if len(name) < 500:
                (one,) = running.get("/v1/operations", name=name)["operations"]
                assert running.get(f"/v1/operations/{one['operation_id']}")["operation"]["key"] == name
        assert len(running.get("/v1/operations/summary")["names"]) == len(hostile)


@pytest.mark.parametrize("key", ["s3://books/7", "/", "a/", "/a", "a//b", "a%2Fb", "a/summary", "report.json", "ä ö?#"])
def test_an_operation_is_found_by_its_key_whatever_is_in_it(tmp_path, key):
    with run_server(tmp_path) as server:
        server.ingest(told(op(1), "open", 5, key=key), told(op(2), "open", 5, key="another"))
        found = server.client.get(f"/v1/operations/{quote(key, safe='')}", params={"kind": "job"})
        assert (found.status_code, found.json()["operation"]["key"]) == (200, key)
        assert_problem(server.client.get(f"/v1/operations/{quote(key + '/more', safe='')}"), 404)


def test_an_operation_without_an_id_is_none(tmp_path):
    with run_server(tmp_path) as server:
        assert_problem(server.client.get("/v1/operations/"), 422, "id")
