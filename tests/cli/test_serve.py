"""``plainview serve`` and ``plainview stop`` as processes; the server in the background."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx
import pytest

from plainview.server import ensure_running
from plainview.server.detached import CannotStart
from plainview.server.presence import held, running
from plainview.settings import load

COMMAND = [sys.executable, "-m", "plainview.cli"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PLAINVIEW_")}


def plainview(*arguments, **environment):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=ENVIRONMENT | environment,
    )


@contextmanager
def serving(directory, *arguments, command=(*COMMAND, "serve"), **environment):
    """A server process of a directory that answers."""
    process = subprocess.Popen(
        [*command, "--dir", str(directory), "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT | environment,
    )
    try:
        line = process.stdout.readline()
        assert "http://" in line, process.stderr.read()
        process.url = line.split()[3]
        yield process
    finally:
        process.kill()
        process.communicate()


def send(url, *messages):
    lines = [{"timestamp": "2026-11-20T12:00:00Z", "level": "INFO", "message": message} for message in messages]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    answer = httpx.post(f"{url}/v1/ingest", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert answer.json()["accepted"] == len(messages)


def found(url, text, count):
    until = time.monotonic() + 20
    while True:
        page = httpx.post(f"{url}/v1/logs/search", json={"message_contains": text, "limit": 10_000}).json()
        if page["total"] >= count:
            return sorted(entry["message"] for entry in page["logs"])
        assert time.monotonic() < until
        time.sleep(0.05)


def test_it_says_where_it_is_and_leaves_in_good_order(tmp_path):
    directory = tmp_path / "data"
    with serving(directory) as process:
        told = json.loads((directory / "server.json").read_text())
        assert (told["pid"], told["url"]) == (process.pid, process.url)
        assert stat.S_IMODE((directory / "server.json").stat().st_mode) == 0o600
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert httpx.get(f"{process.url}/v1/health").status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
        assert not (directory / "server.json").exists()
        assert process.stderr.read() == ""
    assert not held(directory)


def test_a_directory_has_one_server(tmp_path):
    with serving(tmp_path) as process:
        second = plainview("serve", "--dir", tmp_path)
        assert second.returncode == 1
        assert process.url in second.stderr
        assert "plainview stop" in second.stderr
        assert "Traceback" not in second.stderr


def test_a_taken_port_is_told_with_what_to_do(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = plainview("serve", "--dir", tmp_path, "--port", port)
        assert refused.returncode == 1
        assert f"Port {port} is taken" in refused.stderr
        assert f"--port {port + 1}" in refused.stderr
    assert not held(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["--host", "0.0.0.0"], {}, "export PLAINVIEW_TOKEN="),
        (["--host", "0.0.0.0"], {"PLAINVIEW_TOKEN": "short"}, "too short"),
        (["--host", "no.such.host.invalid"], {"PLAINVIEW_TOKEN": "x" * 20}, "is no address of this machine"),
        (["--port", "99999"], {}, "PLAINVIEW_PORT=99999"),
    ],
)
def test_what_cannot_be_served_is_told(tmp_path, arguments, environment, told):
    refused = plainview("serve", "--dir", tmp_path, *arguments, **environment)
    assert refused.returncode in (1, 2)
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_directory_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    refused = plainview("serve", "--dir", tmp_path / "file")
    assert refused.returncode == 1
    assert "--dir" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_beyond_loopback_with_a_token(tmp_path):
    token = "a-token-for-tests-only"
    with serving(tmp_path, "--host", "0.0.0.0", PLAINVIEW_TOKEN=token) as process:
        assert process.url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{process.url}/v1/services").status_code == 401
        answer = httpx.get(f"{process.url}/v1/services", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        shown = plainview("logs", "--dir", tmp_path, PLAINVIEW_TOKEN=token)
        assert (shown.returncode, shown.stderr) == (0, "")


_WITH_A_LONG_QUESTION = """
import sys
from plainview.query import services
from plainview.query.sql import Sql
LONG = Sql("SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b")
services.services = lambda reader: reader.rows(LONG)
from plainview.cli import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_the_middle_of_a_long_question_and_nothing_is_lost(tmp_path, number):
    with serving(tmp_path, command=[sys.executable, "-c", _WITH_A_LONG_QUESTION, "serve"]) as process:
        send(process.url, *(f"kept {n}" for n in range(100)))
        answers = []
        asking = threading.Thread(
            target=lambda: answers.append(httpx.get(f"{process.url}/v1/services", timeout=60)), daemon=True
        )
        asking.start()
        time.sleep(1)
        send(process.url, *(f"kept late {n}" for n in range(100)))
        process.send_signal(number)
        assert process.wait(20) == 0
        asking.join(5)
        # It went in good order, not by the last resort.
        assert process.stderr.read() == ""
        assert answers[0].status_code == 503
        assert answers[0].headers["content-type"] == "application/problem+json"
    with serving(tmp_path) as process:
        assert len(found(process.url, "kept", 200)) == 200


def test_a_killed_server_starts_again_with_everything_it_acknowledged(tmp_path):
    with serving(tmp_path) as process:
        send(process.url, *(f"kept {n:03}" for n in range(500)))
        process.kill()
        process.wait()
    assert running(tmp_path) is None
    refused = plainview("stop", "--dir", tmp_path)
    assert refused.returncode == 1
    assert "no server runs" in refused.stderr
    with serving(tmp_path) as process:
        assert found(process.url, "kept", 500) == [f"kept {n:03}" for n in range(500)]


def test_stop_ends_the_directorys_server(tmp_path):
    with serving(tmp_path) as process:
        stopped = plainview("stop", "--dir", tmp_path)
        assert (stopped.returncode, process.url in stopped.stdout) == (0, True)
        assert process.wait(20) == 0


def test_two_that_need_a_server_at_once_get_one(tmp_path):
    settings = load({}, dir=str(tmp_path / "data"), port=0)
    urls = []
    threads = [threading.Thread(target=lambda: urls.append(ensure_running(settings))) for _ in range(3)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(urls) == 3
        assert len(set(urls)) == 1
        assert running(tmp_path / "data").url == urls[0]
        assert ensure_running(settings) == urls[0]
        assert (tmp_path / "data/server.log").exists()
    finally:
        assert plainview("stop", "--dir", tmp_path / "data").returncode == 0


def test_a_server_in_the_background_takes_another_port_when_its_own_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        url = ensure_running(load({}, dir=str(tmp_path), port=port))
        try:
            assert not url.endswith(f":{port}")
        finally:
            assert plainview("stop", "--dir", tmp_path).returncode == 0


def test_a_server_that_cannot_start_in_the_background_says_why(tmp_path):
    with pytest.raises(CannotStart, match="needs a token"):
        ensure_running(load({}, dir=str(tmp_path), host="0.0.0.0", port=0))


def test_the_version_comes_without_the_store():
    program = "import sys; from plainview.cli import main; sys.argv = ['plainview', 'version']\ntry: main()\nfinally: "
    program += "print({'duckdb', 'fastapi', 'numpy', 'httpx'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert told.stdout.startswith("plainview ")
    assert told.stdout.endswith("set()\n")
