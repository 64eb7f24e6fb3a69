"""``/metrics`` where it is mounted, and on a port of its own: answered, and no request of the application's."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error

import pytest
from exposed import Samples
from fastapi import FastAPI
from flask import Flask
from harness import call, free_port, get
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from werkzeug.test import Client

import plainview
from plainview.integrations.asgi import Middleware as ASGIMiddleware

pytestmark = pytest.mark.usefixtures("nothing_counted")


async def plain_asgi(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the application"})


def fastapi_app():
    app = FastAPI()

    @app.api_route("/{anything:path}", methods=["GET", "POST"])
    async def everything(anything: str):
        return "the application"

    return app


def starlette_app():
    return Starlette(routes=[Route("/{anything:path}", lambda _: PlainTextResponse("the application"))])


@pytest.mark.parametrize("make", [lambda: plain_asgi, fastapi_app, starlette_app], ids=["asgi", "fastapi", "starlette"])
@pytest.mark.parametrize("order", ["mounted first", "captured first", "captured around", "not captured"])
async def test_an_asgi_application_answers_and_captures_nothing_of_it(spool, make, order):
    app = make()
    if order == "mounted first":
        app = plainview.instrument(plainview.mount(app))
    elif order == "captured first":
        app = plainview.mount(plainview.instrument(app))
    elif order == "captured around":
        app = ASGIMiddleware(plainview.mount(app))
    else:
        app = plainview.mount(app)
    plainview.counter("mounted_total", "Of this test.").inc()
    for _ in range(2):
        response = await call(app, "/metrics")
        assert response.status == 200
        assert response.complete
        assert response.headers["content-length"] == str(len(response.body))
        samples = Samples(response.body.decode())
        assert samples("mounted_total") >= 1
        assert not any(samples.of("http_requests_total").values())
        assert not any(samples.of("http_requests_in_progress").values())
    assert (await call(app, "/metrics", "HEAD")).body == b""
    assert spool.requests() == []
    if order != "not captured":  # FastAPI makes spans of its own then
        assert spool.spans(kind="SERVER") == []
    assert b"the application" in (await call(app, "/metrics/of/mine")).body
    assert spool.internal_errors() == 0


@pytest.mark.parametrize("order", ["mounted first", "captured first", "not captured"])
def test_a_flask_application_answers_and_captures_nothing_of_it(spool, order):
    app = Flask("shop")

    @app.route("/<path:_anything>", methods=["GET", "POST"])
    def everything(_anything):
        return "the application"

    if order == "captured first":
        plainview.instrument(app)
    assert plainview.mount(app, "/internal/metrics") is app
    if order == "mounted first":
        plainview.instrument(app)
    response = Client(app).get("/internal/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    Samples(response.text)
    assert Client(app).head("/internal/metrics").data == b""
    assert spool.requests() == []
    assert Client(app).get("/metrics").text == "the application"
    assert Client(app).post("/internal/metrics").text == "the application"


async def test_the_path_is_below_the_applications_root(spool):
    app = plainview.mount(plain_asgi)
    assert b"the application" not in (await call(app, "/root/metrics", root_path="/root")).body
    assert b"the application" not in (await call(app, "/metrics", root_path="/root")).body
    assert b"the application" in (await call(app, "/other/metrics", root_path="/root")).body


async def test_the_lifespan_and_websockets_are_the_applications(spool):
    app = plainview.mount(Starlette())
    with TestClient(app) as client:
        assert client.get("/metrics").status_code == 200
    seen = []

    async def takes_all(scope, receive, send):
        seen.append(scope["type"])

    await plainview.mount(takes_all)({"type": "websocket", "path": "/metrics"}, None, None)
    assert seen == ["websocket"]


async def test_the_answer_is_in_the_form_that_is_asked_for(spool):
    app = plainview.mount(plain_asgi)
    plainview.counter("formed_total", "Of this test.").inc()
    wanted = "application/openmetrics-text; version=1.0.0,text/plain;version=0.0.4;q=0.5"
    response = await call(app, "/metrics", headers={"Accept": wanted})
    assert response.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert response.body.endswith(b"# EOF\n")
    response = await call(app, "/metrics", headers={"Accept-Encoding": "br;q=0.5, gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert b"formed_total" in gzip.decompress(response.body)
    response = await call(app, "/metrics", headers={"Accept": "image/png;;,,", "Accept-Encoding": "\x00gzip;q=a"})
    assert response.status == 200
    assert b"formed_total" in response.body


async def test_without_its_folder_a_process_answers_for_itself(spool):
    plainview.counter("alone_total", "Of this test.").inc(3)
    shutil.rmtree(spool.directory)
    response = await call(plainview.mount(plain_asgi), "/metrics")
    assert response.status == 200
    assert Samples(response.body.decode())("alone_total") == 3


@pytest.mark.parametrize(
    ("app", "path", "error"),
    [(7, "/metrics", TypeError), ("fastapi", "/metrics", TypeError), (Flask("x"), "metrics", ValueError)],
)
def test_what_cannot_be_mounted_is_refused(app, path, error):
    with pytest.raises(error):
        plainview.mount(app, path)


async def test_the_setting_has_every_captured_application_answer(tmp_path):
    plainview.configure(
        dir=str(tmp_path), service="test", environment="production", file="", metrics_path="/internal/metrics"
    )
    try:
        app = plainview.instrument(fastapi_app())
        Samples((await call(app, "/internal/metrics")).body.decode())
        assert b"the application" in (await call(app, "/metrics")).body
        assert b"the application" in (await call(app, "/internal/metrics", "POST")).body
    finally:
        plainview.shutdown()


WORKER = """
    import os, sys, time
    import plainview

    plainview.configure(service="worker", environment="production", file="", metrics_port=int(sys.argv[1]))
    jobs = plainview.counter("my_jobs_total", "Jobs done.")
    for _ in range(int(sys.argv[2])):
        jobs.inc()
    print("done", flush=True)
    time.sleep(600)
