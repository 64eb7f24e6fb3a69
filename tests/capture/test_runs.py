"""Runs: what a batch script's execution leaves behind, however it ends, and what it never does to the script."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import importlib.resources
import json
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jsonschema
import pytest
from captured import read
from hypothesis import given, strategies as st

import plainview
from plainview.capture.encoding import Encoding
from plainview.capture.runs import git
from plainview.capture.runs.check import judge
from plainview.capture.runs.environment import command, packages
from plainview.capture.runs.parameters import parameters
from plainview.capture.runs.summary import schema
from plainview.capture.scrub import Scrubber

ROOT = Path(__file__).parents[2]
RUN_ID = re.compile(r"\d{8}_\d{6}-[0-9a-f]{8}")
SCHEMA = json.loads((importlib.resources.files("plainview.capture.runs") / "summary.schema.json").read_text())


def events(capture, *wanted: str) -> list[dict]:
    """Lines of kind ``operation``, of some events or of all."""
    return [line for line in read(capture.directory, "operation") if not wanted or line["event"] in wanted]


def of_run(capture, *wanted: str) -> list[dict]:
    return [line for line in events(capture, *wanted) if line["kind"] == "run"]


def summaries(folder) -> list[dict]:
    """All summaries below a folder, each of the form that its schema says."""
    found = [json.loads(path.read_text()) for path in sorted((folder / "artifacts/runs").glob("*/summary.json"))]
    for each in found:
        jsonschema.validate(each, SCHEMA, cls=jsonschema.Draft202012Validator)
    return found


@pytest.fixture
def here(tmp_path, monkeypatch, capture):
    """A working directory of its own, outside of any repository, and capture."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    capture.configure()
    capture.folder = folder
    return capture


def ended(capture) -> dict:
    (summary,) = summaries(capture.folder)
    return summary


# -- what is recorded of a run -----------------------------------------------------------------------------------------


def test_a_run_id_is_the_local_time_and_eight_hex_digits_and_is_on_every_record_inside(here):
    """Run ID correlation: all records of one simulation are found by it."""
    log = plainview.get_logger("simulator")
    with plainview.run("simulate") as run:
        assert RUN_ID.fullmatch(run.run_id)
        log.info("inside")
        with plainview.stage("year", year=2025):
            log.debug("not kept")
            log.warning("further inside")
    log.info("outside")
    by_id = {line["message"]: line.get("run_id") for line in here.logs()}
    assert by_id.pop("outside") is None
    assert set(by_id.values()) == {run.run_id}
    assert {line["run_id"] for line in here.spans()} == {run.run_id}
    assert {line["run_id"] for line in events(here)} == {run.run_id}


