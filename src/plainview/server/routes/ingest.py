"""``/v1/ingest`` and ``/v1/spool``: records from elsewhere, on the disk before they are acknowledged."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from fastapi import APIRouter, Header, Path, Query, Request
from starlette.responses import Response

from plainview.ingest.inbox import OffsetConflict
from plainview.query.errors import BadInput
from plainview.server import bodies
from plainview.server.answers import answer
from plainview.server.problems import Problem
from plainview.server.responses import Accepted, SpoolOffset
from plainview.server.state import Here

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["router", "written"]

T = TypeVar("T")

router = APIRouter(prefix="/v1", tags=["ingest"])

_EXAMPLE = '{"timestamp":"2026-11-22T01:47:55.123456Z","level":"INFO","message":"book created","service":"studio"}\n'
_LINES = {
    "required": True,
    "content": {"application/x-ndjson": {"schema": {"type": "string"}, "example": _EXAMPLE}},
}
#: Bodies that are unpacked and written at once: each may take a good deal of memory.
_AT_ONCE = asyncio.Semaphore(4)

Stream = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$", examples=["studio-41-1a2b3c4d"])]
Kind = Annotated[Literal["log", "span", "error", "metric", "operation"], Path()]
Segment = Annotated[int, Path(ge=1, lt=10**12)]
Offset = Annotated[int, Query(ge=0, lt=1 << 62, description="How much of the segment the server holds already.")]


async def written(write: Callable[[], T]) -> T:
    """Do what writes to the disk in a thread.

    Raises:
        Problem: 507 when the disk is full, 503 when it fails.
    """
    try:
        async with _AT_ONCE:
            return await asyncio.to_thread(write)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Problem(507, "The server's disk is full; nothing of this request was kept: try again later") from None
        raise Problem(503, "The server cannot write to its disk; nothing of this request was kept") from error


@router.post("/ingest", response_model=Accepted, openapi_extra={"requestBody": _LINES})
async def ingest(
    request: Request,
    here: Here,
    batch: Annotated[
        str | None,
        Header(
            alias="X-Plainview-Batch", min_length=1, max_length=200, description="A batch sent again is taken once."
        ),
    ] = None,
    encoding: Annotated[str, Header(alias="Content-Encoding", description="gzip, zstd or identity.")] = "",
) -> Response:
    """Lines of logs and spans, a JSON object each; a span has `start_time_unix_nano`.

    What is accepted is on the disk when the answer comes. Lines that are no records are counted and told; the others
    are taken nevertheless.
    """
    bodies.require_type(request)
    body = await bodies.read(request)
    receipt = await written(lambda: here.pipeline.inbox.accept(bodies.unpack(body, encoding), batch))
    here.pipeline.wake()
    errors = [{"line": number, "message": reason} for number, reason in receipt.errors]
    content = {"accepted": receipt.accepted, "rejected": receipt.rejected, "errors": errors}
    return answer(content, request.headers)


@router.get("/spool/{stream}/{kind}/{segment}", response_model=SpoolOffset)
async def held(request: Request, here: Here, stream: Stream, kind: Kind, segment: Segment) -> Response:
    """How many bytes of a segment the server holds; 0 when it knows nothing of it."""
    found = await written(lambda: here.pipeline.inbox.held(stream, kind, segment))
    return answer({"offset": found.offset}, request.headers)


@router.put(
    "/spool/{stream}/{kind}/{segment}",
    response_model=SpoolOffset,
    responses={409: {"model": SpoolOffset}},
    openapi_extra={"requestBody": _LINES},
)
async def put(request: Request, here: Here, stream: Stream, kind: Kind, segment: Segment, offset: Offset) -> Response:
    """Append bytes of a segment from `offset` on; whole lines.

    409 with the offset that is held, when that is another: go on from there.
    """
    bodies.require_type(request)
    body = await bodies.read(request)
    encoding = request.headers.get("content-encoding", "")
    return await _moved(
        request, lambda: here.pipeline.inbox.put(stream, kind, segment, offset, bodies.unpack(body, encoding)), here
    )


@router.put(
    "/spool/{stream}/{kind}/{segment}/close", response_model=SpoolOffset, responses={409: {"model": SpoolOffset}}
)
async def close(request: Request, here: Here, stream: Stream, kind: Kind, segment: Segment, offset: Offset) -> Response:
    """Say that nothing more of a segment will come."""
    return await _moved(request, lambda: here.pipeline.inbox.finish(stream, kind, segment, offset), here)


@router.put("/spool/{stream}/end", status_code=204, response_class=Response)
async def end(here: Here, stream: Stream) -> Response:
    """Say that a stream is over: its process has ended, and all its segments are closed.

    What it left open is abandoned then. It may be said again, and of a stream of which nothing is held.
    """
    try:
        await written(lambda: here.pipeline.inbox.end(stream))
    except ValueError as error:
        raise _bad_input(error) from None
    here.pipeline.wake()
    return Response(status_code=204)


def _bad_input(error: ValueError) -> BadInput:
    field, _, message = str(error).partition(": ")
    return BadInput(field if message else "body", message or str(error))


async def _moved(request: Request, move: Callable[[], int], here: Here) -> Response:
    try:
        offset = await written(move)
    except OffsetConflict as conflict:
        message = f"the server holds {conflict.held} bytes of this segment: go on from there"
        errors = [{"field": "offset", "message": message}]
        raise Problem(409, f"offset: {message}", errors=errors, more={"offset": conflict.held}) from None
    except ValueError as error:
        raise _bad_input(error) from None
    here.pipeline.wake()
    return answer({"offset": offset}, request.headers)
