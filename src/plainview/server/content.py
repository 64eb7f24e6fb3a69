"""Bodies of JSON: they say that they are, and are of bounded length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers

from plainview.server.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["MOST", "RequireJson"]

#: Most bytes of a question.
MOST: Final = 1 << 20


#: Addresses that take bodies of other types, with bounds of their own.
_INGEST: Final = frozenset({"/v1/ingest", "/api/v1/write"})


class RequireJson:
    """ASGI middleware: a POST that is no ingest has a body of JSON, of at most :data:`MOST` bytes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on."""
        if scope["type"] != "http" or scope["method"] != "POST" or _takes_more(scope["path"]):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        # A request that says nothing need not say in which form.
        if kind != "application/json" and scope["path"].startswith("/v1/") and not _is_empty(headers):
            errors = [{"field": "Content-Type", "message": "takes application/json"}]
            await problem(415, f"Content-Type {kind[:80]!r}: this takes application/json", errors)(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            message = f"larger than {MOST >> 20} MiB"
            refusal = problem(413, f"The body is {message}", [{"field": "body", "message": message}])
            await refusal(scope, receive, send)
            return
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)


def _takes_more(path: str) -> bool:
    return path in _INGEST or path.endswith(("/envelope/", "/store/"))


def _is_empty(headers: Headers) -> bool:
    length = headers.get("content-length", "0")
    return length == "0" and not any(name in headers for name in ("content-type", "transfer-encoding"))


async def _read(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > MOST:
            return None
        if not message.get("more_body", False):
            return bytes(body)
