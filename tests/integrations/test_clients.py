"""Requests that the application makes: a CLIENT span, and the context in the headers, with httpx and requests."""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
import requests
from exposed import exposed

import plainview
from plainview.integrations import instrument

instrument("httpx")
instrument("requests")


class Remote:
    """A real server that notes what it is asked."""

    def __init__(self):
        self.requests = []
        remote = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                remote.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                if self.path.startswith("/redirect"):
                    self.send_response(302)
                    self.send_header("Location", "/target")
                else:
                    self.send_response(503 if self.path.startswith("/down") else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_GET  # noqa: N815 - the library's names

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def headers(self, place=-1):
        return self.requests[place][1]


@pytest.fixture
def remote():
    made = Remote()
    yield made
    made.server.shutdown()
    made.server.server_close()


async def with_httpx(method, url, **options):
    with httpx.Client(follow_redirects=True) as client:
        return client.request(method, url, **options).status_code  # noqa: ASYNC212 - as careless programs do


async def with_async_httpx(method, url, **options):
    async with httpx.AsyncClient(follow_redirects=True) as client:
        return (await client.request(method, url, **options)).status_code


async def with_requests(method, url, **options):
    return requests.request(method, url, timeout=30, **options).status_code  # noqa: ASYNC210 - as careless programs do


every_client = pytest.mark.parametrize("ask", [with_httpx, with_async_httpx, with_requests])


@every_client
async def test_a_call_is_a_span_and_its_ids_travel(spool, remote, ask):
    with plainview.span("work") as around, plainview.context(request_id="r1", job_id="j 1", user_id="u1"):
        assert await ask("POST", f"{remote.url}/books?page=1&token=hunter2#x") == 200
    call, work = spool.spans()
    assert (call["name"], call["kind"], call["status"]) == ("POST", "CLIENT", "UNSET")
    assert call["parent_span_id"] == work["span_id"] == around.span_id
    assert call["attributes"] == {
        "http.request.method": "POST",
        "url.full": f"{remote.url}/books?page=1&token=[scrubbed]",
        "server.address": "127.0.0.1",
        "server.port": int(remote.url.rpartition(":")[2]),
        "http.response.status_code": 200,
    }
    headers = remote.headers()
    assert headers["traceparent"] == f"00-{call['trace_id']}-{call['span_id']}-01"
    assert headers["x-request-id"] == "r1"
    assert headers["baggage"] == "job_id=j%201"


@every_client
async def test_what_the_caller_sets_by_itself_stays(spool, remote, ask):
    with plainview.context(request_id="r1"):
        await ask("GET", remote.url, headers={"x-request-id": "mine", "traceparent": "theirs"})
    assert (remote.headers()["x-request-id"], remote.headers()["traceparent"]) == ("mine", "theirs")


@every_client
async def test_baggage_that_the_caller_sets_stays_before_ours(spool, remote, ask):
    with plainview.context(job_id="j1", project_id="p1"):
        await ask("GET", remote.url, headers={"Baggage": "sentry-trace_id=1, job_id=theirs"})
        assert remote.headers()["baggage"] == "sentry-trace_id=1, job_id=theirs,project_id=p1"
        await ask("GET", remote.url, headers={"baggage": "job_id=1,project_id=2"})
    assert remote.headers()["baggage"] == "job_id=1,project_id=2"


@every_client
async def test_foreign_baggage_goes_on(spool, remote, ask):
    from opentelemetry import baggage, context

    token = context.attach(baggage.set_baggage("tier", "gold"))
    with plainview.context(job_id="j1"):
        await ask("GET", remote.url)
    context.detach(token)
    assert set(remote.headers()["baggage"].split(",")) == {"job_id=j1", "tier=gold"}


@every_client
async def test_an_answer_that_says_no_is_an_error(spool, remote, ask):
    assert await ask("GET", f"{remote.url}/down") == 503
    (call,) = spool.spans()
    assert (call["status"], call["attributes"]["error.type"]) == ("ERROR", "503")


@every_client
async def test_no_answer_is_an_error_with_its_exception(spool, ask):
    with pytest.raises((httpx.ConnectError, requests.ConnectionError)):
        await ask("GET", "http://127.0.0.1:1/")
    (call,) = spool.spans()
    assert call["status"] == "ERROR"
    assert "ConnectionError" in str(call["events"]) or "ConnectError" in str(call["events"])


@every_client
async def test_a_redirect_is_part_of_the_call(spool, remote, ask):
    assert await ask("GET", f"{remote.url}/redirect") == 200
    (call,) = spool.spans()
    assert [path for path, _ in remote.requests] == ["/redirect", "/target"]
    assert all(call["span_id"] in headers["traceparent"] for _, headers in remote.requests)


@every_client
async def test_a_password_in_the_url_is_not_recorded(spool, remote, ask):
    await ask("GET", remote.url.replace("//", "//me:hunter2@"))
    assert "hunter2" not in str(spool.spans())


@every_client
async def test_what_opentelemetry_says_not_to_trace_is_not_traced(spool, remote, ask):
    """Exporters say so: sending spans must not make spans."""
    from opentelemetry import context

    token = context.attach(context.set_value(context._SUPPRESS_INSTRUMENTATION_KEY, value=True))
    await ask("GET", remote.url)
    context.detach(token)
    assert spool.spans() == []
    assert "traceparent" not in remote.headers()


async def test_opentelemetrys_own_instrumentation_makes_the_span_where_it_is_at_work(spool, remote):
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    HTTPXClientInstrumentor().instrument()
    try:
        with plainview.context(request_id="r1"):
            await with_httpx("GET", remote.url)
    finally:
        HTTPXClientInstrumentor().uninstrument()
    (call,) = spool.spans()
    assert call["scope"] == "opentelemetry.instrumentation.httpx"
    assert call["span_id"] in remote.headers()["traceparent"]
    assert remote.headers()["x-request-id"] == "r1"


@every_client
async def test_a_fault_of_ours_never_reaches_the_caller(spool, remote, ask, monkeypatch):
    from plainview.capture.spans import Tracing

    def fail(*_, **__):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(Tracing, "start", fail)
    assert await ask("GET", remote.url) == 200


def test_a_stream_can_be_read_after_the_call(spool, remote):
    with httpx.Client() as client, client.stream("GET", remote.url) as response:
        assert response.read() == b""
    assert len(spool.spans()) == 1


@pytest.mark.usefixtures("nothing_counted")
def test_calls_are_counted_by_host_and_status(spool, remote):
    with httpx.Client(follow_redirects=True) as client:
        for path in ("/one", "/two", "/down", "/redirect"):
            client.get(remote.url + path)
        with pytest.raises(httpx.ConnectError):
            client.get("http://127.0.0.1:1/")

    async def post():
        async with httpx.AsyncClient() as client:
            await client.post(remote.url)

    asyncio.run(post())
    with requests.Session() as session:
        session.get(f"{remote.url}/redirect")
        session.request("BREW", remote.url)
    samples = asyncio.run(exposed())
    assert samples.of("http_client_requests_total") == {
        ("127.0.0.1", "GET", "200"): 4,
        ("127.0.0.1", "GET", "503"): 1,
        ("127.0.0.1", "GET", "error"): 1,
        ("127.0.0.1", "POST", "200"): 1,
        ("127.0.0.1", "_OTHER", "501"): 1,
    }
    assert samples("http_client_request_duration_seconds_count", host="127.0.0.1", method="GET") == 6
    assert spool.internal_errors() == 0
