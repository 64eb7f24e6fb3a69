"""The same questions about the same recording, asked of Prometheus and of Plainview: the same answers."""

from __future__ import annotations

import subprocess

import pytest
from prometheus_server import run_prometheus
from promql_answers import assert_same
from promql_questions import GRID, REFUSED, RULES, SINGLE
from recorded_metrics import END, START, InMemory, openmetrics, record

from plainview.query.promql.errors import PromqlError
from plainview.query.promql.query import at_once, over_time
from plainview.query.promql.rendering import rendered

#: Times of questions: in the middle, and where series end.
MOMENTS = [START + 3_601, END + 150]
#: Ranges: start, end, step in seconds.
RANGES = [(START - 300, END + 600, 97), (START + 1_800, START + 2_100, 15)]


@pytest.fixture(scope="module")
def recording():
    return record()


@pytest.fixture(scope="module")
def source(recording):
    return InMemory.of(recording)


@pytest.fixture(scope="module")
def prometheus(recording, tmp_path_factory):
    directory = tmp_path_factory.mktemp("prometheus")
    (directory / "recorded.om").write_text(openmetrics(recording), encoding="utf-8")
    made = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "recorded.om", "data"]
    subprocess.run(made, cwd=directory, check=True, capture_output=True, timeout=60)
    with run_prometheus(directory) as client:
        yield client


def asked(prometheus, path, **given):
    answer = prometheus.post(f"/api/v1/{path}", data=given).json()
    assert answer["status"] == "success", (given, answer)
    return answer["data"]


@pytest.mark.parametrize("query", [*RULES, *SINGLE, *GRID])
def test_the_answers_are_those_of_prometheus(prometheus, source, query):
    for moment in MOMENTS:
        ours = rendered(at_once(source, query, moment * 1000), moment * 1000)
        assert_same(ours, asked(prometheus, "query", query=query, time=moment), (query, moment))
    for start, end, step in RANGES:
        ours = rendered(over_time(source, query, start * 1000, end * 1000, step * 1000), end * 1000)
        theirs = asked(prometheus, "query_range", query=query, start=start, end=end, step=step)
        assert_same(ours, theirs, (query, start, step))


@pytest.mark.parametrize("query", ["temperature[2m]", "jobs_total[20m] offset 1m", "(up == 1)[5m:1m]", '"text"'])
def test_what_only_an_instant_query_gives(prometheus, source, query):
    for moment in MOMENTS:
        ours = rendered(at_once(source, query, moment * 1000), moment * 1000)
        assert_same(ours, asked(prometheus, "query", query=query, time=moment), (query, moment))


@pytest.mark.parametrize("query", ["sort(temperature)", "sort_desc(temperature)", "topk(9, temperature)"])
def test_the_order_is_that_of_prometheus(prometheus, source, query):
    moment = MOMENTS[0]
    ours = rendered(at_once(source, query, moment * 1000), moment * 1000)["result"]
    theirs = asked(prometheus, "query", query=query, time=moment)["result"]
    assert [one["metric"] for one in ours] == [one["metric"] for one in theirs]


@pytest.mark.parametrize(("query", "words"), REFUSED.items())
def test_what_prometheus_refuses_is_refused(prometheus, source, query, words):
    moment = MOMENTS[0]
    theirs = prometheus.get("/api/v1/query", params={"query": query, "time": moment}).json()
    assert theirs["status"] == "error", theirs
    with pytest.raises(PromqlError) as raised:
        at_once(source, query, moment * 1000)
    assert raised.value.kind == theirs["errorType"]
    if words != "parse error":
        assert words.lower() in raised.value.message.lower()
        assert words.lower() in theirs["error"].lower()
