"""Prometheus's HTTP API as Plainview answers it: a real Prometheus writes into it, and both are asked."""

from __future__ import annotations

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from live_server import run_server
from monitored import assert_same, run_prometheus

#: Seconds that Prometheus scrapes and writes before both are asked.
WINDOW = float(os.environ.get("PROMQL_LIVE_SECONDS", "20"))

LIVE = [
    "up",
    "target_requests_total",
    "rate(target_requests_total[10s])",
    "sum by (path) (rate(target_requests_total[10s]))",
    "increase(target_requests_total[15s])",
    "irate(target_requests_total[5s])",
    "histogram_quantile(0.9, sum by (le) (rate(target_seconds_bucket[10s])))",
    "rate(target_seconds_sum[10s]) / rate(target_seconds_count[10s])",
    "target_level",
    "avg_over_time(target_level[10s])",
    "stddev_over_time(target_level[10s])",
    "deriv(target_level[10s])",
    "target_comes_and_goes",
    "count_over_time(target_comes_and_goes[6s])",
    "changes(target_comes_and_goes[10s])",
    "resets(target_restarts_total[15s])",
    "rate(target_restarts_total[15s])",
    "target_level > 5 or target_level * 2",
    "max_over_time(rate(target_requests_total[5s])[10s:2s])",
    'absent(target_comes_and_goes{path="/"})',
    "timestamp(target_level)",
    "scrape_samples_scraped",
]


