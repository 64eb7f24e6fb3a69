"""Records of one machine on the server of another: by the application's own thread, or by `plainview agent`."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from served import CLEAN, Server, command, until

TOKEN = "a-token-for-tests-only"


def application(tmp_path, count: int, **given) -> subprocess.Popen:
    """A program that logs ``count`` lines and some spans, slowly, into a spool of its own."""
    settings = {"service": "far", "environment": "production", "file": "", "dir": str(tmp_path / "far")} | given
    program = tmp_path / "far.py"
    program.write_text(
        f"import time, plainview\nplainview.configure(**{settings!r})\nlog = plainview.get_logger('a')\n"
        f"for n in range({count}):\n"
        "    if n % 100: log.info('line', n=n)\n"
        "    else:\n"
        "        with plainview.span('step', n=n): log.info('line', n=n)\n"
        "    if n % 1000 == 0: time.sleep(0.1)\n"
        "time.sleep(float(__import__('sys').argv[1]))\n"
    )
    return subprocess.Popen([sys.executable, str(program), "2" if "endpoint" in given else "0"], env=CLEAN)


def arrived(server: Server, count: int) -> None:
    until(lambda: server.search(limit=1, service="far")["total"] >= count)
    assert Counter(line["extra"]["n"] for line in server.all(service="far")) == dict.fromkeys(range(count), 1)


def test_an_applications_own_thread_ships_through_a_server_that_is_killed(serve, tmp_path):
    server = serve()
    process = application(tmp_path, 8000, endpoint=server.url, segment_bytes=1 << 18)
    until(lambda: server.search(limit=1)["total"] > 0)
    server.kill()
    process.wait(timeout=60)
    server.start()  # at another port: the agent takes the rest there
    done = command("agent", "--once", "--endpoint", server.url, PLAINVIEW_DIR=str(tmp_path / "far"))
    assert done.returncode == 0, done.stderr
    arrived(server, 8000)
    assert not list((tmp_path / "far" / "spool").glob("[!.]*")), "what was acknowledged is deleted here"


def test_the_agent_ships_what_dead_processes_left_once_however_often_it_is_killed(serve, tmp_path):
    server = serve(PLAINVIEW_TOKEN=TOKEN)
    application(tmp_path, 20_000).wait(timeout=60)
    variables = {"PLAINVIEW_DIR": str(tmp_path / "far"), "PLAINVIEW_TOKEN": TOKEN, "PLAINVIEW_ENDPOINT": server.url}
    for _ in range(3):
        agent = subprocess.Popen([sys.executable, "-m", "plainview.cli", "agent"], env=CLEAN | variables)
        before = server.search(limit=1)["total"]
        with pytest.raises(subprocess.TimeoutExpired):
            agent.wait(timeout=0.7)
        agent.kill()
        agent.wait()
        assert server.search(limit=1)["total"] >= before
    assert command("agent", "--once", **variables).returncode == 0
    arrived(server, 20_000)


def test_the_agent_says_what_is_wrong(tmp_path):
    spool = {"PLAINVIEW_DIR": str(tmp_path / "far")}
    assert "give --endpoint URL" in command("agent", **spool).stderr
    assert "is no URL" in command("agent", "--endpoint", "nonsense", **spool).stderr
    application(tmp_path, 10).wait(timeout=60)
    away = command("agent", "--once", "--endpoint", "http://127.0.0.1:1", **spool)
    assert away.returncode == 1
    assert "will try again" in away.stderr
