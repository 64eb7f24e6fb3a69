"""The route template of an ASGI request, from what frameworks leave in its scope. Never the raw path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping

__all__ = ["of_scope"]


def of_scope(scope: MutableMapping[str, Any], telemetry: Any = None) -> str:  # noqa: ANN401 - FastAPI's, or None
    """The template that matched, with the application's root and mounts; empty when none did or none is known.

    Args:
        scope: of the request, after the application routed it.
        telemetry: the object that FastAPI notes its route on, where there is one.
    """
    noted = getattr(telemetry or scope.get("fastapi.telemetry"), "route", None)
    if noted:
        return str(noted)
    template = scope.get("path_template")  # Litestar
    if isinstance(template, str):
        return template
    path = _starlette_path(scope)
    if path is None:
        return ""
    root = scope.get("root_path", "")
    before = scope.get("app_root_path", root)
    return str(before + _templated(root[len(before) :], scope.get("path_params") or {}) + path)


def _starlette_path(scope: Mapping[str, Any]) -> str | None:
    route = scope.get("route")
    if route is None and "endpoint" in scope:  # Starlette did not always say which route it chose
        route = _serves(getattr(scope.get("router"), "routes", ()), scope["endpoint"])
    path = getattr(route, "path_format", None)
    if not isinstance(path, str):
        return None
    # A mount: the part before its path is in the root already.
    return "/{path}" if hasattr(route, "app") and not hasattr(route, "endpoint") else path


def _serves(routes: Iterable[Any], endpoint: object) -> Any:  # noqa: ANN401 - a route of Starlette, or None
    for route in routes or ():
        if getattr(route, "endpoint", getattr(route, "app", None)) is endpoint:
            return route
        inner = _serves(getattr(route, "routes", None) or (), endpoint)
        if inner is not None:
            return inner
    return None


def _templated(path: str, parameters: Mapping[str, Any]) -> str:
    """A path with the values of its parameters replaced by their names."""
    names = {str(value): f"{{{name}}}" for name, value in parameters.items()}
    return "/".join(names.get(part, part) for part in path.split("/")) if names else path
