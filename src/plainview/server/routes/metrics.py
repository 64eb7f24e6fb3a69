"""``/v1/metrics``: metrics as they stand, and which there are. History is asked in PromQL, at ``/api/v1``."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from plainview.query.metrics.catalogue import catalogue
from plainview.query.metrics.source import StoredMetrics
from plainview.query.metrics.summary import GROUPS, summary
from plainview.server.responses import MetricCatalogue, MetricSnapshot
from plainview.server.state import Here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainview.query.reader import Reader
    from plainview.server.state import State

__all__ = ["router"]

router = APIRouter(prefix="/v1/metrics", tags=["metrics"])

Days = Annotated[float, Query(gt=0, le=3660, description="How far back a metric may have had its last sample, days.")]


async def _snapshot(request: Request, here: State, beginnings: Sequence[str] = ("",)) -> Response:
    def look(_: Reader) -> dict[str, Any]:
        fold = here.pipeline.fold
        moment = datetime.fromtimestamp((fold.closed or time.time_ns() // 1_000_000) / 1000, UTC)
        return {"timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), **summary(fold.families(), beginnings)}

    return await here.questions.ask(request, look)


@router.get("", response_model=MetricSnapshot)
async def everything(request: Request, here: Here) -> Response:
    """Every series of the applications as it stood at the last tick: counters, gauges, histograms."""
    return await _snapshot(request, here)


@router.get("/jobs", response_model=MetricSnapshot)
async def jobs(request: Request, here: Here) -> Response:
    """The same of jobs, batches and queues only."""
    return await _snapshot(request, here, GROUPS["jobs"])


@router.get("/engines", response_model=MetricSnapshot)
async def engines(request: Request, here: Here) -> Response:
    """The same of engines and models only."""
    return await _snapshot(request, here, GROUPS["engines"])


@router.get("/api", response_model=MetricSnapshot)
async def api(request: Request, here: Here) -> Response:
    """The same of HTTP requests only."""
    return await _snapshot(request, here, GROUPS["api"])


@router.get("/catalogue", response_model=MetricCatalogue)
async def which(request: Request, here: Here, days: Days = 1.0) -> Response:
    """Which metrics there are: name, kind, unit, description, names of labels, number of series."""
    now = time.time_ns() // 1_000_000

    def look(reader: Reader) -> dict[str, Any]:
        return {"metrics": catalogue(StoredMetrics(reader), now - int(days * 86_400_000), now + 3_600_000)}

    return await here.questions.ask(request, look)
