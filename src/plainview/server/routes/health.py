"""``/v1/health`` and ``/v1/status``: how the server itself is."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from plainview.query.sql import Sql
from plainview.server.answers import answer
from plainview.server.problems import Problem
from plainview.server.responses import Health, Status
from plainview.server.state import Here
from plainview.store.interface import StoreError

if TYPE_CHECKING:
    from plainview.query.reader import Reader
    from plainview.server.state import State

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["server"])

_VERSION = version("plainview")


def _health(here: State, message: str = "") -> dict[str, Any]:
    health: dict[str, Any] = {
        "status": "unhealthy" if message else "healthy",
        "version": _VERSION,
        "uptime_seconds": here.uptime,
    }
    return health | ({"message": message} if message else {})


@router.get("/health", response_model=Health)
@router.get("/health/live", response_model=Health)
async def live(request: Request, here: Here) -> Response:
    """Whether the process answers; nothing else is looked at."""
    return answer(_health(here), request.headers)


@router.get("/health/ready", response_model=Health, responses={503: {"model": Health}})
async def ready(request: Request, here: Here) -> Response:
    """Whether the store answers and ingest goes on."""

    def look(reader: Reader) -> str:
        reader.rows(Sql("SELECT 1"))
        stats = here.pipeline.stats()
        return str(stats["trouble"]) or ("" if stats["running"] else "ingest does not run")

    try:
        trouble = await here.questions.run(look, request)
    except (StoreError, Problem) as error:
        trouble = str(error)
    return answer(_health(here, trouble), request.headers, 503 if trouble else 200)


@router.get("/status", response_model=Status)
async def status(request: Request, here: Here) -> Response:
    """What the server is doing: the store, the streams it follows, what they dropped."""

    def look(_: Reader) -> dict[str, Any]:
        ingest = here.pipeline.stats()
        return {
            "version": _VERSION,
            "uptime_seconds": here.uptime,
            "directory": str(here.directory),
            "store": here.store.stats(),
            "ingest": ingest,
            "dropped_total": ingest["dropped_total"],
        }

    return await here.questions.ask(request, look)
