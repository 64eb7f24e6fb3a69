"""What went wrong, told as ``application/problem+json`` (RFC 9457) with the field named."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from plainview.query.errors import BadInput
from plainview.store.interface import QueryCancelled, QueryTimeout, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["MEDIA_TYPE", "Problem", "Unexpected", "problem", "register"]

MEDIA_TYPE: Final = "application/problem+json"

_MOST_ERRORS: Final = 20
#: How the validation names the member of a union that it tried.
_TRIED: Final = re.compile(r"(?:constrained-)?(?:str|int|float|bool|none|list\[.*\]|dict\[.*\])")

_log = logging.getLogger(__name__)

#: Status → the ``type`` of the problem, a path on this server's own documentation.
_TYPES: Final[Mapping[int, str]] = {
    400: "bad-request",
    401: "token-required",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    413: "too-large",
    415: "unsupported-media-type",
    421: "misdirected",
    422: "invalid",
    500: "internal",
    503: "unavailable",
    504: "timeout",
    507: "disk-full",
}


class Problem(Exception):  # noqa: N818 - the field's word, RFC 9457
    """A request that ends with an error answer.

    Args:
        status: HTTP status.
        detail: what is wrong and what to do, for a person.
        errors: the fields that are wrong: ``field``, ``message``, and ``position`` where there is one.
        headers: further headers of the answer.
        more: further members of the body.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Iterable[Mapping[str, object]] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def response(self) -> Response:
        """The answer."""
        return problem(self.status, self.detail, self.errors, self.headers, self.more)


def problem(
    status: int,
    detail: str,
    errors: Iterable[Mapping[str, object]] = (),
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, object] | None = None,
) -> Response:
    """An error answer; the arguments are those of :class:`Problem`."""
    kind = _TYPES.get(status)
    body = {
        "type": f"urn:plainview:problem:{kind}" if kind else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": list(errors),
        **(more or {}),
    }
    return Response(msgspec.json.encode(_clean(body)), status, dict(headers or {}), MEDIA_TYPE)


def _clean(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The value with every text fit for UTF-8: a request may hold halves of surrogate pairs."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_clean(key): _clean(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_clean(inner) for inner in value]
        case _:
            return value


def register(app: FastAPI) -> None:
    """Have every error of the app answered as a problem."""
    for kind, handler in (
        (Problem, lambda _, error: error.response()),
        (BadInput, _bad_input),
        (RequestValidationError, _invalid),
        (HTTPException, _http),
        (QueryTimeout, _timeout),
        (StoreError, _store),
    ):
        app.add_exception_handler(kind, handler)  # type: ignore[arg-type] # each handler takes its own kind


def _bad_input(_: Request, error: BadInput) -> Response:
    entry: dict[str, object] = {"field": error.field, "message": error.message}
    detail = f"{error.field}: {error.message}"
    if error.position is not None:
        entry["position"] = error.position
        detail += f" (at character {error.position + 1})"
    return problem(422, detail, [entry])


def _invalid(_: Request, error: RequestValidationError) -> Response:
    if any(one["type"] == "json_invalid" for one in error.errors()):
        return problem(400, "The body is not JSON", [{"field": "body", "message": "is not JSON"}])
    messages: dict[str, list[str]] = {}
    for one in error.errors()[:_MOST_ERRORS]:
        told = messages.setdefault(_field(one["loc"]), [])
        if one["msg"] not in told:
            told.append(one["msg"])
    errors = [{"field": field, "message": ", or: ".join(told)} for field, told in messages.items()]
    return problem(422, f"{errors[0]['field']}: {errors[0]['message']}", errors)


def _field(place: Sequence[int | str]) -> str:
    """``("body", "filters", "pid", "int")`` → ``filters.pid``: without where it came in and which type was tried."""
    parts = [str(part)[:60] for part in place[1:] if not (isinstance(part, str) and _TRIED.fullmatch(part))]
    return ".".join(parts) or str(place[0])


def _http(_: Request, error: HTTPException) -> Response:
    details = {404: "There is nothing at this address", 405: "This address does not take that method"}
    detail = details.get(error.status_code, error.detail)
    if error.status_code == HTTPStatus.BAD_REQUEST and "body" in detail:
        return problem(400, "The body is not JSON", [{"field": "body", "message": "is not JSON"}])
    return problem(error.status_code, detail, headers=error.headers)


def _timeout(_: Request, error: QueryTimeout) -> Response:
    return problem(504, f"{error}: ask for a shorter time range, or narrow the filter")


def _store(_: Request, error: StoreError) -> Response:
    if isinstance(error, QueryCancelled):
        return problem(
            503, "The query was stopped: the server is shutting down or busy; try again", headers={"Retry-After": "1"}
        )
    _log.error("the store failed", exc_info=error)
    return problem(503, "The store could not answer; the server's log says why")


class Unexpected:
    """ASGI middleware that answers what nobody expected, once, and says in the log what it was."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and catch."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception:
            if scope["type"] != "http":
                raise
            _log.exception("%s %r failed", scope["method"], scope["path"])
            if started:  # the connection breaks off, so that nobody takes the answer for whole
                raise
            await problem(500, "Something went wrong in the server; its log says what")(scope, receive, send)
