"""``/metrics`` in an application: `mount` for one, the setting ``metrics_path`` for all that are captured.

What is asked for there is no request of the application's: it is neither counted, nor logged, nor traced. Any process
of the service answers for all of them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from plainview.integrations.exchange import serving
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from plainview.integrations.exchange import Exchange

    Message = MutableMapping[str, Any]
    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
    Environ = dict[str, Any]
    StartResponse = Callable[..., Callable[[bytes], object]]
    WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]

__all__ = [
    "ASGI_MARK",
    "WSGI_MARK",
    "ASGIMount",
    "WSGIMount",
    "answer_asgi",
    "answer_wsgi",
    "asked_of_asgi",
    "asked_of_wsgi",
    "mount",
]

#: Key of ASGI's scope and of WSGI's environment under which the request is that is being captured.
ASGI_MARK, WSGI_MARK = "plainview", "plainview.request"
_METHODS: Final = ("GET", "HEAD")


def mount(app: Any, path: str = "/metrics") -> Any:  # noqa: ANN401 - any application
    """Have an application answer a path with the metrics of its service, in Prometheus's text format or OpenMetrics.

    Args:
        app: an application: FastAPI, Starlette and Flask are changed in place, any other ASGI or WSGI application is
            wrapped.
        path: below the application's root. In FastAPI and Starlette the application's own middleware applies to it.

    Returns:
        What to serve: the application itself, or its wrapper.

    Raises:
        TypeError: no application.
        ValueError: the path does not begin with a slash.

    Example:
        app = plainview.mount(plainview.instrument(FastAPI()))
    """
    if not callable(app):
        msg = f"no application: {app!r}"
        raise TypeError(msg)
    if not path.startswith("/"):
        msg = f"a path begins with a slash: {path!r}"
        raise ValueError(msg)
    kinds = {(kind.__module__, kind.__name__) for kind in type(app).__mro__}
    if ("starlette.applications", "Starlette") in kinds:
        from starlette.routing import Route  # noqa: PLC0415 - the application's library, not ours

        # First: a route of the application that takes any path would have it otherwise.
        app.router.routes.insert(0, Route(path, _Endpoint(), methods=["GET"], include_in_schema=False))
    elif ("flask.app", "Flask") in kinds:
        app.wsgi_app = WSGIMount(app.wsgi_app, path)
    else:
        from plainview.integrations.gunicorn import is_asgi  # noqa: PLC0415 - few are of a kind of their own

        return (ASGIMount if is_asgi(app) else WSGIMount)(app, path)
    return app


class _Endpoint:
    """The end of a route; of a function, Starlette would make something else."""

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        await answer_asgi(scope, send)


class ASGIMount:
    """Wraps an ASGI application, and answers one path."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self.app = app
        self._path = path

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the application has
        if name == "app":  # not set yet: an unpickled or copied wrapper
            raise AttributeError(name)
        return getattr(self.app, name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if asked_of_asgi(scope, self._path):
            await answer_asgi(scope, send)
        else:
            await self.app(scope, receive, send)


class WSGIMount:
    """Wraps a WSGI application, and answers one path."""

    def __init__(self, app: WSGIApp, path: str) -> None:
        self.app = app
        self._path = path

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the application has
        if name == "app":  # not set yet: an unpickled or copied wrapper
            raise AttributeError(name)
        return getattr(self.app, name)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if asked_of_wsgi(environ, self._path):
            return answer_wsgi(environ, start_response)
        return self.app(environ, start_response)


def asked_of_asgi(scope: Scope, path: str) -> bool:
    """Whether a connection asks for the metrics."""
    if scope["type"] != "http" or not scope["path"].endswith(path):
        return False
    root = scope.get("root_path", "")  # part of the path, or not before ASGI 2.3
    return scope["method"] in _METHODS and scope["path"] in {path, root + path}


def asked_of_wsgi(environ: Environ, path: str) -> bool:
    """Whether a request asks for the metrics."""
    return environ.get("PATH_INFO") == path and environ.get("REQUEST_METHOD") in _METHODS


async def answer_asgi(scope: Scope, send: Send) -> None:
    """Answer with the metrics. They are gathered in a thread: the loop goes on meanwhile."""
    _disown(scope.get(ASGI_MARK))
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}

    def header(name: str) -> str | None:
        return headers.get(name.lower().encode())

    try:
        loop = sys.modules["asyncio"].get_running_loop()
    except (KeyError, RuntimeError):  # another library's loop
        status, given, body = _metrics(header)
    else:
        status, given, body = await loop.run_in_executor(None, _metrics, header)
    sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in given]
    sent.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def answer_wsgi(environ: Environ, start_response: StartResponse) -> list[bytes]:
    """Answer with the metrics."""
    around = serving.get()
    if around is not None and around.path != environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"]:
        around = None  # the application asks for it while it serves something else
    _disown(environ.get(WSGI_MARK) or around)

    def header(name: str) -> str | None:
        found = environ.get(f"HTTP_{name.upper().replace('-', '_')}")
        return found if isinstance(found, str) else None

    status, given, body = _metrics(header)
    start_response(
        "200 OK" if status == 200 else f"{status} Unavailable",  # noqa: PLR2004 - HTTP's
        [*given, ("Content-Length", str(len(body)))],
    )
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]


def _metrics(header: Callable[[str], str | None]) -> tuple[int, list[tuple[str, str]], bytes]:
    from plainview.capture.metrics.answer import metrics  # noqa: PLC0415 - most applications are never asked

    return metrics(header)


def _disown(exchange: Exchange | None) -> None:
    """What captures the request forgets it."""
    try:
        if exchange is not None:
            exchange.disown()
    except Exception as error:  # noqa: BLE001 - it is answered all the same
        failed(error)
