"""Flask: requests of any application, their route, and the exceptions that Flask turned into a response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainview.integrations.calls import wrap_wsgi
from plainview.integrations.exchange import serving
from plainview.integrations.safety import failed
from plainview.integrations.wsgi import Middleware

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["install", "instrument"]


def install(module: ModuleType) -> None:
    """Capture all applications. ``module`` is ``flask.app``."""
    wrap_wsgi(module.Flask)
    _connect()


def instrument(app: Any) -> None:  # noqa: ANN401 - flask.Flask
    """Capture one application."""
    if not isinstance(app.wsgi_app, Middleware):
        app.wsgi_app = Middleware(app.wsgi_app)
    _connect()


def _connect() -> None:
    # For all applications: outside a captured request the signals do nothing. A receiver is connected once only.
    from flask import got_request_exception, request_started  # noqa: PLC0415 - the application's library, not ours

    request_started.connect(_started)
    got_request_exception.connect(_failed)


def _started(_app: Any, **_: Any) -> None:  # noqa: ANN401 - Flask's signal
    try:
        exchange = serving.get()
        if exchange is not None:
            from flask import request  # noqa: PLC0415 - the application's library, not ours

            rule = request.url_rule
            exchange.route = request.script_root + rule.rule if rule is not None else ""
            exchange.routed()
    except Exception as error:  # noqa: BLE001 - never into the application
        failed(error)


def _failed(_app: Any, *, exception: BaseException, **_: Any) -> None:  # noqa: ANN401 - Flask's signal
    exchange = serving.get()
    if exchange is not None:
        exchange.broke(exception)
