"""``/v1/runs``: the list, one whole, two side by side, how they change, and why one failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from plainview.issues import related
from plainview.query.runs import run as listed, trend as trends
from plainview.query.runs.analysis import analyse
from plainview.query.runs.comparison import compare
from plainview.query.runs.finding import UnknownRun, find
from plainview.query.runs.whole import essence, whole
from plainview.server.problems import Problem
from plainview.server.run_requests import RunComparison, RunPlace, RunReference, RunSearch, RunTrend
from plainview.server.run_responses import RunAnalysis, RunComparisonResult, RunDetail, RunPage, RunTrendResult
from plainview.server.state import Here

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from plainview.query.reader import Reader
    from plainview.query.runs.records import Issues
    from plainview.server.state import State

__all__ = ["router"]

router = APIRouter(prefix="/v1/runs", tags=["runs"])

RunId = Annotated[RunReference, Path()]


def _issues(here: State) -> Issues:
    def named(fingerprints: Collection[str], /) -> Mapping[str, str]:
        return related.issues_of(here.database, set(fingerprints))

    return named


def _meant(reader: Reader, text: str, among: RunPlace) -> str:
    """The run that is meant.

    Raises:
        Problem: 404, with what there is.
    """
    try:
        return find(reader, text, among.place())
    except UnknownRun as error:
        raise Problem(404, str(error)) from None


def _told(
    tell: Callable[[Reader, str, Issues], dict[str, Any] | None],
    here: State,
    reader: Reader,
    text: str,
    among: RunPlace,
) -> dict[str, Any]:
    """What is told of a run.

    Raises:
        Problem: 404.
    """
    found = tell(reader, _meant(reader, text, among), _issues(here))
    if found is None:  # it was let go of in between
        raise Problem(404, f"There is no run {text[:100]!r} any more")
    return found


@router.get("", response_model=RunPage)
async def search(request: Request, here: Here, wanted: Annotated[RunSearch, Query()]) -> Response:
    """Runs as they are now, those that began last first, page by page."""
    given = wanted.given()
    return await here.questions.ask(
        request, lambda reader: listed.search(reader, given, limit=wanted.limit, cursor=wanted.cursor)
    )


@router.get("/compare", response_model=RunComparisonResult)
async def two(request: Request, here: Here, wanted: Annotated[RunComparison, Query()]) -> Response:
    """Two runs side by side, `a` the one that `b` is measured by.

    Any two can be compared, one with itself too; `notes` say what makes them hard to compare.
    """

    def work(reader: Reader) -> dict[str, Any]:
        a, b = (_told(essence, here, reader, text, wanted) for text in (wanted.a, wanted.b))
        return compare(reader, a, b)

    return await here.questions.ask(request, work)


@router.get("/trend", response_model=RunTrendResult)
async def trend(request: Request, here: Here, wanted: Annotated[RunTrend, Query()]) -> Response:
    """The last runs of a name, and whether the newest that completed is out of line with those before it.

    Judged by the modified z-score of Iglewicz and Hoaglin: beyond 3.5, and more than a tenth off the median.
    """
    return await here.questions.ask(
        request,
        lambda reader: trends.trend(reader, wanted.given(), wanted.last),
        f"No run of the name {wanted.name[:100]!r} is stored; GET /v1/runs lists those that are",
    )


# Ids of those who make their own may have slashes in them; so what is longer comes first.
@router.get("/{run_id:path}/analysis", response_model=RunAnalysis)
async def analysis(request: Request, here: Here, run_id: RunId, among: Annotated[RunPlace, Query()]) -> Response:
    """Why a run failed: what failed first and with what error, the lines around it, what had changed."""

    def work(reader: Reader) -> dict[str, Any] | None:
        meant = _meant(reader, run_id, among)
        return analyse(reader, meant, _issues(here), here.pipeline.occurrences.rules)

    return await here.questions.ask(request, work, "No run with this id is stored")


@router.get("/{run_id:path}", response_model=RunDetail)
async def one(request: Request, here: Here, run_id: RunId, among: Annotated[RunPlace, Query()]) -> Response:
    """One run with all that belongs to it, whichever of its processes told it."""
    return await here.questions.ask(request, lambda reader: _told(whole, here, reader, run_id, among))