class Target(BaseHTTPRequestHandler):
    """Metrics that change at each scrape; a series that comes and goes, so that it is marked as ended; a restart."""

    scrapes = 0

    def do_GET(self):
        at = Target.scrapes = Target.scrapes + 1
        lines = ["# TYPE target_requests_total counter"]
        lines += [f'target_requests_total{{path="{path}"}} {at * at * pace}' for path, pace in (("/", 1), ("/a", 3))]
        lines += ["# TYPE target_restarts_total counter", f"target_restarts_total {at % 7}"]
        lines += ["# TYPE target_level gauge", f"target_level {(at * 37) % 11}"]
        if at % 6 < 4:
            lines += ["# TYPE target_comes_and_goes gauge", f"target_comes_and_goes {at}"]
        lines += ["# TYPE target_seconds histogram"]
        lines += [f'target_seconds_bucket{{le="{bound}"}} {at * much}' for bound, much in (("0.1", 1), ("1", 4))]
        lines += [f'target_seconds_bucket{{le="+Inf"}} {at * 5}', f"target_seconds_sum {at * 2.5}"]
        lines += [f"target_seconds_count {at * 5}", ""]
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write("\n".join(lines).encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Plainview and the Prometheus that has been writing into it; a window of time that both know."""
    target = ThreadingHTTPServer(("127.0.0.1", 0), Target)
    threading.Thread(target=target.serve_forever, daemon=True).start()
    directory = tmp_path_factory.mktemp("prometheus")
    with run_server(tmp_path_factory.mktemp("data")) as plainview:
        config = {
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [{"job_name": "t", "static_configs": [{"targets": [f"127.0.0.1:{target.server_port}"]}]}],
            "remote_write": [
                {"url": f"{plainview.url}/api/v1/write", "queue_config": {"batch_send_deadline": "200ms"}}
            ],
        }
        with run_prometheus(directory, json.dumps(config)) as prometheus:
            begin = time.time()
            time.sleep(WINDOW + 6)
            end = int(begin + WINDOW)
            until = time.monotonic() + 30
            newest = {"query": "timestamp(target_level)", "time": end + 3}
            while True:  # until what was scraped after the window has arrived: then so has all that is in it
                found = plainview.client.get("/api/v1/query", params=newest).json()["data"]["result"]
                if found and float(found[0]["value"][1]) > end + 1:
                    break
                assert time.monotonic() < until
                time.sleep(0.2)
            yield plainview.client, prometheus, int(begin), end
    target.shutdown()
    target.server_close()


@pytest.mark.parametrize("query", LIVE)
def test_what_prometheus_wrote_is_answered_as_prometheus_answers(both, query):
    plainview, prometheus, start, end = both
    for path, more in (("query", {"time": end}), ("query_range", {"start": start, "end": end, "step": "2s"})):
        answers = [client.post(f"/api/v1/{path}", data={"query": query, **more}) for client in (plainview, prometheus)]
        assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
        ours, theirs = (answer.json()["data"] for answer in answers)
        assert_same(ours, theirs, query)


@pytest.mark.parametrize("path", ["labels", "label/path/values", "label/__name__/values", "label/job/values"])
def test_labels_are_those_of_prometheus(both, path):
    plainview, prometheus, start, end = both
    given = {"start": start, "end": end}
    assert (
        plainview.get(f"/api/v1/{path}", params=given).json() == prometheus.get(f"/api/v1/{path}", params=given).json()
    )


def test_series_are_those_of_prometheus(both):
    plainview, prometheus, start, end = both
    given = {
        "match[]": ['target_requests_total{path="/a"}', "{__name__=~'target_seconds.*'}"],
        "start": start,
        "end": end,
    }
    answers = [client.get("/api/v1/series", params=given).json()["data"] for client in (plainview, prometheus)]
    ours, theirs = ([tuple(sorted(one.items())) for one in answer] for answer in answers)
    assert sorted(ours) == sorted(theirs)
    assert len(plainview.get("/api/v1/series", params=given | {"limit": 1}).json()["data"]) == 1


def test_times_and_steps_are_taken_in_every_form(both):
    plainview, _, start, end = both
    stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)) for moment in (start, end)]
    forms = [
        {"start": start, "end": end, "step": "2"},
        {"start": f"{start}.000", "end": f"{end}.0", "step": "2s"},
        {"start": stamps[0], "end": stamps[1], "step": "2000ms"},
        {"start": stamps[0].replace("Z", "+00:00"), "end": end, "step": 2.0},
    ]
    answers = [plainview.get("/api/v1/query_range", params={"query": "up", **form}).json() for form in forms]
    assert answers[0]["data"]["result"]
    assert answers == [answers[0]] * len(forms)


def test_grafana_learns_what_it_talks_to(both):
    plainview, *_ = both
    told = plainview.get("/api/v1/status/buildinfo").json()
    assert told["status"] == "success"
    assert told["data"]["version"] == "2.42.0"
    metadata = plainview.get("/api/v1/metadata", params={"metric": "target_level"}).json()["data"]
    assert metadata.keys() <= {"target_level"}
    assert plainview.get("/api/v1/query_exemplars", params={"query": "up"}).json() == {"status": "success", "data": []}
    asked = plainview.get("/api/v1/query", params={"query": "up", "stats": "all"}).json()
    assert asked["data"]["stats"]["samples"]["totalQueryableSamples"] > 0


def test_a_query_is_laid_out(server):
    answer = server.client.get("/api/v1/format_query", params={"query": "sum(rate(x[5m]))by(a)/2"})
    assert answer.json() == {"status": "success", "data": "sum by (a) (rate(x[5m])) / 2"}


@pytest.mark.parametrize(
    ("path", "given", "status", "kind", "words"),
    [
        ("query", {}, 400, "bad_data", 'invalid parameter "query"'),
        ("query", {"query": "up{"}, 400, "bad_data", "1:3: parse error"),
        ("query", {"query": "sum(\n  up up)"}, 400, "bad_data", "2:6: parse error: unexpected 'up'"),
        ("query", {"query": "rate(up)"}, 400, "bad_data", "expected type matrix"),
        ("query", {"query": "nothing(up)"}, 400, "bad_data", "1:1: parse error: unknown function"),
        ("query", {"query": "up", "time": "yesterday"}, 400, "bad_data", 'invalid parameter "time"'),
        ("query", {"query": "up", "time": "1e300"}, 400, "bad_data", "out of range"),
        ("query", {"query": "up", "timeout": "x"}, 400, "bad_data", 'invalid parameter "timeout"'),
        ("query", {"query": "(" * 5000 + ")" * 5000}, 400, "bad_data", "too large"),
        ("query", {"query": "+".join(["1"] * 5000)}, 400, "bad_data", "too large"),
        ("query", {"query": "-" * 1500 + "up"}, 400, "bad_data", "nested too deeply"),
        ("query", {"query": 'label_replace(vector(1), "a b", "", "", "")'}, 422, "execution", "label name"),
        ("query_range", {"query": "up", "start": 0, "end": 9}, 400, "bad_data", 'invalid parameter "step"'),
        ("query_range", {"query": "up", "start": 0, "end": 9, "step": 0}, 400, "bad_data", "zero or negative"),
        ("query_range", {"query": "up", "start": 0, "end": 9, "step": -1}, 400, "bad_data", "zero or negative"),
        ("query_range", {"query": "up", "start": 9, "end": 0, "step": 1}, 400, "bad_data", 'invalid parameter "end"'),
        ("query_range", {"query": "up", "start": 0, "end": 20_000, "step": 1}, 400, "bad_data", "11,000 points"),
        ("query_range", {"query": "up[5m]", "start": 0, "end": 9, "step": 1}, 400, "bad_data", "range vector"),
        ("series", {}, 400, "bad_data", "match[]"),
        ("series", {"match[]": "rate(up[5m])"}, 400, "bad_data", "not a selector"),
        ("labels", {"limit": "many"}, 400, "bad_data", 'invalid parameter "limit"'),
        (
            "query_range",
            {"query": "sum_over_time(vector(1)[1y:1ms])", "start": 0, "end": 9, "step": 1},
            422,
            "execution",
            "steps",
        ),
        (
            "query_range",
            {"query": "+".join(["count_over_time(vector(1)[1d:1s])"] * 80), "start": 0, "end": 8e5, "step": 100},
            422,
            "execution",
            "too many samples",
        ),
    ],
)
def test_what_is_wrong_is_told_as_prometheus_tells_it(  # noqa: PLR0913, PLR0917 - a case has so many parts
    server, path, given, status, kind, words
):
    answer = server.client.post(f"/api/v1/{path}", data=given)
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert told["status"] == "error"
    assert told["errorType"] == kind
    assert words in told["error"]


def test_a_query_that_takes_too_long_is_ended(server):
    query = "quantile_over_time(0.5, vector(1)[10d:10s])"
    given = {"query": query, "start": 0, "end": 1e6, "step": 1e3, "timeout": "50ms"}
    answer = server.client.get("/api/v1/query_range", params=given)
    assert answer.status_code == 503
    assert answer.json()["errorType"] == "timeout"


def test_without_the_token_nothing_is_told(guarded):
    assert httpx.get(f"{guarded.url}/api/v1/labels", trust_env=False).status_code == 401
    assert guarded.client.get("/api/v1/labels").status_code == 200


WORDS = st.sampled_from(
    [
        *(
            "up",
            "rate",
            "sum",
            "by",
            "offset",
            "start()",
            "end()",
            "on",
            "ignoring",
            "group_left",
            "bool",
            "topk",
            "le",
        ),
        *("and", "or", "unless", "label_replace", "5m", "1h", "1", "1e9", "NaN", "Inf", "1.5h", "0x", "..", ":", "::"),
        *(*"()[]{},+-*/^%><=\"'`#@", "==", "!=", "=~", "\\", "\n", "é", "\ud800", "\x00"),
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=25).map(" ".join), st.lists(WORDS).map("".join)))
def test_whatever_is_asked_is_answered_or_refused(server, query):
    form = {"query": query.encode("utf-8", "replace")}
    for path, more in (("query", {}), ("query_range", {"start": 0, "end": 60, "step": 15}), ("format_query", {})):
        answer = server.client.post(f"/api/v1/{path}", data=form | more)
        assert answer.status_code in (200, 400, 422), (query, answer.text)
        assert answer.json()["status"] == ("success" if answer.status_code == 200 else "error")
