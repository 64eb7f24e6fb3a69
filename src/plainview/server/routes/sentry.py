"""``/api/<project>/envelope/`` and ``…/store/``: what Sentry's SDKs send, to the key of a DSN."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from starlette.responses import JSONResponse, Response

from plainview.ingest.sentry import REMEMBERED, MalformedEnvelope, Seen, parse, single, take
from plainview.server import bodies
from plainview.server.problems import Problem
from plainview.server.state import Here
from plainview.state import keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.ingest.sentry import Envelope
    from plainview.server.state import State
    from plainview.state.keys import Key

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["sentry"])

#: Requests that are unpacked and written at once, and that may wait for it before further ones are turned away.
_AT_ONCE, _WAITING = 4, 256
#: Seconds for which SDKs are asked to send nothing, when there is no room or too much to do.
_PAUSE: Final = 60
#: Seconds for which a key is known without a look into the state.
_KNOWN: Final = 5.0
#: Seconds that the first request waits until what arrived before is in the store, where it is looked for.
_CATCH_UP: Final = 2.0
_NEWEST: Final = "SELECT trace_id, span_id FROM spans WHERE id > ? ORDER BY id"
_KEY: Final = re.compile(r"sentry_key=([0-9A-Za-z_-]{1,64})")
_DSN: Final = re.compile(r"^https?://([0-9A-Za-z_-]{1,64})(?::[^@/]*)?@")
_SHOWN: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")
#: A browser's SDK runs in the pages of other sites; a DSN is no secret, and lets nothing be read.
_CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "X-Sentry-Auth, Content-Type, Content-Encoding",
    "Access-Control-Expose-Headers": "X-Sentry-Rate-Limits, Retry-After",
    "Access-Control-Max-Age": "3600",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_BODY: Any = {
    "requestBody": {"required": True, "content": {"application/x-sentry-envelope": {"schema": {"type": "string"}}}}
}
_EVENT: Any = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}

Project = Annotated[int, Path(ge=1, lt=1 << 31)]


class _Desk:
    """What the requests of one process share."""

    def __init__(self) -> None:
        self._seen: Seen | None = None
        self._looking = threading.Lock()
        self.working = asyncio.Semaphore(_AT_ONCE)
        self.waiting = 0
        self._keys: dict[str, tuple[float, Key | None]] = {}

    def seen(self, here: State) -> Seen:
        """The transactions that were taken lately; those of the process before are in the store."""
        with self._looking:
            if self._seen is None:
                here.pipeline.drain(_CATCH_UP)
                newest = here.store.query(_NEWEST, (here.store.last_id("spans") - REMEMBERED,))
                self._seen = Seen(trace_id + span_id for trace_id, span_id in newest.rows)
            return self._seen

    def key(self, here: State, public: str) -> Key | None:
        """The key of this public part; it is looked up again now and then."""
        clock = time.monotonic()
        found = self._keys.get(public)
        if found is None or clock - found[0] > _KNOWN:
            if len(self._keys) > 1000:  # noqa: PLR2004 - somebody tries keys
                self._keys.clear()
            found = self._keys[public] = (clock, keys.find(here.database, public))
        return found[1]


def _desk(here: State) -> _Desk:
    if here.sentry is None:
        here.sentry = _Desk()
    desk: _Desk = here.sentry
    return desk


@router.options("/{project}/envelope/", include_in_schema=False)
@router.options("/{project}/store/", include_in_schema=False)
async def preflight(project: str) -> Response:  # noqa: ARG001 - any
    """Tell a browser that pages of other sites may send."""
    return Response(status_code=204, headers=_CORS)


@router.post("/{project}/envelope/", openapi_extra=_BODY)
async def envelope(request: Request, here: Here, project: Project) -> Response:
    """Take an envelope of Sentry's protocol: events, transactions, logs, check-ins, sessions, client reports.

    The key of the DSN (`plainview tokens`) comes in `X-Sentry-Auth`, in `sentry_key` or in the envelope's own `dsn`.
    What it holds is on the disk before the answer.
    """
    return await _take(request, here, project, parse)


@router.post("/{project}/store/", openapi_extra=_EVENT)
async def store(request: Request, here: Here, project: Project) -> Response:
    """Take one event, as older SDKs send it."""
    return await _take(request, here, project, single)


async def _take(request: Request, here: State, project: int, read: Callable[[bytes], Envelope]) -> Response:
    desk = _desk(here)
    if desk.waiting >= _WAITING:
        return _later("the server is busy")
    desk.waiting += 1
    try:
        body = await bodies.read(request)
        async with desk.working:
            return await asyncio.to_thread(_keep, request, here, project, body, read)
    except Problem as problem:
        return _refused(problem.status, problem.detail)
    finally:
        desk.waiting -= 1


def _keep(request: Request, here: State, project: int, body: bytes, read: Callable[[bytes], Envelope]) -> Response:
    desk = _desk(here)
    public = _public(request)
    key = desk.key(here, public) if public else None
    if public and (key is None or key.project != project):
        return _refused(403, f"project {project} has no such key: see `plainview tokens list`")
    body = bodies.unpack(body, request.headers.get("content-encoding", ""))
    try:
        found = read(body)
    except MalformedEnvelope as error:
        return _refused(400, str(error))
    if key is None:  # then the envelope says it
        dsn = found.headers.get("dsn")
        match = _DSN.match(dsn) if isinstance(dsn, str) else None
        key = desk.key(here, match[1]) if match else None
        if key is None or key.project != project:
            return _refused(403, "the request shows no key of this project: see `plainview tokens list`")
    seen = desk.seen(here)
    taken = take(found, key.name or f"project-{project}", time.time_ns(), seen)
    try:
        here.pipeline.inbox.land(taken.lines)
    except OSError as error:
        for id_ in taken.transactions:
            seen.forget(id_)
        return _later(f"the server cannot write: {error.strerror}")
    here.pipeline.wake()
    return JSONResponse({"id": taken.id} if taken.id else {}, headers=_CORS)


def _public(request: Request) -> str:
    """The public part of the key that a request shows; empty: none."""
    shown = request.query_params.get("sentry_key", "")
    if not shown:
        match = _KEY.search(request.headers.get("x-sentry-auth") or request.headers.get("authorization") or "")
        shown = match[1] if match else ""
    return shown if _SHOWN.fullmatch(shown) else ""


def _refused(status: int, detail: str) -> Response:
    """As Relay answers: SDKs print ``detail``."""
    return JSONResponse(
        {"detail": detail}, status, _CORS | {"X-Sentry-Error": detail.encode("ascii", "replace").decode()[:200]}
    )


def _later(detail: str) -> Response:
    """Send nothing of any category for a while (https://develop.sentry.dev/sdk/expected-features/rate-limiting/)."""
    response = _refused(429, detail)
    response.headers["Retry-After"] = str(_PAUSE)
    response.headers["X-Sentry-Rate-Limits"] = f"{_PAUSE}::organization"
    return response
