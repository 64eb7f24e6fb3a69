"""From a batch script's runs to what they are compared and judged by: good ones, one that fails, one that changed."""

from __future__ import annotations

import json
import subprocess
import sys

import httpx
import pytest
from served import CLEAN, command, until

#: A simulation of some years. A year costs as much time as its first argument says, in milliseconds.
SCRIPT = """
import concurrent.futures, sys, time
import plainview

plainview.configure(dir=sys.argv[1], service="simulator", environment="test", console="off")
plainview.instrument()
log = plainview.get_logger("simulator")
milliseconds, growth, census = float(sys.argv[2]), float(sys.argv[3]), sys.argv[4]

@plainview.engine("draw")
def draw(number):
    log.debug("drawn", number=number)
    return number

with plainview.run("simulate", params={"growth": growth, "years": 3}, print_summary=False) as run:
    with plainview.stage("load"):
        try:
            with plainview.engine("cache"):
                raise ConnectionError("cold")
        except ConnectionError:
            log.info("without the cache")
        rows = len(open(census).readlines())
    with plainview.stage("simulate") as stage, concurrent.futures.ThreadPoolExecutor(2) as pool:
        for year in range(3):
            list(pool.map(draw, range(5)))
            time.sleep(milliseconds / 1000)
            stage.rows(1000)
    if growth > 1:
        log.warning("growth is more than everything", growth=growth)
    run.check("growth", growth, max=1.0)
    print(run.run_id)
"""


def distribution(folder, version):
    """A folder in which a package of this version is installed, as far as anybody can tell."""
    place = folder / version / f"workforce-{version}.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: workforce\nVersion: {version}\n")
    return str(place.parent)


class Scripts:
    """Runs the script, and asks the server."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        (folder / "simulate.py").write_text(SCRIPT)
        (folder / "census.csv").write_text("a\nb\n")
        self.known = set()

    def run(self, milliseconds=20.0, growth=0.03, census="census.csv", package="1.0"):
        """The id of a run."""
        path = self.folder / package
        installed = str(path) if path.exists() else distribution(self.folder, package)
        done = subprocess.run(
            [sys.executable, "simulate.py", str(self.server.directory), str(milliseconds), str(growth), census],
            cwd=self.folder, env=CLEAN | {"PYTHONPATH": installed}, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.stdout or census != "census.csv", done.stderr
        return until(self._new)

    def _new(self):
        page = self.get("/v1/runs")
        new = {run["run_id"] for run in page["runs"] if run["ended_at"]} - self.known
        if not new:
            return None
        self.known |= new
        (found,) = new
        return found

    def get(self, path):
        return httpx.get(self.server.url + path, timeout=30).raise_for_status().json()


@pytest.fixture
def scripts(serve, tmp_path):
    return Scripts(serve(), tmp_path)


def test_runs_of_a_script_are_compared_and_a_failed_one_is_explained(scripts):
    usual = [scripts.run() for _ in range(6)]
    failed = scripts.run(census="nowhere.csv")
    slow = scripts.run(milliseconds=700.0, growth=1.5, package="2.0")

    # What failed first is told: not what was survived on the way.
    found = scripts.get(f"/v1/runs/{failed}/analysis")
    assert found["failed"]
    first = found["first_failure"]
    assert (first["operation"]["kind"], first["operation"]["name"]) == ("stage", "load")
    assert (first["error"]["type"], first["error"]["category"]) == ("FileNotFoundError", "configuration")
    assert {each["error_type"]: each["issue"] for each in found["errors"]}["FileNotFoundError"] == first["error"][
        "issue"
    ]
    assert [each["name"] for each in found["failures"]] == ["cache", "load"]
    assert found["last_good"]["run_id"] == usual[-1]
    assert any("run failed" in entry["message"] for entry in found["logs_around"])
    assert all(entry["run_id"] == failed for entry in found["logs_around"])

    # The slower one: out of line, and what it was given is known.
    listed = {run["run_id"]: run for run in scripts.get("/v1/runs")["runs"]}
    assert "duration_ms" in listed[slow]["unusual"]
    assert len(listed[slow]["earlier_durations_ms"]) == 6
    assert not listed[failed]["out_of_line"]
    assert listed[slow]["rows"] == 3000
    trend = scripts.get("/v1/runs/trend?name=simulate")
    assert [point["run_id"] for point in trend["points"]] == [*usual, failed, slow]
    assert {each["figure"]: each["direction"] for each in trend["figures"] if each["out_of_line"]}[
        "duration_ms"
    ] == "higher"

    # Compared with a usual one: parameter, package, operations, log, check.
    compared = scripts.get(f"/v1/runs/compare?a={usual[0]}&b={slow}")
    assert compared["parameters"][0] == {"name": "growth", "a": 0.03, "b": 1.5, "same": False}
    changed = {each["name"]: (each["a"], each["b"]) for each in compared["environment"] if not each["same"]}
    assert changed["packages.workforce"] == ("1.0", "2.0")
    assert (compared["operations"][0]["kind"], compared["operations"][0]["name"]) == ("stage", "simulate")
    draws = next(each for each in compared["operations"] if each["name"] == "draw")
    assert (draws["a_count"], draws["b_count"]) == (15, 15)
    assert "growth is more than everything" in [each["pattern"] for each in compared["patterns"]["new"]]
    assert [(each["name"], each["same"]) for each in compared["checks"]] == [("growth", False)]

    # On the terminal.
    shown = command("runs", "show", failed, "--dir", str(scripts.server.directory))
    assert shown.returncode == 0, shown.stderr
    assert "Why it failed" in shown.stdout
    assert "nowhere.csv" in shown.stdout
    taken = command("runs", "export", slow[:-3], "--dir", str(scripts.server.directory))
    assert json.loads(taken.stdout)["summary"]["run_metadata"]["run_id"] == slow


KILLED = """
import os, signal, sys
import plainview

plainview.configure(dir=sys.argv[1], service="simulator", environment="test", console="off")
with plainview.run("simulate", params={"years": 3}), plainview.job("year", id="2027") as job:
    job.progress(4, 12, "month 4")
    plainview.get_logger("simulator").info("month 4 begins")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_whose_process_was_killed_says_where_it_was(scripts):
    arguments = [sys.executable, "-c", KILLED, str(scripts.server.directory)]
    subprocess.run(arguments, env=CLEAN, capture_output=True, timeout=60, check=False)

    def abandoned():
        page = scripts.get("/v1/runs?status=abandoned")
        return page["runs"]

    (run,) = until(abandoned)
    found = scripts.get(f"/v1/runs/{run['run_id']}/analysis")
    first = found["first_failure"]["operation"]
    assert (first["kind"], first["key"], first["status"]) == ("job", "2027", "abandoned")
    assert (first["done"], first["total"], first["step"]) == (4, 12, "month 4")
    assert found["logs_around"][-1]["message"] == "month 4 begins"
    shown = command("runs", "show", "last", "--dir", str(scripts.server.directory))
    assert "job year: abandoned at 33 %, month 4" in shown.stdout, shown.stderr
