"""The API's description (OpenAPI): FastAPI's, with the errors as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi.openapi.utils import get_openapi

from plainview.server.problems import MEDIA_TYPE
from plainview.server.responses import ProblemDetails

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

__all__ = ["describe"]

_EVERYWHERE: Final = {
    401: "A token is needed.",
    403: "The request comes from a page of another site.",
    421: "The server does not answer to this name.",
    503: "The server is stopping, busy, or its store or disk fails.",
}
_WITH_INPUT: Final = {400: "The request cannot be read.", 422: "A field is wrong; `errors` says which and why."}
_WITH_BODY: Final = {413: "The body is too large.", 415: "The body is of a type or encoding that is not taken here."}
_QUESTION: Final = {504: "The answer took too long."}
_NAMED: Final = {404: "There is no such thing."}
#: Routes whose questions name a thing.
_NAMING: Final = ("/v1/resolve", "/v1/related", "/v1/errors/update", "/v1/runs/compare", "/v1/runs/trend")
_OFFSET: Final = "The segment is held up to another offset, which the answer tells."
_STATUS: Final = "The status of the error does not allow it; the answer says what is possible."
_WRITING: Final = {507: "The server's disk is full."}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the app."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, tags=None
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    described = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(described.pop("$defs", {}))
    schemas["Problem"] = described
    document["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "The server's token, when it has one."}
    }
    document["security"] = [{}, {"token": []}]
    for path, method, operation in _operations(document):
        responses = operation["responses"]
        for status, text in _errors(path, method, operation).items():
            if method != "get" or status != 409:  # noqa: PLR2004 - Conflict
                responses[str(status)] = _problem(text)
        conflict = responses.get("409")
        if conflict:
            conflict.update(_problem(_STATUS if path.startswith("/v1/errors") else _OFFSET))
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _errors(path: str, method: str, operation: dict[str, Any]) -> dict[int, str]:
    errors = dict(_EVERYWHERE)
    if "parameters" in operation or "requestBody" in operation:
        errors |= _WITH_INPUT
    if method in ("post", "put"):
        errors |= _WITH_INPUT | _WITH_BODY
    if path.startswith(("/v1/ingest", "/v1/spool")):
        errors |= _WRITING
    elif not path.startswith(("/v1/health", "/v1/session")):
        errors |= _QUESTION
    if "{" in path or path in _NAMING:
        errors |= _NAMED
    if path == "/v1/health/ready":
        errors.pop(503)
    return errors


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
