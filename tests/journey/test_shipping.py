"""Records of one machine on the server of another: by the application's own thread, or by `plainview agent`."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
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


def at_work(tmp_path, *, dies: bool, **given) -> subprocess.Popen:
    """A program with a job that is at 30 of 100, and one that is done; it is killed in it, or ends well."""
    settings = {"service": "far", "file": "", "dir": str(tmp_path / "far")} | given
    program = tmp_path / "work.py"
    end = "os.kill(os.getpid(), 9)" if dies else "pass"
    program.write_text(
        f"import os, time, plainview\nplainview.configure(**{settings!r})\n"
        "with plainview.job('render', id='done'): pass\n"
        "with plainview.job('render', id='open') as job:\n"
        f"    job.progress(30, total=100)\n    time.sleep({2 if 'endpoint' in given else 0})\n    {end}\n"
    )
    return subprocess.Popen([sys.executable, str(program)], env=CLEAN)


def jobs(server: Server) -> dict[str, tuple]:
    """What the server says of the jobs: state and how far."""
    found = httpx.get(f"{server.url}/v1/operations", params={"kind": "job", "service": "far"}).json()["operations"]
    return {one["key"]: (one["status"], one["done"]) for one in found}


def abandoned(server: Server) -> int:
    """How often it was said of the job that it was abandoned."""
    events = httpx.get(f"{server.url}/v1/operations/open", params={"kind": "job"}).json()["events"]
    return sum(event["event"] == "abandon" for event in events)


@pytest.mark.parametrize("shipping", [True, False])
def test_a_job_whose_process_is_killed_on_another_machine_is_abandoned_there_once(serve, tmp_path, shipping):
    server = serve()
    given = {"endpoint": server.url} if shipping else {}
    process = at_work(tmp_path, dies=True, **given)
    if shipping:  # its own thread sends what there is, and is killed with it
        until(lambda: jobs(server) == {"done": ("completed", None), "open": ("running", 30)})
    assert process.wait(timeout=60) == -9
    server.kill()
    server.start()
    variables = {"PLAINVIEW_DIR": str(tmp_path / "far")}
    (stream,) = (tmp_path / "far" / "spool").glob("[!.]*")
    assert command("agent", "--once", "--endpoint", server.url, **variables).returncode == 0
    assert not stream.exists()
    server.kill()  # what was said is on its disk
    server.start()
    until(lambda: jobs(server) == {"done": ("completed", None), "open": ("abandoned", 30)})
    assert httpx.put(f"{server.url}/v1/spool/{stream.name}/end").status_code == 204, "the answer was lost"
    application(tmp_path, 10, service="later").wait(timeout=60)
    assert command("agent", "--once", "--endpoint", server.url, **variables).returncode == 0
    until(lambda: server.search(limit=1, service="later")["total"] == 10)
    assert abandoned(server) == 1


def test_what_a_killed_process_had_counted_is_sent_too(serve, tmp_path):
    server = serve(PLAINVIEW_METRICS_INTERVAL="1")
    program = tmp_path / "counting.py"
    program.write_text(
        f"import os, plainview\nplainview.configure(service='far', file='', dir={str(tmp_path / 'far')!r})\n"
        "plainview.counter('books_total', 'Books.').inc(7)\nos.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, str(program)], env=CLEAN, check=False).returncode == -9
    sent = command("agent", "--once", "--endpoint", server.url, PLAINVIEW_DIR=str(tmp_path / "far"))
    assert sent.returncode == 0, sent.stderr
    question = {"query": "max_over_time(books_total[5m])"}
    found = until(lambda: httpx.get(f"{server.url}/api/v1/query", params=question).json()["data"]["result"])
    assert [one["value"][1] for one in found] == ["7"]


def test_a_process_that_ends_well_on_another_machine_leaves_nothing_abandoned(serve, tmp_path):
    server = serve()
    assert at_work(tmp_path, dies=False).wait(timeout=60) == 0
    (stream,) = (tmp_path / "far" / "spool").glob("[!.]*")
    sent = command("agent", "--once", "--endpoint", server.url, PLAINVIEW_DIR=str(tmp_path / "far"))
    assert sent.returncode == 0
    assert not stream.exists()
    until(lambda: jobs(server) == {"done": ("completed", None), "open": ("completed", 30)})
    assert abandoned(server) == 0


def test_what_is_sent_to_an_older_server_is_deleted_here_once_it_holds_all(tmp_path):
    """One that knows nothing of the end of streams."""
    held: dict[str, bytes] = {}
    asked: list[str] = []

    class Older(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self._answer(200, len(held.get(self.path, b"")))

        def do_PUT(self):
            path = self.path.partition("?")[0].removesuffix("/close")
            asked.append(self.path)
            if not path[-1].isdigit():
                self._answer(404, 0)
            else:
                held[path] = held.get(path, b"") + self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(200, len(held[path]))

        def _answer(self, status: int, offset: int) -> None:
            body = json.dumps({"offset": offset}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    assert at_work(tmp_path, dies=True).wait(timeout=60) == -9
    with ThreadingHTTPServer(("127.0.0.1", 0), Older) as older:
        threading.Thread(target=older.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{older.server_address[1]}"
        sent = command("agent", "--once", "--endpoint", url, PLAINVIEW_DIR=str(tmp_path / "far"))
        older.shutdown()
    assert sent.returncode == 0, sent.stderr
    assert asked[-1].endswith("/end")
    assert b'"key":"open"' in b"".join(held.values())
    assert not list((tmp_path / "far" / "spool").glob("[!.]*"))


def test_the_agent_says_what_is_wrong(tmp_path):
    spool = {"PLAINVIEW_DIR": str(tmp_path / "far")}
    assert "give --endpoint URL" in command("agent", **spool).stderr
    assert "is no URL" in command("agent", "--endpoint", "nonsense", **spool).stderr
    application(tmp_path, 10).wait(timeout=60)
    away = command("agent", "--once", "--endpoint", "http://127.0.0.1:1", **spool)
    assert away.returncode == 1
    assert "will try again" in away.stderr