def test_the_history_of_a_run_has_its_start_its_end_and_its_outcome(here):
    """Complete run history: start and end times, outcome, parameters and environment, in the store as well."""
    with plainview.run("simulate", params={"scenario": "base"}) as run:
        pass
    begin, end = of_run(here, "open", "close")
    assert (begin["event"], end["event"], end["status"]) == ("open", "close", "completed")
    assert begin["operation_id"] == end["operation_id"]
    assert {begin["key"], end["key"]} == {run.run_id}
    assert begin["data"]["parameters"] == {"scenario": "base"}
    assert begin["data"]["environment"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert end["data"]["summary"]["run_metadata"]["run_id"] == run.run_id
    assert end["duration_ms"] >= 0
    meta = ended(here)["run_metadata"]
    assert (meta["name"], meta["status"], meta["run_id"]) == ("simulate", "completed", run.run_id)
    assert meta["start_time"] <= meta["end_time"]
    assert meta["operation_id"] == begin["operation_id"]


def test_the_configuration_of_a_run_is_tracked(here):
    """Configuration tracking: parameters and environment, with secrets hidden."""
    with plainview.run("load", params={"rows": 3, "api_token": "s3cr3t-value", "nested": {"password": "hunter22"}}):
        pass
    configuration = ended(here)["configuration"]
    assert configuration["parameters"] == {
        "rows": 3,
        "api_token": "[scrubbed]",
        "nested": {"password": "[scrubbed]"},
    }
    environment = configuration["environment"]
    assert environment["packages"]["msgspec"]
    assert environment["cpu_count"] >= 1
    assert environment["directory"] == str(here.folder)
    assert {"platform", "host", "command", "implementation"} <= set(environment)
    everything = (here.folder / "artifacts/runs").glob("*/summary.json").__next__().read_text()
    assert "hunter22" not in everything + json.dumps(events(here)) + json.dumps(here.logs())


def test_operations_are_timed_and_the_slowest_come_first_with_their_share(here):
    """Execution timing for each year and major operation; bottleneck identification: the slowest first."""
    with plainview.run("simulate"):
        for year in range(2025, 2029):
            with plainview.stage("year", year=year):
                if year == 2027:
                    threading.Event().wait(0.05)
        with plainview.operation("export", "parquet"):
            threading.Event().wait(0.01)
        for _ in range(3):
            with plainview.engine("quick"):
                pass
    figures = ended(here)["performance_metrics"]
    assert list(figures) == ["stage year", "export parquet", "engine quick"]
    years = figures["stage year"]
    assert years["count"] == 4
    assert years["slowest"] == {"year": 2027}
    assert years["max_seconds"] <= years["duration_seconds"]
    assert years["mean_seconds"] == pytest.approx(years["duration_seconds"] / 4)
    assert 0 < years["share"] <= 1
    assert years["share"] > figures["export parquet"]["share"] > figures["engine quick"]["share"]
    assert "cpu_seconds" in years


def test_memory_and_processor_time_of_a_run_and_its_operations_are_in_its_summary(here):
    """Resource usage: peak memory is recorded for each operation that is long enough to have one."""
    with plainview.run("simulate"), plainview.stage("grow"):
        block = bytearray(64 << 20)
        threading.Event().wait(0.05)
        assert block
    summary = ended(here)
    assert summary["resources"]["cpu_seconds"] > 0
    assert summary["resources"]["memory_peak_bytes"] > 64 << 20
    assert isinstance(summary["resources"]["memory_delta_bytes"], int)
    assert summary["performance_metrics"]["stage grow"]["memory_peak_bytes"] > 64 << 20
    assert of_run(here, "sample")[0]["data"]["memory_bytes"] > 0


def test_rows_are_added_up_and_make_a_rate(here):
    """Row processing metrics: rows, and rows a second."""
    with plainview.run("load") as run:
        run.rows(40_000)
        run.rows(2_331)
    execution = ended(here)["execution_summary"]
    assert execution["rows"] == 42_331
    assert execution["rows_per_second"] > 0
    assert of_run(here, "close")[0]["rows"] == 42_331


def test_a_run_that_is_told_no_rows_has_those_of_the_operations_directly_in_it(here):
    with plainview.run("load"):
        for _ in range(3):
            with plainview.stage("year") as stage, plainview.engine("inner") as engine:
                engine.rows(10)
                stage.rows(100)
    assert ended(here)["execution_summary"]["rows"] == 300
    assert ended(here)["performance_metrics"]["stage year"]["rows"] == 300


# -- errors and warnings -----------------------------------------------------------------------------------------------


def test_errors_and_warnings_are_counted_and_catalogued(here):
    """Error cataloging: with the stack trace in the log, with their context in the summary."""
    log = plainview.get_logger("simulator")
    import logging

    with plainview.run("simulate"):
        for year in range(2025, 2028):
            log.warning("no events", year=year)
        logging.getLogger("library").warning("odd: %s", 7)
        log.error("year failed", year=2026)
        try:
            {}["missing"]
        except KeyError:
            log.exception("lookup failed", year=2027)
    summary = ended(here)
    assert (summary["execution_summary"]["errors"], summary["execution_summary"]["warnings"]) == (2, 4)
    warnings = {each["message"]: each for each in summary["issues"]["warnings"]}
    assert (warnings["no events"]["count"], warnings["no events"]["context"]) == (3, {"year": 2025})
    assert warnings["odd: 7"]["logger"] == "library"
    errors = {each["message"]: each for each in summary["issues"]["errors"]}
    assert errors["year failed"]["level"] == "ERROR"
    assert errors["lookup failed"]["error_type"] == "KeyError"
    (logged,) = [line for line in here.logs() if line["message"] == "lookup failed"]
    assert "Traceback" in logged["exception"]["stack_trace"]
    assert logged["exception"]["error_id"] == errors["lookup failed"]["error_id"]


def test_an_exception_that_is_logged_twice_is_one_error(here):
    log = plainview.get_logger("simulator")
    with plainview.run("simulate"):
        try:
            raise ValueError("once")
        except ValueError as error:
            log.exception("here")
            log.error("and here", exc_info=error)
    assert ended(here)["execution_summary"]["errors"] == 1


def test_an_exception_that_is_told_of_without_a_line_is_an_error(here):
    with plainview.run("simulate"):
        plainview.capture_exception(ValueError("quiet"))
    assert ended(here)["execution_summary"]["errors"] == 1


def test_what_is_logged_outside_or_below_warning_is_not_counted(here):
    log = plainview.get_logger("simulator")
    log.error("before")
    with plainview.run("simulate"):
        log.info("well")
    log.error("after")
    execution = ended(here)["execution_summary"]
    assert (execution["errors"], execution["warnings"]) == (0, 0)


def test_a_thousand_different_errors_are_counted_and_fifty_are_shown(here):
    log = plainview.get_logger("simulator")
    with plainview.run("simulate"):
        for number in range(1_000):
            log.error(f"number {number}")  # noqa: G004 - as people do
    summary = ended(here)
    assert summary["execution_summary"]["errors"] == 1_000
    assert len(summary["issues"]["errors"]) == 50


def test_a_warning_of_the_run_is_a_line_and_counts(here):
    with plainview.run("simulate") as run:
        run.warn("two years are missing", years=2)
    (line,) = [line for line in here.logs() if line["level"] == "WARNING"]
    assert (line["message"], line["extra"]["years"]) == ("two years are missing", 2)
    assert of_run(here, "warning")[0]["reason"] == "two years are missing"
    assert ended(here)["execution_summary"]["warnings"] == 1


def test_warnings_count_where_the_level_leaves_their_lines_out(here):
    here.configure(level="CRITICAL")
    with plainview.run("simulate") as run:
        run.warn("said")
        run.check("rows", 1, min=2)
    execution = ended(here)["execution_summary"]
    assert (execution["errors"], execution["warnings"]) == (1, 1)


# -- failure -----------------------------------------------------------------------------------------------------------


def test_a_run_that_fails_says_what_failed_first_and_the_exception_goes_on(here):
    """Failure analysis: the failing operation, what went into it, the error."""
    with pytest.raises(ZeroDivisionError) as raised, plainview.run("simulate"):
        with plainview.stage("load"):
            pass
        with plainview.stage("year", year=2026), plainview.engine("growth", rate=0.1):
            1 / 0  # noqa: B018 - it raises
    summary = ended(here)
    assert summary["run_metadata"]["status"] == "failed"
    failure = summary["execution_summary"]["first_failure"]
    assert (failure["kind"], failure["name"], failure["inputs"]) == ("engine", "growth", {"rate": 0.1})
    assert failure["error"] == "ZeroDivisionError: division by zero"
    assert summary["execution_summary"]["reason"] == "ZeroDivisionError: division by zero"
    (close,) = of_run(here, "close")
    assert (close["status"], close["failed_in"]) == ("failed", "engine growth")
    assert failure["error_id"] == close["error_id"]
    (line,) = [line for line in here.logs() if line["message"] == "run failed: simulate"]
    assert "ZeroDivisionError" in line["exception"]["stack_trace"]
    assert type(raised.value) is ZeroDivisionError


def test_what_was_caught_is_not_what_failed_first(here):
    with pytest.raises(KeyError), plainview.run("simulate"):
        with contextlib.suppress(ValueError), plainview.stage("optional"):
            raise ValueError("no matter")
        with plainview.stage("needed"):
            raise KeyError("it")
    assert ended(here)["execution_summary"]["first_failure"]["name"] == "needed"


def test_what_failed_first_is_found_through_another_exception(here):
    with pytest.raises(RuntimeError), plainview.run("simulate"):
        try:
            with plainview.stage("needed"):
                raise KeyError("it")
        except KeyError as error:
            raise RuntimeError("one year failed") from error
    assert ended(here)["execution_summary"]["first_failure"]["name"] == "needed"


def test_a_run_in_which_nothing_else_failed_failed_itself(here):
    with pytest.raises(OSError, match="full"), plainview.run("simulate"):
        raise OSError("disk full")
    failure = ended(here)["execution_summary"]["first_failure"]
    assert (failure["kind"], failure["name"], failure["error"]) == ("run", "simulate", "OSError: disk full")
    assert ended(here)["execution_summary"]["errors"] == 1


@pytest.mark.parametrize(
    ("ending", "status", "code"),
    [
        ("sys.exit()", "completed", 0),
        ("sys.exit(0)", "completed", 0),
        ("sys.exit(3)", "cancelled", 3),
        ("sys.exit('no input')", "cancelled", 1),
        ("raise KeyboardInterrupt", "cancelled", 130),
        ("os.kill(os.getpid(), 2); time.sleep(5)", "cancelled", 130),
        ("raise ValueError('bad')", "failed", 1),
        ("pass", "completed", 0),
    ],
)
def test_however_a_script_ends_its_summary_is_there_and_its_exit_code_its_own(here, ending, status, code):
    done = here.program(f"with plainview.run('simulate'):\n    {ending}\n", cwd=here.folder)
    assert done.returncode in {code, -2 if code == 130 else code}
    summary = ended(here)
    assert summary["run_metadata"]["status"] == status
    assert f"Status:    {status}" in done.stderr
    assert bool(summary["execution_summary"]["reason"]) == (status != "completed")


def test_a_task_that_is_cancelled_cancels_its_run(here):
    async def main():
        async with plainview.run("load"):
            asyncio.current_task().cancel()
            await asyncio.sleep(1)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert ended(here)["run_metadata"]["status"] == "cancelled"


# -- checks of data quality --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "thresholds", "result", "level"),
    [
        (42_331, {"min": 40_000}, "pass", "INFO"),
        (0.02, {"warn_max": 0.01, "max": 0.05}, "warning", "WARNING"),
        (0.06, {"warn_max": 0.01, "max": 0.05}, "fail", "ERROR"),
        (3, {"warn_min": 5}, "warning", "WARNING"),
        (3, {"equal": 3}, "pass", "INFO"),
        ("a", {"equal": "b"}, "fail", "ERROR"),
        (None, {"equal": None}, "pass", "INFO"),
        (True, {}, "pass", "INFO"),
        (False, {}, "fail", "ERROR"),
        (float("nan"), {"min": 0}, "fail", "ERROR"),
        (None, {"min": 0}, "fail", "ERROR"),
        ("text", {"max": 3}, "fail", "ERROR"),
    ],
)
def test_a_check_is_held_against_its_thresholds_logged_and_summarised(here, value, thresholds, result, level):
    """Data-quality checks: name, value, thresholds, pass, warning or fail."""
    with plainview.run("load") as run:
        assert run.check("growth", value, **thresholds, year=2027) == result
    summary = ended(here)
    (check,) = summary["data_quality"]
    assert (check["name"], check["result"], check["fields"]) == ("growth", result, {"year": 2027})
    assert check["thresholds"] == thresholds
    assert summary["execution_summary"]["checks"] == {result: 1}
    assert summary["execution_summary"]["warnings"] == (result == "warning")
    assert summary["execution_summary"]["errors"] == (result == "fail")
    (line,) = [line for line in here.logs() if line["logger"] == "plainview.run" and "growth" in line["message"]]
    assert (line["level"], line["extra"]["result"]) == (level, result)
    (event,) = of_run(here, "check")
    assert (event["data"]["name"], event["data"]["result"]) == ("growth", result)


