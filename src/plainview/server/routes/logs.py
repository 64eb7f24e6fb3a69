"""``/v1/logs``: search, look around, count, follow, download."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from plainview.query import facets, histograms, logs, patterns
from plainview.query.errors import BadInput
from plainview.query.filters import of_logs
from plainview.server.requests import (
    ContextRequest,
    ExportRequest,
    FacetsRequest,
    HistogramRequest,
    LogSearch,
    PatternsRequest,
    TailRequest,
)
from plainview.server.responses import ContextPage, Facets, FieldNames, LogEntry, LogHistogram, LogPage, Patterns
from plainview.server.state import Here
from plainview.server.tail import EventStream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from plainview.query.entries import Entry
    from plainview.query.reader import Reader
    from plainview.server.questions import Questions

__all__ = ["router"]

router = APIRouter(prefix="/v1/logs", tags=["logs"])

EntryId = Annotated[int, Path(ge=0, lt=10**18, description="`id` of an entry.", examples=[48211])]

_CSV = (
    *("id", "timestamp", "level", "service", "logger", "message", "environment", "version", "host", "pid"),
    *("request_id", "trace_id", "span_id", "job_id", "batch_id", "run_id", "user_id", "project_id"),
    *("session_id", "tenant_id", "duration_ms", "extra", "source", "exception"),
)


@router.post("/search", response_model=LogPage)
async def search(request: Request, here: Here, body: LogSearch) -> Response:
    """Logs that a filter lets through, newest first, page by page.

    The pages of one list hold what was stored when the first was asked for, each entry once.
    """
    given = body.given()
    return await here.questions.ask(
        request, lambda reader: logs.search(reader, given, limit=body.limit, cursor=body.cursor, order=body.order)
    )


@router.post("/facets", response_model=Facets)
async def count_values(request: Request, here: Here, body: FacetsRequest) -> Response:
    """The most frequent values of fields among the logs that a filter lets through."""
    given = body.given()
    return await here.questions.ask(
        request, lambda reader: facets.facets(reader, given, fields=body.fields, limit=body.limit)
    )


@router.get("/fields", response_model=FieldNames)
async def fields(request: Request, here: Here) -> Response:
    """Names that can be asked for: the columns, and the records' own fields seen lately."""
    return await here.questions.ask(request, facets.fields)


@router.post("/histogram", response_model=LogHistogram)
async def histogram(request: Request, here: Here, body: HistogramRequest) -> Response:
    """Counts by level over time; empty buckets included."""
    given = body.given()
    return await here.questions.ask(request, lambda reader: histograms.logs(reader, given, buckets=body.buckets))


@router.post("/patterns", response_model=Patterns)
async def message_patterns(request: Request, here: Here, body: PatternsRequest) -> Response:
    """Messages by their pattern, numbers and ids replaced: of the newest 50,000 that a filter lets through."""
    given = body.given()
    return await here.questions.ask(request, lambda reader: patterns.patterns(reader, given, limit=body.limit))


@router.get(
    "/tail",
    responses={200: {"description": "Events `logs`, `skipped` and `ping`.", "content": {"text/event-stream": {}}}},
    response_class=EventStream,
)
async def tail(request: Request, here: Here, wanted: Annotated[TailRequest, Query()]) -> EventStream:
    """New logs as they are stored, as server-sent events.

    `event: logs` has `{"logs": [oldest … newest]}` and as its `id` where to go on from (`Last-Event-ID`, or `after`);
    `event: skipped` says how many were left out of a burst; `event: ping` comes when there is nothing else to say.
    """
    last = request.headers.get("last-event-id", "")
    if last and not (last.isascii() and last.isdecimal() and len(last) < 19):  # noqa: PLR2004 - 64 bits
        raise BadInput(field="Last-Event-ID", message="takes the id of an event of this stream")
    follower = here.tails.open(of_logs(wanted.given()), int(last) if last else wanted.after)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventStream(follower, headers=headers)


@router.get(
    "/export",
    responses={
        200: {
            "description": "A line a record (NDJSON), or comma-separated values.",
            "content": {"application/x-ndjson": {}, "text/csv": {}},
        }
    },
    response_class=StreamingResponse,
)
async def export(request: Request, here: Here, wanted: Annotated[ExportRequest, Query()]) -> StreamingResponse:
    """Download the logs that a filter lets through, streamed."""
    given = wanted.given()
    of_logs(given)  # what is wrong is told before the download begins
    pages = _pages(here.questions, request, given, wanted)
    write = _as_csv if wanted.format == "csv" else _as_lines
    kind = "text/csv; charset=utf-8" if wanted.format == "csv" else "application/x-ndjson"
    name = f'attachment; filename="logs.{wanted.format}"'
    headers = {"Cache-Control": "no-store", "Content-Disposition": name}
    return StreamingResponse(write(pages), headers=headers, media_type=kind)


async def _pages(
    questions: Questions, request: Request, given: dict[str, Any], wanted: ExportRequest
) -> AsyncIterator[list[Entry]]:
    def begin(reader: Reader) -> Iterator[list[Entry]]:
        return logs.export(reader, given, limit=wanted.limit, order=wanted.order)

    pages = await questions.run(begin)
    while True:
        page = await questions.run(lambda _: next(pages, None), request)
        if page is None:
            return
        yield page


async def _as_lines(pages: AsyncIterator[list[Entry]]) -> AsyncIterator[bytes]:
    async for page in pages:
        yield b"".join(msgspec.json.encode(entry) + b"\n" for entry in page)


async def _as_csv(pages: AsyncIterator[list[Entry]]) -> AsyncIterator[bytes]:
    yield (",".join(_CSV) + "\r\n").encode()
    async for page in pages:
        text = io.StringIO()
        csv.writer(text).writerows([_cell(entry.get(name)) for name in _CSV] for entry in page)
        yield text.getvalue().encode()


def _cell(value: object) -> object:
    """A value as a cell. Text that a spreadsheet would take for a formula gets an apostrophe (OWASP: CSV injection)."""
    if isinstance(value, dict | msgspec.Raw):
        return msgspec.json.encode(value).decode()
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value


@router.get("/{id:int}", response_model=LogEntry)
async def entry(request: Request, here: Here, id: EntryId) -> Response:  # noqa: A002 - the API's name for it
    """One entry."""
    return await here.questions.ask(request, lambda reader: logs.entry(reader, str(id)), f"There is no log entry {id}")


@router.get("/{id:int}/context", response_model=ContextPage)
async def context(
    request: Request,
    here: Here,
    id: EntryId,  # noqa: A002 - the API's name for it
    around: Annotated[ContextRequest, Query()],
) -> Response:
    """An entry between those that came before and after it: all, or those of its request, process or trace."""
    return await here.questions.ask(
        request,
        lambda reader: logs.context(reader, str(id), before=around.before, after=around.after, scope=around.scope),
        f"There is no log entry {id}",
    )
