"""Which library gets which treatment when it is imported: the one list of all integrations that need no code."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Final

from plainview.integrations.imports import when_imported

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["HOOKS", "install", "install_all"]

#: Library → module of it that is waited for → function of ours that is given the module.
HOOKS: Final[dict[str, dict[str, str]]] = {
    "threading": {
        "threading": "threads:install",
        "concurrent.futures.thread": "threads:install_executor",
    },
    "gevent": {"gevent.pool": "gevent:install_pool", "gevent.threadpool": "gevent:install_threadpool"},
    "multiprocessing": {
        "multiprocessing.process": "processes:install",
        "multiprocessing.util": "processes:install_exit",
        "multiprocessing.pool": "processes:install_pool",
        "concurrent.futures.process": "processes:install_executor",
    },
    "uvicorn": {"uvicorn.config": "uvicorn:install"},
    "gunicorn": {
        "gunicorn.workers.base": "gunicorn:install_wsgi",
        "gunicorn.workers.gasgi": "gunicorn:install_asgi",
    },
    "starlette": {"starlette.applications": "starlette:install"},
    "fastapi": {"fastapi.applications": "fastapi:install"},
    "flask": {"flask": "flask:install"},
    "django": {
        "django.core.handlers.base": "django:install_base",
        "django.core.handlers.wsgi": "django:install_wsgi",
        "django.core.handlers.asgi": "django:install_asgi",
    },
    "httpx": {"httpx": "httpx:install"},
    "requests": {"requests.sessions": "requests:install"},
    "celery": {"celery.signals": "celery:install", "kombu.transport.redis": "celery:install_redis"},
    "rq": {"rq.queue": "rq:install_queue", "rq.job": "rq:install_job", "rq.worker": "rq:install_worker"},
    "dramatiq": {"dramatiq.broker": "dramatiq:install"},
    "apscheduler": {"apscheduler.executors.base": "apscheduler:install"},
    "structlog": {"structlog": "structlog:install"},
    "loguru": {"loguru": "loguru:install"},
    "opentelemetry": {"opentelemetry.sdk.trace": "opentelemetry:install"},
    "asyncio": {"asyncio.base_events": "loops:install"},
    "sqlalchemy": {"sqlalchemy.pool.base": "sqlalchemy:install"},
}


def install(library: str) -> None:
    """Treat a library, now if it has been imported, else when it is.

    Raises:
        ValueError: we know no library of this name.
    """
    try:
        hooks = HOOKS[library]
    except KeyError:
        msg = f"unknown library {library!r}: use one of {', '.join(sorted(HOOKS))}"
        raise ValueError(msg) from None
    for module, target in hooks.items():
        when_imported(module, partial(_run, target))


def install_all() -> None:
    """Treat all libraries that we know."""
    for library in HOOKS:
        install(library)


def _run(target: str, module: ModuleType) -> None:
    # Ours is imported only now: most programs use few of the libraries.
    name, _, function = target.partition(":")
    getattr(import_module(f"plainview.integrations.{name}"), function)(module)