class Hostile:
    """A value that raises whatever is done with it."""

    def __ge__(self, other):
        raise RuntimeError("no")

    __le__ = __eq__ = __bool__ = __str__ = __repr__ = __len__ = __ge__
    __hash__ = None


def test_a_value_that_cannot_be_compared_fails_its_check_and_nothing_else(here):
    with plainview.run("load") as run:
        assert run.check("odd", Hostile(), min=1) == "fail"
        assert run.check("odd", 1, equal=Hostile()) == "fail"
        assert run.check("odd", Hostile()) == "pass"
    assert ended(here)["run_metadata"]["status"] == "completed"


numbers = st.one_of(st.integers(-(10**6), 10**6), st.floats(allow_nan=False))


@given(value=numbers, low=numbers, high=numbers)
def test_a_number_passes_exactly_when_it_is_within_its_bounds(value, low, high):
    assert (judge(value, {"min": low, "max": high})[0] == "pass") == (low <= value <= high)
    assert (judge(value, {"warn_min": low, "warn_max": high})[0] == "pass") == (low <= value <= high)


# -- files -------------------------------------------------------------------------------------------------------------


def test_artifacts_and_backups_are_told_with_their_path_and_size(here):
    with plainview.run("export") as run:
        (here.folder / "out.csv").write_text("12345")
        (here.folder / "backup.db").write_text("123")
        run.artifact("out.csv")
        run.backup(here.folder / "backup.db")
        run.artifact("missing.csv")
    execution = ended(here)["execution_summary"]
    assert execution["artifacts"] == [
        {"path": str(here.folder / "out.csv"), "bytes": 5},
        {"path": str(here.folder / "missing.csv"), "bytes": None},
    ]
    assert execution["backup_created"] == str(here.folder / "backup.db")
    assert execution["warnings"] == 1
    assert [line["data"]["bytes"] for line in of_run(here, "artifact")] == [5, None]
    assert of_run(here, "backup")[0]["data"]["path"].endswith("backup.db")


