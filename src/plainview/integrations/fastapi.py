"""FastAPI: requests of any application, and the errors of those that were found invalid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from plainview.integrations.calls import own, watch_routing, wrap_asgi
from plainview.integrations.exchange import serving
from plainview.integrations.patching import replace
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["install", "instrument"]

#: What is recorded of an error: where and why, never the input itself.
_KEPT: Final = ("loc", "msg", "type")
_MAX_ERRORS: Final = 32


def install(module: ModuleType) -> None:
    """Capture all applications. ``module`` is ``fastapi.applications``."""
    wrap_asgi(module.FastAPI, everything=True)
    _watch()


def instrument(app: Any) -> None:  # noqa: ANN401 - fastapi.FastAPI
    """Capture one application."""
    from fastapi.applications import FastAPI  # noqa: PLC0415 - the application's library, not ours

    own(app, FastAPI)
    wrap_asgi(FastAPI, everything=False)
    _watch()


def _watch() -> None:
    from fastapi.exceptions import RequestValidationError  # noqa: PLC0415 - the application's library, not ours
    from fastapi.routing import APIRoute  # noqa: PLC0415 - the same

    watch_routing(APIRoute)
    # Where the error is made rather than where it is handled: an application may handle it in its own way.

    replace(RequestValidationError, "__init__", _noting)


def _noting(make: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: Any, errors: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401, N807 - passes through
        make(self, errors, *args, **kwargs)
        try:
            exchange = serving.get()
            if exchange is not None:
                exchange.rejected(
                    [{key: error[key] for key in _KEPT if key in error} for error in self.errors()[:_MAX_ERRORS]]
                )
        except Exception as fault:  # noqa: BLE001 - never into the application
            failed(fault)

    return __init__
