"""Requests in numbers: by method and route, never by what a client can make up."""

from __future__ import annotations

import asyncio
import time

import pytest
from exposed import Samples, exposed
from fastapi import APIRouter, FastAPI, HTTPException
from flask import Flask, abort
from harness import call
from hypothesis import given, settings as hypothesis_settings, strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from werkzeug.test import Client

import plainview
from plainview.integrations.asgi import Middleware as ASGIMiddleware
from plainview.integrations.wsgi import Middleware as WSGIMiddleware

pytestmark = pytest.mark.usefixtures("nothing_counted")


def fastapi_app():
    app, router = FastAPI(), APIRouter(prefix="/v1")

    @router.get("/books/{book_id}")
    async def read(book_id: int):
        if book_id == 13:
            raise HTTPException(418)
        if book_id == 14:
            raise LookupError
        return book_id

    app.include_router(router)
    return plainview.instrument(app)


async def test_a_request_is_counted_under_its_route_and_status(spool):
    app = fastapi_app()
    for path in ("/v1/books/1", "/v1/books/2", "/v1/books/13", "/v1/books/x", "/elsewhere", "/v1/books/1/more"):
        await call(app, path)
    with pytest.raises(LookupError):
        await call(app, "/v1/books/14")
    samples = await exposed()
    assert samples.of("http_requests_total") == {
        ("/v1/books/{book_id}", "GET", "200"): 2,
        ("/v1/books/{book_id}", "GET", "418"): 1,
        ("/v1/books/{book_id}", "GET", "422"): 1,
        ("/v1/books/{book_id}", "GET", "500"): 1,
        ("unmatched", "GET", "404"): 2,
    }
    assert samples("http_request_duration_seconds_count", method="GET", endpoint="/v1/books/{book_id}") == 5
    assert set(samples.of("http_requests_in_progress").values()) == {0}
    assert spool.internal_errors() == 0


async def test_sizes_are_those_of_the_bodies(spool):
    app = Starlette(routes=[Route("/echo", lambda _: PlainTextResponse("x" * 700), methods=["POST"])])
    await call(
        plainview.instrument(app), "/echo", "POST", body=(b"a" * 50, b"b" * 70), headers={"Content-Length": "120"}
    )
    samples = await exposed()
    assert samples("http_request_size_bytes_sum", method="POST", endpoint="/echo") == 120
    assert samples("http_response_size_bytes_sum", method="POST", endpoint="/echo") == 700
    assert samples("http_response_size_bytes_bucket", method="POST", endpoint="/echo", le="1000.0") == 1
    assert samples("http_response_size_bytes_bucket", method="POST", endpoint="/echo", le="100.0") == 0


@hypothesis_settings(max_examples=30, deadline=None)
@given(requests=st.lists(st.tuples(st.text("ABGETxyz", min_size=1, max_size=8), st.text(max_size=30)), max_size=20))
def test_whatever_clients_make_up_adds_no_series(tmp_path_factory, requests):
    plainview.configure(
        dir=str(tmp_path_factory.mktemp("made-up")), service="made-up", environment="production", file=""
    )
    app = fastapi_app()

    async def ask() -> Samples:
        for method, path in requests:
            await call(app, f"/{path}", method)
        return await exposed()

    try:
        labels = set(asyncio.run(ask()).of("http_requests_total"))
    finally:
        plainview.shutdown()
    assert {endpoint for endpoint, _, _ in labels} <= {"unmatched", "/v1/books/{book_id}"}
    assert {method for _, method, _ in labels} <= {"GET", "_OTHER"}


async def test_a_request_in_progress_is_seen_under_its_route_and_gone_afterwards(spool):
    began, goes_on = asyncio.Event(), asyncio.Event()

    async def wait(request):
        began.set()
        await goes_on.wait()
        return PlainTextResponse("done")

    app = plainview.instrument(Starlette(routes=[Mount("/api", routes=[Route("/wait/{who}", wait)])]))
    asked = asyncio.create_task(call(app, "/api/wait/me"))
    await began.wait()
    assert (await exposed()).of("http_requests_in_progress") == {("/api/wait/{who}", "GET"): 1, ("unmatched", "GET"): 0}
    goes_on.set()
    await asked
    assert set((await exposed()).of("http_requests_in_progress").values()) == {0}


async def test_a_client_that_goes_away_leaves_nothing_in_progress(spool):
    async def stream(request):
        async def pieces():
            for _ in range(3):
                yield b"piece"
                await asyncio.sleep(0.01)

        return StreamingResponse(pieces())

    app = plainview.instrument(Starlette(routes=[Route("/stream", stream)]))
    await call(app, "/stream", gone=True)
    samples = await exposed()
    assert set(samples.of("http_requests_in_progress").values()) == {0}
    assert sum(samples.of("http_requests_total").values()) == 1


