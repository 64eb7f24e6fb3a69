"""`plainview runs`: listed, shown, compared, over time and taken out on the terminal, through a running server."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "server"))
from live_server import run_server
from made_runs import ENVIRONMENT, MadeRun, before, failing, good

from plainview.cli import build

GOOD = [good(number + 1, before(100 - number), 10.0 + number % 3 / 10) for number in range(6)]
BAD = failing(50, before(80), parameters={"years": 3, "rates": {"growth": 0.05}})
SLOW = good(60, before(70), 25.0, parameters={"years": 9}, environment=ENVIRONMENT | {"packages": {"numpy": "2.2.0"}})
OPEN = MadeRun(80, before(1), name="nightly\x1b[31m", parameters={}).begin()
OPEN.part("stage", "=load", 2.0)
OPEN.event("progress", done=30, total=100, step="page 30")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with a running server and some runs."""
    folder = tmp_path_factory.mktemp("runs")
    with run_server(folder) as server:
        server.ingest(*(line for run in (*GOOD, BAD, SLOW, OPEN) for line in run.lines))
        yield str(folder)


@pytest.fixture
def runs(place, monkeypatch):
    """Runs the command; gives what it prints, and its exit code."""
    for name in ("PLAINVIEW_DIR", "PLAINVIEW_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    app = build(["runs"])

    def run(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["runs", *arguments, "--dir", place])
        assert done.exit_code == code, done.output
        return done.output

    return run


def test_a_list_has_a_line_for_each_and_nothing_that_acts_on_the_terminal(runs):
    lines = runs("list").splitlines()
    assert len(lines) == 1 + len(GOOD) + 3
    assert "running" in lines[1]
    assert "25.0 s !" in next(line for line in lines if SLOW.run_id in line)
    assert "!" not in next(line for line in lines if GOOD[0].run_id in line)
    assert "\x1b" not in "".join(lines)
    assert len(runs("list", "simulate", "--status", "failed", "--service", "planner").splitlines()) == 2
    assert "no such runs" in runs("list", "--since", "1s", "--status", "completed")
    assert "more: --limit 9" in runs("list", "--limit", "2")
    assert json.loads(runs("list", "--json", "--limit", "1"))["key"] == OPEN.run_id


def test_one_is_shown_as_its_summary_is_printed(runs):
    text = runs("show", SLOW.run_id)
    for told in (
        f"=== Run {SLOW.run_id} completed: simulate ===",
        "Duration:  25.0 s",
        "Rows:      42,331 (1,693/s)",
        "Memory:    peak 66.8 MiB",
        "60.0%        15.0 s  stage simulate (3 x 5.0 s",
        "Checks:    1 pass",
        "Backup:    /tmp/backup.duckdb (99 B)",
        "Unusual:   duration, rows a second (the runs before it took 10.1 s)",
        "Given:     years=9",
        f"/runs/{SLOW.run_id}",
    ):
        assert told in text, told
    assert "Why it failed" not in text


def test_of_one_that_failed_it_says_why(runs):
    text = runs("show", "-2", "--name", "simulate")
    for told in (
        "Failed in: stage load: FileNotFoundError",
        "  stage load: FileNotFoundError: [Errno 2] No such file or directory: '/data/census.parquet'  (E1)",
        "  configuration: ",
        "  also failed: engine fetch: TimeoutError: slow",
        "ERROR    cannot load",
        f"Since the last good run, {GOOD[-1].run_id}",
        "parameter rates.growth: 0.03 → 0.05",
        "new error: FileNotFoundError",
    ):
        assert told in text, told
    marked = next(line for line in text.splitlines() if line.startswith("  > "))
    assert "cannot load" in marked


def test_one_that_goes_on_says_how_far_it_is(runs):
    text = runs("show")
    assert "running" in text
    assert "Progress:  30 % page 30" in text
    assert "\x1b" not in text


def test_two_are_compared_by_what_differs(runs):
    text = runs("compare", GOOD[0].run_id, SLOW.run_id)
    for told in ("duration", "10.0 s", "2.50", "years", "packages.numpy", "2.2.0", "the same in both"):
        assert told in text, told
    assert "python" not in text
    assert "3.11.9" in runs("compare", GOOD[0].run_id, SLOW.run_id, "--all")
    found = json.loads(runs("compare", "last-good", "-2", "--name", "simulate", "--json"))
    assert (found["a"]["key"], found["b"]["key"]) == (SLOW.run_id, BAD.run_id)
    assert "Note: Both are the same run." in runs("compare", "-1", "-1")
    assert "cannot load" in runs("compare", GOOD[0].run_id, BAD.run_id)


def test_a_trend_says_whether_the_newest_is_out_of_line(runs):
    text = runs("trend", "simulate")
    assert "out of line: higher" in text
    assert text.count(" completed ") == len(GOOD) + 1
    runs("trend", "simulate", "--check", code=3)
    assert "nothing to judge" in runs("trend", OPEN.name, "--check")
    found = json.loads(runs("trend", "simulate", "--last", "3", "--json"))
    assert len(found["points"]) == 3
    assert "No run of the name 'nobody'" in runs("trend", "nobody", code=1)


def test_one_is_taken_out_as_json_and_as_csv(runs, tmp_path):
    runs("export", "last-good", "--output", str(tmp_path / "run.json"))
    found = json.loads((tmp_path / "run.json").read_text())
    assert found["run"]["run_id"] == SLOW.run_id
    assert found["analysis"]["failed"] is False
    rows = list(csv.DictReader(io.StringIO(runs("export", SLOW.run_id, "--format", "csv"))))
    assert (rows[0]["run_id"], rows[0]["name"], rows[0]["total_ms"]) == (SLOW.run_id, "simulate", "15000.0")
    # A spreadsheet takes no name for a formula.
    assert "'=load" in runs("export", "last", "--format", "csv")
    assert "cannot write" in runs("export", "last", "--output", str(tmp_path / "no" / "where"), code=1)


def test_what_is_no_run_is_told_with_what_there_is(runs):
    assert "The last ones: " in runs("show", "nothing", code=1)
    assert "Several runs begin with '20'" in runs("export", "20", code=1)
    assert "No run '-99'" in runs("compare", "-99", code=1)
