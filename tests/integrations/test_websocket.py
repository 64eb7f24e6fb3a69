"""WebSockets: a line when one is accepted, a line and a span when it is over."""

from __future__ import annotations

import contextlib

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

import plainview
from plainview.integrations.asgi import Middleware


async def echo(websocket):
    await websocket.accept()
    plainview.get_logger("app").info("talking")
    async for text in websocket.iter_text():
        if text == "break":
            raise LookupError("broken")
        if text == "bye":
            await websocket.close(4000)
            return
        await websocket.send_text(text * 2)


async def unguarded(websocket):
    await websocket.accept()
    while True:
        await websocket.receive_text()


async def refuse(websocket):
    await websocket.close()


@pytest.fixture
def client():
    routes = [
        WebSocketRoute("/rooms/{room}", echo),
        WebSocketRoute("/unguarded", unguarded),
        WebSocketRoute("/refuse", refuse),
    ]
    return TestClient(Middleware(Starlette(routes=routes)))


def test_a_conversation_is_announced_and_summed_up(spool, client):
    with client.websocket_connect("/rooms/7", headers={"X-Request-ID": "r1"}) as websocket:
        websocket.send_text("hello")
        assert websocket.receive_text() == "hellohello"
        (accepted,) = spool.logs(message="websocket accepted")
        assert spool.requests() == spool.spans(kind="SERVER") == []
    closed, (span,) = spool.request(), spool.spans(kind="SERVER")
    assert closed["message"] == "websocket closed"
    assert closed["extra"] == {
        "method": "WS",
        "route": "/rooms/{room}",
        "path": "/rooms/7",
        "status": 101,
        "request_bytes": 5,
        "response_bytes": 10,
        "code": 1000,
        "messages_received": 1,
        "messages_sent": 1,
    }
    (talking,) = spool.logs("app")
    assert accepted["request_id"] == talking["request_id"] == closed["request_id"] == "r1"
    assert (span["name"], span["status"]) == ("WS /rooms/{room}", "UNSET")
    assert talking["span_id"] == span["span_id"]


def test_the_request_id_is_returned_with_the_handshake(spool, client):
    with client.websocket_connect("/rooms/7", headers={"X-Request-ID": "r1"}) as websocket:
        headers = dict(websocket.extra_headers)
    assert headers[b"x-request-id"] == b"r1"


def test_the_application_may_close_it(spool, client):
    with client.websocket_connect("/rooms/7") as websocket:
        websocket.send_text("bye")
        with pytest.raises(WebSocketDisconnect):
            websocket.receive_text()
    assert (spool.request()["message"], spool.request()["extra"]["code"]) == ("websocket closed", 4000)


def test_a_client_that_goes_away_is_no_failure(spool, client):
    with contextlib.suppress(WebSocketDisconnect), client.websocket_connect("/unguarded") as websocket:
        websocket.close(1006)
    assert (spool.request()["message"], spool.request()["extra"]["code"]) == ("websocket closed", 1006)


def test_one_that_is_refused(spool, client):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/refuse"):
        pass
    assert (spool.request()["message"], spool.request()["extra"]["status"]) == ("websocket rejected", 403)


def test_a_fault_is_one_line_with_the_stack(spool, client):
    with pytest.raises(LookupError), client.websocket_connect("/rooms/7") as websocket:
        websocket.send_text("break")
        websocket.receive_text()
    line = spool.request()
    assert (line["message"], line["level"], line["exception"]["type"]) == ("websocket failed", "ERROR", "LookupError")
    assert spool.spans(kind="SERVER")[0]["status"] == "ERROR"
