"""``/v1/session``: signing in from the screen, when the server has a token."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from plainview.server.access import COOKIE, SESSION_SECONDS, shown
from plainview.server.answers import answer
from plainview.server.problems import Problem
from plainview.server.requests import SessionRequest
from plainview.server.responses import SessionState
from plainview.server.state import Here

__all__ = ["router"]

router = APIRouter(prefix="/v1/session", tags=["server"])

#: One wrong token at a time, and seconds that each costs: guessing is hopeless.
_GUESSES = asyncio.Semaphore(1)
_COST = 0.5


@router.get("", response_model=SessionState)
async def state(request: Request, here: Here) -> Response:
    """Whether a token is needed, and whether this client has shown it."""
    known = here.token is None or bool(shown(here.token, request.headers))
    return answer({"required": here.token is not None, "authenticated": known}, request.headers)


@router.post("", response_model=SessionState)
async def sign_in(request: Request, here: Here, body: SessionRequest) -> Response:
    """Show the token once; a cookie that no script can read stands for it from then on."""
    response = answer({"required": here.token is not None, "authenticated": True}, request.headers)
    if here.token is None:
        return response
    if not here.token.matches(body.token.strip()):
        async with _GUESSES:
            await asyncio.sleep(_COST)
        message = "is not this server's token"
        raise Problem(401, f"token: {message}", errors=[{"field": "token", "message": message}])
    response.set_cookie(
        COOKIE,
        here.token.sign_in(),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


@router.delete("", response_model=SessionState)
async def sign_out(request: Request, here: Here) -> Response:
    """Forget the cookie."""
    response = answer({"required": here.token is not None, "authenticated": here.token is None}, request.headers)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return response
