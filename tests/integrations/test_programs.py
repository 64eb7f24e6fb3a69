"""Programs that know nothing of Plainview, captured without a change: real servers, real workers, real requests.

What is checked each time: each request that was answered is there once, whichever process answered it.
"""

from __future__ import annotations

import re
import sqlite3
import sys
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import free_port, get

ASGI = """
    import asyncio, logging, os
    log = logging.getLogger("my.app")

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        log.info("working", extra={"worker": os.getpid()})
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
"""
WSGI = """
    import logging, os
    log = logging.getLogger("my.app")

    def app(environ, start_response):
        log.info("working", extra={"worker": os.getpid()})
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(os.getpid()).encode()]
"""
#: The application of Flask's own quick start and tutorial, in one file.
FLASK = """
    import sqlite3
    from flask import Flask, g, jsonify, request

    def create_app():
        app = Flask(__name__)

        def get_db():
            if "db" not in g:
                g.db = sqlite3.connect("flaskr.sqlite")
            return g.db

        @app.teardown_appcontext
        def close_db(error):
            db = g.pop("db", None)
            if db is not None:
                db.close()

        @app.route("/hello")
        def hello():
            return "Hello, World!"

        @app.route("/<int:id>/post")
        def post(id):
            app.logger.info("showing %s", id)
            row = get_db().execute("SELECT title FROM post WHERE id = ?", (id,)).fetchone()
            return jsonify(title=row[0])

        return app
"""


def ask_many(url: str, count: int) -> tuple[Counter, set[int]]:
    """Ask at the same time from several clients; the request ids that were answered, and the workers that did."""

    def ask(number):
        status, headers, body = get(url, X_Request_ID=f"r{number}")
        assert status == 200
        assert headers["x-request-id"] == f"r{number}"
        return f"r{number}", int(body)

    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(ask, range(count)))
    return Counter(name for name, _ in answers), {worker for _, worker in answers}


def check(spool, asked: Counter) -> None:
    """Each request is one line and one span, and so is each line of the application."""
    assert Counter(line["request_id"] for line in spool.requests()) == asked
    assert Counter(span["request_id"] for span in spool.spans(kind="SERVER")) == asked
    inside = spool.logs("my.app")
    assert Counter(line["request_id"] for line in inside) == asked
    assert all(line["pid"] == line["extra"]["worker"] for line in inside)
    assert spool.logs("uvicorn.access") == spool.logs("gunicorn.access") == []
    assert spool.internal_errors() == 0


def test_uvicorn_with_workers(programs):
    programs.write("main.py", ASGI)
    port = free_port()
    with programs.serving("uvicorn", "main:app", "--workers", "4", "--port", port, port=port):
        asked, workers = ask_many(f"http://127.0.0.1:{port}/", 200)
    check(programs.spool, asked)
    assert workers <= programs.spool.pids()
    assert {line["service"] for line in programs.spool.logs()} == {programs.directory.name}
    started = [line for line in programs.spool.logs("uvicorn.error") if "Started server process" in line["message"]]
    assert len(started) == 4
    assert programs.output().count('"GET / HTTP/1.1" 200') == 200


@pytest.mark.parametrize(
    "options",
    [
        ("--workers", "4"),
        ("--workers", "4", "--worker-class", "gthread", "--threads", "4"),
        ("--workers", "4", "--preload"),
        ("--workers", "3", "--max-requests", "15", "--max-requests-jitter", "5"),
        ("--workers", "2", "--worker-class", "gevent"),
    ],
    ids=["sync", "gthread", "preload", "max-requests", "gevent"],
)
def test_gunicorn(programs, options):
    programs.write("main.py", WSGI)
    port = free_port()
    bind = f"127.0.0.1:{port}"
    command = ("gunicorn", "main:app", "--bind", bind, "--access-logfile", "-", *options)
    with programs.serving(*command, port=port):
        asked, workers = ask_many(f"http://{bind}/", 200)
    check(programs.spool, asked)
    assert workers <= programs.spool.pids()
    if "--max-requests" in options:
        assert len(workers) > 3  # some were replaced
    else:
        # The last lines of a worker that is being replaced may be missing: that is gunicorn's business.
        assert programs.output().count('"GET / HTTP/1.1" 200') == 200


