"""Wrapping an application's class, so that whatever server calls an application of it, its requests are captured.

An application is captured if it was asked for by `own`; every one is if its class was wrapped with ``everything``.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from plainview.integrations.asgi import Middleware
from plainview.integrations.mounting import ASGI_MARK
from plainview.integrations.patching import replace
from plainview.integrations.wsgi import serve

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["own", "watch_routing", "wrap_asgi", "wrap_wsgi"]

_all: Final[set[type]] = set()


def own(app: Any, kind: type) -> None:  # noqa: ANN401 - an application
    """Capture this one application, an instance of a class that is given to `wrap_asgi`."""
    vars(app).setdefault(_key(kind), None)


def wrap_asgi(kind: type, *, everything: bool) -> None:
    """Wrap ``__call__`` of a class of ASGI applications. A second call can only make it capture more."""
    if everything:
        _all.add(kind)
    key = _key(kind)

    def make(call: Callable[..., Any]) -> Callable[..., Any]:
        async def __call__(self: Any, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401, N807 - passes through
            attributes = vars(self)
            middleware = attributes.get(key)
            if middleware is None:
                if key not in attributes and kind not in _all:
                    await call(self, scope, receive, send)
                    return
                middleware = attributes[key] = Middleware(functools.partial(call, self))
            await middleware(scope, receive, send)

        return __call__

    replace(kind, "__call__", make)


def wrap_wsgi(kind: type) -> None:
    """Wrap ``__call__`` of a class of WSGI applications: all of them are captured."""

    def make(call: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(self: Any, environ: Any, start_response: Any) -> Any:  # noqa: ANN401, N807 - passes through
            return serve(functools.partial(call, self), environ, start_response)

        return __call__

    replace(kind, "__call__", make)


def watch_routing(kind: type) -> None:
    """Tell requests as soon as a route is to serve them. ``kind`` is a class of routes with Starlette's ``handle``."""

    def make(handle: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(self: Any, scope: Any, receive: Any, send: Any) -> Any:  # noqa: ANN401 - passes through
            request = scope.get(ASGI_MARK)
            if request is not None:
                request.routed()
            return handle(self, scope, receive, send)

        return wrapper

    replace(kind, "handle", make)


def _key(kind: type) -> str:
    # One per class: FastAPI's call goes on to Starlette's.
    return f"__plainview_{kind.__name__}__"
