"""The built screen, served from memory: hashed assets for ever, the page itself always fresh."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response

from plainview.server.answers import takes_gzip
from plainview.server.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["STATIC", "Screen"]

#: Where the build of the screen puts its files.
STATIC: Final = Path(__file__).parent / "static"

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_FRESH: Final = "no-cache"
_PACKED: Final = frozenset({"text/html", "text/css", "text/javascript", "application/json", "image/svg+xml"})
_WORTH_IT: Final = 1024
#: Set here rather than taken from the machine, whose tables differ.
_TYPES: Final = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
#: Ends of addresses that are files and never pages of the screen.
_FILES: Final = frozenset({*_TYPES, ".map", ".png", ".ico", ".json", ".txt", ".woff2", ".webmanifest"})

_NOT_BUILT: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Plainview</title>
<h1>The screen is not built</h1>
<p>The server runs, and its API answers at <a href="/v1/status">/v1/status</a>;
<code>plainview logs</code> searches from the terminal.</p>
<p>To build the screen, run <code>make run</code>, or <code>npm --prefix web run build</code>, in the source tree and
reload this page. An installed package brings it along: <code>pip install 'plainview[server]'</code>.</p>
</html>"""


#: Beginnings of the addresses that the API answers.
_ANSWERED: Final = ("/v1/", "/api/")
#: Beginnings of the addresses of pages that end in an id of the application's own, whatever that ends in.
_PAGES: Final = ("/operations/", "/runs/")


def _is_scrape(scope: Scope) -> bool:
    """Whether somebody asks for the metrics as text; a browser asks for the page of that name."""
    return scope.get("path") == "/metrics" and "text/html" not in Headers(scope=scope).get("accept", "").lower()


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    packed: bytes | None
    type: str
    tag: str
    changed: float


class Screen:
    """ASGI middleware for every address outside the API: the files of a folder, and its page for all others.

    Args:
        app: what answers the API.
        folder: where the built files are.
    """

    def __init__(self, app: ASGIApp, folder: Path = STATIC) -> None:
        self.app = app
        self.folder = folder
        self._files: dict[Path, _File] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(_ANSWERED) or path in ("/v1", "/api") or _is_scrape(scope):
            await self.app(scope, receive, send)
            return
        if scope["method"] in ("GET", "HEAD"):
            response = self._answer(path, Headers(scope=scope))
        else:
            response = problem(405, "This address does not take that method", headers={"Allow": "GET, HEAD"})
        await response(scope, receive, send)

    def _answer(self, path: str, headers: Headers) -> Response:
        file = self._file(path.lstrip("/")) if path != "/" else None
        immutable = path.startswith("/assets/")
        if file is None:
            if immutable or (PurePosixPath(path).suffix in _FILES and not path.startswith(_PAGES)):
                return problem(404, "There is nothing at this address")
            file = self._file("index.html")
        if file is None:
            return HTMLResponse(_NOT_BUILT, 503, {"Cache-Control": "no-store"})
        return self._response(headers, file, _FOR_EVER if immutable else _FRESH)

    @staticmethod
    def _response(given: Headers, file: _File, caching: str) -> Response:
        headers = {"Cache-Control": caching, "ETag": file.tag, "Vary": "Accept-Encoding"}
        if file.tag in given.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = file.body
        if file.packed is not None and takes_gzip(given):
            body = file.packed
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers, media_type=file.type)

    def _file(self, name: str) -> _File | None:
        """The file of this name below the folder, if there is one."""
        try:
            path = (self.folder / name).resolve()
            changed = path.stat().st_mtime
            if not path.is_relative_to(self.folder.resolve()) or not path.is_file():
                return None
        except (OSError, ValueError):  # no such file; a NUL in the name
            return None
        known = self._files.get(path)
        if known is None or known.changed != changed:
            known = self._files[path] = _load(path, changed)
        return known


def _load(path: Path, changed: float) -> _File:
    body = path.read_bytes()
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    packed = gzip.compress(body, mtime=0) if kind in _PACKED and len(body) >= _WORTH_IT else None
    return _File(body, packed, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"', changed)
