"""Starlette: requests of any application, whatever server calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainview.integrations.calls import own, watch_routing, wrap_asgi

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["install", "instrument"]


def install(module: ModuleType) -> None:
    """Capture all applications. ``module`` is ``starlette.applications``."""
    wrap_asgi(module.Starlette, everything=True)
    _watch_routes()


def instrument(app: Any) -> None:  # noqa: ANN401 - starlette.applications.Starlette
    """Capture one application."""
    from starlette.applications import Starlette  # noqa: PLC0415 - the application's library, not ours

    own(app, Starlette)
    wrap_asgi(Starlette, everything=False)
    _watch_routes()


def _watch_routes() -> None:
    from starlette.routing import Route  # noqa: PLC0415 - the application's library, not ours

    watch_routing(Route)