def test_gunicorn_serving_asgi(programs):
    pytest.importorskip("gunicorn.workers.gasgi")
    programs.write("main.py", ASGI)
    port = free_port()
    bind = f"127.0.0.1:{port}"
    with programs.serving("gunicorn", "main:app", "--bind", bind, "--workers", "2", "-k", "asgi", port=port):
        asked, _ = ask_many(f"http://{bind}/", 100)
    check(programs.spool, asked)


def test_access_lines_of_servers_are_not_captured_besides_ours(programs):
    """Even where the noisy loggers are asked to be kept."""
    programs.write("main.py", ASGI)
    port = free_port()
    variables = {"PLAINVIEW_QUIET": "false"}
    with programs.serving("uvicorn", "main:app", "--port", port, port=port, variables=variables):
        asked, _ = ask_many(f"http://127.0.0.1:{port}/", 5)
    check(programs.spool, asked)
    assert programs.output().count('"GET / HTTP/1.1" 200') == 5


def test_uvicorns_own_log_configuration_does_not_matter(programs):
    programs.write("main.py", ASGI)
    programs.write("log.json", '{"version": 1, "disable_existing_loggers": true, "root": {"level": "ERROR"}}')
    port = free_port()
    command = ("uvicorn", "main:app", "--port", port, "--log-config", "log.json", "--no-access-log")
    with programs.serving(*command, port=port):
        asked, _ = ask_many(f"http://127.0.0.1:{port}/", 5)
    assert Counter(line["request_id"] for line in programs.spool.requests()) == asked
    assert programs.output() == ""


def test_the_flask_tutorial_under_gunicorn(programs):
    programs.write("flaskr/__init__.py", FLASK)
    with sqlite3.connect(programs.directory / "flaskr.sqlite") as db:
        db.execute("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT)")
        db.execute("INSERT INTO post (title) VALUES ('first')")
    db.close()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = ("gunicorn", "-w", "4", "--bind", f"127.0.0.1:{port}", "flaskr:create_app()")
    with programs.serving(*command, port=port):
        assert get(f"{url}/hello")[2] == b"Hello, World!"
        assert get(f"{url}/1/post")[2] == b'{"title":"first"}\n'
        assert get(f"{url}/2/post")[0] == 500
        assert get(f"{url}/nowhere")[0] == 404
    lines = {line["extra"]["path"]: line for line in programs.spool.requests()}
    assert {path: (line["extra"]["route"], line["extra"]["status"]) for path, line in lines.items()} == {
        "/hello": ("/hello", 200),
        "/1/post": ("/<int:id>/post", 200),
        "/2/post": ("/<int:id>/post", 500),
        "/nowhere": ("", 404),
    }
    assert {line["service"] for line in lines.values()} == {"flaskr"}
    failed = lines["/2/post"]
    assert (failed["message"], failed["exception"]["type"]) == ("request failed", "TypeError")
    (showing,) = programs.spool.logs(message="showing 1")
    assert showing["request_id"] == lines["/1/post"]["request_id"]
    assert programs.spool.internal_errors() == 0


def test_flasks_own_server(programs):
    programs.write("flaskr/__init__.py", FLASK)
    port = free_port()
    with programs.serving("flask", "--app", "flaskr", "run", "--port", port, port=port):
        get(f"http://127.0.0.1:{port}/hello")
    assert programs.spool.paths() == {"/hello": 1}
    assert programs.spool.request()["extra"]["route"] == "/hello"