"""


def test_workers_share_a_port_and_another_takes_it_over(programs):
    programs.write("worker.py", WORKER)
    port = free_port()
    command = [sys.executable, "worker.py", str(port)]
    environ = programs.environment(PYTHONPATH="")
    started = []
    try:
        for count in (3, 40):
            worker = subprocess.Popen(
                [*command, str(count)], cwd=programs.directory, env=environ, stdout=subprocess.PIPE, text=True
            )
            started.append(worker)
            assert worker.stdout.readline() == "done\n"
            assert wait_for(port) == (200, {3: 3, 40: 43}[count])
        assert get(f"http://127.0.0.1:{port}/health/live")[0] == 200
        assert get(f"http://127.0.0.1:{port}/elsewhere")[0] == 404
        started[0].kill()
        started[0].wait()
        assert wait_for(port) == (200, 43)
        assert programs.spool.logs("plainview.metrics") == []
    finally:
        for worker in started:
            worker.kill()
            worker.wait()


def test_a_port_that_another_program_has_is_said_once(programs):
    programs.write("worker.py", WORKER)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "worker.py", str(port), "1"]
        started = [
            subprocess.Popen(
                command, cwd=programs.directory, env=programs.environment(PYTHONPATH=""), stdout=subprocess.DEVNULL
            )
            for _ in range(2)
        ]
        try:
            deadline = time.monotonic() + 30
            while len(programs.spool.logs("plainview.metrics")) < 2 and time.monotonic() < deadline:
                time.sleep(0.1)
            time.sleep(2)
        finally:
            for worker in started:
                worker.kill()
                worker.wait()
    said = programs.spool.logs("plainview.metrics")
    assert [(line["message"], line["extra"]["port"], line["level"]) for line in said] == [
        ("no port for the metrics", port, "WARNING")
    ] * 2


def wait_for(port: int) -> tuple[int, float | None]:
    """Status of the port's metrics, and how many jobs they tell; asked until somebody answers."""
    deadline = time.monotonic() + 20
    while True:
        try:
            status, _, body = get(f"http://127.0.0.1:{port}/metrics")
            return status, Samples(body.decode())("my_jobs_total")
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_a_forked_child_does_not_keep_its_parents_port(programs):
    programs.write(
        "forks.py",
        """
        import os, sys, time
        import plainview

        plainview.configure(service="forks", environment="production", file="", metrics_port=int(sys.argv[1]))
        plainview.counter("my_jobs_total", "Jobs done.").inc()
        time.sleep(2)  # it has the port by now
        if os.fork() == 0:
            plainview.counter("my_jobs_total", "Jobs done.").inc()
            time.sleep(600)
        print("done", flush=True)
        time.sleep(600)
        """,
    )
    port = free_port()
    parent = subprocess.Popen(
        [sys.executable, "forks.py", str(port)],
        cwd=programs.directory,
        env=programs.environment(PYTHONPATH=""),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert parent.stdout.readline() == "done\n"
        assert wait_for(port)[0] == 200
        parent.kill()
        parent.wait()
        assert wait_for(port) == (200, 2)
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
