"""Runs over HTTP: the list, one whole, two side by side, how they change, why one failed."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from live_server import assert_problem, run_server
from made_runs import ENVIRONMENT, MadeRun, before, failing, good

from plainview.query import patterns
from plainview.query.runs import comparison

#: Usual runs, the oldest first; then the one that failed, then one that is slower and was given something else.
DURATIONS = [10.0, 10.2, 9.9, 10.1, 10.0, 9.8, 10.3]
GOOD = [good(number + 1, before(100 - number), seconds) for number, seconds in enumerate(DURATIONS)]
BAD = failing(50, before(80), parameters={"years": 3, "rates": {"growth": 0.05}})
SLOW = good(
    60,
    before(70),
    25.0,
    parameters={"years": 9, "rates": {"growth": 0.03}, "seed": 1},
    environment=ENVIRONMENT | {"packages": {"numpy": "2.2.0", "duckdb": "2.0.1"}},
)
SLOW.say("WARNING", "swapping 17 pages")
OTHER = good(70, before(60), 5.0, name="report")
OPEN = MadeRun(80, before(1), name="nightly").begin()
OPEN.part("stage", "load", 2.0)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    with run_server(tmp_path_factory.mktemp("runs")) as running:
        running.ingest(*(line for run in (*GOOD, BAD, SLOW, OTHER, OPEN) for line in run.lines))
        yield running


def asked(server, path):
    """The answer to a question whose address has its query in it."""
    answer = server.client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_list_has_every_run_the_last_first_with_what_runs_are_judged_by(filled):
    page = asked(filled, "/v1/runs")
    assert page["total"] == len(GOOD) + 4
    assert page["next"] is None
    assert [run["run_id"] for run in page["runs"][:4]] == [made.run_id for made in (OPEN, OTHER, SLOW, BAD)]
    by_id = {run["run_id"]: run for run in page["runs"]}
    slow, bad, still = by_id[SLOW.run_id], by_id[BAD.run_id], by_id[OPEN.run_id]
    assert slow["parameters"]["seed"] == 1
    assert slow["git_commit"] == "a" * 40
    assert slow["checks"] == {"pass": 1, "warning": 0, "fail": 0}
    assert slow["rows_per_second"] == pytest.approx(42_331 / 25, rel=1e-3)
    assert slow["earlier_durations_ms"] == [seconds * 1000 for seconds in DURATIONS]
    assert slow["unusual"] == ["duration_ms", "rows_per_second"]
    assert slow["out_of_line"]
    assert (bad["status"], bad["errors"], bad["warnings"]) == ("failed", 1, 2)
    assert not bad["out_of_line"]
    assert still["status"] == "running"
    assert still["earlier_durations_ms"] == []


def test_the_list_is_narrowed_and_comes_in_pages(filled):
    assert [run["run_id"] for run in asked(filled, "/v1/runs?status=failed")["runs"]] == [BAD.run_id]
    assert asked(filled, "/v1/runs?name=report&name=nightly")["total"] == 2
    assert asked(filled, "/v1/runs?service=nobody") == {"runs": [], "total": 0, "next": None}
    first = asked(filled, "/v1/runs?name=simulate&limit=5")
    rest = asked(filled, f"/v1/runs?name=simulate&limit=500&cursor={first['next']}")
    assert len(first["runs"]) == 5
    assert len(rest["runs"]) == len(GOOD) + 2 - 5
    # The earlier runs of the last one of a page are not on the page.
    assert len(first["runs"][-1]["earlier_durations_ms"]) == len(GOOD) - 3


def test_one_is_shown_whole(filled):
    found = asked(filled, f"/v1/runs/{GOOD[0].run_id}")
    assert found["run"]["status"] == "completed"
    assert found["parameters"] == {"years": 3, "rates": {"growth": 0.03}}
    assert found["environment"] == ENVIRONMENT
    assert found["summary"]["run_metadata"]["status"] == "completed"
    slowest = found["operations"][0]
    assert (slowest["kind"], slowest["name"], slowest["count"], slowest["failed"]) == ("stage", "simulate", 3, 0)
    assert (slowest["total_ms"], slowest["share"]) == (pytest.approx(6000), pytest.approx(0.6))
    assert (slowest["cpu_ms"], slowest["memory_peak_bytes"]) == (2700.0, 60_000_002)
    assert [part["name"] for part in found["timeline"]] == ["load", "simulate", "simulate", "simulate", "save"]
    assert found["checks"][0]["thresholds"] == {"at_most": 0.2}
    assert [each["path"] for each in (*found["artifacts"], *found["backups"])] == [
        "/tmp/result.parquet",
        "/tmp/backup.duckdb",
    ]
    assert found["resources"][0]["memory_bytes"] == 50_000_000
    assert found["logs"]["count"] == 5
    assert found["logs"]["by_level"] == {"INFO": 5}
    assert found["logs"]["url"].startswith("/logs?q=run%3A")


def test_operations_and_spans_of_all_its_processes_count_and_none_twice(filled):
    run = MadeRun(90, before(30), name="spread").begin()
    stage = run.part("stage", "split", 1.0)
    start = run.lines[0]["start_time_unix_nano"]
    for number, (pid, name) in enumerate([(7, "stage split"), (8, "SELECT years"), (9, "SELECT years")]):
        run.lines.append(
            {
                "trace_id": run.trace_id,
                "span_id": stage if number == 0 else f"{number:016x}",
                "name": name,
                "start_time_unix_nano": start,
                "end_time_unix_nano": start + 500_000_000,
                "service": "planner",
                "pid": pid,
                "run_id": run.run_id,
            }
        )
    run.part("task", "chunk", 3.0, pid=8, parent=stage)
    run.end()
    filled.ingest(*run.lines)
    found = asked(filled, f"/v1/runs/{run.run_id}")
    told = {(each["kind"], each["name"]): (each["count"], each["total_ms"]) for each in found["operations"]}
    assert told == {("task", "chunk"): (1, 3000), ("stage", "split"): (1, 1000), ("span", "SELECT years"): (2, 1000)}
    assert {each["name"]: each["parent_id"] for each in found["timeline"]} == {
        "split": run.operation_id,
        "chunk": stage,
    }


def test_errors_of_a_run_lead_to_their_issues(filled):
    (error,) = asked(filled, f"/v1/runs/{BAD.run_id}")["errors"]
    assert (error["error_type"], error["count"]) == ("FileNotFoundError", 1)
    assert error["issue"].startswith("E")
    assert error["url"] == f"/errors/{error['issue']}?occurrence={error['error_id']}"
    assert asked(filled, f"/v1/errors/{error['issue']}")["affected_runs"] == [BAD.run_id]


def test_a_run_is_found_by_the_beginning_of_its_id_and_by_its_place(filled):
    assert asked(filled, f"/v1/runs/{SLOW.run_id[:-2]}")["run"]["run_id"] == SLOW.run_id
    assert asked(filled, "/v1/runs/last")["run"]["run_id"] == OPEN.run_id
    assert asked(filled, "/v1/runs/-1?name=simulate")["run"]["run_id"] == SLOW.run_id
    assert asked(filled, "/v1/runs/-2?name=simulate")["run"]["run_id"] == BAD.run_id
    assert asked(filled, "/v1/runs/last-good?name=report")["run"]["run_id"] == OTHER.run_id
    assert asked(filled, "/v1/runs/last?name=simulate&service=planner&environment=test")["run"]["name"] == "simulate"


@pytest.mark.parametrize("path", ["/v1/runs/{}", "/v1/runs/{}/analysis", "/v1/runs/compare?a=last&b={}"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "The last ones: "),
        ("20", "Several runs begin with '20'"),
        ("-999", "No run '-999'"),
        ("last?name=nobody", "there is none"),
    ],
)
def test_what_is_no_run_is_told_with_what_there_is(filled, path, text, said):
    if "compare" in path:
        text = text.replace("?", "&")
    elif "?" in text and "analysis" in path:
        path, text = "/v1/runs/last/analysis?name={}", "nobody"
    problem = assert_problem(filled.client.get(path.format(text)), 404)
    assert said in problem["detail"]


def test_where_no_run_was_recorded_it_says_so(server):
    assert "no run has been recorded" in assert_problem(server.client.get("/v1/runs/x"), 404)["detail"]
    assert asked(server, "/v1/runs")["total"] == 0


def test_two_are_compared(filled):
    found = asked(filled, f"/v1/runs/compare?a={GOOD[0].run_id}&b={SLOW.run_id}")
    assert found["notes"] == []
    assert [each for each in found["parameters"] if not each["same"]] == [
        {"name": "seed", "a": None, "b": 1, "same": False},
        {"name": "years", "a": 3, "b": 9, "same": False},
    ]
    assert found["environment"][0] == {"name": "packages.numpy", "a": "2.1.0", "b": "2.2.0", "same": False}
    assert all(each["same"] for each in found["environment"][1:])
    slower = found["operations"][0]
    assert (slower["name"], slower["a_ms"], slower["b_ms"], slower["ratio"]) == (
        "simulate",
        pytest.approx(6000),
        pytest.approx(15000),
        2.5,
    )
    figures = {each["name"]: (each["a"], each["b"], each["ratio"]) for each in found["figures"]}
    assert figures["duration_ms"] == (10_000, 25_000, 2.5)
    assert figures["warnings"] == (0, 1, None)
    assert [(each["name"], each["same"]) for each in found["checks"]] == [("attrition", True)]
    assert [each["pattern"] for each in found["patterns"]["new"]] == ["swapping <num> pages"]
    assert found["patterns"]["gone"] == []


def test_new_and_gone_errors_are_told(filled):
    found = asked(filled, f"/v1/runs/compare?a={GOOD[0].run_id}&b={BAD.run_id}")
    assert [each["error_type"] for each in found["errors"]["new"]] == ["FileNotFoundError"]
    back = asked(filled, f"/v1/runs/compare?a={BAD.run_id}&b={GOOD[0].run_id}")
    assert back["errors"]["gone"] == found["errors"]["new"]
    assert back["errors"]["new"] == []


def test_a_run_is_compared_with_itself_and_with_one_of_another_name_and_that_is_said(filled):
    same = asked(filled, "/v1/runs/compare?a=last-good&b=last-good")
    assert same["notes"] == ["Both are the same run."]
    assert all(each["same"] for name in ("parameters", "environment", "checks") for each in same[name])
    assert same["patterns"] == {"new": [], "gone": []}
    other = asked(filled, f"/v1/runs/compare?a={BAD.run_id}&b={OPEN.run_id}")
    assert other["notes"] == [
        "They are runs of different names: simulate and nightly.",
        f"{BAD.run_id} failed.",
        f"{OPEN.run_id} still goes on.",
    ]


def test_a_check_that_fails_once_is_not_hidden_by_those_that_pass(filled):
    runs = [MadeRun(number, before(30 - number), name="checked").begin() for number in (101, 102)]
    for run, results in zip(runs, (["pass", "pass"], ["fail", "pass"]), strict=True):
        for value, result in enumerate(results):
            run.event("check", data={"name": "rows", "value": value, "thresholds": {}, "result": result})
        run.end()
    filled.ingest(*(line for run in runs for line in run.lines))
    found = asked(filled, f"/v1/runs/compare?a={runs[0].run_id}&b={runs[1].run_id}")
    (check,) = found["checks"]
    assert not check["same"]
    assert check["b"] == {"result": "fail", "value": 0, "thresholds": {}, "count": 2}


def test_the_trend_flags_the_newest_when_it_is_out_of_line(filled):
    found = asked(filled, "/v1/runs/trend?name=report")
    assert [point["run_id"] for point in found["points"]] == [OTHER.run_id]
    assert not any(figure["out_of_line"] for figure in found["figures"])
    made = [good(200 + number, before(50 - number), 10.0 + number % 3 / 10, name="trend") for number in range(8)]
    worse = good(210, before(40), 14.0, name="trend")
    elsewhere = good(211, before(39), 900.0, name="trend", service="laptop")
    filled.ingest(*(line for run in (*made, worse, elsewhere) for line in run.lines))
    found = asked(filled, "/v1/runs/trend?name=trend&service=planner&last=9")
    assert [point["run_id"] for point in found["points"]] == [run.run_id for run in (*made, worse)]
    assert found["judged"] == worse.run_id
    figures = {figure["figure"]: figure for figure in found["figures"]}
    duration = figures["duration_ms"]
    assert (duration["median"], duration["newest"], duration["out_of_line"]) == (10_100, pytest.approx(14_000), True)
    assert duration["direction"] == "higher"
    assert duration["score"] > duration["threshold"] == 3.5
    assert figures["rows_per_second"]["direction"] == "lower"
    assert not figures["rows"]["out_of_line"]
    # Without a service, that of the newest.
    assert asked(filled, "/v1/runs/trend?name=trend")["service"] == "laptop"


def test_the_trend_of_a_name_that_nothing_has_is_not_found(filled):
    assert "GET /v1/runs" in assert_problem(filled.client.get("/v1/runs/trend?name=nobody"), 404)["detail"]


def test_the_analysis_names_what_brought_the_run_down_and_why(filled):
    found = asked(filled, f"/v1/runs/{BAD.run_id}/analysis")
    assert found["failed"]
    operation, error = found["first_failure"]["operation"], found["first_failure"]["error"]
    assert (operation["kind"], operation["name"]) == ("stage", "load")
    assert (error["type"], error["category"]) == ("FileNotFoundError", "configuration")
    assert error["action"]
    assert error["issue"] == found["errors"][0]["issue"]
    # The attempt that was survived is listed, and not blamed.
    assert [each["name"] for each in found["failures"]] == ["fetch", "load", "import"]
    lines = [entry["message"] for entry in found["logs_around"]]
    place = lines.index("cannot load")
    assert found["logs_around"][place]["id"] == found["log"]
    assert lines[place - 1] == "row 29 read"
    assert lines[place + 1 :] == ["cleaning up", "run failed: simulate"]
    assert len(lines[:place]) == 20
    assert found["last_good"]["run_id"] == GOOD[-1].run_id
    changed = found["changed"]
    assert changed["parameters"][0] == {"name": "rates.growth", "a": 0.03, "b": 0.05, "same": False}
    assert {each["pattern"] for each in changed["patterns"]["new"]} >= {"cannot load", "row <num> read"}


def test_an_exception_that_became_another_one_on_its_way_out_is_followed(filled):
    run = MadeRun(300, before(20), name="wrapped").begin()
    run.part("stage", "parse", 1.0, status="failed", error_type="ValueError", reason="ValueError: bad row")
    run.end("failed", error_type="RuntimeError", reason="RuntimeError: gave up", failed_in="stage parse")
    filled.ingest(*run.lines)
    found = asked(filled, f"/v1/runs/{run.run_id}/analysis")
    assert found["first_failure"]["operation"]["name"] == "parse"
    # Its occurrence is not stored: what the operation says of it is.
    assert found["first_failure"]["error"]["message"] == "bad row"
    assert found["last_good"] is None
    assert found["changed"] is None


def test_a_run_that_fails_by_itself_is_named_itself(filled):
    run = MadeRun(310, before(20), name="alone").begin()
    run.part("engine", "fetch", 1.0, status="failed", error_type="TimeoutError", reason="TimeoutError: slow")
    run.part("engine", "fetch", 1.0)
    run.end("failed", error_type="KeyError", reason="KeyError: 'year'")
    filled.ingest(*run.lines)
    found = asked(filled, f"/v1/runs/{run.run_id}/analysis")
    assert found["first_failure"]["operation"]["kind"] == "run"
    assert found["first_failure"]["error"]["type"] == "KeyError"
    assert [each["name"] for each in found["failures"]] == ["fetch"]


def test_a_run_that_died_shows_where_it_was(filled):
    run = MadeRun(320, before(20), name="died").begin()
    job = {"operation_id": f"{320:08x}00000009", "kind": "job", "name": "year", "key": "2027", "job_id": "2027"}
    run.event("open", **job, parent_id=run.operation_id, span_id=f"{320:08x}00000009")
    run.seconds += 5
    run.event("progress", **job, parent_id=run.operation_id, done=40, total=100, step="month 4")
    run.say("INFO", "month 4 begins")
    run.seconds += 1
    for who in (job | {"parent_id": run.operation_id}, {}):
        run.event("abandon", status="abandoned", reason="its process ended", **who)
    filled.ingest(*run.lines)
    found = asked(filled, f"/v1/runs/{run.run_id}/analysis")
    operation = found["first_failure"]["operation"]
    assert (operation["name"], operation["status"], operation["step"], operation["percent"]) == (
        "year",
        "abandoned",
        "month 4",
        40,
    )
    assert found["logs_around"][-1]["message"] == "month 4 begins"
    assert found["log"] is None


def test_a_run_that_completed_is_not_called_failed(filled):
    found = asked(filled, f"/v1/runs/{SLOW.run_id}/analysis")
    assert not found["failed"]
    assert found["first_failure"] is None
    assert found["last_good"]["run_id"] == GOOD[-1].run_id
    assert found["changed"]["environment"][0]["name"] == "packages.numpy"


def test_a_run_that_tells_next_to_nothing_is_shown_all_the_same(filled):
    run = MadeRun(330, before(10), name="bare")
    run.event("open", data={"parameters": [1], "environment": "mine"})
    run.event("check", data={"name": 3, "result": None})
    run.event("sample", data={"memory_bytes": "much"})
    run.event("artifact")
    run.event("close", status="completed", data={"summary": 1}, rows=5)
    filled.ingest(*run.lines)
    found = asked(filled, f"/v1/runs/{run.run_id}")
    assert (found["parameters"], found["environment"], found["summary"]) == ({}, {}, None)
    assert found["checks"][0]["name"] == ""
    assert found["resources"][0]["memory_bytes"] is None
    assert asked(filled, f"/v1/runs/{run.run_id}/analysis")["failed"] is False
    assert asked(filled, f"/v1/runs/compare?a={run.run_id}&b={run.run_id}")["operations"] == []


def test_samples_of_a_long_run_are_thinned_and_keep_the_peak(filled):
    run = MadeRun(340, before(10), name="long").begin()
    for second in range(1500):
        run.event("sample", data={"memory_bytes": 9999 if second == 777 else second, "cpu_percent": 1.5})
        run.seconds += 0.01
    filled.ingest(*run.lines)
    resources = asked(filled, f"/v1/runs/{run.run_id}")["resources"]
    assert len(resources) == 500
    assert max(sample["memory_bytes"] for sample in resources) == 9999


def test_what_is_wrong_with_a_question_is_named(filled):
    assert_problem(filled.client.get("/v1/runs?status=done"), 422)
    assert_problem(filled.client.get("/v1/runs?start_time=yesterdayish"), 422, "start_time")
    assert_problem(filled.client.get("/v1/runs?cursor=x"), 422, "cursor")
    assert_problem(filled.client.get("/v1/runs/trend?name=a&last=0"), 422, "last")
    assert_problem(filled.client.get("/v1/runs/compare?a=last"), 422, "b")
    assert_problem(filled.client.get("/v1/runs?colour=red"), 422)


def test_a_run_inside_a_run_is_a_part_of_it_and_followed_when_it_fails(filled):
    outer, inner = (MadeRun(number, before(20), name=name) for number, name in ((350, "nightly"), (351, "census")))
    outer.begin()
    stage = outer.part("stage", "all", 3.0, status="failed", error_type="KeyError")
    inner.event("open", parent_id=stage)
    inner.part("task", "count", 1.0, status="failed", error_type="KeyError", reason="KeyError: 'year'")
    inner.event("close", parent_id=stage, status="failed", error_type="KeyError", duration_ms=1000.0)
    outer.end("failed", error_type="KeyError")
    filled.ingest(*outer.lines, *inner.lines)
    found = asked(filled, f"/v1/runs/{outer.run_id}")
    assert {(each["kind"], each["name"]) for each in found["operations"]} == {("stage", "all"), ("run", "census")}
    assert {each["name"]: each["parent_id"] for each in found["timeline"]}["census"] == stage
    first = asked(filled, f"/v1/runs/{outer.run_id}/analysis")["first_failure"]["operation"]
    assert (first["kind"], first["name"]) == ("task", "count")


def test_the_trend_says_when_runs_get_slower_bit_by_bit(filled):
    made = [good(400 + number, before(50 - number), 10.0 + number / 5, name="creeping") for number in range(10)]
    filled.ingest(*(line for run in made for line in run.lines))
    figures = {each["figure"]: each for each in asked(filled, "/v1/runs/trend?name=creeping")["figures"]}
    assert figures["duration_ms"]["drift"]["drifts"]
    assert figures["duration_ms"]["drift"]["change"] == pytest.approx(1.8 / 10.9, rel=1e-3)
    assert not figures["duration_ms"]["out_of_line"]
    assert not figures["rows"]["drift"]["drifts"]


def test_a_comparison_says_when_it_did_not_look_into_all_of_a_log(filled, monkeypatch):
    for module in (comparison, patterns):
        monkeypatch.setattr(module, "LOOKED_INTO", 3)
    notes = asked(filled, f"/v1/runs/compare?a={OPEN.run_id}&b={SLOW.run_id}")["notes"]
    assert [note.partition(" logged more")[0] for note in notes if "logged more" in note] == [SLOW.run_id]


@pytest.mark.parametrize("run_id", ["nightly/2026/7", "analysis/7", "s3://runs/7.json"])
def test_a_run_is_found_by_an_id_with_slashes(tmp_path, run_id):
    with run_server(tmp_path) as server:
        made = good(1, before(3))
        server.ingest(*(json.loads(json.dumps(line).replace(made.run_id, run_id)) for line in made.lines))
        address = f"/v1/runs/{quote(run_id, safe='')}"
        assert asked(server, address)["run"]["run_id"] == run_id
        assert "failed" in asked(server, f"{address}/analysis")