def test_flask_under_uvicorn_is_captured_once(programs):
    """uvicorn wraps what it serves, Flask its own call: one of them is enough."""
    programs.write("flaskr/__init__.py", FLASK + "\n    app = create_app()\n")
    port = free_port()
    command = ("uvicorn", "flaskr:app", "--interface", "wsgi", "--port", port)
    with programs.serving(*command, port=port):
        assert get(f"http://127.0.0.1:{port}/hello")[2] == b"Hello, World!"
    line = programs.spool.request()
    assert (line["extra"]["path"], line["extra"]["route"]) == ("/hello", "/hello")
    assert len(programs.spool.spans(kind="SERVER")) == 1


def test_an_application_made_by_a_factory(programs):
    programs.write("main.py", ASGI + "\n    def make():\n        return app\n")
    port = free_port()
    with programs.serving("uvicorn", "main:make", "--factory", "--port", port, port=port):
        asked, _ = ask_many(f"http://127.0.0.1:{port}/", 3)
    check(programs.spool, asked)


def test_a_worker_that_gunicorn_gives_up_on_says_where_it_hung(programs):
    programs.write(
        "main.py",
        """
        import time

        def hang():
            time.sleep(60)

        def app(environ, start_response):
            hang()
        """,
    )
    port = free_port()
    command = ("gunicorn", "main:app", "--timeout", "1", "--bind", f"127.0.0.1:{port}")
    with programs.serving(*command, port=port), pytest.raises((ConnectionError, urllib.error.URLError)):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30)
    line = programs.spool.request()
    assert (line["message"], line["exception"]["type"]) == ("request failed", "SystemExit")
    assert "in hang" in line["exception"]["stack_trace"]


def test_datasette_serving_a_database(programs):
    database = programs.directory / "books.db"
    with sqlite3.connect(database) as db:
        db.execute("CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT)")
        db.executemany("INSERT INTO books (title) VALUES (?)", [(f"book {n}",) for n in range(50)])
    db.close()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with programs.serving("datasette", "serve", database, "--port", port, port=port):
        assert get(f"{url}/")[0] == 200
        status, headers, body = get(f"{url}/books/books.json?_shape=array", X_Request_ID="mine")
        assert (status, headers["x-request-id"]) == (200, "mine")
        assert body.count(b"book ") == 50
        assert get(f"{url}/books/books.csv?_stream=on")[2].count(b"book ") == 50
        assert get(f"{url}/nowhere")[0] == 404
        page = get(f"{url}/books/books")[2].decode()
        assets = re.findall(r'href="(/-/static/[^"]+)"', page)
        assert get(url + assets[0])[0] == 200
    spool = programs.spool
    assert sum(spool.paths().values()) == len(spool.spans(kind="SERVER")) == 6
    (line,) = [line for line in spool.requests() if line["request_id"] == "mine"]
    assert line["extra"]["response_bytes"] == len(body)
    assert {line["service"] for line in spool.logs()} == {"datasette"}
    assert spool.internal_errors() == 0


OTEL = """
    import logging
    from flask import Flask
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    trace.set_tracer_provider(provider)
    tracer = trace.get_tracer("shop")
    app = Flask(__name__)
    FlaskInstrumentor().instrument_app(app)

    @app.get("/buy/<item>")
    def buy(item):
        with tracer.start_as_current_span("charge", attributes={"item": item}):
            logging.getLogger("shop").warning("charging")
        return "ok"
"""


def test_an_application_that_runs_the_opentelemetry_sdk_itself(programs):
    """Its traces stay its own, to the span; they are recorded here besides, with the logs inside."""
    programs.write("shop.py", OTEL)
    port = free_port()
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with programs.serving("flask", "--app", "shop", "run", "--port", port, port=port):
        assert get(f"http://127.0.0.1:{port}/buy/tea", traceparent=f"00-{trace}-{parent}-01")[0] == 200
    spool = programs.spool
    charge, server = spool.spans()
    assert (server["name"], server["kind"], server["trace_id"], server["parent_span_id"]) == (
        "GET /buy/<item>",
        "SERVER",
        trace,
        parent,
    )
    assert (charge["name"], charge["parent_span_id"], charge["attributes"]["item"]) == (
        "charge",
        server["span_id"],
        "tea",
    )
    (charging,), line = spool.logs("shop"), spool.request()
    assert (charging["trace_id"], charging["span_id"]) == (trace, charge["span_id"])
    assert (line["trace_id"], line["request_id"]) == (trace, charge["request_id"])
    exported = re.findall(r'"span_id": "0x([0-9a-f]{16})"', programs.output())
    assert Counter(exported) == {charge["span_id"]: 1, server["span_id"]: 1}
    assert spool.internal_errors() == 0


