"""Django, under WSGI and ASGI: requests, their route, and the exceptions that Django turned into a response."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from plainview.integrations.calls import wrap_asgi, wrap_wsgi
from plainview.integrations.exchange import serving
from plainview.integrations.patching import replace
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["install_asgi", "install_base", "install_wsgi"]


def install_wsgi(module: ModuleType) -> None:
    """Capture the WSGI application. ``module`` is ``django.core.handlers.wsgi``."""
    wrap_wsgi(module.WSGIHandler)


def install_asgi(module: ModuleType) -> None:
    """Capture the ASGI application. ``module`` is ``django.core.handlers.asgi``."""
    wrap_asgi(module.ASGIHandler, everything=True)


def install_base(module: ModuleType) -> None:
    """Learn routes and exceptions. ``module`` is ``django.core.handlers.base``."""
    replace(module.BaseHandler, "resolve_request", _noting_route)
    import_module("django.core.signals").got_request_exception.connect(_failed)


def _noting_route(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def resolve_request(self: Any, request: Any) -> Any:  # noqa: ANN401 - passes through
        match = resolve(self, request)
        try:
            exchange = serving.get()
            if exchange is not None:
                exchange.route = f"{request.META.get('SCRIPT_NAME', '')}/{match.route}"
                exchange.routed()
        except Exception as error:  # noqa: BLE001 - never into the application
            failed(error)
        return match

    return resolve_request


def _failed(**_: Any) -> None:  # noqa: ANN401 - Django's signal
    exchange, error = serving.get(), sys.exc_info()[1]
    if exchange is not None and error is not None:
        exchange.broke(error)
