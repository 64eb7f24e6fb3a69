"""Other people's libraries: one module per library, and `instrument` to put them to use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["instrument"]

#: Class of an application, by the module and name of any class it is made of → our module that knows it.
_APPLICATIONS: Final = {
    ("fastapi.applications", "FastAPI"): "fastapi",
    ("starlette.applications", "Starlette"): "starlette",
    ("flask.app", "Flask"): "flask",
}


def instrument(target: Any = None) -> Any:  # noqa: ANN401 - any application
    """Capture an application's requests, or what a library does; without argument, all libraries that are known.

    Args:
        target: an application: FastAPI, Starlette and Flask are changed in place, any other ASGI or WSGI application
            is wrapped. Or the name of a library: ``"httpx"``, ``"requests"``, ``"celery"`` …, imported or not.

    Returns:
        What to serve: the application itself, or its wrapper. A name is returned as it is.

    Raises:
        ValueError: a name that is no library we know.
        TypeError: neither a name nor an application.

    Example:
        app = plainview.instrument(FastAPI())
    """
    from plainview.integrations import hooks  # noqa: PLC0415 - the middleware alone needs none of them

    if target is None:
        hooks.install_all()
    elif isinstance(target, str):
        hooks.install(target)
    elif not callable(target):
        msg = f"neither an application nor the name of a library: {target!r}"
        raise TypeError(msg)
    else:
        return _application(target)
    return target


def _application(app: Any) -> Any:  # noqa: ANN401 - any application
    for kind in type(app).__mro__:
        name = _APPLICATIONS.get((kind.__module__, kind.__name__))
        if name is not None:
            _ours(name).instrument(app)
            return app
    from plainview.integrations.gunicorn import is_asgi  # noqa: PLC0415 - few applications are of a kind of their own

    return _ours("asgi" if is_asgi(app) else "wsgi").Middleware(app)


def _ours(name: str) -> ModuleType:
    return import_module(f"plainview.integrations.{name}")
