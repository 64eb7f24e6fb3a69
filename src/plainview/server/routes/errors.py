"""``/v1/errors``: issues, their occurrences, and what is decided about them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from plainview.issues import listing, merging, occurrences, record, related as relations, workflow
from plainview.issues.workflow import Conflict, Decision
from plainview.query.errors import BadInput
from plainview.query.times import microseconds, milliseconds, moment, parse
from plainview.server.issue_requests import (
    Acknowledgement,
    Assignment,
    Comment,
    ErrorSearch,
    Ignoring,
    IssueRequest,
    Merge,
    OccurrencesRequest,
    RelatedRequest,
    Reopening,
    Resolution,
    Split,
    SummaryRequest,
    Update,
)
from plainview.server.issue_responses import (
    Distributions,
    Grouping,
    History,
    IssueDetail,
    IssuePage,
    IssueSummary,
    OccurrenceDetail,
    OccurrencePage,
    Related,
    SimilarIssues,
    SplitResult,
    UpdateResult,
)
from plainview.server.problems import Problem
from plainview.server.responses import ProblemDetails
from plainview.server.state import Here

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.query.reader import Reader
    from plainview.server.state import State

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["errors"])

IssueId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=500,
        description="`id` of an issue, a fingerprint, or an occurrence's `error_id`.",
        examples=["E12"],
    ),
]
_CONFLICT: Any = {409: {"model": ProblemDetails}}


def _now() -> int:
    return time.time_ns() // 1000


def _found(here: State, reader: Reader, id_: str) -> int:
    """Number of the issue.

    Raises:
        Problem: 404.
    """
    issue = record.find(here.database, reader, id_)
    if issue is None:
        raise Problem(404, f"There is no error {id_[:100]!r}")
    return issue


def _fingerprints(here: State, issue: int) -> list[str]:
    with here.database.read() as connection:
        return record.fingerprints(connection, issue)


@router.get("/errors", response_model=IssuePage)
async def search(request: Request, here: Here, wanted: Annotated[ErrorSearch, Query()]) -> Response:
    """Errors that belong together, issue by issue, page by page; each with its counts and its last 24 hours."""
    return await here.questions.ask(
        request,
        lambda _: listing.search(
            here.database,
            wanted.given(),
            sort=wanted.sort,
            order=wanted.order,
            limit=wanted.limit,
            cursor=wanted.cursor,
        ),
    )


@router.get("/errors/summary", response_model=IssueSummary)
async def summary(request: Request, here: Here, wanted: Annotated[SummaryRequest, Query()]) -> Response:
    """How things stand: counts by status, category and level, occurrences by the hour, the most frequent errors.

    Ranges reach back 90 days at the most.
    """
    return await here.questions.ask(
        request, lambda _: listing.summary(here.database, wanted.given(), wanted.start_time, wanted.end_time)
    )


@router.post("/errors/update", response_model=UpdateResult, responses=_CONFLICT)
async def update(request: Request, here: Here, body: Update) -> Response:
    """Decide the same about several issues, each by itself. 409 when it is possible for none of them."""
    decision = _decision(body.action, body)

    def work(reader: Reader) -> dict[str, Any]:
        done: list[str] = []
        failed: list[dict[str, str]] = []
        known = {id_: record.find(here.database, reader, id_) for id_ in dict.fromkeys(body.ids)}
        with here.database.write() as connection:
            for id_, issue in known.items():
                if issue is None:
                    failed.append({"id": id_, "detail": f"There is no error {id_[:100]!r}"})
                    continue
                try:
                    workflow.apply(connection, issue, decision, _now())
                    done.append(f"E{issue}")
                except Conflict as error:
                    failed.append({"id": id_, "detail": str(error)})
        if not done:
            errors = [{"field": f"ids.{one['id'][:60]}", "message": one["detail"]} for one in failed[:20]]
            status = 404 if all(issue is None for issue in known.values()) else 409
            raise Problem(status, failed[0]["detail"], errors=errors)
        return {"updated": done, "failed": failed}

    return await here.questions.ask(request, work)


@router.get("/errors/{id}", response_model=IssueDetail)
async def one(
    request: Request,
    here: Here,
    id: IssueId,  # noqa: A002 - the API's name for it
    wanted: Annotated[IssueRequest, Query()],
) -> Response:
    """One issue with all that it touched. Its fingerprints and its occurrences' ids lead to it too.

    With `include` its latest occurrence comes along, and what its occurrences have in common: all that a page of it
    shows, in one answer.
    """

    def work(reader: Reader) -> dict[str, Any]:
        rules = here.pipeline.occurrences.rules
        return record.detail(here.database, reader, _found(here, reader, id), wanted.include, rules)

    return await here.questions.ask(request, work)


async def _decide(request: Request, here: State, id_: str, decision: Decision) -> Response:
    def work(reader: Reader) -> dict[str, Any]:
        issue = _found(here, reader, id_)
        _change(here, lambda connection: workflow.apply(connection, issue, decision, _now()))
        return record.detail(here.database, reader, issue)

    return await here.questions.ask(request, work)


def _change(here: State, change: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - whatever the change gives
    """Do it in a transaction.

    Raises:
        Problem: 409.
    """
    try:
        with here.database.write() as connection:
            return change(connection)
    except Conflict as error:
        raise Problem(409, str(error)) from None


def _decision(action: str, body: Any) -> Decision:  # noqa: ANN401 - the bodies have some of the fields
    given = body.model_dump(exclude_none=True, exclude={"ids", "action", "until"})
    until = _until(body.until) if getattr(body, "until", None) else None
    return Decision(action, until=until, **given)


def _until(text: str) -> int:
    """A moment to come; a length of time counts from now.

    Raises:
        BadInput: it is none, or past.
    """
    now = _now()
    length = milliseconds(text.removeprefix("+"))
    at = now + int(length * 1000) if length is not None else microseconds(parse(text, "until", moment(now)))
    if not now < at < 253_402_300_799_000_000:  # noqa: PLR2004 - the year 9999
        raise BadInput(field="until", message="has to be a moment to come: RFC 3339, or a length of time such as 7d")
    return at


@router.post("/errors/{id}/acknowledge", response_model=IssueDetail, responses=_CONFLICT)
async def acknowledge(request: Request, here: Here, id: IssueId, body: Acknowledgement | None = None) -> Response:  # noqa: A002 - the API's name for it
    """Somebody looks into it. From `new` or `regressed`."""
    return await _decide(request, here, id, _decision("acknowledge", body or Acknowledgement()))


@router.post("/errors/{id}/resolve", response_model=IssueDetail, responses=_CONFLICT)
async def resolve(request: Request, here: Here, id: IssueId, body: Resolution | None = None) -> Response:  # noqa: A002 - the API's name for it
    """It is mended: when it occurs again, it is a regression; with a release, when it occurs in that or a later one."""
    return await _decide(request, here, id, _decision("resolve", body or Resolution()))


@router.post("/errors/{id}/ignore", response_model=IssueDetail, responses=_CONFLICT)
async def ignore(request: Request, here: Here, id: IssueId, body: Ignoring | None = None) -> Response:  # noqa: A002 - the API's name for it
    """It may be: for ever, until a moment, or until it has occurred so many more times; then it is `new` again."""
    return await _decide(request, here, id, _decision("ignore", body or Ignoring()))


@router.post("/errors/{id}/unresolve", response_model=IssueDetail, responses=_CONFLICT)
async def unresolve(request: Request, here: Here, id: IssueId, body: Reopening | None = None) -> Response:  # noqa: A002 - the API's name for it
    """Open it again: from `acknowledged`, `resolved` or `ignored` to `new`."""
    return await _decide(request, here, id, _decision("reopen", body or Reopening()))


@router.post("/errors/{id}/assign", response_model=IssueDetail)
async def assign(request: Request, here: Here, id: IssueId, body: Assignment) -> Response:  # noqa: A002 - the API's name for it
    """Say whose it is."""
    return await _decide(request, here, id, _decision("assign", body))


@router.post("/errors/{id}/comments", response_model=History)
async def comment(request: Request, here: Here, id: IssueId, body: Comment) -> Response:  # noqa: A002 - the API's name for it
    """Say something about it; it is part of the history."""

    def work(reader: Reader) -> dict[str, Any]:
        issue = _found(here, reader, id)
        _change(here, lambda connection: workflow.comment(connection, issue, body.text, body.actor, _now()))
        return {"history": record.changes(here.database, issue)}

    return await here.questions.ask(request, work)


@router.post("/errors/{id}/merge", response_model=IssueDetail, responses=_CONFLICT)
async def merge(request: Request, here: Here, id: IssueId, body: Merge) -> Response:  # noqa: A002 - the API's name for it
    """Take other issues in. Their ids lead here from then on; `split` takes them out again."""

    def work(reader: Reader) -> dict[str, Any]:
        issue = _found(here, reader, id)
        others = [_found(here, reader, other) for other in body.ids]
        _change(here, lambda connection: merging.merge(connection, issue, others, body.actor, _now()))
        return record.detail(here.database, reader, issue)

    return await here.questions.ask(request, work)


@router.post("/errors/{id}/split", response_model=SplitResult, responses=_CONFLICT)
async def split(request: Request, here: Here, id: IssueId, body: Split) -> Response:  # noqa: A002 - the API's name for it
    """Take fingerprints out: each back to the issue that it came from, or into one of its own."""

    def work(reader: Reader) -> dict[str, Any]:
        issue = _found(here, reader, id)
        places = _change(
            here, lambda connection: merging.split(connection, issue, body.fingerprints, body.actor, _now())
        )
        return {"ids": [f"E{place}" for place in places]}

    return await here.questions.ask(request, work)


@router.get("/errors/{id}/occurrences", response_model=OccurrencePage)
async def all_occurrences(
    request: Request,
    here: Here,
    id: IssueId,  # noqa: A002 - the API's name for it
    wanted: Annotated[OccurrencesRequest, Query()],
) -> Response:
    """The occurrences that are kept, the newest first, page by page."""

    def work(reader: Reader) -> dict[str, Any]:
        members = _fingerprints(here, _found(here, reader, id))
        return occurrences.page(reader, members, limit=wanted.limit, cursor=wanted.cursor)

    return await here.questions.ask(request, work)


@router.get("/errors/{id}/occurrences/{error_id}", response_model=OccurrenceDetail)
async def occurrence(
    request: Request,
    here: Here,
    id: IssueId,  # noqa: A002 - the API's name for it
    error_id: Annotated[str, Path(min_length=1, max_length=500)],
) -> Response:
    """An occurrence whole: exceptions and frames, context, the log lines before it, its neighbours.

    `latest` in the place of an `error_id` is the last one.
    """

    def work(reader: Reader) -> dict[str, Any] | None:
        issue = _found(here, reader, id)
        rules = here.pipeline.occurrences.rules
        if error_id == "latest":
            return record.latest(here.database, reader, issue, rules)
        members = _fingerprints(here, issue)
        place = occurrences.place(reader, members, error_id)
        row = None if place is None else occurrences.read(reader, place)
        return None if row is None else occurrences.whole(reader, members, row, rules)

    return await here.questions.ask(request, work, f"This error has no occurrence {error_id[:100]!r} that is kept")


@router.get("/errors/{id}/distributions", response_model=Distributions)
async def distributions(request: Request, here: Here, id: IssueId) -> Response:  # noqa: A002 - the API's name for it
    """What its occurrences have in common: the most frequent values of service, release, host, user, route, tags."""

    def work(reader: Reader) -> dict[str, Any]:
        members = _fingerprints(here, _found(here, reader, id))
        return {"distributions": occurrences.distributions(reader, members)}

    return await here.questions.ask(request, work)


@router.get("/errors/{id}/history", response_model=History)
async def history(request: Request, here: Here, id: IssueId) -> Response:  # noqa: A002 - the API's name for it
    """What was decided, by whom and when, and what was said; the latest first."""
    return await here.questions.ask(
        request, lambda reader: {"history": record.changes(here.database, _found(here, reader, id))}
    )


@router.get("/errors/{id}/similar", response_model=SimilarIssues)
async def similar(request: Request, here: Here, id: IssueId) -> Response:  # noqa: A002 - the API's name for it
    """Other issues of the same type or place, those with the most similar messages first."""
    return await here.questions.ask(
        request, lambda reader: {"errors": record.similar(here.database, _found(here, reader, id))}
    )


@router.get("/errors/{id}/grouping", response_model=Grouping)
async def grouping(request: Request, here: Here, id: IssueId) -> Response:  # noqa: A002 - the API's name for it
    """How its latest occurrence is grouped and categorised, and why."""

    def work(reader: Reader) -> dict[str, Any] | None:
        issue = _found(here, reader, id)
        return record.why(here.database, reader, issue, here.pipeline.occurrences.rules)

    return await here.questions.ask(request, work, "None of its occurrences is kept any more")


@router.get("/related", response_model=Related)
async def related(request: Request, here: Here, wanted: Annotated[RelatedRequest, Query()]) -> Response:
    """From any record to all that belongs to it: its log entries, trace, errors, job and run, in one call."""
    given = wanted.model_dump(exclude_none=True)
    if len(given) != 1:
        raise BadInput(field="log", message=f"name one record: one of {', '.join(relations.KINDS)}")
    ((kind, id_),) = given.items()
    return await here.questions.ask(
        request, lambda reader: relations.related(here.database, reader, kind, id_), "Nothing has this id"
    )
