"""``/v1/operations`` and ``/v1/workers``: jobs, stages, engines, batches, runs, agents, and who does them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from plainview.issues import related
from plainview.query.operations import detail, listing, summing, workers as working
from plainview.server.operation_requests import OperationSearch, OperationSummaryRequest, WorkersRequest
from plainview.server.operation_responses import OperationDetail, OperationPage, OperationSummary, Workers
from plainview.server.requests import Text
from plainview.server.state import Here

if TYPE_CHECKING:
    from plainview.query.reader import Reader

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["operations"])


@router.get("/operations", response_model=OperationPage)
async def search(request: Request, here: Here, wanted: Annotated[OperationSearch, Query()]) -> Response:
    """Operations as they are now, newest first, page by page.

    One belongs to a range of time when it began before its end and had not ended before its start.
    """
    given = wanted.given()
    return await here.questions.ask(
        request,
        lambda reader: listing.search(
            reader, given, limit=wanted.limit, cursor=wanted.cursor, order_by=wanted.order_by
        ),
    )


@router.get("/operations/summary", response_model=OperationSummary)
async def summary(request: Request, here: Here, wanted: Annotated[OperationSummaryRequest, Query()]) -> Response:
    """Operations summed up: by status and over time, and by name with durations and reasons of failure."""
    given = wanted.given()
    return await here.questions.ask(request, lambda reader: summing.summary(reader, given, buckets=wanted.buckets))


# Keys are the application's, and may have slashes in them.
@router.get("/operations/{id:path}", response_model=OperationDetail)
async def one(
    request: Request,
    here: Here,
    id: Annotated[  # noqa: A002 - the API's name for it
        str, Path(min_length=1, max_length=500, description="`operation_id`, or a key: of the latest that has it.")
    ],
    kind: Annotated[Text | None, Query(description="Which kind has the key.")] = None,
) -> Response:
    """One operation whole: its events, attempts, parts, what it is a part of, its logs, trace and errors."""

    def work(reader: Reader) -> dict[str, Any] | None:
        found = detail.operation(reader, id, kind)
        if found is None:
            return None
        prints = [error.pop("fingerprint") for error in found["errors"]]
        issues = related.issues_of(here.database, set(prints))
        errors = [
            related.occurrence(error, issues.get(fingerprint))
            for error, fingerprint in zip(found["errors"], prints, strict=True)
        ]
        return found | {"errors": errors}

    return await here.questions.ask(request, work, "No operation with this id is stored")


@router.get("/workers", response_model=Workers)
async def workers(request: Request, here: Here, wanted: Annotated[WorkersRequest, Query()]) -> Response:
    """Workers that live, those that ended or were lost within a day, and what they do."""
    given = wanted.given()
    return await here.questions.ask(request, lambda reader: working.workers(reader, given))