def test_a_span_processor_that_the_application_adds_by_itself_is_enough(programs):
    programs.write(
        "traced.py",
        """
        import plainview
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider

        provider = TracerProvider()
        provider.add_span_processor(plainview.SpanProcessor())
        trace.set_tracer_provider(provider)
        with trace.get_tracer("t").start_as_current_span("once"), plainview.context(job_id="j1"):
            with trace.get_tracer("t").start_as_current_span("inner"):
                pass
        """,
    )
    done = programs.run(sys.executable, "traced.py")
    assert (done.returncode, done.stderr) == (0, "")
    inner, once = programs.spool.spans()
    assert (inner["name"], inner["parent_span_id"]) == ("inner", once["span_id"])
    assert inner["job_id"] == "j1"


def test_structlog_and_loguru_without_a_line_of_code(programs):
    programs.write(
        "logs.py",
        """
        import logging, sys
        import loguru, structlog

        structlog.configure(processors=[structlog.processors.JSONRenderer()])
        structlog.get_logger().info("by structlog", a=1)
        loguru.logger.remove()
        loguru.logger.add(sys.stdout, format="{message}")
        loguru.logger.bind(b=2).info("by loguru")
        logging.getLogger("l").info("by logging", extra={"c": 3})
        """,
    )
    done = programs.run(sys.executable, "logs.py")
    assert (done.stdout, done.stderr) == ('{"a": 1, "event": "by structlog"}\nby loguru\n', "")
    found = [(line["message"], line["extra"]) for line in programs.spool.logs()]
    assert found == [("by structlog", {"a": 1}), ("by loguru", {"b": 2}), ("by logging", {"c": 3})]


def test_an_application_that_uses_plainview_in_its_code_is_captured_once(programs):
    programs.write(
        "main.py",
        """
        import logging
        import plainview
        from fastapi import FastAPI

        plainview.configure(service="named-in-code", level="INFO")
        plainview.instrument()
        app = plainview.instrument(FastAPI())
        logging.basicConfig()

        @app.get("/")
        def root():
            logging.getLogger("my.app").info("standard")
            plainview.get_logger("my.app").info("native")
        """,
    )
    port = free_port()
    with programs.serving("uvicorn", "main:app", "--port", port, "--no-access-log", port=port):
        assert get(f"http://127.0.0.1:{port}/")[0] == 200
    spool = programs.spool
    assert spool.paths() == {"/": 1}
    assert len(spool.spans()) == 1
    assert [line["message"] for line in spool.logs("my.app")] == ["standard", "native"]
    assert {line["service"] for line in spool.logs("my.app")} == {"named-in-code"}
    assert "standard" not in programs.output()


SCRIPT = """
    import logging, multiprocessing, os, subprocess, sys, threading, warnings

    def work(name):
        logging.getLogger("script").info("%s %s", name, os.getpid())

    if __name__ == "__main__":
        work("main")
        logging.getLogger("script").warning("seen")
        threading.Thread(target=work, args=("thread",)).start()
        for method in ("fork", "spawn"):
            process = multiprocessing.get_context(method).Process(target=work, args=(method,))
            process.start()
            process.join()
        subprocess.run([sys.executable, "-c", "import logging; logging.getLogger('script').info('child')"], check=True)
        subprocess.run([sys.executable, "-m", "pip", "--version"], check=True, stdout=subprocess.DEVNULL)
        print("out", sys.argv[1:])
        sys.exit(3)
"""


