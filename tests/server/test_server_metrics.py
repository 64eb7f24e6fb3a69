"""Remote write, ``/metrics`` and ``/v1/metrics`` of a real server."""

from __future__ import annotations

import math
import time

import cramjam
import msgspec
import numpy as np
import pytest
from live_server import TOKEN, assert_problem, run_server
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text

from plainview.ingest.metrics.protocol import V1, V2, messages
from plainview.query.metrics.source import EVER, StoredMetrics
from plainview.query.promql.series import Matcher
from plainview.query.reader import Reader
from plainview.records import MetricPoint, MetricRecord
from plainview.store.samples import STALE, stale_marker

MESSAGES = messages()
NOW = time.time_ns() // 1_000_000
HEADERS = {
    V1: {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"},
    V2: {"Content-Type": f"application/x-protobuf;proto={V2}", "Content-Encoding": "snappy"},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with run_server(tmp_path_factory.mktemp("data"), metrics_interval=1.0) as running:
        yield running


def eventually(look, timeout=30.0):
    end = time.monotonic() + timeout
    while not (found := look()):
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.05)
    return found


def stored(server, name, least=1):
    """The series of a name, once they have so many samples."""

    def look():
        found = StoredMetrics(Reader(server.serving.store)).select([Matcher("__name__", "=", name)], 0, EVER)
        return found if sum(len(one.times) for one in found) >= least else None

    return eventually(look)


def first(name, *samples, labels=(), **more):
    """A request of version 1 with one series."""
    request = MESSAGES[V1]()
    series = request.timeseries.add()
    for key, value in [("__name__", name), *labels]:
        series.labels.add(name=key, value=value)
    for moment, value in samples:
        series.samples.add(timestamp=moment, value=value)
    return request, series


def send(server, request, version=V1, status=204, body=None):
    body = bytes(cramjam.snappy.compress_raw(request.SerializeToString())) if body is None else body
    answer = server.client.post("/api/v1/write", content=body, headers=HEADERS[version])
    assert answer.status_code == status, answer.text
    return answer


def test_samples_that_are_written_are_stored_bit_by_bit(server):
    values = [1.5, math.nan, math.inf, -0.0, stale_marker()]
    request, _ = first("bits", *((NOW - 5000 + n, value) for n, value in enumerate(values)), labels=[("a", "b")])
    answer = send(server, request)
    assert answer.headers["x-prometheus-remote-write-samples-written"] == "5"
    (found,) = stored(server, "bits")
    assert found.labels == {"__name__": "bits", "a": "b"}
    assert found.times.tolist() == [NOW - 5000 + n for n in range(5)]
    assert found.values[[0, 2, 3]].tolist() == [1.5, math.inf, -0.0]
    assert (found.values.view(np.int64) == STALE).tolist() == [False] * 4 + [True]


def test_the_same_request_again_adds_nothing(server):
    request, _ = first("again", (NOW - 10, 1.0), (NOW - 5, 2.0))
    for _ in range(3):
        send(server, request)
    more, _ = first("again", (NOW - 5, 2.0), (NOW - 1, 3.0))
    send(server, more)
    (found,) = stored(server, "again", 3)
    assert found.values.tolist() == [1, 2, 3]
    rows = server.serving.store.query(
        "SELECT count(*) FROM metric_samples s JOIN metric_series USING (series_id) WHERE name = 'again' GROUP BY ALL"
    ).rows
    assert rows[0][0] == 3


def test_version_2_brings_metadata_histograms_and_exemplars(server):
    request = MESSAGES[V2]()
    symbols = ["", "__name__", "wait_seconds", "trace_id", "ab" * 16, "How long", "seconds"]
    request.symbols.extend(symbols)
    series = request.timeseries.add(labels_refs=[1, 2])
    series.metadata.type, series.metadata.help_ref, series.metadata.unit_ref = 3, 5, 6
    histogram = series.histograms.add(count_int=6, sum=9.5, schema=3, zero_threshold=0.001, zero_count_int=1)
    histogram.timestamp = NOW - 3
    histogram.positive_spans.add(offset=-2, length=2)
    histogram.positive_spans.add(offset=3, length=1)
    histogram.positive_deltas.extend([1, 1, -1])
    histogram.negative_spans.add(offset=0, length=1)
    histogram.negative_deltas.append(1)
    series.exemplars.add(labels_refs=[3, 4], value=0.25, timestamp=NOW - 3)
    answer = send(server, request, V2)
    assert answer.headers["x-prometheus-remote-write-histograms-written"] == "1"
    assert answer.headers["x-prometheus-remote-write-exemplars-written"] == "1"
    (found,) = stored(server, "wait_seconds")
    native = found.histograms
    assert (native.schema, native.threshold) == (3, 0.001)
    assert native.positive.tolist() == [-2, -1, 3]
    assert native.negative.tolist() == [0]
    assert native.data.tolist() == [[6, 9.5, 1, 1, 1, 2, 1]]
    source = StoredMetrics(Reader(server.serving.store))
    ((_, exemplars),) = source.exemplars([Matcher("__name__", "=", "wait_seconds")], 0, EVER)
    assert exemplars == [(NOW - 3, 0.25, '{"trace_id":"' + "ab" * 16 + '"}')]
    (entry,) = [one for one in server.get("/v1/metrics/catalogue")["metrics"] if one["name"] == "wait_seconds"]
    assert entry == {
        "name": "wait_seconds",
        "kind": "histogram",
        "unit": "seconds",
        "description": "How long",
        "labels": [],
        "series": 1,
    }


def unlabelled(_):
    request = MESSAGES[V1]()
    request.timeseries.add().samples.add(timestamp=NOW, value=1)
    return request


BAD = {
    "no name": unlabelled,
    "a label twice": lambda name: first(name, (NOW, 1.0), labels=[("a", "1"), ("a", "2")])[0],
    "a NUL": lambda name: first(name, (NOW, 1.0), labels=[("a", "\0")])[0],
    "a name of nothing": lambda name: first(name, (NOW, 1.0), labels=[("", "a")])[0],
    "a long value": lambda name: first(name, (NOW, 1.0), labels=[("a", "x" * 1_000_000)])[0],
    "many labels": lambda name: first(name, (NOW, 1.0), labels=[(f"l{n}", "x") for n in range(200)])[0],
    "long labels": lambda name: first(name, (NOW, 1.0), labels=[(f"l{n}", "x" * 9000) for n in range(20)])[0],
    "before 1970": lambda name: first(name, (-1, 1.0))[0],
    "tomorrow": lambda name: first(name, (NOW + 86_400_000, 1.0))[0],
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_request_that_is_wrong_somewhere_is_refused_and_nothing_of_it_stored(server, bad):
    request, _ = first("refused", (NOW, 1.0))
    request.MergeFrom(bad("refused"))
    problem = assert_problem(send(server, request, status=400), 400)
    assert problem["errors"][0]["field"].startswith("timeseries.1")
    send(server, first("after_refused", (NOW - 1, 1.0))[0])
    stored(server, "after_refused")
    assert StoredMetrics(Reader(server.serving.store)).series([Matcher("__name__", "=", "refused")]) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff" * 20, 400),
        (b"no snappy", 400),
        (bytes(cramjam.snappy.compress_raw(b"\xff\xff\xff no protobuf")), 400),
        (b"\xff\xff\xff\xff\x0f" + b"\0" * 20, 413),  # says that it unpacks to 4 GiB
        (bytes(cramjam.snappy.compress_raw(b"\0" * (80 << 20))), 413),
    ],
    ids=["empty", "bytes", "text", "no protobuf", "bomb that lies", "bomb"],
)
def test_bodies_that_are_no_requests_are_refused(server, body, status):
    answer = send(server, None, status=status, body=body) if body else send(server, None, status=400, body=b"\x05")
    assert_problem(answer, status if body else 400, "body")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Content-Type", "application/json"),
        ("Content-Type", "application/x-protobuf;proto=io.prometheus.write.v9.Request"),
        ("Content-Encoding", "br"),
    ],
)
def test_other_types_and_encodings_are_refused(server, header, value):
    answer = server.client.post("/api/v1/write", content=b"x", headers=HEADERS[V1] | {header: value})
    assert_problem(answer, 415, header)


