"""Traces: the list, its histogram, and one trace."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from query_fill import START

from plainview.query import trace, traces
from plainview.query.errors import BadInput
from plainview.query.reader import Reader


@pytest.fixture
def shop(fill):
    """Three traces, a second apart: a good one over two services, a failed one, and one that lost its root."""
    fill.spans(
        {"trace_id": "good", "span_id": "g1", "name": "GET /books", "kind": "SERVER", "ms": 100, "request_id": "r1"},
        {"trace_id": "good", "span_id": "g2", "parent_span_id": "g1", "name": "SELECT", "start": 10, "ms": 20}
        | {"service": "db", "kind": "CLIENT", "attributes": {"db.system": "sqlite", "rows": 3}},
        {"trace_id": "bad", "span_id": "b1", "name": "POST /books", "kind": "SERVER", "start": 1000, "ms": 10}
        | {"attributes": {"http.route": "/books"}, "environment": "prod"},
        {"trace_id": "bad", "span_id": "b2", "parent_span_id": "b1", "name": "INSERT", "start": 1001, "ms": 5}
        | {"status": "ERROR", "service": "db"},
        {"trace_id": "torn", "span_id": "t2", "parent_span_id": "lost", "name": "job", "start": 2000, "ms": 500}
        | {"kind": "CONSUMER", "service": "worker", "job_id": "j1"},
    )


@pytest.fixture
def found(reader):
    """The ids of the traces that a filter lets through, newest first."""

    def ask(order_by="start_time", **filter_):
        page = traces.search(reader(), filter_, order_by=order_by)
        assert page["total"] == len(page["traces"])
        return [item["trace_id"] for item in page["traces"]]

    return ask


def test_a_list_shows_what_a_trace_is(shop, reader):
    page = traces.search(reader(), {})
    assert page == {
        "traces": [
            {
                "trace_id": "torn",
                "name": "job",
                "service": "worker",
                "services": ["worker"],
                "start_time": "2026-11-20T12:00:02.000000Z",
                "duration_ms": 500.0,
                "span_count": 1,
                "error_count": 0,
                "status": "OK",
                "kind": "CONSUMER",
            },
            {
                "trace_id": "bad",
                "name": "POST /books",
                "service": "studio",
                "services": ["db", "studio"],
                "start_time": "2026-11-20T12:00:01.000000Z",
                "duration_ms": 10.0,
                "span_count": 2,
                "error_count": 1,
                "status": "ERROR",
                "kind": "SERVER",
            },
            {
                "trace_id": "good",
                "name": "GET /books",
                "service": "studio",
                "services": ["db", "studio"],
                "start_time": "2026-11-20T12:00:00.000000Z",
                "duration_ms": 100.0,
                "span_count": 2,
                "error_count": 0,
                "status": "OK",
                "kind": "SERVER",
                "request_id": "r1",
            },
        ],
        "total": 3,
        "next": None,
    }


def test_conditions_hold_of_some_span_of_the_trace(shop, found):
    assert found(service="db") == ["bad", "good"]
    assert found(service=["worker", "db"], environment="prod") == ["bad"]
    assert found(name="GET /books") == found(name="GET *") == ["good"]
    assert found(name="SELECT") == []
    assert found(q="books") == ["bad", "good"]
    assert found(q="select") == []
    assert found(q="name:SELECT") == ["good"]
    assert found(q="-books") == ["torn"]
    assert found(q="db.system:sqlite") == found(q="attributes.rows:>2") == ["good"]
    assert found(q="-service:db") == ["torn"]
    assert found(q="http.route:*") == ["bad"]
    assert found(q="duration:>=100") == ["torn", "good"]
    assert found(q="books service:db status:ERROR") == ["bad"]
    assert found(filters={"job": "j1"}) == found(q="job:j1") == ["torn"]
    assert found(exclude={"attributes.db.system": "sqlite"}) == ["torn", "bad"]
    assert found(status="ERROR") == ["bad"]
    assert found(status="OK") == ["torn", "good"]
    assert found(min_duration_ms=50) == ["torn", "good"]
    assert found(min_duration_ms=5, max_duration_ms=100) == ["bad", "good"]
    assert found(order_by="duration_ms") == ["torn", "good", "bad"]


def at(seconds):
    return START.replace(second=seconds).isoformat()


def test_a_trace_belongs_to_the_range_in_which_it_begins(shop, fill, found, reader):
    assert found(start_time=at(1), end_time=at(2)) == ["bad"]
    assert found(start_time=at(1)) == ["torn", "bad"]
    assert found(end_time=at(1)) == ["good"]
    # A span that comes later does not move its trace, and is counted with it.
    fill.spans({"trace_id": "good", "span_id": "g3", "parent_span_id": "g1", "start": 1500, "ms": 3000})
    assert found(start_time=at(1), end_time=at(2)) == ["bad"]
    (item,) = traces.search(reader(), {"end_time": at(1)})["traces"]
    assert (item["span_count"], item["duration_ms"]) == (3, 4500.0)


@pytest.mark.parametrize(
    ("filter_", "field"),
    [
        ({"status": "BROKEN"}, "status"),
        ({"min_duration_ms": -1}, "min_duration_ms"),
        ({"min_duration_ms": 2, "max_duration_ms": 1}, "min_duration_ms"),
        ({"max_duration_ms": float("inf")}, "max_duration_ms"),
        ({"filters": {"nope": 1}}, "filters.nope"),
        ({"q": "duration:slow"}, "q"),
        ({"start_time": "x"}, "start_time"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(filter_, field):
    with pytest.raises(BadInput) as caught:
        traces.of_traces(filter_)
    assert caught.value.field == field


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4)), max_size=12),
    st.integers(1, 5),
    st.sampled_from(["start_time", "duration_ms"]),
)
def test_the_pages_are_the_list_each_trace_once_whatever_arrives(fill, store, times, limit, order_by):
    before = store.last_id("spans")
    spans = [{"trace_id": f"{before}-{n:02}", "start": start, "ms": ms} for n, (start, ms) in enumerate(times)]
    if spans:
        fill.spans(*spans)
    keys = {"start_time": lambda span: span["start"], "duration_ms": lambda span: span["ms"]}
    expected = sorted(spans, key=lambda span: (keys[order_by](span), span["trace_id"]), reverse=True)
    ids, cursor = [], None
    while True:
        page = traces.search(Reader(store), {"q": f"id:>{before}"}, limit=limit, cursor=cursor, order_by=order_by)
        assert page["total"] == len(spans)
        ids += [item["trace_id"] for item in page["traces"]]
        cursor = page["next"]
        if cursor is None:
            break
        fill.spans({"trace_id": f"{before}-new{len(ids)}", "start": 2, "ms": 2})
    assert ids == [span["trace_id"] for span in expected]


def test_a_histogram_has_every_bucket(shop, reader):
    found = traces.histogram(reader(), {"start_time": at(0), "end_time": at(4)}, buckets=4)
    assert (found["width_ms"], found["start"]) == (1000, "2026-11-20T12:00:00.000000Z")
    assert found["buckets"] == [
        {"time": "2026-11-20T12:00:00.000000Z", "count": 1, "errors": 0, "p50_ms": 100.0, "p95_ms": 100.0},
        {"time": "2026-11-20T12:00:01.000000Z", "count": 1, "errors": 1, "p50_ms": 10.0, "p95_ms": 10.0},
        {"time": "2026-11-20T12:00:02.000000Z", "count": 1, "errors": 0, "p50_ms": 500.0, "p95_ms": 500.0},
        {"time": "2026-11-20T12:00:03.000000Z", "count": 0, "errors": 0, "p50_ms": None, "p95_ms": None},
    ]
    whole = traces.histogram(reader(), {"status": "ERROR"})
    assert sum(bucket["count"] for bucket in whole["buckets"]) == 1


def test_a_trace_is_a_tree_with_its_logs(fill, reader):
    fill.spans(
        {
            "trace_id": "x",
            "span_id": "1",
            "name": "GET /",
            "kind": "SERVER",
            "ms": 100,
            "request_id": "r1",
            "version": "2",
        },
        {"trace_id": "x", "span_id": "2", "parent_span_id": "1", "name": "SELECT", "start": 10, "ms": 50}
        | {"status": "ERROR", "status_message": "locked", "attributes": {"db.system": "sqlite"}}
        | {
            "events": [{"name": "exception", "time_unix_nano": int(START.timestamp()) * 10**9 + 20_000_000}],
            "links": [{"trace_id": "y", "span_id": "9"}],
        },
    )
    fill.logs(
        {
            "timestamp": "2026-11-20T12:00:00.030Z",
            "message": "slow",
            "trace_id": "x",
            "span_id": "2",
            "level": "WARNING",
        },
        {"timestamp": "2026-11-20T12:00:00.020Z", "message": "first", "trace_id": "x"},
        {"message": "other", "trace_id": "y"},
    )
    found = json.loads(msgspec.json.encode(trace.trace(reader(), "x")))
    logs = found.pop("logs")
    assert [(entry["message"], entry["offset_ms"], entry.get("span_id")) for entry in logs] == [
        ("first", 20.0, None),
        ("slow", 30.0, "2"),
    ]
    assert found == {
        "trace_id": "x",
        "name": "GET /",
        "start_time": "2026-11-20T12:00:00.000000Z",
        "duration_ms": 100.0,
        "services": ["studio"],
        "span_count": 2,
        "error_count": 1,
        "truncated": False,
        "spans": [
            {
                "span_id": "1",
                "parent_span_id": None,
                "depth": 0,
                "children": ["2"],
                "name": "GET /",
                "kind": "SERVER",
                "status": "UNSET",
                "service": "studio",
                "version": "2",
                "request_id": "r1",
                "start_time": "2026-11-20T12:00:00.000000Z",
                "start_ms": 0.0,
                "duration_ms": 100.0,
                "self_ms": 50.0,
                "critical": True,
                "attributes": {},
                "events": [],
                "links": [],
            },
            {
                "span_id": "2",
                "parent_span_id": "1",
                "depth": 1,
                "children": [],
                "name": "SELECT",
                "kind": "INTERNAL",
                "status": "ERROR",
                "service": "studio",
                "status_message": "locked",
                "start_time": "2026-11-20T12:00:00.010000Z",
                "start_ms": 10.0,
                "duration_ms": 50.0,
                "self_ms": 50.0,
                "critical": True,
                "attributes": {"db.system": "sqlite"},
                "events": [{"name": "exception", "offset_ms": 20.0, "attributes": {}}],
                "links": [{"trace_id": "y", "span_id": "9"}],
                "log_counts": {"WARNING": 1},
            },
        ],
    }


def test_a_trace_of_logs_only_and_one_of_nothing(fill, reader):
    fill.logs({"message": "a", "trace_id": "x"}, {"message": "b", "trace_id": "x"})
    found = trace.trace(reader(), "x")
    assert (found["spans"], found["duration_ms"], len(found["logs"])) == ([], 1000.0, 2)
    assert trace.trace(reader(), "y") is None
    assert trace.trace(reader(), "' OR 1=1 --") is None
    with pytest.raises(BadInput):
        trace.trace(reader(), "\0")


def test_a_very_large_trace_is_cut_and_says_so(fill, reader, monkeypatch):
    monkeypatch.setattr(trace, "MOST_SPANS", 20)
    fill.spans({"trace_id": "x", "span_id": "root", "ms": 1000})
    fill.spans(*({"trace_id": "x", "parent_span_id": "root", "start": n, "ms": 1} for n in range(1, 50)))
    found = trace.trace(reader(), "x")
    assert (found["span_count"], found["truncated"]) == (20, True)
    assert [span["start_ms"] for span in found["spans"]] == list(range(20))


@pytest.mark.parametrize(
    "events", ['[{"name": 3}]', "[{}]", '[{"name":"x","time_unix_nano":"soon","attributes":null}]']
)
def test_events_of_an_odd_shape_do_no_harm(fill, reader, events):
    fill.spans({"trace_id": "x", "events": json.loads(events)})
    (span,) = trace.trace(reader(), "x")["spans"]
    assert len(span["events"]) == 1
