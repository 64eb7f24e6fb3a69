"""Answers in JSON, compressed when that pays."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.datastructures import Headers

__all__ = ["answer", "takes_gzip"]

#: Smaller answers fit a packet or three; compressing them gains nothing.
_WORTH_IT: Final = 4096
#: Fast: on the way to a browser on the same machine, a better level costs more than it saves.
_LEVEL: Final = 1


def takes_gzip(headers: Headers) -> bool:
    """Whether the client accepts gzip (RFC 9110: listed, and not with weight 0)."""
    for part in headers.get("accept-encoding", "").lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "x-gzip") and weight.replace(" ", "") not in (
            "q=0",
            "q=0.0",
            "q=0.00",
            "q=0.000",
        ):
            return True
    return False


def answer(content: object, headers: Headers, status: int = 200) -> Response:
    """``content`` as JSON. Called in a worker thread where it may be large.

    Args:
        content: anything ``msgspec`` encodes; :class:`msgspec.Raw` is passed through as it is.
        headers: the request's.
        status: HTTP status.
    """
    body = msgspec.json.encode(content)
    extra = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if len(body) >= _WORTH_IT and takes_gzip(headers):
        body = gzip.compress(body, _LEVEL, mtime=0)
        extra["Content-Encoding"] = "gzip"
    return Response(body, status, extra, "application/json")
