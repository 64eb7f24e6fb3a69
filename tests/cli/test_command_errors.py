"""`plainview errors`: listed, shown and worked off on the terminal, through a running server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "server"))
from live_server import run_server

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("PLAINVIEW_")}


def errors(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "plainview.cli", "errors", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=CLEAN)


def error(number: int, kind: str, **fields) -> dict:
    return {
        "timestamp": f"2026-11-20T12:00:{number:02}.000000Z",
        "error_id": f"{number:032x}",
        "mechanism": "manual",
        "service": "studio",
        "exceptions": [{"type": kind, "message": "no such book\x1b[31m", "frames": [{"module": "a", "function": "f"}]}],
        "stack_trace": f"Traceback (most recent call last):\n{kind}: no such book\n",
    } | fields


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with a running server and three errors."""
    folder = tmp_path_factory.mktemp("errors")
    with run_server(folder) as server:
        server.ingest(
            error(1, "KeyError", job_id="j1"), error(2, "ValueError"), error(3, "OSError"), error(4, "OSError")
        )
        until = time.monotonic() + 30
        while server.get("/v1/errors")["total"] < 3:
            assert time.monotonic() < until
            time.sleep(0.05)
        yield str(folder)


def ids(place: str) -> dict[str, str]:
    done = errors("list", "--status", "all", "--json", "--dir", place)
    assert done.returncode == 0, done.stderr
    return {issue["error_type"]: issue["id"] for issue in map(json.loads, done.stdout.splitlines())}


def test_a_list_has_a_line_for_each_and_nothing_that_acts_on_the_terminal(place):
    done = errors("list", "--status", "all", "--sort", "count", "--dir", place)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "OSError" in lines[1]
    assert len(lines) == 4
    assert "\x1b[31m" not in done.stdout
    narrowed = errors("list", "keyerror", "--status", "all", "--job", "j1", "--since", "9999d", "--dir", place)
    assert "KeyError" in narrowed.stdout
    assert "OSError" not in narrowed.stdout


def test_one_is_shown_whole(place):
    done = errors("show", ids(place)["OSError"], "--dir", place)
    assert done.returncode == 0, done.stderr
    for told in ("OSError", "Traceback", "occurrences", "studio"):
        assert told in done.stdout
    assert json.loads(errors("show", f"{3:032x}", "--json", "--dir", place).stdout)["error_type"] == "OSError"


def test_they_are_worked_off(place):
    known = ids(place)
    assert errors("ack", known["KeyError"], "--dir", place).returncode == 0
    done = errors("resolve", known["KeyError"], known["ValueError"], "--notes", "a lock", "--dir", place)
    assert done.returncode == 0, done.stderr
    assert errors("ignore", known["OSError"], "--count", "5", "--dir", place).returncode == 0
    assert "no such errors" in errors("list", "--dir", place).stdout
    shown = json.loads(errors("show", known["KeyError"], "--json", "--dir", place).stdout)
    assert (shown["status"], shown["resolution_notes"]) == ("resolved", "a lock")
    assert [line["action"] for line in shown["history"]] == ["resolve", "acknowledge"]


def test_what_does_not_go_well_is_told_and_is_the_exit_code(place, tmp_path):
    gone = errors("show", "E999", "--dir", place)
    assert (gone.returncode, gone.stdout) == (1, "")
    assert "There is no error" in gone.stderr
    assert errors("list", "--sort", "mood", "--dir", place).returncode == 1
    nowhere = errors("list", "--dir", str(tmp_path))
    assert nowhere.returncode == 1
    assert "plainview serve" in nowhere.stderr
    assert errors("ignore", "--dir", place).returncode == 2
    assert errors("explode").returncode == 2