@pytest.mark.parametrize("path", [7, None, "\0", "x" * 5_000, b"bytes", "\udcff"])
def test_a_path_that_is_none_harms_nothing(here, path):
    with plainview.run("export") as run:
        run.artifact(path)
        run.backup(path)
    assert ended(here)["run_metadata"]["status"] == "completed"


def test_the_summary_is_where_the_run_began_even_if_the_script_goes_elsewhere(here, tmp_path):
    with plainview.run("export"):
        os.chdir(tmp_path)
    assert ended(here)


def test_the_folder_of_summaries_is_a_setting_and_an_argument(here, tmp_path):
    here.configure(runs_dir="{dir}/runs")
    with plainview.run("a") as a:
        pass
    with plainview.run("b", summary_dir=tmp_path / "own") as b:
        pass
    here.configure(runs_dir="")
    with plainview.run("c"):
        pass
    assert (here.directory / "runs" / a.run_id / "summary.json").exists()
    assert (tmp_path / "own" / b.run_id / "summary.json").exists()
    assert not (here.folder / "artifacts").exists()


def test_a_summary_that_cannot_be_written_is_said_once_and_the_run_is_in_the_store(here):
    done = here.program(
        "open('artifacts', 'w').close()\n"
        "for name in 'ab':\n"
        "    with plainview.run(name) as run:\n"
        "        run.rows(7)\n"
        "print('went on')\n",
        cwd=here.folder,
    )
    assert done.returncode == 0
    assert done.stdout == "went on\n"
    assert done.stderr.count("cannot write the summary") == 1
    assert "Summary:" not in done.stderr
    assert [line["data"]["summary"]["execution_summary"]["rows"] for line in of_run(here, "close")] == [7, 7]


def test_what_is_not_whole_is_not_there(here):
    """The file is written under another name first."""
    with plainview.run("a") as run:
        pass
    folder = here.folder / "artifacts/runs" / run.run_id
    assert list(folder.iterdir()) == [folder / "summary.json"]


# -- what is printed ---------------------------------------------------------------------------------------------------

PROGRAM = """
with plainview.run("simulate", params={"years": 2}) as run:
    for year in (2025, 2026):
        with plainview.stage("year", year=year) as stage:
            log.info("events", events=42331)
            stage.rows(42331)
    run.check("rows", 84662, min=1)
    run.check("nulls", 3, warn_max=2)
    open("out.csv", "w").write("x" * 2048)
    run.artifact("out.csv")
    run.backup("out.csv")
print("a,b")
"""


def test_the_printed_summary_has_status_duration_errors_warnings_and_the_slowest_operations(here):
    """Run summaries: key metrics and status, for people; standard output stays the script's own."""
    done = here.program(PROGRAM, cwd=here.folder)
    assert done.stdout == "a,b\n"
    told = done.stderr
    run_id = ended(here)["run_metadata"]["run_id"]
    assert f"=== Run {run_id} completed: simulate ===" in told
    assert re.search(r"(?m)^Duration: +[\d.]+ m?s$", told)
    assert re.search(r"(?m)^Rows: +84,662 \([\d,]+/s\)$", told)
    assert re.search(r"(?m)^Errors: +0$", told)
    assert re.search(r"(?m)^Warnings: +1$", told)
    assert re.search(r"(?m)^CPU: ", told)
    assert re.search(r"(?m)^ +[\d.]+% +[\d.]+ m?s +stage year \(2 x ", told)
    assert re.search(r"(?m)^Checks: +1 pass, 1 warning$", told)
    assert re.search(r"(?m)^ +warning +nulls = 3 \(warn_max 2\)$", told)
    assert re.search(rf"(?m)^Artifact: +{here.folder}/out.csv \(2.0 KiB\)$", told)
    assert re.search(rf"(?m)^Backup: +{here.folder}/out.csv", told)
    assert re.search(rf"(?m)^Summary: +{here.folder}/artifacts/runs/{run_id}/summary.json$", told)
    assert told.endswith(f"plainview runs show {run_id}\n")


@pytest.mark.parametrize(
    ("setting", "argument", "printed"),
    [
        ("stderr", None, (False, True)),
        ("stdout", None, (True, False)),
        ("off", None, (False, False)),
        ("stderr", False, (False, False)),
        ("off", True, (False, True)),
    ],
)
def test_where_the_summary_is_printed_is_a_setting_and_an_argument(here, capsys, setting, argument, printed):
    here.configure(run_summary=setting)
    plainview.run("quiet", print_summary=argument).start().finish()
    told = capsys.readouterr()
    assert ("=== Run" in told.out, "=== Run" in told.err) == printed