def test_version_2_with_references_to_nothing_is_refused(server):
    request = MESSAGES[V2]()
    request.symbols.append("")
    request.timeseries.add(labels_refs=[7, 8])
    assert_problem(send(server, request, V2, 400), 400)


def count(server, **fields):
    """What an application writes."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    record = MetricRecord(timestamp=moment, service="studio", host="box", full=True, number=1, **fields)
    server.serving.pipeline.inbox.land({"metric": [msgspec.json.encode(record)]})


@pytest.fixture(scope="module")
def counted(server):
    hostile = {"kind": 'a "novel"\nor\\two'}
    count(server, name="books_total", kind="counter", description="Books", points=[MetricPoint(hostile, 3.0)])
    count(server, name="jobs_running", kind="gauge", points=[MetricPoint(value=2.0)])
    buckets = [(index, 10) for index in range(100)]
    point = MetricPoint(buckets=[0, 500, 500], sum=123.0, positive=buckets, exemplars=[(1.5, 1.79e9, "ab" * 16, "")])
    count(
        server, name="http_wait_seconds", kind="histogram", unit="seconds", bounds=[1.0, 2.0], scale=6, points=[point]
    )
    eventually(lambda: server.get("/v1/metrics")["histograms"])
    return server


@pytest.mark.parametrize(("accept", "parse"), [("", text), ("application/openmetrics-text", openmetrics)])
def test_metrics_of_all_applications_and_of_the_server_are_exposed(counted, accept, parse):
    answer = counted.client.get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200
    families = {family.name: family for family in parse(answer.text)}
    (sample,) = families["books"].samples
    assert sample.labels == {"kind": 'a "novel"\nor\\two', "job": "studio", "instance": "box"}
    assert sample.value == 3
    assert families["plainview_ingest_lines"].samples[0].value >= 3
    exemplars = [one.exemplar for one in families["http_wait_seconds"].samples if one.exemplar]
    assert [one.labels["trace_id"] for one in exemplars] == (["ab" * 16] if accept else [])
    assert {one.labels["table"] for one in families["plainview_store_rows"].samples} >= {"logs", "metric_samples"}


def test_browsers_get_the_screen_at_the_same_address(counted):
    answer = counted.client.get("/metrics", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.headers["content-type"].startswith("text/html")


def test_a_snapshot_has_counters_gauges_and_percentiles(counted):
    snapshot = counted.get("/v1/metrics")
    assert snapshot["timestamp"].endswith("Z")
    (books,) = [one for one in snapshot["counters"] if one["name"] == "books_total"]
    assert (books["value"], books["description"]) == (3, "Books")
    assert [one["value"] for one in snapshot["gauges"] if one["name"] == "jobs_running"] == [2]
    (wait,) = [one for one in snapshot["histograms"] if one["name"] == "http_wait_seconds"]
    assert (wait["count"], wait["sum"], wait["mean"]) == (1000, 123, 0.123)
    for name, rank in (("p50", 50), ("p95", 95), ("p99", 99)):
        assert wait[name] == pytest.approx(2 ** (rank / 64), rel=0.011)


@pytest.mark.parametrize(("part", "name"), [("jobs", "jobs_running"), ("api", "http_wait_seconds"), ("engines", None)])
def test_parts_of_the_snapshot(counted, part, name):
    snapshot = counted.get(f"/v1/metrics/{part}")
    names = {one["name"] for kind in ("counters", "gauges", "histograms") for one in snapshot[kind]}
    assert names == ({name} if name else set())


def test_a_token_is_needed_for_all_of_it(tmp_path):
    with run_server(tmp_path, TOKEN) as guarded:
        for path in ("/metrics", "/v1/metrics"):
            answer = guarded.client.get(path, headers={"Authorization": ""})
            assert_problem(answer, 401)
            assert guarded.client.get(path).status_code == 200
        answer = guarded.client.post("/api/v1/write", content=b"", headers=HEADERS[V1] | {"Authorization": ""})
        assert_problem(answer, 401)
