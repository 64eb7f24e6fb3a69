"""WSGI: context, one span and one line for each request, measured to the last byte."""

from __future__ import annotations

import io
import wsgiref.util
import wsgiref.validate

import pytest
from hypothesis import HealthCheck, example, given, settings as hypothesis_settings, strategies as st

import plainview
from plainview.integrations.wsgi import Middleware


class Response:
    status = ""
    headers: dict
    body = b""

    def __init__(self):
        self.written = []


def call(app, path="/", method="GET", *, body=b"", until=None, **environ):
    """The server's part of a WSGI request. ``until``: parts after which the client goes away."""
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO(body), **environ}
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    wsgiref.util.setup_testing_defaults(environ)
    response = Response()

    def start_response(status, headers, exc_info=None):
        response.status, response.headers = status, dict(headers)
        return response.written.append

    parts = app(environ, start_response)
    try:
        for count, part in enumerate(parts, 1):
            response.body += part
            if count == until:
                break
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return response


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hel", b"lo"]


def streaming(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    for number in range(5):
        plainview.get_logger("app").info("part", number=number)
        yield b"x" * 100


def test_a_request_is_one_line_and_one_span(spool):
    response = call(
        Middleware(hello), b"/b%C3%BCcher".decode(), "POST", body=b"12345",
        HTTP_HOST="example.org", HTTP_USER_AGENT="test/1", REMOTE_ADDR="10.0.0.1", QUERY_STRING="a=1&password=x",
    )  # fmt: skip
    assert (response.status, response.body) == ("200 OK", b"hello")
    line, (span,) = spool.request(), spool.spans()
    assert (line["message"], line["level"]) == ("request completed", "INFO")
    assert line["extra"] == {
        "method": "POST",
        "route": "",
        "path": "/b%C3%BCcher",
        "status": 200,
        "request_bytes": 5,
        "response_bytes": 5,
    }
    assert span["attributes"] == {
        "http.request.method": "POST",
        "url.path": "/b%C3%BCcher",
        "url.scheme": "http",
        "url.query": "a=1&password=[scrubbed]",
        "client.address": "10.0.0.1",
        "server.address": "example.org",
        "user_agent.original": "test/1",
        "http.response.status_code": 200,
        "http.response.body.size": 5,
    }
    assert line["request_id"] == span["request_id"] == response.headers["X-Request-ID"]
    assert line["span_id"] == span["span_id"]


def test_paths_are_text_whatever_bytes_they_were(spool):
    call(Middleware(hello), "/bücher".encode().decode("latin-1"), SCRIPT_NAME="/app")
    call(Middleware(hello), "/\xff")
    assert spool.paths() == {"/app/bücher": 1, "/\ufffd": 1}


def test_a_stream_has_the_context_and_is_measured_to_its_end(spool):
    response = call(Middleware(streaming))
    line = spool.request()
    assert (response.body, line["extra"]["response_bytes"]) == (b"x" * 500, 500)
    assert {part["request_id"] for part in spool.logs("app")} == {line["request_id"]}
    assert plainview.fields() == {}


def test_a_client_that_goes_away_from_a_stream_is_no_failure(spool):
    call(Middleware(streaming), until=2)
    line = spool.request()
    assert (line["message"], line["extra"]["disconnected"], line["extra"]["response_bytes"]) == (
        "request completed",
        True,
        200,
    )
    assert plainview.fields() == {}


@pytest.mark.parametrize("place", ["call", "iteration", "close"])
def test_an_exception_is_one_line_with_the_stack(spool, place):
    class Body:
        def __iter__(self):
            if place == "iteration":
                raise LookupError("broken")
            yield b"x"

        def close(self):
            if place == "close":
                raise LookupError("broken")

    def app(environ, start_response):
        if place == "call":
            raise LookupError("broken")
        start_response("200 OK", [])
        return Body()

    with pytest.raises(LookupError):
        call(Middleware(app))
    (line,) = spool.logs(level="ERROR")
    assert line["message"] == ("work after the response failed" if place == "close" else "request failed")
    assert line["exception"]["type"] == "LookupError"
    assert len(spool.requests()) == 1
    assert plainview.fields() == {}


def test_the_iterables_close_is_called_once(spool):
    calls = []

    class Body:
        def __iter__(self):
            return iter([b"x"])

        def close(self):
            calls.append(1)

    def app(environ, start_response):
        start_response("200 OK", [])
        return Body()

    call(Middleware(app))
    assert calls == [1]


def test_a_file_is_left_to_the_server(spool):
    class FileWrapper:
        def __init__(self, file):
            self.file = file

        def __iter__(self):
            return iter([self.file.read()])

    def app(environ, start_response):
        start_response("200 OK", [("Content-Length", "4")])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"file"))

    seen = []

    def server(environ, start_response):
        seen.append(Middleware(app)(environ, start_response))
        return seen[0]

    call(server, **{"wsgi.file_wrapper": FileWrapper})
    assert type(seen[0]) is FileWrapper
    assert spool.request()["extra"]["response_bytes"] == 4


def test_a_late_start_response(spool):
    def app(environ, start_response):
        yield b""
        start_response("418 I'm a teapot", [])
        yield b"tea"

    assert "X-Request-ID" in call(Middleware(app)).headers
    assert spool.request()["extra"]["status"] == 418


def test_an_application_may_say_what_its_route_is(spool):
    def app(environ, start_response):
        environ["plainview.request"].route = "/books/{id}"
        return hello(environ, start_response)

    call(Middleware(app), "/books/7")
    assert spool.request()["extra"]["route"] == "/books/{id}"
    assert spool.spans()[0]["name"] == "GET /books/{id}"


def test_wrapped_twice_is_captured_once(spool):
    call(Middleware(Middleware(hello)))
    assert len(spool.requests()) == len(spool.spans()) == 1


@pytest.mark.parametrize("app", [hello, streaming])
def test_it_keeps_to_the_protocol(spool, app):
    validator = wsgiref.validate.validator(Middleware(wsgiref.validate.validator(app)))
    assert call(validator, QUERY_STRING="", SCRIPT_NAME="").status == "200 OK"


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["HTTP_X_REQUEST_ID", "HTTP_TRACEPARENT", "HTTP_BAGGAGE", "HTTP_HOST", "QUERY_STRING", "CONTENT_LENGTH"]
        ),
        st.text(st.characters(max_codepoint=255)),
    )
)
@example(environ={"CONTENT_LENGTH": "²", "HTTP_HOST": "x:²"})
def test_whatever_the_client_sends_the_application_answers(spool, environ):
    before = len(spool.requests())
    assert call(Middleware(hello), **environ).body == b"hello"
    assert len(spool.requests()) == before + 1
    from plainview.capture.runtime import runtime

    assert runtime().recorder.spool.counters.internal_errors == 0


def test_a_fault_of_ours_never_reaches_the_application(spool, monkeypatch):
    from plainview.capture.recorder import Recorder
    from plainview.capture.spans import Tracing

    def fail(*_, **__):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(Recorder, "log", fail)
    assert call(Middleware(hello)).body == b"hello"
    assert call(Middleware(streaming)).body == b"x" * 500
    monkeypatch.setattr(Tracing, "start", fail)
    assert call(Middleware(hello)).body == b"hello"