def test_a_failed_run_prints_what_failed(here):
    source = "with plainview.run('simulate'), plainview.stage('year', year=2026):\n    raise ValueError('no data')"
    done = here.program(source, cwd=here.folder)
    assert "Failed in: stage year [year=2026]: ValueError: no data" in done.stderr
    assert done.stderr.index("=== Run") < done.stderr.index("Traceback")


def test_names_and_values_play_no_tricks_on_the_terminal(here, capsys):
    with plainview.run("evil\x1b[2J\nStatus: fine") as run:
        run.check("\x1b]0;title\x07", "\r\n", equal=1)
        with plainview.stage("\u202estage"):
            pass
    told = capsys.readouterr().err
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", told)
    assert "evil\\x1b[2J\\nStatus: fine" in told


@pytest.mark.parametrize("stream", ["None", "open('/dev/full', 'w')", "closed"])
def test_a_standard_error_that_takes_nothing_harms_nothing(here, stream):
    source = (
        "sys.stderr = open(os.devnull, 'w'); sys.stderr.close()" if stream == "closed" else f"sys.stderr = {stream}"
    )
    done = here.program(f"{source}\nwith plainview.run('a'):\n    pass\nprint('went on')\n", cwd=here.folder)
    assert (done.returncode, done.stdout) == (0, "went on\n")


FULL_PIPE = """
import contextlib, os, sys, plainview
plainview.configure(environment="production", file="", dir=sys.argv[1])
os.set_blocking(2, False)
with contextlib.suppress(BlockingIOError):
    while True:
        os.write(2, b"x" * 1024)
os.set_blocking(2, True)
with plainview.run("a"):
    pass
print("went on")
"""


def test_a_pipe_that_nobody_reads_does_not_hold_the_script_up(here, tmp_path):
    (tmp_path / "full.py").write_text(FULL_PIPE)
    command = [sys.executable, tmp_path / "full.py", here.directory]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=here.folder)
    assert process.stdout.read() == b"went on\n"
    process.stdout.close()
    process.stderr.close()
    assert process.wait(60) == 0


# -- inside and beside -------------------------------------------------------------------------------------------------


def test_a_run_inside_a_run_has_an_id_of_its_own_and_the_outer_one_goes_on(here):
    log = plainview.get_logger("simulator")
    with plainview.run("outer") as outer:
        with plainview.run("inner") as inner:
            assert plainview.current_run() is inner
            log.warning("inside")
            with plainview.stage("part"):
                pass
        assert plainview.current_run() is outer
        assert os.environ["PLAINVIEW_RUN_ID"] == outer.run_id
        log.info("after")
    by_name = {each["run_metadata"]["name"]: each for each in summaries(here.folder)}
    assert by_name["inner"]["run_metadata"]["parent_run_id"] == outer.run_id
    assert "parent_run_id" not in by_name["outer"]["run_metadata"]
    assert list(by_name["outer"]["performance_metrics"]) == ["run inner"]
    assert list(by_name["inner"]["performance_metrics"]) == ["stage part"]
    assert [each["execution_summary"]["warnings"] for each in by_name.values()] == [1, 1]
    ids = {line["message"]: line.get("run_id") for line in here.logs()}
    assert (ids["inside"], ids["after"]) == (inner.run_id, outer.run_id)
    opened = {line["name"]: line for line in of_run(here, "open")}
    assert opened["inner"]["parent_id"] == opened["outer"]["operation_id"]
    assert plainview.current_run() is None


def test_threads_belong_to_the_run(here):
    """Run ID correlation: threads, with or without a context handed to them."""
    log = plainview.get_logger("simulator")

    def work(number):
        with plainview.stage("part"):
            log.warning("in a thread", number=number)
        return plainview.current_run()

    with plainview.run("simulate") as run, ThreadPoolExecutor(2) as pool:
        assert set(pool.map(work, range(4))) == {run}
    assert {line.get("run_id") for line in here.logs()} == {run.run_id}
    summary = ended(here)
    assert summary["execution_summary"]["warnings"] == 4
    assert summary["performance_metrics"]["stage part"]["count"] == 4
    assert plainview.fields() == {}


def test_tasks_belong_to_the_run_that_they_were_started_in(here):
    async def one(name):
        async with plainview.run(name) as run:
            await asyncio.sleep(0.01)
            assert plainview.current_run() is run
            plainview.get_logger("load").warning(name)

    async def main():
        await asyncio.gather(one("a"), one("b"))
        assert plainview.current_run() is None

    asyncio.run(main())
    found = {each["run_metadata"]["name"]: each for each in summaries(here.folder)}
    for name in "ab":
        assert [each["message"] for each in found[name]["issues"]["warnings"]] == [name]
    assert "PLAINVIEW_RUN_ID" not in os.environ


CHILD = """
import sys, plainview
plainview.configure(service='child', environment='production', file='', dir=sys.argv[1])
plainview.get_logger('child').info('from the child')
with plainview.job('part'):
    pass
print(plainview.fields().get('run_id'))
"""


def test_a_subprocess_carries_the_run_from_its_first_record_on(here):
    with plainview.run("simulate") as run:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, here.directory], capture_output=True, text=True, check=True, timeout=60
        )
    assert done.stdout.strip() == run.run_id
    assert "=== Run" not in done.stderr
    (line,) = [line for line in here.logs() if line["message"] == "from the child"]
    (close,) = of_run(here, "close")
    assert (line["run_id"], line["trace_id"], line["span_id"]) == (run.run_id, close["trace_id"], close["operation_id"])
    assert len(of_run(here, "open")) == 1
    assert "PLAINVIEW_RUN_ID" not in os.environ
    assert "TRACEPARENT" not in os.environ


