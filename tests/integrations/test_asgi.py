"""ASGI: context, one span and one line for each request, whatever the application does with it."""

from __future__ import annotations

import asyncio
import copy
import gc
import re

import pytest
from harness import call
from hypothesis import HealthCheck, example, given, settings as hypothesis_settings, strategies as st

import plainview
from plainview.integrations.asgi import Middleware

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")


async def hello(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hello"})


def answering(*messages):
    async def app(scope, receive, send):
        for message in messages:
            await send(message)

    return app


def start(status=200, *headers):
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data=b"", *, more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}


async def test_a_request_is_one_line_and_one_span(spool):
    response = await call(
        Middleware(hello),
        "/a b/ü",
        "POST",
        headers={"Host": "example.org:8080", "User-Agent": "test/1"},
        body=(b"12", b"345"),
        query_string=b"page=2&api_key=hunter2",
    )
    assert (response.status, response.body) == (200, b"hello")
    line, (span,) = spool.request(), spool.spans()
    assert line["message"] == "request completed"
    assert line["level"] == "INFO"
    assert line["duration_ms"] >= 0
    assert line["extra"] == {
        "method": "POST",
        "route": "",
        "path": "/a b/ü",
        "status": 200,
        "request_bytes": 5,
        "response_bytes": 5,
    }
    assert (span["name"], span["kind"], span["status"]) == ("POST", "SERVER", "UNSET")
    assert span["attributes"] == {
        "http.request.method": "POST",
        "url.path": "/a b/ü",
        "url.scheme": "http",
        "url.query": "page=2&api_key=[scrubbed]",
        "client.address": "127.0.0.1",
        "server.address": "example.org",
        "server.port": 8080,
        "user_agent.original": "test/1",
        "http.response.status_code": 200,
        "http.response.body.size": 5,
    }
    assert (line["trace_id"], line["span_id"]) == (span["trace_id"], span["span_id"])
    assert line["request_id"] == span["request_id"] == response.headers["x-request-id"]


async def test_what_is_logged_inside_has_the_request_in_its_context(spool):
    async def app(scope, receive, send):
        with plainview.span("inner"):
            plainview.get_logger("app").info("inside")
        await hello(scope, receive, send)

    await call(Middleware(app))
    line, (inside,) = spool.request(), spool.logs("app")
    inner, server = spool.spans()
    assert inside["request_id"] == line["request_id"]
    assert (inside["trace_id"], inside["span_id"]) == (inner["trace_id"], inner["span_id"])
    assert inner["parent_span_id"] == server["span_id"] == line["span_id"]
    assert plainview.fields() == {}


async def test_what_the_application_binds_is_on_its_line_and_its_span(spool):
    async def app(scope, receive, send):
        plainview.bind(user_id="u1", plan="pro")
        await hello(scope, receive, send)

    await call(Middleware(app))
    line = spool.request()
    (span,) = spool.spans()
    assert (line["user_id"], line["extra"]["plan"]) == ("u1", "pro")
    assert (span["user_id"], span["attributes"]["plan"]) == ("u1", "pro")


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(sent=st.text(st.characters(max_codepoint=255)) | st.from_regex(WELL_FORMED, fullmatch=True))
def test_a_request_id_is_honoured_if_well_formed_else_replaced_and_always_returned(spool, sent):
    response = asyncio.run(call(Middleware(hello), headers={"X-Request-ID": sent}))
    returned = response.headers["x-request-id"]
    assert WELL_FORMED.fullmatch(returned)
    assert (returned == sent) is (WELL_FORMED.fullmatch(sent) is not None)
    assert spool.requests()[-1]["request_id"] == returned


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    headers=st.dictionaries(
        st.sampled_from(["baggage", "content-length", "host", "traceparent", "user-agent"]),
        st.text(st.characters(max_codepoint=255)),
    ),
    query=st.binary(),
)
@example(headers={"content-length": "²", "host": "x:²"}, query=b"\xff=%ff&&=")
def test_whatever_the_client_sends_the_application_answers(spool, headers, query):
    from plainview.capture.runtime import runtime

    before = len(spool.requests())
    response = asyncio.run(call(Middleware(hello), headers=headers, query_string=query))
    assert response.body == b"hello"
    assert len(spool.requests()) == before + 1
    assert runtime().recorder.spool.counters.internal_errors == 0


