"""`plainview jobs` and `plainview workers`: listed and followed on the terminal, through a running server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "server"))
from live_server import run_server

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("PLAINVIEW_")}
NOW = datetime.now(UTC)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "plainview.cli", *arguments]


def plainview(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=60, check=False, env=CLEAN)


def told(number: int, event: str, ago: float, **members) -> dict:
    """A line about an operation that began a minute ago."""
    at = (NOW - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    start = int((NOW - timedelta(seconds=60)).timestamp() * 1e6) * 1000
    of = {"timestamp": at, "operation_id": f"{number:016x}", "event": event, "start_time_unix_nano": start}
    return of | {"kind": "job", "name": "render", "service": "studio", "host": "box", "pid": 7} | members


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with run_server(tmp_path_factory.mktemp("jobs")) as running:
        running.ingest(
            told(1, "open", 60, key="j-1"),
            told(1, "progress", 10, key="j-1", done=30, total=120, step="page 30\x1b[31m"),
            told(2, "close", 50, key="j-2", status="failed", duration_ms=125_000.0, reason="ValueError: torn")
            | {"failed_in": "stage encode"},
            told(3, "close", 50, kind="engine", name="narrator", status="completed", duration_ms=12.0),
            told(4, "open", 60, kind="worker", name="celery"),
            told(4, "heartbeat", 5, kind="worker", name="celery", data={"interval_seconds": 3600}),
        )
        yield running


def test_jobs_are_listed_with_how_far_they_are_and_why_they_failed(server):
    done = plainview("jobs", "--url", server.url)
    assert done.returncode == 0, done.stderr
    heading, *lines = done.stdout.splitlines()
    assert heading.split() == ["started", "status", "took", "try", "job", "id", "progress"]
    assert len(lines) == 2
    running, failed = sorted(lines, key=lambda line: "failed" in line)
    assert "███░░░░░░░░░  25% 30/120 page 30" in running
    assert "2m05s" in failed
    assert "in stage encode: ValueError: torn" in failed
    assert "\x1b[31m" not in done.stdout


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["--status", "failed"], {"j-2"}),
        (["--status", "failed", "--status", "running"], {"j-1", "j-2"}),
        (["--name", "other"], set()),
        (["torn"], {"j-2"}),
        (["--kind", "all", "--name", "narrator"], {None}),
        (["--since", "0s"], {"j-1"}),
        (
            ["--kind", "all", "--status", "failed", "--status", "completed", "--limit", "1", "--sort", "duration_ms"],
            {"j-2"},
        ),
    ],
)
def test_each_option_narrows_the_list(server, asked, expected):
    done = plainview("jobs", "--json", "--url", server.url, *asked)
    assert done.returncode == 0, done.stderr
    assert {json.loads(line)["key"] for line in done.stdout.splitlines()} == expected


def test_workers_are_listed_with_their_state_and_their_work(server):
    done = plainview("workers", "--url", server.url)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()[1:]
    assert line.split()[0] == "alive"
    assert "studio celery" in line
    assert "7 on box" in line
    assert "job render j-1 25%" in line
    (one,) = map(json.loads, plainview("workers", "--json", "--url", server.url).stdout.splitlines())
    assert (one["state"], one["failed"]) == ("alive", 1)
    assert plainview("workers", "--service", "other", "--url", server.url).stdout == "no workers\n"


def test_jobs_are_followed_change_by_change(server):
    following = subprocess.Popen(
        command("jobs", "--follow", "--name", "followed", "--kind", "all", "--url", server.url),
        stdout=subprocess.PIPE,
        text=True,
        env=CLEAN,
    )
    try:
        server.ingest(told(5, "open", 3, name="followed", key="j-5"))
        assert following.stdout.readline().split()[1::2][:1] == ["running"]
        server.ingest(told(5, "close", 1, name="followed", key="j-5", status="completed", duration_ms=2000.0))
        words = following.stdout.readline().split()
        assert words[1:] == ["completed", "2.0s", "job", "followed", "j-5"]
    finally:
        following.kill()
        following.communicate()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["jobs", "--status", "asleep"], "status"),
        (["jobs", "--sort", "colour"], "order_by"),
        (["jobs", "--since", "yesterday"], "start_time"),
        (["jobs", '"never closed'], "never closed"),
    ],
)
def test_what_cannot_be_asked_is_told_in_one_line(server, arguments, expected):
    done = plainview(*arguments, "--url", server.url)
    assert done.returncode == 1
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["jobs", "workers"])
def test_without_a_server_it_is_said_how_to_start_one(name, tmp_path):
    done = plainview(name, "--dir", str(tmp_path))
    assert done.returncode == 1
    assert "plainview serve" in done.stderr