def test_a_run_in_a_subprocess_is_a_part_of_the_run_that_started_it(here):
    source = CHILD + "with plainview.run('inner', print_summary=False) as run:\n    print(run.run_id)\n"
    with plainview.run("outer") as outer:
        subprocess.run([sys.executable, "-c", source, here.directory], check=True, timeout=60, stdout=subprocess.PIPE)
    found = {each["run_metadata"]["name"]: each["run_metadata"] for each in summaries(here.folder)}
    assert found["inner"]["parent_run_id"] == outer.run_id != found["inner"]["run_id"]
    opened = {line["name"]: line for line in of_run(here, "open")}
    assert opened["inner"]["parent_id"] == opened["outer"]["operation_id"]


def test_variables_of_the_environment_come_back_as_they_were(here, monkeypatch):
    monkeypatch.setenv("TRACEPARENT", "mine")
    with plainview.run("a"):
        assert os.environ["TRACEPARENT"].startswith("00-")
    assert os.environ["TRACEPARENT"] == "mine"


PROCESSES = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

def work(number):
    plainview.get_logger("worker").info("in a process", number=number)
    return number

if __name__ == "__main__":
    plainview.instrument()
    with plainview.run("simulate", print_summary=False) as run:
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(METHOD)) as pool:
            assert sum(pool.map(work, range(8))) == 28
        process = multiprocessing.get_context(METHOD).Process(target=work, args=(9,))
        process.start()
        process.join()
    print(run.run_id)
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_belong_to_the_run(here, method):
    """Run ID correlation: `ProcessPoolExecutor` and `multiprocessing`."""
    done = here.program(PROCESSES.replace("METHOD", repr(method)), cwd=here.folder)
    assert done.returncode == 0, done.stderr
    lines = [line for line in here.logs() if line["message"] == "in a process"]
    assert len(lines) == 9
    assert {line.get("run_id") for line in lines} == {done.stdout.strip()}
    assert len(summaries(here.folder)) == 1
    assert len(of_run(here, "close")) == 1


