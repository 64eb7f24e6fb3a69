"""``/metrics`` of the server: what all applications have counted, and the server itself, for a Prometheus to scrape."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import Response

from plainview import exposition
from plainview.server.answers import takes_gzip
from plainview.server.own import own_metrics
from plainview.server.state import Here

if TYPE_CHECKING:
    from plainview.query.reader import Reader

__all__ = ["router"]

router = APIRouter(tags=["metrics"])


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}, "application/openmetrics-text": {}}}},
)
async def metrics(request: Request, here: Here) -> Response:
    """Every series as it stood at the last tick, in Prometheus's text format or OpenMetrics.

    A browser, which prefers `text/html`, gets the screen instead.
    """
    kind = exposition.negotiate(request.headers.get("accept", ""))

    def look(_: Reader) -> bytes:
        return exposition.render([*here.pipeline.fold.families(), *own_metrics(here)], kind)

    body = await here.questions.run(look, request)
    headers = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Encoding", "Content-Type": kind}
    if takes_gzip(request.headers):
        body, headers["Content-Encoding"] = gzip.compress(body, 1, mtime=0), "gzip"
    return Response(body, headers=headers)
