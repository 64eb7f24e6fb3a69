"""Errors of real applications: told once, whichever of the log, the middleware, the span and the server meet them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from harness import call, free_port, get, read
from test_celery import TASKS

import plainview
from plainview.integrations import asgi, wsgi


def errors(spool) -> list[dict]:
    return read(spool.directory, "error")


def only(spool) -> dict:
    (record,) = errors(spool)
    return record


SERVICE = """
    import logging
    import plainview
    from fastapi import FastAPI, HTTPException

    app = FastAPI()
    log = logging.getLogger("shop")

    @plainview.traced
    def price(item):
        with plainview.context(item=item):
            return {}[item]

    @app.get("/items/{item}")
    def read(item: str):
        return price(item)

    @app.get("/told/{item}")
    def told(item: str):
        try:
            return price(item)
        except KeyError:
            log.exception("no price")
            raise

    @app.get("/missing")
    def missing():
        raise HTTPException(404, "not here")

    @app.get("/handled")
    def handled():
        try:
            price("x")
        except KeyError:
            return {"price": None}
"""


def finished(programs) -> None:
    """Wait for the server's own line, which is the last: the client has its answer before."""
    deadline = time.monotonic() + 20
    while not programs.spool.logs("uvicorn.error", level="ERROR") and time.monotonic() < deadline:
        time.sleep(0.02)


@pytest.fixture
def service(programs):
    programs.write("shop.py", SERVICE)
    port = free_port()
    with programs.serving("uvicorn", "shop:app", "--port", str(port), port=port):
        yield f"http://127.0.0.1:{port}", programs


def test_an_exception_in_a_request_is_one_error_with_its_request(service):
    url, programs = service
    assert get(f"{url}/items/lamp?colour=red&token=hunter2", X_Request_ID="r-7", User_Agent="probe/1")[0] == 500
    finished(programs)
    record = only(programs.spool)
    assert (record["mechanism"], record["handled"], record["level"]) == ("asgi", False, "ERROR")
    assert (record["logger"], record["message"], record["request_id"]) == ("plainview.http", "request failed", "r-7")
    request = record["context"]["request"]
    assert (request["method"], request["path"], request["route"]) == ("GET", "/items/lamp", "/items/{item}")
    assert request["headers"]["User-Agent"] == "probe/1"
    assert "colour=red" in request["query_string"]
    assert "hunter2" not in str(record)
    assert record["extra"]["item"] == "lamp"  # what was bound where it happened
    (exception,) = record["exceptions"]
    assert (exception["type"], exception["frames"][-1]["function"]) == ("KeyError", "price")
    # Ours and the server's own: two lines, one error.
    lines = [line for line in programs.spool.logs() if "exception" in line]
    assert {line["logger"] for line in lines} == {"plainview.http", "uvicorn.error"}
    assert {line["exception"]["error_id"] for line in lines} == {record["error_id"]}
    spans = {span["span_id"]: span for span in programs.spool.spans()}
    assert spans[record["span_id"]]["name"] == "price"
    assert {event["attributes"].get("exception.error_id") for span in spans.values() if span["kind"] == "SERVER"
            for event in span["events"]} == {record["error_id"]}  # fmt: skip


def test_what_was_logged_first_is_told_by_that_line(service):
    url, programs = service
    assert get(f"{url}/told/lamp")[0] == 500
    finished(programs)
    record = only(programs.spool)
    assert (record["mechanism"], record["logger"], record["message"]) == ("logging", "shop", "no price")
    lines = [line for line in programs.spool.logs() if "exception" in line]
    assert len(lines) == 3
    assert {line["exception"]["error_id"] for line in lines} == {record["error_id"]}


@pytest.mark.parametrize(("path", "status"), [("/missing", 404), ("/handled", 200), ("/nowhere", 404)])
def test_what_was_handled_without_a_word_is_no_error(service, path, status):
    url, programs = service
    assert get(f"{url}{path}")[0] == status
    time.sleep(1.6)  # as long as a span's exception would wait for somebody to tell of it
    assert errors(programs.spool) == []


async def test_work_after_the_response_that_fails_is_an_error_of_its_request(spool):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
        raise LookupError("too late")

    with pytest.raises(LookupError):
        await call(asgi.Middleware(app), "/late")
    record = only(spool)
    assert (record["message"], record["mechanism"]) == ("work after the response failed", "asgi")
    assert record["request_id"] == spool.request()["request_id"]


