"""`plainview doctor` and `plainview level`, as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import plainview
from plainview.settings import Settings

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("PLAINVIEW_")}


def run(*arguments, **variables):
    return subprocess.run(
        [sys.executable, "-m", "plainview.cli", *arguments],
        capture_output=True, text=True, timeout=60, check=False, env=CLEAN | variables,
    )  # fmt: skip


def findings(directory, **variables):
    done = run("doctor", "--json", PLAINVIEW_DIR=str(directory), **variables)
    return done.returncode, {found["about"]: found for found in json.loads(done.stdout)}


def test_a_fresh_directory_is_well_and_it_says_what_to_start(tmp_path):
    code, found = findings(tmp_path / "data")
    assert code == 0
    assert found["installation"]["state"] == "ok"
    assert "plainview run" in found["spool"]["advice"]
    assert "plainview serve" in found["server"]["advice"]


def test_a_setting_that_does_not_fit_is_a_problem(tmp_path):
    code, found = findings(tmp_path, PLAINVIEW_CONSOLE="loud")
    assert code == 1
    assert "PLAINVIEW_CONSOLE='loud'" in found["settings"]["says"]


def test_what_a_process_dropped_is_shown_with_its_reason(tmp_path):
    plainview.configure(service="shop", environment="production", file="", dir=str(tmp_path))
    try:
        plainview.get_logger("a").info("x")
        from plainview.capture import runtime

        spool = runtime.runtime().recorder.spool
        spool.counters.dropped["log"] = 7
        spool.counters.reason = "OSError: No space left on device"
        spool.write_status()
        code, found = findings(tmp_path)
    finally:
        plainview.shutdown()
    (stream,) = [name for name in found if name.startswith("shop-")]
    assert code == 0, "the application went on: it is a warning"
    assert found[stream]["state"] == "warning"
    done = run("doctor", PLAINVIEW_DIR=str(tmp_path)).stdout
    assert "dropped 7 log records: OSError: No space left on device" in " ".join(done.split())
    assert stream in done


def test_a_directory_that_cannot_be_written_is_a_problem():
    code, found = findings("/proc/nowhere")
    assert code == 1
    assert found["data directory"]["state"] == "problem"
    assert "PLAINVIEW_DIR" in found["data directory"]["advice"]


def test_a_remote_server_that_is_away_is_a_problem_and_its_token_is_never_shown(tmp_path):
    code, found = findings(tmp_path, PLAINVIEW_ENDPOINT="http://127.0.0.1:1", PLAINVIEW_TOKEN="hidden-token")
    assert code == 1
    assert "cannot be reached" in found["remote server"]["says"]
    listed = run("doctor", "--settings", PLAINVIEW_TOKEN="hidden-token").stdout
    assert "hidden-token" not in listed
    assert "(set)" in listed


def test_every_setting_is_listed(tmp_path):
    listed = run("doctor", "--settings", PLAINVIEW_DIR=str(tmp_path), COLUMNS="400").stdout
    for name in Settings.__struct_fields__:
        assert f"PLAINVIEW_{name.upper()}" in listed


def test_level_is_set_for_all_and_for_one_logger_and_shown(tmp_path):
    assert "no level is set" in run("level", PLAINVIEW_DIR=str(tmp_path)).stdout
    run("level", "warn", PLAINVIEW_DIR=str(tmp_path))
    shown = run("level", "DEBUG", "--logger", "shop.cart", PLAINVIEW_DIR=str(tmp_path)).stdout
    assert shown.split("\n")[:2] == ["(all): WARNING", "shop.cart: DEBUG"]
    wrong = run("level", "loud", PLAINVIEW_DIR=str(tmp_path))
    assert wrong.returncode == 2
    assert "unknown level 'loud'" in wrong.stderr
