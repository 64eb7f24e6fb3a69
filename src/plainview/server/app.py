"""The HTTP app, put together."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from starlette.middleware import Middleware

from plainview.server.access import Access, SecurityHeaders, Token
from plainview.server.content import RequireJson
from plainview.server.describe import describe
from plainview.server.problems import Unexpected, register
from plainview.server.questions import Questions
from plainview.server.routes import (
    errors,
    exposed,
    health,
    ingest,
    logs,
    lookup,
    metrics,
    operations,
    prometheus,
    remote_write,
    runs,
    sentry,
    session,
    traces,
)
from plainview.server.screen import STATIC, Screen
from plainview.server.state import State
from plainview.server.tail import Tails
from plainview.state import open_state

if TYPE_CHECKING:
    from pathlib import Path

    from plainview.ingest.pipeline import Pipeline
    from plainview.state import Database

__all__ = ["create_app"]

_ROUTERS: Final = (
    logs.router,
    traces.router,
    errors.router,
    lookup.router,
    ingest.router,
    metrics.router,
    operations.router,
    runs.router,
    prometheus.router,
    remote_write.router,
    sentry.router,
    exposed.router,
    health.router,
    session.router,
)


def create_app(  # noqa: PLR0913 - its parts, and two settings
    pipeline: Pipeline,
    directory: Path,
    *,
    database: Database | None = None,
    token: str = "",
    timeout: float = 30.0,
    static: Path = STATIC,
) -> FastAPI:
    """The server's app: API, ingest and screen.

    Args:
        pipeline: what takes records in, and knows the store; started and stopped by the caller.
        directory: the data directory, for the status.
        database: the state; that of the directory when left out.
        token: what clients must show; without one, only loopback's names are answered to.
        timeout: seconds that a question may take.
        static: where the built screen is.

    ``app.state.plainview`` holds the parts; call its ``stop()`` before the app ends.
    """
    secret = Token(token) if token else None
    app = FastAPI(
        title="Plainview",
        version=version("plainview"),
        description="Logs and traces of Python applications: search, follow, take in.",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(Unexpected),
            Middleware(Access, token=secret),
            Middleware(Screen, folder=static),
            Middleware(RequireJson),
        ],
    )
    questions = Questions(pipeline.store, timeout)
    app.state.plainview = State(
        pipeline.store, database or open_state(directory), pipeline, directory, questions, Tails(questions), secret
    )
    register(app)
    for router in _ROUTERS:
        app.include_router(router)

    document: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not document:
            document.update(describe(app))
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way
    return app