async def test_a_cancelled_request_and_one_whose_client_left_are_no_errors(spool):
    import asyncio

    async def cancelled(scope, receive, send):
        raise asyncio.CancelledError

    async def left(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()
        await receive()
        raise ConnectionResetError

    with pytest.raises(asyncio.CancelledError):
        await call(asgi.Middleware(cancelled))
    with pytest.raises(ConnectionResetError):
        await call(asgi.Middleware(left), gone=True)
    assert errors(spool) == []


def test_an_error_is_told_even_where_the_request_s_line_is_not_kept(spool):
    plainview.set_level("CRITICAL", "plainview.http")

    def app(environ, start_response):
        raise LookupError("lost")

    with pytest.raises(LookupError):
        wsgi.Middleware(app)({"REQUEST_METHOD": "GET", "PATH_INFO": "/x"}, lambda *_: None)
    assert (only(spool)["mechanism"], only(spool)["handled"]) == ("wsgi", False)
    assert spool.requests() == []


@pytest.mark.parametrize(("code", "count"), [(1, 1), ("no more", 1), (0, 0), (None, 0)])
def test_an_exit_in_the_middle_of_a_request_is_an_error_if_its_code_is_one(spool, code, count):
    """So does gunicorn end a request that takes too long."""

    def app(environ, start_response):
        raise SystemExit(code)

    with pytest.raises(SystemExit):
        wsgi.Middleware(app)({"REQUEST_METHOD": "GET", "PATH_INFO": "/x"}, lambda *_: None)
    assert len(errors(spool)) == count


def test_an_exception_that_flask_turns_into_a_response_is_one_error(spool):
    from flask import Flask

    app = Flask("shop")
    plainview.instrument(app)

    @app.get("/items/<item>")
    def items(item):
        raise LookupError(item)

    assert app.test_client().get("/items/lamp").status_code == 500
    record = only(spool)
    assert (record["mechanism"], record["handled"], record["message"]) == ("wsgi", False, "request failed")
    assert record["context"]["request"]["route"] == "/items/<item>"
    lines = [line for line in spool.logs() if "exception" in line]
    assert len(lines) == 2
    assert {line["exception"]["error_id"] for line in lines} == {record["error_id"]}


def test_structlog_and_loguru_make_errors_too(programs):
    program = programs.write("both.py", """
        import structlog, loguru
        for log in (structlog.get_logger("s"), loguru.logger):
            try:
                raise LookupError("lost")
            except LookupError:
                log.exception("told")
    """)  # fmt: skip
    done = programs.run(sys.executable, program)
    assert done.returncode == 0, done.stderr
    told = errors(programs.spool)
    assert [(record["mechanism"], record["message"]) for record in told] == [("logging", "told")] * 2
    assert [line["exception"]["error_id"] for line in programs.spool.logs()] == [one["error_id"] for one in told]


@pytest.mark.parametrize("renderer", ["format_exc_info", "dict_tracebacks"])
def test_structlog_makes_errors_where_its_own_processors_render_the_exception_first(programs, renderer):
    program = programs.write("rendered.py", f"""
        import structlog
        from structlog import processors
        structlog.configure(processors=[processors.{renderer}, processors.JSONRenderer()])
        try:
            raise LookupError("lost")
        except LookupError:
            structlog.get_logger("s").exception("told", n=1)
        structlog.get_logger("s").info("fine", exception="is but a word here")
    """)  # fmt: skip
    done = programs.run(sys.executable, program)
    assert "LookupError" in done.stdout
    record = only(programs.spool)
    assert (record["message"], record["extra"]) == ("told", {"n": 1})
    told, fine = programs.spool.logs()
    assert told["exception"]["error_id"] == record["error_id"]
    assert fine["extra"] == {"exception": "is but a word here"}


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_task_that_fails_is_one_error_and_a_retry_is_none(programs, pool):
    programs.write("tasks.py", TASKS)
    sender = programs.write("sender.py", """
        import plainview
        from tasks import add, fail, stubborn
        with plainview.context(request_id="r1", job_id="j1"):
            fail.delay(); stubborn.delay(); add.delay(1, 2)
    """)  # fmt: skip
    command = ["celery", "-A", "tasks", "worker", "--pool", pool, "--concurrency", "2", "--loglevel", "INFO"]
    with (programs.directory / "output.txt").open("w") as output:
        worker = subprocess.Popen(
            command, cwd=programs.directory, env=programs.environment(), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            assert programs.run(sys.executable, sender).returncode == 0
            deadline = time.monotonic() + 60
            while len(programs.spool.spans(kind="CONSUMER")) < 4 and time.monotonic() < deadline:
                time.sleep(0.1)
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(60)
    told = sorted(errors(programs.spool), key=lambda record: record["exceptions"][0]["type"])
    assert [record["exceptions"][0]["type"] for record in told] == ["ConnectionError", "LookupError"]
    for record in told:
        assert (record["mechanism"], record["handled"]) == ("celery", False)
        assert (record["request_id"], record["extra"]["parent_job_id"]) == ("r1", "j1")
        assert record["job_id"] == record["extra"]["task_id"]
        assert record["extra"]["task"].startswith("tasks.")


def test_a_process_that_fails_tells_of_it(programs):
    program = programs.write("many.py", """
        import multiprocessing
        def work():
            raise LookupError("lost")
        class Worker(multiprocessing.Process):
            def run(self):
                raise OSError("gone")
        class Quitter(multiprocessing.Process):
            def run(self):
                raise SystemExit(3)
        if __name__ == "__main__":
            started = [multiprocessing.Process(target=work), Worker(), Quitter()]
            for process in started: process.start()
            for process in started: process.join()
            assert [process.exitcode for process in started] == [1, 1, 3]
    """)  # fmt: skip
    done = programs.run(sys.executable, program)
    assert done.returncode == 0, done.stderr
    assert "LookupError: lost" in done.stderr
    assert "plainview" not in done.stderr
    told = {record["exceptions"][0]["type"]: record for record in errors(programs.spool)}
    assert set(told) == {"LookupError", "OSError"}
    assert {(one["mechanism"], one["handled"], one["level"]) for one in told.values()} == {
        ("multiprocessing", False, "CRITICAL")
    }
