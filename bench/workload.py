"""What everybody has to do: the same line, the same context, the same span, the same application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from fastapi import FastAPI

    Message = MutableMapping[str, Any]
    ASGIApp = Callable[
        [MutableMapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
        Awaitable[None],
    ]

__all__ = [
    "ATTRIBUTES", "CARRIERS", "CONTEXT", "FRAMES", "LABELS", "MESSAGE", "NAME", "SERVICE", "SPAN", "WEIGHT",
    "application", "fail", "serve",
]  # fmt: skip

SERVICE: Final = "bench"
#: Of a counter and a histogram.
LABELS: Final = ("kind", "status")
#: Name of the logger, where there is one.
NAME: Final = "shop.orders"
#: What is bound: it goes into every line.
CONTEXT: Final = {"request_id": "5f0c1a52e6d94b0f8a3b7c2d9e10f4a6", "user_id": "u-118"}
MESSAGE: Final = "order shipped"
#: The three fields of a line: ``order_id`` counts up, ``carrier`` is one of these, ``weight_kg`` stays.
CARRIERS: Final = ("aurora post", "meridian", "northern freight", "parcel & sons")
WEIGHT: Final = 2.75
#: A span's name and its four attributes.
SPAN: Final = "render page"
ATTRIBUTES: Final[dict[str, str | int | float | bool]] = {"engine": "pdf", "pages": 12, "scale": 1.5, "cached": False}

#: Frames of an exception, besides the one that catches it.
FRAMES: Final = 20

_SCOPE: Final = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.4"},
    "http_version": "1.1",
    "scheme": "http",
    "method": "GET",
    "root_path": "",
    "query_string": b"",
    "client": ("127.0.0.1", 51234),
    "server": ("127.0.0.1", 8000),
}
_HEADERS: Final = [
    (b"host", b"127.0.0.1:8000"),
    (b"user-agent", b"bench/1"),
    (b"accept", b"application/json"),
    (b"accept-encoding", b"gzip"),
    (b"x-request-id", b"5f0c1a52e6d94b0f8a3b7c2d9e10f4a6"),
]


def fail(number: int, depth: int = FRAMES - 1) -> None:
    """Raise an exception, ``FRAMES`` frames below the caller."""
    remark = f"order {number}"
    if depth:
        fail(number, depth - 1)
    msg = f"{remark} has no address"
    raise LookupError(msg)


def application(work: Callable[[int], object] | None) -> FastAPI:
    """A FastAPI application with one route, which does ``work`` (context, span, line) if there is any."""
    from fastapi import FastAPI

    app = FastAPI(openapi_url=None)

    @app.get("/orders/{order_id}")
    async def order(order_id: int) -> dict[str, object]:
        if work is not None:
            work(order_id)
        return {"id": order_id, "carrier": CARRIERS[order_id & 3], "weight_kg": WEIGHT}

    return app


async def serve(app: ASGIApp, number: int) -> None:
    """One request, as a server would put it, without the server.

    Raises:
        RuntimeError: the answer is not a 200 with its body.
    """
    path = f"/orders/{number}"
    scope = {**_SCOPE, "path": path, "raw_path": path.encode(), "headers": list(_HEADERS), "state": {}}
    status, body = 0, b""

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, body
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            body += message.get("body", b"")

    await app(scope, receive, send)
    if status != 200 or not body:
        msg = f"status {status}, {len(body)} bytes"
        raise RuntimeError(msg)