async def test_flask_tells_the_rule(spool):
    app = Flask("shop")
    within = []

    @app.route("/books/<int:number>")
    def read(number):
        within.append(asyncio.run(exposed()).of("http_requests_in_progress"))
        if number == 13:
            abort(410)
        return "book"

    client = Client(plainview.instrument(app))
    await asyncio.to_thread(lambda: [client.get(path, buffered=True) for path in ("/books/1", "/books/13", "/nowhere")])
    samples = await exposed()
    assert samples.of("http_requests_total") == {
        ("/books/<int:number>", "GET", "200"): 1,
        ("/books/<int:number>", "GET", "410"): 1,
        ("unmatched", "GET", "404"): 1,
    }
    assert within[0][("/books/<int:number>", "GET")] == 1
    assert set(samples.of("http_requests_in_progress").values()) == {0}


async def test_an_application_without_routes_is_counted_as_a_whole(spool):
    async def asgi(scope, receive, send):
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    def wsgi(environ, start_response):
        start_response("202 Accepted", [])
        return iter([b"o", b"k"])

    await call(ASGIMiddleware(asgi), "/one/of/many")
    Client(WSGIMiddleware(wsgi)).get("/one/of/many", buffered=True)
    samples = await exposed()
    assert samples.of("http_requests_total") == {("unmatched", "GET", "202"): 2}
    assert set(samples.of("http_requests_in_progress").values()) == {0}


@pytest.mark.parametrize(
    ("prefix", "labels", "in_progress"),
    [
        ("http", {"endpoint", "method", "status_code"}, "http_requests_in_progress"),
        ("api", {"path", "method", "status"}, "api_requests_in_progress"),
        ("greenstack", {"endpoint", "method", "status"}, "greenstack_requests_inprogress"),
    ],
)
async def test_the_prefix_brings_the_words_of_its_house(tmp_path, prefix, labels, in_progress):
    plainview.configure(
        dir=str(tmp_path), service="test", environment="production", file="", http_metrics_prefix=prefix
    )
    try:
        await call(fastapi_app(), "/v1/books/1")
        samples = await exposed()
    finally:
        plainview.shutdown()
    (counted,) = samples.families[f"{prefix}_requests"].samples
    assert set(counted.labels) == labels
    assert counted.value == 1
    assert f"{prefix}_request_duration_seconds" in samples.families
    assert in_progress in samples.families


async def test_without_a_prefix_requests_are_not_measured(tmp_path):
    plainview.configure(dir=str(tmp_path), service="test", environment="production", file="", http_metrics_prefix="")
    try:
        assert (await call(fastapi_app(), "/v1/books/1")).status == 200
        assert not [name for name in (await exposed()).families if "request" in name]
    finally:
        plainview.shutdown()


def test_a_prefix_that_is_no_name_is_refused(tmp_path):
    with pytest.raises(plainview.SettingsError, match="PLAINVIEW_HTTP_METRICS_PREFIX"):
        plainview.configure(dir=str(tmp_path), http_metrics_prefix="my-app")


async def test_what_is_streamed_for_long_counts_until_it_began(spool):
    async def events(request):
        async def pieces():
            yield b"data: 1\n\n"
            await asyncio.sleep(0.4)
            yield b"data: 2\n\n"

        return StreamingResponse(pieces(), media_type="text/event-stream")

    app = plainview.instrument(Starlette(routes=[Route("/events", events)]))
    began = time.perf_counter()
    await call(app, "/events")
    elapsed = time.perf_counter() - began
    samples = await exposed()
    assert samples("http_request_duration_seconds_count", method="GET", endpoint="/events") == 1
    assert samples("http_request_duration_seconds_sum", method="GET", endpoint="/events") <= elapsed - 0.4


async def test_an_exemplar_leads_to_the_trace(spool):
    await call(fastapi_app(), "/v1/books/1")
    (span,) = spool.spans(kind="SERVER")
    accept = {"Accept": "application/openmetrics-text"}
    text = (await call(plainview.mount(fastapi_app()), "/metrics", headers=accept)).body.decode()
    shown = [
        line for line in text.splitlines() if line.startswith("http_request_duration_seconds_bucket{") and " # " in line
    ]
    assert shown
    assert all(f'trace_id="{span["trace_id"]}"' in line for line in shown)


async def test_websockets_are_no_requests(spool):
    messages = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]

    async def receive():
        return messages.pop(0)

    async def send(message):
        pass

    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await receive()

    scope = {"type": "websocket", "path": "/ws", "headers": [], "query_string": b"", "root_path": "", "scheme": "ws"}
    await ASGIMiddleware(app)(scope, receive, send)
    assert len(spool.requests()) == 1
    assert not any((await exposed()).of("http_requests_total").values())