def test_a_forked_child_that_leaves_the_block_does_not_end_the_run(here):
    source = """
    with plainview.run("simulate") as run:
        if os.fork() == 0:
            sys.exit(0)
        os.wait()
        run.rows(5)
    """
    done = here.program(source, cwd=here.folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("=== Run") == 1
    assert ended(here)["execution_summary"]["rows"] == 5
    assert len(of_run(here, "close")) == 1


# -- other forms -------------------------------------------------------------------------------------------------------


def test_each_call_of_a_decorated_function_is_a_run(here):
    @plainview.run("nightly", params={"by": "hand"}, print_summary=False)
    def main(number):
        return number, plainview.current_run().run_id

    first, second = main(1), main(2)
    assert (first[0], second[0]) == (1, 2)
    found = summaries(here.folder)
    assert sorted(each["run_metadata"]["run_id"] for each in found) == sorted([first[1], second[1]])
    assert {each["configuration"]["parameters"]["by"] for each in found} == {"hand"}


def test_a_run_can_be_started_and_finished_by_hand(here):
    run = plainview.run("notebook").start()
    assert plainview.current_run() is run
    run.finish(ValueError("given up"))
    run.finish()
    run.rows(3)
    run.check("late", 1)
    run.warn("late")
    assert plainview.current_run() is None
    assert ended(here)["run_metadata"]["status"] == "failed"
    assert run.summary["run_metadata"]["run_id"] == run.run_id


def test_results_are_in_the_summary(here):
    with plainview.run("simulate") as run:
        run.set(headcount=1_204)
    assert ended(here)["execution_summary"]["results"] == {"headcount": 1_204}


def test_nothing_is_written_or_printed_where_capture_is_off(here, capsys):
    here.configure(enabled=False)
    with plainview.run("simulate") as run:
        run.rows(1)
        assert run.check("rows", 1, min=2) == "fail"
    assert not (here.folder / "artifacts").exists()
    assert capsys.readouterr().err == ""


# -- parameters and environment ----------------------------------------------------------------------------------------


@dataclasses.dataclass
class Config:
    years: int
    growth: float


@pytest.mark.parametrize(
    ("given_", "known"),
    [
        ({"a": 1}, {"a": 1}),
        (argparse.Namespace(year=2027, dry=True), {"year": 2027, "dry": True}),
        (Config(3, 0.1), {"years": 3, "growth": 0.1}),
        (None, {}),
        ("text", {"value": "text"}),
        ([1, 2], {"value": [1, 2]}),
        ({1: {"x": {2}}}, {"1": {"x": [2]}}),
        ({"path": __import__("pathlib").Path("/data"), "day": __import__("datetime").date(2026, 1, 2)}, None),
    ],
)
def test_parameters_are_taken_from_what_has_them(given_, known):
    found = parameters(given_)
    assert found == (known if known is not None else {"path": "/data", "day": "2026-01-02"})


class HostileMapping(dict):
    def items(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "params",
    [
        {"object": Hostile(), "lambda": lambda: 0, "bytes": b"\xff" * 10**6, "long": "x" * 10**6},
        {"huge": 10**5_000, "nan": float("nan"), "infinite": float("inf"), "surrogate": "\udcff"},
        {"\udcff": 1, Hostile: 2, (1, 2): 3},
        HostileMapping(a=1),
        Hostile(),
        {"wide": {str(number): "x" * 900 for number in range(10_000)}},
    ],
    ids=["objects", "numbers", "keys", "mapping", "not a mapping", "large"],
)
def test_parameters_that_cannot_be_encoded_are_told_in_few_words(here, params):
    with plainview.run("load", params=params):
        pass
    assert ended(here)["run_metadata"]["status"] == "completed"
    (begin,) = of_run(here, "open")
    assert begin["data"]["environment"]["python"]
    assert of_run(here, "close")[0]["data"]["summary"]["run_metadata"]


def test_parameters_within_themselves_end(here):
    params: dict = {"a": 1}
    params["self"] = params
    with plainview.run("load", params=params):
        pass
    assert ended(here)["configuration"]["parameters"]["a"] == 1


leaves = st.none() | st.integers() | st.floats() | st.text(max_size=20)
nested = st.recursive(leaves, lambda inner: st.dictionaries(st.text(max_size=5), inner, max_size=4), max_leaves=10)
ENCODING = Encoding(plainview.Settings())


@given(nested)
def test_parameters_never_raise_and_can_always_be_encoded(params):
    json.loads(ENCODING.fields(parameters(params)))


def test_secrets_on_the_command_line_are_hidden():
    scrubber = Scrubber(plainview.Settings())
    words = ["load.py", "--token", "abc123", "--password=hunter2", "-n", "3", "postgresql://me:pw@db/x", "API_KEY=k1"]
    told = command(words, scrubber)
    assert not any(secret in told for secret in ("abc123", "hunter2", ":pw@", "k1"))
    assert told.startswith("load.py --token")
    assert "-n 3" in told
    assert len(command(["x" * 100_000] * 10, scrubber)) < 5_000


def test_packages_are_those_that_are_installed():
    from importlib import metadata

    found = packages(sys.path)
    installed = {re.sub("[-_.]+", "-", each.name.lower()): each.version for each in metadata.distributions()}
    assert {re.sub("[-_.]+", "-", name): version for name, version in found.items()} == installed


def repository(folder, *commands: str) -> None:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    for words in commands:
        subprocess.run(["git", *words.split()], cwd=folder, env=environment, check=True, capture_output=True)


def test_the_state_of_the_code_is_commit_branch_and_whether_it_differs(here):
    mine = "-c user.name=me -c user.email=me@example.org"
    repository(here.folder, "init -b trunk")
    (here.folder / "program.py").write_text("1")
    source = "import json\nwith plainview.run('a', print_summary=False) as run: pass\n"
    source += "print(json.dumps({k: v for k, v in run.summary['configuration']['environment'].items() if 'git' in k}))"

    def state() -> dict:
        return json.loads(here.program(source, cwd=here.folder).stdout)

    assert state() == {"git_branch": "trunk", "git_dirty": False}
    repository(here.folder, "add .", f"{mine} commit -m one")
    found = state()
    assert re.fullmatch("[0-9a-f]{40}", found.pop("git_commit"))
    assert found == {"git_branch": "trunk", "git_dirty": False}
    (here.folder / "program.py").write_text("2")
    repository(here.folder, "checkout --detach")
    assert state()["git_dirty"] is True
    assert "git_branch" not in state()


@pytest.mark.parametrize("script", ["exit 128", "sleep 60", "(sleep 60)& sleep 60", "yes | head -c 100000"])
def test_a_git_that_refuses_or_hangs_is_done_without(here, tmp_path, monkeypatch, script):
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "git").write_text(f"#!/bin/sh\n{script}\n")
    (fake / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake}:{os.environ['PATH']}")
    monkeypatch.setattr(git, "_PATIENCE", 0.1)
    monkeypatch.setattr(git, "_SHORT", 0.1)
    assert git.state(str(here.folder)) == {}