@pytest.mark.parametrize("how", ["script", "module"])
def test_scripts_and_modules_and_what_they_start(programs, how):
    programs.write("job.py", SCRIPT)
    command = ["job.py"] if how == "script" else ["-m", "job"]
    done = programs.run(sys.executable, *command, "--flag", "x")
    assert (done.returncode, done.stdout) == (3, "out ['--flag', 'x']\n")
    assert done.stderr == "seen\n"
    lines = programs.spool.logs("script")
    assert Counter(line["message"].split()[0] for line in lines) == dict.fromkeys(
        ["main", "seen", "thread", "fork", "spawn", "child"], 1
    )
    assert {line["service"] for line in lines} == {"job"}
    assert len(programs.spool.pids()) == 4


OUTPUTS = {
    "nothing": "",
    "basic": "logging.basicConfig()",
    "info": "logging.basicConfig(level=logging.INFO)",
    "debug": "logging.basicConfig(level='DEBUG', format='%(levelname)s %(message)s')",
    "logger": "logging.getLogger('app').setLevel(logging.INFO); logging.basicConfig()",
    "handler": "logging.getLogger('app').addHandler(logging.StreamHandler())",
    "dict": (
        "logging.config.dictConfig({'version': 1, 'handlers': {'c': {'class': 'logging.StreamHandler'}},"
        " 'root': {'handlers': ['c'], 'level': 'ERROR'}})"
    ),
    "warnings": "logging.captureWarnings(True); logging.basicConfig()",
    "handed": "logging.basicConfig(); logging.getLogger().handle(logging.makeLogRecord({'msg': 'x', 'levelno': 9}))",
}


@pytest.mark.parametrize("setup", OUTPUTS)
def test_what_a_program_prints_stays_its_own_whatever_is_captured(programs, setup):
    source = (
        "import logging, logging.config, warnings, sys\n"
        f"{OUTPUTS[setup]}\n"
        "log = logging.getLogger('app.part')\n"
        "for level in ('debug', 'info', 'warning', 'error'):\n"
        "    getattr(log, level)(level)\n"
        "warnings.warn('careful')\n"
        "print(logging.getLogger().level, logging.getLogger().handlers, log.level)\n"
    )
    programs.write("printing.py", source)
    bare = programs.run(sys.executable, "printing.py", variables={"PYTHONPATH": ""})
    captured = programs.run(sys.executable, "printing.py")
    assert (captured.returncode, captured.stdout, captured.stderr) == (bare.returncode, bare.stdout, bare.stderr)
    seen = {line["message"] for line in programs.spool.logs("app.part")}
    if setup != "dict":
        assert {"info", "warning", "error"} <= seen
    if setup in {"nothing", "basic", "handler", "debug"}:
        assert "debug" in seen


def test_a_level_that_is_asked_for_is_captured_whatever_the_program_set_up(programs):
    programs.write("p.py", "import logging; logging.basicConfig(level='ERROR'); logging.getLogger('a').debug('detail')")
    done = programs.run(sys.executable, "p.py", variables={"PLAINVIEW_LEVEL": "DEBUG"})
    assert done.stderr == ""
    assert len(programs.spool.logs("a")) == 1


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PLAINVIEW_LEVEL", "LOUD", "unknown level 'LOUD'"),
        ("PLAINVIEW_FILE_BACKUPS", "many", "PLAINVIEW_FILE_BACKUPS"),
        ("PLAINVIEW_LOKI_URL", "nowhere", "not an http or https URL"),
    ],
)
def test_a_wrong_setting_is_said_and_the_program_runs(programs, variable, value, said):
    done = programs.run(sys.executable, "-c", "print('ran')", variables={variable: value})
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_no_hindrance(programs):
    (programs.directory / "file").write_text("")
    variables = {"PLAINVIEW_DIR": str(programs.directory / "file" / "below")}
    source = "import logging; logging.getLogger().info('x'); print('ran')"
    done = programs.run(sys.executable, "-c", source, variables=variables)
    assert (done.returncode, done.stdout) == (0, "ran\n")


