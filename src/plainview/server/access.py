"""Who may talk to the server, and what browsers may do with its answers.

Without a token, the server listens on loopback only and answers only to loopback's names, so that a page from
elsewhere cannot reach it under a name of its own (DNS rebinding). With a token, every request to the API shows it:
programs in ``Authorization: Bearer``, the screen in a cookie that no script can read.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import time
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from plainview.server.problems import problem

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["COOKIE", "Access", "SecurityHeaders", "Token", "is_loopback"]

#: Name of the cookie of somebody who has signed in.
COOKIE: Final = "plainview_session"
#: Seconds that a sign-in lasts.
SESSION_SECONDS: Final = 30 * 86400

#: Asked by probes and by the sign-in itself, before anybody can have shown a token.
_OPEN: Final = frozenset({"/v1/health", "/v1/health/live", "/v1/health/ready", "/v1/session"})
#: Beginnings of the addresses that a token is needed for.
_GUARDED: Final = ("/v1/", "/api/")
#: What Sentry's SDKs send to: they show a key of their own.
_SENTRY: Final = re.compile(r"/api/[0-9]+/(?:envelope|store)/")
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine alone."""
    host = host.strip("[]").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Token:
    """The server's token, compared in constant time, and the sign-ins it stands behind.

    A sign-in is its time of expiry and a signature by the token: it outlives a restart and ends with the token.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def matches(self, shown: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(self._digest(shown.encode("utf-8", "replace")), self._digest(self._token))

    @staticmethod
    def _digest(text: bytes) -> bytes:
        return hashlib.sha256(text).digest()

    def sign_in(self) -> str:
        """The value of a cookie for somebody who has shown the token."""
        expires = str(int(time.time()) + SESSION_SECONDS)
        return f"{expires}.{self._signature(expires)}"

    def signed_in(self, cookie: str) -> bool:
        """Whether the cookie came from :meth:`sign_in` and has not expired."""
        expires, _, signature = cookie.partition(".")
        genuine = hmac.compare_digest(signature.encode("utf-8", "replace"), self._signature(expires).encode())
        return genuine and expires.isdecimal() and int(expires) > time.time()

    def _signature(self, expires: str) -> str:
        return hmac.new(self._token, b"session " + expires.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def shown(token: Token, headers: Headers) -> str:
    """How a request shows the token: ``bearer``, ``cookie``, or not at all (empty)."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.matches(value.strip()):
        return "bearer"
    cookies = SimpleCookie()
    try:
        cookies.load(headers.get("cookie", ""))
    except CookieError:
        return ""
    cookie = cookies.get(COOKIE)
    return "cookie" if cookie is not None and token.signed_in(cookie.value) else ""


class Access:
    """ASGI middleware that turns away who may not come in."""

    def __init__(self, app: ASGIApp, token: Token | None) -> None:
        self.app = app
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on."""
        if scope["type"] == "http":
            refused = self._refused(scope)
            if refused is not None:
                status, detail, headers = refused
                await problem(status, detail, headers=headers)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _refused(self, scope: MutableMapping[str, Any]) -> tuple[int, str, dict[str, str]] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self.token is None and not is_loopback(_name(host)):
            detail = f"This server answers to localhost only, not to {host[:80]!r}: open it as http://localhost"
            return 421, detail, {}
        how = shown(self.token, headers) if self.token else ""
        if _SENTRY.fullmatch(scope["path"]):
            return None  # open to the key of a DSN, which the route asks for
        if scope["method"] not in _SAFE and how != "bearer" and not _same_site(headers, host, self.token is None):
            return 403, "Requests from pages of other sites are not taken", {}
        if self.token and not how and _is_guarded(scope):
            challenge = {"WWW-Authenticate": 'Bearer realm="plainview"'}
            return 401, "This server needs its token: send it as `Authorization: Bearer …`, or sign in", challenge
        return None


def _is_guarded(scope: MutableMapping[str, Any]) -> bool:
    """Whether a token is needed: for all but the screen's own files, and the few addresses that are open."""
    path = scope["path"]
    if path == "/metrics":
        return "text/html" not in Headers(scope=scope).get("accept", "").lower()
    return path.startswith(_GUARDED) and path not in _OPEN


def _name(host: str) -> str:
    """``[::1]:7070`` → ``[::1]``, ``localhost:7070`` → ``localhost``."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _same_site(headers: Headers, host: str, local: bool) -> bool:  # noqa: FBT001 - private, named at its only call
    """Whether a request that changes something comes from a page of this server, or from no page at all.

    A browser names the page's origin with every such request. A program sends none; but who shows a cookie is a
    browser. ``local``: pages of this machine's own servers (a development server) are let through.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in ("same-origin", "none") and COOKIE not in headers.get(
            "cookie", ""
        )
    parts = urlsplit(origin)
    return parts.netloc.lower() == host.lower() != "" or (local and is_loopback(parts.hostname or ""))


class SecurityHeaders:
    """ASGI middleware that tells browsers what they may do with an answer: nothing beyond this server."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add the headers to the answer."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)
