"""``/v1/services`` and ``/v1/resolve``: what there is, and what an id is the id of."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from plainview.issues import record
from plainview.query import resolve, services
from plainview.server.responses import Resolved, Services
from plainview.server.state import Here

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["lookup"])


@router.get("/services", response_model=Services)
async def all_services(request: Request, here: Here) -> Response:
    """Every service with its environments, when it was last heard of, and how many records it has."""
    return await here.questions.ask(request, services.services)


@router.get("/resolve", response_model=Resolved)
async def what_is(
    request: Request,
    here: Here,
    id: Annotated[str, Query(min_length=1, max_length=500, description="Any id.")],  # noqa: A002 - the API's name for it
) -> Response:
    """What an id is the id of: error, operation, trace, request, job, run, batch, span, session, project, user, log."""
    return await here.questions.ask(
        request,
        lambda reader: record.located(here.database, reader, id) or resolve.resolve(reader, id),
        "Nothing has this id",
    )