async def test_an_id_that_the_application_returns_by_itself_is_left(spool):
    app = answering(start(200, (b"X-Request-ID", b"mine")), body())
    response = await call(Middleware(app))
    assert response.headers == {"X-Request-ID": "mine"}


async def test_the_applications_headers_are_not_touched(spool):
    shared = start(200, (b"a", b"b"))
    app = Middleware(answering(shared, body()))
    first, second = await call(app), await call(app)
    assert shared["headers"] == [(b"a", b"b")]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_the_callers_trace_goes_on(spool):
    await call(Middleware(hello), headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    (span,) = spool.spans()
    assert (span["trace_id"], span["parent_span_id"]) == (TRACE, PARENT)


async def test_a_trace_that_the_caller_does_not_record_is_not_recorded_here(spool):
    await call(Middleware(hello), headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    assert spool.spans() == []
    assert spool.request()["trace_id"] == TRACE


@pytest.mark.parametrize(
    "header",
    ["", "00", f"00-{TRACE}-{PARENT}", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01", "x" * 9000],
)
async def test_a_malformed_traceparent_begins_a_new_trace(spool, header):
    await call(Middleware(hello), headers={"traceparent": header})
    (span,) = spool.spans()
    assert span["trace_id"] != TRACE
    assert "parent_span_id" not in span


async def test_baggage_binds_our_fields_and_keeps_all_others_for_opentelemetry(spool):
    from opentelemetry import baggage

    seen = {}

    async def app(scope, receive, send):
        seen.update(baggage.get_all())
        await hello(scope, receive, send)

    await call(Middleware(app), headers={"baggage": "job_id=j1,tier=gold"})
    assert spool.request()["job_id"] == "j1"
    assert seen["tier"] == "gold"


async def test_an_exception_is_one_line_with_the_stack(spool):
    async def app(scope, receive, send):
        raise LookupError("no such book")

    with pytest.raises(LookupError):
        await call(Middleware(app))
    line, (span,) = spool.request(), spool.spans()
    assert (line["message"], line["level"]) == ("request failed", "ERROR")
    assert line["exception"]["type"] == "LookupError"
    assert "no such book" in line["exception"]["stack_trace"]
    assert line["extra"]["status"] == 500
    assert span["status"] == "ERROR"
    assert span["attributes"]["error.type"] == "LookupError"
    assert span["events"][0]["attributes"]["exception.message"] == "no such book"


async def test_an_exception_behind_a_500_that_was_sent_is_still_one_line(spool):
    async def app(scope, receive, send):
        await send(start(500))
        await send(body(b"sorry"))
        raise LookupError("no such book")

    with pytest.raises(LookupError):
        await call(Middleware(app))
    line = spool.request()
    assert (line["message"], line["extra"]["status"], line["exception"]["type"]) == (
        "request failed",
        500,
        "LookupError",
    )


async def test_an_answer_of_500_without_an_exception_failed(spool):
    await call(Middleware(answering(start(503), body())))
    line = spool.request()
    assert (line["message"], line["level"], line["extra"]["status"]) == ("request failed", "ERROR", 503)
    assert "exception" not in line


async def test_an_application_that_does_not_answer_failed(spool):
    await call(Middleware(answering()))
    assert (spool.request()["message"], spool.request()["extra"]["status"]) == ("request failed", 500)


async def test_a_stream_is_measured_to_its_last_byte(spool):
    lines_before_the_end = []

    async def app(scope, receive, send):
        await send(start())
        for _ in range(5):
            await send(body(b"x" * 1000, more=True))
            await asyncio.sleep(0.01)
        lines_before_the_end.extend(spool.requests())
        await send(body())

    await call(Middleware(app))
    assert lines_before_the_end == []
    line = spool.request()
    assert line["extra"]["response_bytes"] == 5000
    assert line["duration_ms"] >= 50


async def test_the_line_is_there_before_the_last_byte_is(spool):
    seen = []

    def on_message(message):
        if message["type"] == "http.response.body":
            seen.extend(spool.requests())

    await call(Middleware(hello), on_message=on_message)
    assert len(seen) == 1


async def test_background_work_is_not_measured_and_keeps_its_context(spool):
    async def app(scope, receive, send):
        await hello(scope, receive, send)
        assert spool.request()  # the line does not wait for this
        await asyncio.sleep(0.05)
        plainview.get_logger("background").info("working")

    await call(Middleware(app))
    assert spool.request()["duration_ms"] < 50
    assert spool.logs("background")[0]["request_id"] == spool.request()["request_id"]


async def test_background_work_that_fails_is_recorded_besides_the_request(spool):
    async def app(scope, receive, send):
        await hello(scope, receive, send)
        raise LookupError("too late")

    with pytest.raises(LookupError):
        await call(Middleware(app))
    assert spool.request()["message"] == "request completed"
    (late,) = spool.logs(message="work after the response failed")
    assert (late["level"], late["exception"]["type"]) == ("ERROR", "LookupError")
    assert late["request_id"] == spool.request()["request_id"]


async def test_a_client_that_goes_away_is_no_failure(spool):
    async def app(scope, receive, send):
        await send(start())
        await send(body(b"x", more=True))
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await call(Middleware(app), gone=True)
    line = spool.request()
    assert (line["message"], line["level"]) == ("request completed", "INFO")
    assert (line["extra"]["status"], line["extra"]["disconnected"]) == (200, True)
    assert spool.spans()[0]["status"] == "UNSET"


async def test_a_client_that_goes_away_before_the_answer(spool):
    async def app(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass

    await call(Middleware(app), gone=True)
    assert spool.request()["extra"]["status"] == 499


async def test_a_fault_after_the_client_went_away_is_still_a_fault(spool):
    async def app(scope, receive, send):
        await receive()
        await receive()
        raise LookupError("broken")

    with pytest.raises(LookupError):
        await call(Middleware(app), gone=True)
    assert spool.request()["message"] == "request failed"


async def test_a_disconnect_message_after_the_answer_means_nothing(spool):
    async def app(scope, receive, send):
        await hello(scope, receive, send)
        await receive()

    await call(Middleware(app), gone=True)
    assert "disconnected" not in spool.request()["extra"]


async def test_a_request_that_is_cancelled_says_so(spool):
    async def app(scope, receive, send):
        await asyncio.sleep(60)

    task = asyncio.create_task(call(Middleware(app)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (spool.request()["message"], spool.request()["level"]) == ("request cancelled", "WARNING")


async def test_server_sent_events_say_that_they_began(spool):
    seen = []

    async def app(scope, receive, send):
        await send(start(200, (b"content-type", b"text/event-stream; charset=utf-8")))
        seen.extend(spool.logs(message="response streaming"))
        await send(body(b"data: 1\n\n", more=True))
        await send(body())

    await call(Middleware(app))
    assert len(seen) == 1
    assert spool.request()["extra"]["streaming"] is True


async def test_wrapped_twice_is_captured_once(spool):
    await call(Middleware(Middleware(hello)))
    assert len(spool.requests()) == len(spool.spans()) == 1


async def test_a_request_to_another_application_inside_is_a_request_of_its_own(spool):
    inner = Middleware(hello)

    async def outer(scope, receive, send):
        await call(inner, "/inner")
        await hello(scope, receive, send)

    await call(Middleware(outer), "/outer")
    assert spool.paths() == {"/inner": 1, "/outer": 1}


async def test_requests_at_the_same_time_keep_their_contexts_apart(spool):
    async def app(scope, receive, send):
        plainview.bind(job_id=scope["path"])
        await asyncio.sleep(0.01)
        plainview.get_logger("app").info("inside")
        await hello(scope, receive, send)

    wrapped = Middleware(app)
    await asyncio.gather(*(call(wrapped, f"/{n}") for n in range(50)))
    ids = {line["request_id"]: line["extra"]["path"] for line in spool.requests()}
    assert len(ids) == 50
    for line in spool.logs("app"):
        assert line["job_id"] == ids[line["request_id"]]


async def test_lifespan_passes_through(spool):
    seen = []

    async def app(scope, receive, send):
        seen.append((scope["type"], await receive()))
        await send({"type": "lifespan.startup.complete"})

    async def receive():
        return {"type": "lifespan.startup"}

    async def send(message):
        seen.append(message)

    await Middleware(app)({"type": "lifespan"}, receive, send)
    assert seen == [("lifespan", {"type": "lifespan.startup"}), {"type": "lifespan.startup.complete"}]
    assert spool.logs() == []


async def test_made_up_methods_and_paths_do_not_name_spans(spool):
    await call(Middleware(hello), "/users/4711", "HACK")
    (span,) = spool.spans()
    assert span["name"] == "HTTP"
    assert span["attributes"]["http.request.method"] == "_OTHER"
    assert spool.request()["extra"]["method"] == "HACK"


async def test_the_path_is_whole_under_a_root(spool):
    await call(Middleware(hello), "/api/x", root_path="/api")
    await call(Middleware(hello), "/x", root_path="/api")
    assert spool.paths() == {"/api/x": 2}


async def test_an_answer_without_a_body_has_no_bytes(spool):
    await call(Middleware(hello), method="HEAD")
    assert spool.request()["extra"]["response_bytes"] == 0


async def test_requests_leave_no_cycles_behind(spool):
    wrapped = Middleware(hello)
    await call(wrapped)
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            await call(wrapped)
        assert not [item for item in gc.get_objects() if type(item).__name__ == "_Request"]
    finally:
        gc.enable()


async def test_a_wrapper_can_be_copied(spool):
    response = await call(copy.copy(Middleware(hello)))
    assert response.body == b"hello"


async def test_turned_off_it_does_nothing(tmp_path):
    plainview.configure(dir=str(tmp_path / "data"), enabled=False)
    response = await call(Middleware(hello), headers={"X-Request-ID": "r1"})
    assert (response.status, response.headers) == (200, {"content-type": "text/plain"})
    assert not (tmp_path / "data" / "spool").exists()
    plainview.shutdown()


async def test_at_debug_a_request_is_announced(spool):
    plainview.set_level("DEBUG", "plainview.http")
    await call(Middleware(hello), "/x")
    first, last = spool.logs("plainview.http")
    assert (first["message"], last["message"]) == ("request received", "request completed")
    assert first["request_id"] == last["request_id"]


async def test_above_info_only_failures_are_kept(spool):
    plainview.set_level("WARNING", "plainview.http")
    await call(Middleware(hello))
    await call(Middleware(answering(start(500), body())))
    assert [line["message"] for line in spool.logs("plainview.http")] == ["request failed"]


@pytest.mark.parametrize("broken", ["log", "start", "both"])
async def test_a_fault_of_ours_never_reaches_the_application(spool, monkeypatch, broken, capfd):
    from plainview.capture.recorder import Recorder
    from plainview.capture.spans import Tracing

    def fail(*_, **__):
        raise ZeroDivisionError("ours")

    if broken in {"log", "both"}:
        monkeypatch.setattr(Recorder, "log", fail)
    if broken in {"start", "both"}:
        monkeypatch.setattr(Tracing, "start", fail)
    wrapped = Middleware(hello)
    for _ in range(3):
        response = await call(wrapped)
        assert (response.status, response.body) == (200, b"hello")
    from plainview.capture.runtime import runtime

    assert runtime().recorder.spool.counters.internal_errors >= 3
    assert capfd.readouterr().err.count("ZeroDivisionError") == 1


@pytest.mark.parametrize("scope", [{"type": "http"}, {"type": "http", "headers": None, "path": 3, "method": None}])
async def test_a_scope_that_is_none_is_the_applications_business(spool, scope):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    await Middleware(app)(scope, None, None)
    assert seen == [scope]


async def test_the_applications_attributes_are_reachable_through_the_wrapper(spool):
    class App:
        state = "mine"

        async def __call__(self, scope, receive, send):
            await hello(scope, receive, send)

    assert Middleware(App()).state == "mine"
    with pytest.raises(AttributeError):
        _ = Middleware(App()).nothing