def test_turned_off_nothing_is_written_or_patched(programs):
    source = "import threading, logging; logging.getLogger().error('x'); print(threading.Thread.start.__module__)"
    done = programs.run(sys.executable, "-c", source, variables={"PLAINVIEW_ENABLED": "false"})
    assert done.stdout == "threading\n"
    assert list(programs.spool.directory.iterdir()) == []


def test_a_sitecustomize_of_ones_own_still_runs(programs):
    programs.write("mine/sitecustomize.py", "print('mine')")
    from plainview.bootstrap import PATH

    done = programs.run(
        sys.executable, "-c", "import sitecustomize; print(sitecustomize.__file__)",
        variables={"PYTHONPATH": f"{PATH}:{programs.directory / 'mine'}"},
    )  # fmt: skip
    assert done.stdout == f"mine\n{programs.directory / 'mine' / 'sitecustomize.py'}\n"
    programs.write("mine/sitecustomize.py", "raise LookupError('mine is broken')")
    done = programs.run(
        sys.executable, "-c", "print('ran')", variables={"PYTHONPATH": f"{PATH}:{programs.directory / 'mine'}"}
    )
    assert done.stdout == "ran\n"
    assert "mine is broken" in done.stderr


def test_an_interpreter_without_plainview_says_so_once(programs):
    """-S keeps the site-packages away, as in another environment."""
    done = programs.run(sys.executable, "-S", "-c", "import site; print('ran')")
    assert (done.returncode, done.stdout) == (0, "ran\n")


def test_outgoing_calls_threads_and_processes_join_the_trace(programs):
    programs.write(
        "main.py",
        """
        import concurrent.futures, logging, threading, urllib.request
        import httpx, requests
        from fastapi import FastAPI

        app = FastAPI()
        log = logging.getLogger("app")

        @app.get("/leaf/{name}")
        def leaf(name: str):
            log.info("leaf %s", name)

        @app.get("/tree")
        def tree(port: int):
            url = f"http://127.0.0.1:{port}/leaf"
            httpx.get(f"{url}/httpx")
            with concurrent.futures.ThreadPoolExecutor() as executor:
                executor.submit(requests.get, f"{url}/requests").result()
            thread = threading.Thread(target=httpx.get, args=(f"{url}/thread",))
            thread.start()
            thread.join()
        """,
    )
    port = free_port()
    with programs.serving("uvicorn", "main:app", "--port", port, port=port):
        _, headers, _ = get(f"http://127.0.0.1:{port}/tree?port={port}")
    spool = programs.spool
    request_id = headers["x-request-id"]
    assert {line["request_id"] for line in spool.requests()} == {request_id}
    assert len({span["trace_id"] for span in spool.spans()}) == 1
    by_id = {span["span_id"]: span for span in spool.spans()}
    leaves = [span for span in by_id.values() if span["name"] == "GET /leaf/{name}"]
    assert len(leaves) == 3
    for leaf in leaves:
        call = by_id[leaf["parent_span_id"]]
        assert (call["kind"], by_id[call["parent_span_id"]]["name"]) == ("CLIENT", "GET /tree")
    assert spool.internal_errors() == 0


def test_requests_of_a_killed_worker_are_kept(programs):
    programs.write("main.py", WSGI + "\n    import signal\n    from threading import Timer\n")
    programs.write(
        "deadly.py",
        """
        import os, signal
        from main import app as inner

        def app(environ, start_response):
            if environ["PATH_INFO"] == "/die":
                os.kill(os.getpid(), signal.SIGKILL)
            return inner(environ, start_response)
        """,
    )
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with programs.serving("gunicorn", "deadly:app", "-w", "1", "--bind", f"127.0.0.1:{port}", port=port):
        asked, _ = ask_many(f"{url}/", 20)
        with pytest.raises((ConnectionError, urllib.error.URLError)):
            urllib.request.urlopen(f"{url}/die", timeout=30)
    assert Counter(line["request_id"] for line in programs.spool.requests()) == asked
