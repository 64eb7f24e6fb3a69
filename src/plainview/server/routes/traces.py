"""``/v1/traces``: the list, its histogram, and one trace as a tree."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from plainview.query import trace, traces
from plainview.server.requests import TraceHistogramRequest, TraceSearch
from plainview.server.responses import Trace, TraceHistogram, TracePage
from plainview.server.state import Here

__all__ = ["router"]

router = APIRouter(prefix="/v1/traces", tags=["traces"])


@router.post("/search", response_model=TracePage)
async def search(request: Request, here: Here, body: TraceSearch) -> Response:
    """Traces that a filter lets through, newest or longest first, page by page.

    A trace belongs to the range of time in which it begins. A condition holds of it when it holds of one of its
    spans; words in `q` are looked for in the name of the span that it is entered by.
    """
    given = body.given()
    return await here.questions.ask(
        request,
        lambda reader: traces.search(reader, given, limit=body.limit, cursor=body.cursor, order_by=body.order_by),
    )


@router.post("/histogram", response_model=TraceHistogram)
async def histogram(request: Request, here: Here, body: TraceHistogramRequest) -> Response:
    """Traces over time: how many began, how many failed, how long they took."""
    given = body.given()
    return await here.questions.ask(request, lambda reader: traces.histogram(reader, given, buckets=body.buckets))


@router.get("/{trace_id}", response_model=Trace)
async def one(
    request: Request,
    here: Here,
    trace_id: Annotated[str, Path(max_length=200, examples=["0af7651916cd43dd8448eb211c80319c"])],
) -> Response:
    """One trace: its spans in pre-order, with self times and the critical path, and its logs.

    Spans whose parent is missing stand at the top. At most 10,000 spans and 1,000 logs are shown.
    """
    return await here.questions.ask(
        request, lambda reader: trace.trace(reader, trace_id), "No trace with this id is stored"
    )
