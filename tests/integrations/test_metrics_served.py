"""``/metrics`` of real applications with several workers: any worker answers for all, exactly, whoever is killed."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from harness import free_port, get
from prometheus_client.parser import text_string_to_metric_families

FASTAPI = """
    import asyncio, os
    from fastapi import FastAPI, HTTPException
    from prometheus_client import Counter

    app = FastAPI()
    orders = Counter("shop_orders", "Orders taken.", ["kind"])
    orders.labels("book").inc(0)

    @app.get("/books/{book_id}")
    async def read(book_id: int):
        if book_id == 13:
            raise HTTPException(404)
        return os.getpid()

    @app.get("/hangs")
    async def hangs():
        open("hangs", "w").write(str(os.getpid()))
        await asyncio.sleep(600)
"""
FLASK = """
    import os, time
    from flask import Flask, abort
    from prometheus_client import Counter

    app = Flask(__name__)
    orders = Counter("shop_orders", "Orders taken.", ["kind"])
    orders.labels("book").inc(0)

    @app.route("/books/<int:book_id>")
    def read(book_id):
        if book_id == 13:
            abort(404)
        return str(os.getpid())

    @app.route("/hangs")
    def hangs():
        open("hangs", "w").write(str(os.getpid()))
        time.sleep(600)
"""
#: Program, how it is served, and the route as the framework writes it.
SERVED = {
    "uvicorn": (FASTAPI, "uvicorn main:app --workers {workers} --port {port}", "/books/{{book_id}}"),
    "gunicorn": (FLASK, "gunicorn main:app --workers {workers} --bind 127.0.0.1:{port}", "/books/<int:book_id>"),
    "preload": (
        FLASK,
        "gunicorn main:app --workers {workers} --preload --bind 127.0.0.1:{port}",
        "/books/<int:book_id>",
    ),
}


class App:
    """An application that is served, and what can be asked of it."""

    def __init__(self, port: int, route: str) -> None:
        self.port = port
        self.route = route

    def ask(self, count: int) -> set[int]:
        """Ask so many times over eight connections at the same time; the workers that answered."""

        def some(number: int) -> set[int]:
            workers = set()
            for _ in range(number):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                connection.request("GET", "/books/1")
                answer = connection.getresponse()
                assert answer.status == 200
                workers.add(int(answer.read()))
                connection.close()
            return workers

        with ThreadPoolExecutor(8) as clients:
            return set().union(*clients.map(some, [count // 8] * 8))

    def text(self, **headers: str) -> str:
        status, given, body = get(f"http://127.0.0.1:{self.port}/metrics", **headers)
        assert status == 200
        assert given["content-type"].startswith("text/plain; version=0.0.4")
        return body.decode()

    def samples(self) -> dict[tuple[str, frozenset], float]:
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
        }

    def answered(self) -> float:
        """How many requests the metrics say were answered."""
        labels = {"method": "GET", "endpoint": self.route, "status_code": "200"}
        found = self.samples()
        total = found["http_requests_total", frozenset(labels.items())]
        del labels["status_code"]
        assert found["http_request_duration_seconds_count", frozenset(labels.items())] == total
        assert found["http_requests_in_progress", frozenset(labels.items())] == 0
        return total


@contextmanager
def served(programs, name, workers=4):
    program, command, route = SERVED[name]
    programs.write("main.py", program)
    port = free_port()
    words = command.format(port=port, workers=workers).split()
    with programs.serving(*words, port=port, variables={"PLAINVIEW_METRICS_PATH": "/metrics"}):
        yield App(port, route.format())


@pytest.mark.parametrize("name", SERVED)
def test_any_worker_tells_exactly_how_many_requests_all_answered(programs, name):
    with served(programs, name) as app:
        workers = app.ask(320)
        assert {app.answered() for _ in range(12)} == {320}
        killed = workers.pop()
        os.kill(killed, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while is_there(killed) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert {app.answered() for _ in range(12)} == {320}
        assert killed not in app.ask(160)
        assert {app.answered() for _ in range(12)} == {480}
    assert not [line for line in programs.spool.requests() if line["extra"]["path"] == "/metrics"]
    assert programs.spool.internal_errors() == 0


@pytest.mark.parametrize("name", ["uvicorn", "gunicorn"])
def test_what_a_worker_was_serving_when_it_was_killed_is_not_in_progress_any_more(programs, name):
    with served(programs, name, workers=2) as app, socket.create_connection(("127.0.0.1", app.port)) as connection:
        connection.sendall(b"GET /hangs HTTP/1.1\r\nHost: app\r\n\r\n")
        noted = programs.directory / "hangs"
        assert eventually(lambda: noted.exists() and noted.read_text() != "", wanted=True)
        hanging = ("http_requests_in_progress", frozenset({("method", "GET"), ("endpoint", "/hangs")}))
        assert {app.samples()[hanging] for _ in range(6)} == {1}
        os.kill(int(noted.read_text()), signal.SIGKILL)
        assert eventually(lambda: {app.samples().get(hanging, 0) for _ in range(6)}, {0})
        app.ask(80)
        assert {app.answered() for _ in range(6)} == {80}


def is_there(pid: int) -> bool:
    """Whether a process is still there, in whatever state."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not installed")
@pytest.mark.parametrize("name", ["uvicorn", "gunicorn"])
def test_promtool_accepts_what_is_exposed(programs, name):
    with served(programs, name, workers=2) as app:
        app.ask(80)
        app.text()
        time.sleep(1)  # file systems are looked at in a thread
        text = app.text()
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
        )
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
        metrics = app.samples()
    assert ("shop_orders_total", frozenset({("kind", "book")})) in metrics
    names = {name for name, _ in metrics}
    assert {"process_cpu_seconds_total", "memory_usage_bytes", "host_memory_total_bytes", "disk_usage_bytes"} <= names
    assert len(re.findall(r"(?m)^# TYPE process_cpu_seconds_total ", text)) == 1  # prometheus_client tells it, too


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")
@pytest.mark.parametrize("name", ["uvicorn", "gunicorn"])
def test_a_prometheus_scrapes_it(programs, name):
    with served(programs, name) as app, prometheus(programs, app.port) as ask:
        app.ask(160)
        query = f'sum(http_requests_total{{endpoint="{app.route}",status_code="200"}})'
        assert eventually(lambda: [float(each["value"][1]) for each in ask("query", query=query)["result"]], [160.0])
        (target,) = ask("targets")["activeTargets"]
        assert (target["health"], target["lastError"]) == ("up", "")
        assert ask("query", query="scrape_samples_scraped")["result"][0]["value"][1] != "0"
        app.ask(80)
        assert eventually(lambda: [float(each["value"][1]) for each in ask("query", query=query)["result"]], [240.0])


@contextmanager
def prometheus(programs, target: int):
    """A Prometheus that scrapes a port each second; yields what asks its HTTP API."""
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "app", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}],
    }
    file = programs.write("prometheus.yml", json.dumps(config))  # JSON is YAML
    port = free_port()
    command = (
        "prometheus", f"--config.file={file}", f"--storage.tsdb.path={programs.directory}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}",
    )  # fmt: skip
    output = (programs.directory / "prometheus.txt").open("w")
    process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)

    def ask(what: str, **parameters: str):
        url = f"http://127.0.0.1:{port}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    try:
        yield ask
    finally:
        process.terminate()
        process.wait(30)
        output.close()


def eventually(what, wanted) -> bool:
    """Whether it becomes what is wanted."""
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        try:
            if what() == wanted:
                return True
        except (urllib.error.URLError, ConnectionError):
            pass  # it has not begun to listen
        time.sleep(0.3)
    return False
