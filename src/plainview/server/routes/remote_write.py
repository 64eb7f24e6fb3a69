"""``/api/v1/write``: Prometheus's remote write, versions 1 and 2."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from plainview.ingest.metrics.remote import V1, V2, BadRequest, Received, RemoteWrite
from plainview.server import bodies
from plainview.server.problems import Problem
from plainview.server.routes.ingest import written
from plainview.server.state import Here

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["metrics"])

_MESSAGES: Final = frozenset({V1, V2})
_writes: Final = RemoteWrite()


def _message(request: Request) -> str:
    """The message that the body holds, by its type.

    Raises:
        Problem: 415.
    """
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    given = dict(part.strip().partition("=")[::2] for part in parameters.split(";"))
    message = given.get("proto", V1).strip('"')
    if kind.strip().lower() != "application/x-protobuf" or message not in _MESSAGES:
        text = f"takes application/x-protobuf with proto={V1} or proto={V2}"
        raise Problem(415, f"Content-Type: {text}", errors=[{"field": "Content-Type", "message": text}])
    encoding = request.headers.get("content-encoding", "snappy").strip().lower()
    if encoding != "snappy":
        text = "takes snappy"
        raise Problem(415, f"Content-Encoding: {text}", errors=[{"field": "Content-Encoding", "message": text}])
    return message


@router.post(
    "/write",
    status_code=204,
    response_class=Response,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/x-protobuf": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def write(request: Request, here: Here) -> Response:
    """Samples of a Prometheus, or of whatever speaks its remote write; packed by snappy.

    They are on the disk when the answer comes, all of them; a request that is wrong somewhere is refused as a whole.
    Samples that are not newer than the last one of their series were sent before, and are left out.
    """
    message = _message(request)
    body = await bodies.read(request)

    def take() -> Received:
        received = _writes.read(body, message)
        if received.lines:
            here.pipeline.inbox.land({"metric": received.lines})
        return received

    try:
        received = await written(take)
    except BadRequest as error:
        errors = [{"field": error.field, "message": str(error)}]
        raise Problem(413 if error.too_large else 400, f"{error.field}: {error}", errors=errors) from None
    here.pipeline.wake()
    counts = {"Samples": received.samples, "Histograms": received.histograms, "Exemplars": received.exemplars}
    headers = {f"X-Prometheus-Remote-Write-{name}-Written": str(count) for name, count in counts.items()}
    return Response(status_code=204, headers=headers)
