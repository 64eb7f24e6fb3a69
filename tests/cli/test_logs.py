"""``plainview logs`` against a running server."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading

import httpx
import pytest

COMMAND = [sys.executable, "-m", "plainview.cli", "logs"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PLAINVIEW_")}


def send(url, *records):
    usual = {"timestamp": "2026-11-20T12:00:00Z", "level": "INFO", "message": "hello", "service": "studio"}
    body = b"".join(json.dumps(usual | record).encode() + b"\n" for record in records)
    answer = httpx.post(f"{url}/v1/ingest", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert answer.json()["rejected"] == 0


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data")
    process = subprocess.Popen(
        [sys.executable, "-m", "plainview.cli", "serve", "--dir", str(directory), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    try:
        process.url = process.stdout.readline().split()[3]
        process.directory = directory
        send(
            process.url,
            {"message": "first", "logger": "studio.api", "request_id": "r1", "extra": {"step": 3}},
            {
                "message": "second\n\x1b[31mred\x9b31m",
                "level": "ERROR",
                "exception": {"stack_trace": "Trace\nback\x1b[2J"},
            },
            {"message": "third", "service": "worker", "level": "WARNING"},
        )
        while httpx.post(f"{process.url}/v1/logs/search", json={}).json()["total"] < 3:
            pass
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def logs(server, *arguments, **environment):
    return subprocess.run(
        [*COMMAND, "--dir", str(server.directory), *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=ENVIRONMENT | environment,
    )


def shown(server, *arguments):
    found = logs(server, "--json", *arguments)
    assert found.stderr == ""
    return [json.loads(line)["message"].split("\n")[0] for line in found.stdout.splitlines()]


def test_logs_are_shown_oldest_first(server):
    assert shown(server) == ["first", "second", "third"]
    assert shown(server, "--limit", "2") == ["second", "third"]
    assert shown(server, "--limit", "0") == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--level", "warn"], ["second", "third"]),
        (["--service", "worker"], ["third"]),
        (["--service", "worker", "--service", "studio", "--request", "r1"], ["first"]),
        (["--logger", "studio.*"], ["first"]),
        (["step:3"], ["first"]),
        (["FIRST", "level:info"], ["first"]),
        (["-service:worker", "-first"], ["second"]),
        (["--since", "2026-11-20T00:00:00Z", "--until", "2026-11-21"], ["first", "second", "third"]),
        (["--since", "1m", "--until", "now"], []),
        (["nothing such"], []),
    ],
)
def test_options_and_terms_narrow_them(server, arguments, expected):
    assert shown(server, *arguments) == expected


def test_more_than_a_page_is_shown(server, monkeypatch):
    send(server.url, *({"message": f"many {n:04}", "level": "DEBUG"} for n in range(2500)))
    while httpx.post(f"{server.url}/v1/logs/search", json={"q": "many"}).json()["total"] < 2500:
        pass
    assert shown(server, "many", "--limit", "2300") == [f"many {n:04}" for n in range(200, 2500)]


def test_nothing_that_was_logged_acts_on_the_terminal(server):
    text = logs(server, "second")
    assert "\\n\\x1b[31mred\\x9b31m" in text.stdout
    assert "│" in text.stdout
    for output in (text.stdout, logs(server, "--json", "second").stdout):
        assert not set(output) & {chr(code) for code in (*range(10), *range(11, 32), *range(0x7F, 0xA0))}
    coloured = logs(server, "second", FORCE_COLOR="1").stdout
    assert "\x1b[" in coloured
    assert "\x1b[31mred" not in coloured
    assert "\x1b[2J" not in coloured


def test_a_terminal_that_knows_less_than_unicode_is_no_hindrance(server):
    send(server.url, {"message": "größe 日本"})
    while httpx.post(f"{server.url}/v1/logs/search", json={"q": "größe"}).json()["total"] < 1:
        pass
    ascii_ = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    assert "gr??e ??" in logs(server, "größe", **ascii_).stdout.replace("gr?e", "gr??e")
    (line,) = logs(server, "--json", "größe", **ascii_).stdout.splitlines()
    assert json.loads(line)["message"] == "größe 日本"


def test_what_is_wrong_with_a_query_is_marked(server):
    refused = logs(server, 'ok "open')
    assert refused.returncode == 1
    assert refused.stderr.splitlines() == [
        "plainview: q: this quote is never closed (at character 4)",
        '  ok "open',
        "     ^",
    ]
    refused = logs(server, "--level", "loud")
    assert "level: unknown level" in refused.stderr


def test_without_a_server_it_says_what_to_do(tmp_path):
    refused = subprocess.run(
        [*COMMAND, "--dir", str(tmp_path)], capture_output=True, text=True, timeout=30, check=False, env=ENVIRONMENT
    )
    assert refused.returncode == 1
    assert f"plainview serve --dir {tmp_path}" in refused.stderr
    refused = subprocess.run(
        [*COMMAND, "--url", "http://127.0.0.1:1"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=ENVIRONMENT,
    )
    assert refused.returncode == 1
    assert "http://127.0.0.1:1 does not answer" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_reader_that_goes_away_ends_it_quietly(server):
    command = " ".join([*COMMAND, "--dir", str(server.directory), "--limit", "3000", "--json"])
    done = subprocess.run(f"{command} | head -1", shell=True, capture_output=True, text=True, timeout=30, check=False)
    assert json.loads(done.stdout)["message"]
    assert done.stderr == ""


def test_following_goes_on_with_what_comes(server):
    process = subprocess.Popen(
        [*COMMAND, "--url", server.url, "--follow", "--json", "--limit", "1", "followed"],
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    lines = queue.Queue()
    threading.Thread(target=lambda: [lines.put(line) for line in process.stdout], daemon=True).start()
    try:
        send(server.url, {"message": "followed from before or after"}, {"message": "other"})
        assert json.loads(lines.get(timeout=20))["message"] == "followed from before or after"
        send(server.url, {"message": "followed 2"})
        assert json.loads(lines.get(timeout=20))["message"] == "followed 2"
        assert lines.empty()
    finally:
        process.kill()
        process.wait()
