"""gunicorn: requests of any application that its workers serve."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from plainview.integrations import asgi, wsgi
from plainview.integrations.patching import replace
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["install_asgi", "install_wsgi", "is_asgi"]


def install_wsgi(module: ModuleType) -> None:
    """Wrap the application in each worker. ``module`` is ``gunicorn.workers.base``."""
    _after_loading(module.Worker, "wsgi", lambda app: app if is_asgi(app) else wsgi.Middleware(app))


def install_asgi(module: ModuleType) -> None:
    """The same for the workers that speak ASGI. ``module`` is ``gunicorn.workers.gasgi``."""
    _after_loading(module.ASGIWorker, "asgi", asgi.Middleware)


def is_asgi(app: Any) -> bool:  # noqa: ANN401 - any application
    """Whether an application is one of ASGI. uvicorn's worker loads its application in gunicorn's way."""
    while isinstance(app, functools.partial):
        app = app.func
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(getattr(app, "__call__", None))  # noqa: B004 - its kind is asked for


def _after_loading(worker: type, attribute: str, wrap: Callable[[Any], Any]) -> None:
    def make(load: Callable[..., Any]) -> Callable[..., Any]:
        def load_wsgi(self: Any) -> None:  # noqa: ANN401 - gunicorn's worker
            load(self)
            try:
                app = getattr(self, attribute, None)
                if app is not None and not isinstance(app, asgi.Middleware | wsgi.Middleware):
                    setattr(self, attribute, wrap(app))
            except Exception as error:  # noqa: BLE001 - the application is served without
                failed(error)

        return load_wsgi

    replace(worker, "load_wsgi", make)