def test_no_git_is_no_harm(here, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert git.state(str(here.folder)) == {}


# -- bounds ------------------------------------------------------------------------------------------------------------


def test_the_schema_that_is_shipped_is_that_of_the_types():
    assert schema() == SCHEMA, "run `make docs`"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.fixture
def no_series_left():
    """A metric holds so many series, in this process for all tests."""
    yield
    plainview.metric("job_stage_duration_seconds").clear()


@pytest.mark.usefixtures("no_series_left")
def test_many_names_are_added_up_under_one(here):
    with plainview.run("many", print_summary=False, summary_dir=here.directory) as run:
        for number in range(2_500):
            plainview.stage(f"number {number}").start().finish()
            run.check(f"check {number}", number, max=1)
    summary = run.summary
    figures = summary["performance_metrics"]
    assert len(figures) == 2_001
    assert figures["stage …"]["count"] == 500
    assert len(summary["data_quality"]) == 1_000
    assert summary["execution_summary"]["checks"] == {"pass": 2, "fail": 2_498}
    (close,) = of_run(here, "close")
    kept = close["data"]["summary"]
    assert kept["execution_summary"] == summary["execution_summary"]
    assert 0 < len(kept["performance_metrics"]) < 2_001
    assert kept["configuration"]["parameters"] == {}


def test_thirty_simulated_years_are_one_run_whose_every_event_is_found(here):
    """A simulation of 30 years; of 42,331 events each, every hundredth is logged here (`bench/runs.py` logs all)."""
    source = """
    with plainview.run("simulate", params={"years": 30}) as run:
        for year in range(2025, 2055):
            with plainview.stage("year", year=year) as stage:
                for event in range(42_331):
                    if event % 100 == 0:
                        log.info("event", year=year, event=event)
                stage.rows(42_331)
        run.check("events", 30 * 42_331, equal=1_269_930)
    """
    done = here.program(source, cwd=here.folder)
    assert done.returncode == 0, done.stderr
    summary = ended(here)
    assert summary["execution_summary"]["rows"] == 1_269_930
    assert summary["performance_metrics"]["stage year"]["count"] == 30
    run_id = summary["run_metadata"]["run_id"]
    lines = [line for line in here.logs() if line["message"] == "event"]
    assert len(lines) == 30 * 424
    assert {line["run_id"] for line in lines} == {run_id}
    years = [line for line in events(here, "close") if line["name"] == "year"]
    assert [line["data"]["year"] for line in years] == list(range(2025, 2055))
    assert all(line["duration_ms"] > 0 and line["rows"] == 42_331 for line in years)


# -- what else a production log of simulations has ---------------------------------------------------------------------


def test_the_log_of_runs_is_json_lines_in_a_file_that_rotates_and_can_be_searched_by_run_and_event(here):
    """JSON log format, log levels with filtering, log rotation, event correlation: with `grep` and `jq`, as ever."""
    here.configure(file="logs/navigator.log", file_max_bytes=65_536, file_backups=2, level="INFO")
    log = plainview.get_logger("navigator")
    with plainview.run("simulate") as run:
        for year in range(2025, 2028):
            with plainview.stage("year", year=year):
                for event in range(300):
                    log.debug("not kept", year=year)
                    log.info("raise applied", year=year, event=event, employee=f"E{event:05}")
        run.warn("last one", year=2027)
    plainview.shutdown()
    files = sorted((here.folder / "logs").iterdir())
    assert [file.name for file in files] == ["navigator.log", "navigator.log.1", "navigator.log.2"]
    assert all(file.stat().st_size <= 65_536 for file in files)
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert all(line["timestamp"].endswith("Z") and line["level"] and line["message"] for line in lines)
    assert {line["level"] for line in lines} == {"INFO", "WARNING"}
    assert {line["run_id"] for line in lines} == {run.run_id}
    (one,) = [line for line in lines if line["extra"].get("event") == 299 and line["extra"]["year"] == 2027]
    (stage,) = [line for line in events(here, "close") if line["data"].get("year") == 2027]
    assert (one["span_id"], one["extra"]["employee"]) == (stage["operation_id"], "E00299")
    assert one["source"]["line"] > 0


def test_runs_that_fail_can_be_alerted_on(here):
    """Alert integration: runs are counted by how they ended, and timed."""
    from plainview.capture.metrics.families import metric

    with plainview.run("alerting"):
        pass
    with contextlib.suppress(ValueError), plainview.run("alerting"):
        raise ValueError("no data")
    ends = {key: series.value for key, series in metric("runs_completed_total")._series.items()}
    assert ends["alerting", "failed"] == ends["alerting", "completed"] == 1
    assert metric("runs_in_progress").labels(run="alerting").value == 0


@pytest.mark.parametrize("title", ["Before", "After"])
def test_the_script_of_the_documentation_runs_before_and_after(here, tmp_path, title):
    page = (ROOT / "docs/how-to/from-print-to-runs.md").read_text()
    program = re.search(rf"(?s)## {title}\n.*?```python[^\n]*\n(.*?)```", page)[1]
    (here.folder / "simulate.py").write_text(program)
    command = [sys.executable, "simulate.py", "2025", "2027"]
    done = subprocess.run(command, cwd=here.folder, capture_output=True, text=True, timeout=60, check=True)
    if title == "Before":
        assert "Done: 126993 events" in done.stdout
    else:
        assert "Rows:      126,993" in done.stderr
        assert ended(here)["execution_summary"]["checks"] == {"pass": 1}


def test_a_check_in_a_forked_process_is_recorded_as_the_runs(here):
    source = """
    import multiprocessing

    def work():
        plainview.current_run().check("rows", 5, min=1)
        plainview.get_logger("worker").warning("in a fork")

    with plainview.run("simulate", print_summary=False) as run:
        process = multiprocessing.get_context("fork").Process(target=work)
        process.start()
        process.join()
        sys.exit(process.exitcode)
    """
    assert here.program(source, cwd=here.folder).returncode == 0
    (check,) = of_run(here, "check")
    (close,) = of_run(here, "close")
    assert (check["operation_id"], check["data"]["result"]) == (close["operation_id"], "pass")
    assert check["pid"] != close["pid"]


def test_capture_that_is_configured_anew_or_ended_inside_a_run_leaves_the_run_whole(here):
    with plainview.run("simulate") as run:
        here.configure()
        plainview.get_logger("simulator").warning("after that")
        plainview.shutdown()
        run.check("rows", 5, min=1)
    summary = ended(here)
    assert summary["execution_summary"]["warnings"] == 1
    assert summary["execution_summary"]["checks"] == {"pass": 1}
    assert [line["event"] for line in of_run(here, "open", "check", "close")] == ["open", "check", "close"]


@pytest.mark.parametrize(
    "before", ["os.rmdir(os.getcwd())", "del sys.modules['__main__'].__file__", "sys.path.append(7)"]
)
def test_a_run_in_odd_surroundings_is_a_run_all_the_same(here, before):
    done = here.program(f"{before}\nwith plainview.run('a'):\n    print('went on')\n", cwd=here.folder)
    assert (done.returncode, done.stdout) == (0, "went on\n")
    (close,) = of_run(here, "close")
    assert close["data"]["summary"]["run_metadata"]["status"] == "completed"


def test_a_folder_for_summaries_that_is_none_harms_nothing(here):
    with plainview.run("a", summary_dir=7) as run:
        pass
    assert run.summary["run_metadata"]["status"] == "completed"
