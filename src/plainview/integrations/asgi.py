"""ASGI middleware: context, a SERVER span and one line for each request and WebSocket of any ASGI application.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html. The response is complete with its last body message, so
what runs after it (background tasks) is not measured; it still has the request's context.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import plainview.integrations.measured  # noqa: F401 - now, or the first request would wait for it
from plainview.capture.metrics.loops import notice
from plainview.integrations.exchange import KNOWN_METHODS, Exchange, access, server_attributes
from plainview.integrations.mounting import ASGI_MARK as MARK, answer_asgi, asked_of_asgi
from plainview.integrations.query import without_secrets
from plainview.integrations.routes import of_scope
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["Middleware"]

#: FastAPI makes spans of its own for a scope without this key.
_FASTAPI: Final = "fastapi.telemetry"
_WANTED: Final = {
    name.encode(): name for name in ("baggage", "content-length", "host", "traceparent", "user-agent", "x-request-id")
}
_EVENT_STREAM: Final = b"text/event-stream"
_DISCONNECTS: Final = frozenset({"CancelledError", "ClientDisconnect", "ClientDisconnected", "WebSocketDisconnect"})


class Middleware:
    """Wraps an ASGI application. A request that is captured already passes through.

    Args:
        app: an ASGI 3 application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._loop_is_known = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the application has
        # Servers and tests ask the application for its own attributes (`state`, `routes` …).
        if name == "app":  # not set yet: an unpickled or copied wrapper
            raise AttributeError(name)
        return getattr(self.app, name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if not self._loop_is_known:
            self._loop_is_known = True
            _notice_loop()
        if _asks_for_metrics(scope):
            await answer_asgi(scope, send)
            return
        request = _begin(scope, receive, send)
        if request is None:
            await self.app(scope, receive, send)
            return
        request.enter()
        try:
            request.announce()
            await self.app(scope, request.receive, request.send)
        except BaseException as error:
            request.left(error)
            raise
        else:
            request.left(None)
        finally:
            request.leave()
            scope.pop(MARK, None)  # or each request would be a cycle for the garbage collector


def _notice_loop() -> None:
    try:
        notice(sys.modules["asyncio"].get_running_loop())
    except (KeyError, RuntimeError):  # another library's loop
        return
    except Exception as error:  # noqa: BLE001 - the application goes on without
        failed(error)


def _asks_for_metrics(scope: Scope) -> bool:
    try:
        found = access()
        return bool(found.metrics_path) and found.enabled and asked_of_asgi(scope, found.metrics_path)
    except Exception as error:  # noqa: BLE001 - the application goes on without
        failed(error)
        return False


def _begin(scope: Scope, receive: Receive, send: Send) -> _Connection | None:
    """What captures this connection; None where there is nothing to capture, or somebody does already."""
    try:
        make = _KINDS.get(scope["type"])
        if make is None or MARK in scope or not access().enabled:
            return None
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            wanted = _WANTED.get(name)
            if wanted is not None and wanted not in headers:
                headers[wanted] = value.decode("latin-1")
        request = make(scope, headers, receive, send)
        scope[MARK] = request
    except Exception as error:  # noqa: BLE001 - the application goes on without
        failed(error)
        return None
    else:
        return request


class _Connection(Exchange):
    """What a request and a WebSocket have in common."""

    __slots__ = ("_receive", "_scope", "_send", "_telemetry")

    mechanism = "asgi"

    def __init__(self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send, method: str) -> None:
        root, path = scope.get("root_path", ""), scope["path"]
        if root and not path.startswith(root):  # before ASGI 2.3 the path was without its root
            path = root + path
        super().__init__(method, path, headers.get, _attributes(scope, headers, method, path))
        self._scope, self._receive, self._send = scope, receive, send
        self._telemetry = None
        if self.span is not None and _FASTAPI not in scope:
            self._telemetry = scope[_FASTAPI] = _fastapi_telemetry(root)

    def receive(self) -> Awaitable[Message]:
        """ASGI's receive."""
        raise NotImplementedError

    def send(self, message: Message) -> Awaitable[None]:
        """ASGI's send."""
        raise NotImplementedError

    def left(self, error: BaseException | None) -> None:
        """The application is done with the connection."""
        raise NotImplementedError

    def resolve_route(self) -> None:
        """See `Exchange.resolve_route`: after the application routed the request, its scope tells."""
        if not self.route:
            self.route = of_scope(self._scope, self._telemetry)

    def _with_request_id(self, message: Message) -> Message:
        # The application's own list of headers may serve many responses: it is not touched.
        headers = message.get("headers") or ()
        for name, _ in headers:
            if name.lower() == b"x-request-id":
                return message
        return {**message, "headers": [*headers, (b"x-request-id", self.request_id.encode("latin-1"))]}


class _Request(_Connection):
    """An HTTP request."""

    __slots__ = ("_declared",)

    def __init__(self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send) -> None:
        super().__init__(scope, headers, receive, send, scope["method"])
        length = headers.get("content-length", "")
        self._declared = length.isdecimal()
        if self._declared:
            self.request_bytes = int(length[:18])

    async def receive(self) -> Message:
        """ASGI's receive, with an eye on the size of the body and on a client that goes away."""
        message = await self._receive()
        try:
            if message["type"] == "http.disconnect":
                self.disconnected = not self.done
            elif not self._declared:
                self.request_bytes += len(message.get("body", b""))
        except Exception as error:  # noqa: BLE001 - see `Exchange`
            failed(error)
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """ASGI's send. The line is written before the last of the body goes out: who has the answer finds it."""
        try:
            kind = message["type"]
            if kind == "http.response.body":
                self.response_bytes += len(message.get("body", b""))
                if not message.get("more_body") and self.status < 500:  # noqa: PLR2004 - its exception may follow
                    self.finish()
            elif kind == "http.response.start":
                self.status = message["status"]
                message = self._with_request_id(message)
                self._look_at(message["headers"])
            elif kind == "http.response.pathsend":  # the server sends a file by itself
                self.finish()
        except Exception as error:  # noqa: BLE001 - see `Exchange`
            failed(error)
        return self._send(message)

    def _look_at(self, headers: list[tuple[bytes, bytes]]) -> None:
        self.inner_span()
        for name, value in headers:
            if name == b"content-type" and value.startswith(_EVENT_STREAM):
                self.stream_started()

    def left(self, error: BaseException | None) -> None:
        """The application is done. What it raised because the client went away is no failure of its own."""
        if error is not None and self.disconnected and _is_disconnect(error):
            error = None
        self.finish(error)


class _WebSocket(_Connection):
    """A WebSocket, from the handshake to its end."""

    __slots__ = ("_accepted", "_code", "_received", "_sent", "outcome")

    noun = "websocket"

    def __init__(self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send) -> None:
        super().__init__(scope, headers, receive, send, "WS")
        self.outcome = "closed"
        self._accepted = False
        self._code = 0
        self._received = self._sent = 0

    async def receive(self) -> Message:
        """ASGI's receive."""
        message = await self._receive()
        try:
            kind = message["type"]
            if kind == "websocket.receive":
                self._received += 1
                self.request_bytes += len(message.get("bytes") or message.get("text") or b"")
            elif kind == "websocket.disconnect":
                self._code = self._code or message.get("code") or 1005
        except Exception as error:  # noqa: BLE001 - see `Exchange`
            failed(error)
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """ASGI's send."""
        try:
            kind = message["type"]
            if kind == "websocket.send":
                self._sent += 1
                self.response_bytes += len(message.get("bytes") or message.get("text") or b"")
            elif kind == "websocket.accept":
                self._accepted, self.status = True, 101
                message = self._with_request_id(message)
                self.inner_span()
                self.resolve_route()
                self._write(20, "websocket accepted", {})
            elif kind == "websocket.close":
                self._code = message.get("code") or 1000
                self.status = self.status or 403
            elif kind == "websocket.http.response.start":
                self.status = message["status"]
                message = self._with_request_id(message)
        except Exception as error:  # noqa: BLE001 - see `Exchange`
            failed(error)
        return self._send(message)

    def left(self, error: BaseException | None) -> None:
        """The application is done with the connection."""
        if error is not None and self._code and _is_disconnect(error):
            error = None
        self.disconnected = error is None and not self.status
        self.finish(error)

    def _complete(self, fields: dict[str, Any]) -> None:
        fields.update(code=self._code or 1000, messages_received=self._received, messages_sent=self._sent)
        if not self._accepted:
            self.outcome = "rejected"


_KINDS: Final[dict[str, type[_Request | _WebSocket]]] = {"http": _Request, "websocket": _WebSocket}


def _is_disconnect(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_disconnect, error.exceptions))
    return isinstance(error, ConnectionError) or type(error).__name__ in _DISCONNECTS


def _attributes(scope: Scope, headers: dict[str, str], method: str, path: str) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        # A WebSocket begins with a GET: RFC 6455, section 4.1.
        "http.request.method": "GET" if method == "WS" else method if method in KNOWN_METHODS else "_OTHER",
        "url.path": path,
        "url.scheme": scope.get("scheme", "http"),
    }
    query = scope.get("query_string")
    if query:
        attributes["url.query"] = without_secrets(query.decode("latin-1"), access().hides)
    client = scope.get("client")
    if client:
        attributes["client.address"] = client[0]
    if "host" in headers:
        attributes |= server_attributes(headers["host"])
    if "user-agent" in headers:
        attributes["user_agent.original"] = headers["user-agent"]
    return attributes


def _fastapi_telemetry(root: str) -> Any:  # noqa: ANN401 - FastAPI's
    """What FastAPI notes its route on, and is kept from making a span of its own by. None does the latter as well."""
    make = getattr(sys.modules.get("fastapi.telemetry._api"), "_RequestTelemetry", None)
    if make is None:
        return None
    try:
        return make(span=None, span_method="", data=None, _mount_prefix=root.rstrip("/"))
    except TypeError:  # a version that names it otherwise
        return None
