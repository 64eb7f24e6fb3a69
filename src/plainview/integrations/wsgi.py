"""WSGI middleware: context, a SERVER span and one line for each request of any WSGI application.

Source: PEP 3333. A streamed response is measured until its iterable has nothing more or is closed; a list is complete
when it is returned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import plainview.integrations.measured  # noqa: F401 - now, or the first request would wait for it
from plainview.context import current
from plainview.integrations.exchange import KNOWN_METHODS, Exchange, access, server_attributes, serving
from plainview.integrations.mounting import WSGI_MARK as MARK, answer_wsgi, asked_of_wsgi
from plainview.integrations.query import without_secrets
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Environ = dict[str, Any]
    StartResponse = Callable[..., Callable[[bytes], object]]
    WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]

__all__ = ["MARK", "Middleware"]

_WITHOUT_BODY: Final = (204, 304)


class Middleware:
    """Wraps a WSGI application. A request that is captured already passes through.

    Args:
        app: a WSGI application.
    """

    def __init__(self, app: WSGIApp) -> None:
        self.app = app

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the application has
        if name == "app":  # not set yet: an unpickled or copied wrapper
            raise AttributeError(name)
        return getattr(self.app, name)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        return serve(self.app, environ, start_response)


def serve(app: WSGIApp, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Call a WSGI application, and capture the request unless somebody does already."""
    if _asks_for_metrics(environ):
        return answer_wsgi(environ, start_response)
    request = _begin(environ, start_response)
    if request is None:
        return app(environ, start_response)
    request.enter()
    try:
        request.announce()
        return request.watched(app(environ, request.start_response), environ.get("wsgi.file_wrapper"))
    except BaseException as error:
        request.finish(error)
        raise
    finally:
        request.leave()


def _asks_for_metrics(environ: Environ) -> bool:
    try:
        found = access()
        return bool(found.metrics_path) and found.enabled and asked_of_wsgi(environ, found.metrics_path)
    except Exception as error:  # noqa: BLE001 - the application goes on without
        failed(error)
        return False


def _begin(environ: Environ, start_response: StartResponse) -> _Request | None:
    try:
        if MARK in environ or not access().enabled:
            return None
        path = _text(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))
        method = environ["REQUEST_METHOD"]
        around = serving.get()
        if (
            around is not None
            and not around.done
            and (around.method, around.path) == (method, path)
            and current.get().span is around.span
        ):
            return None  # the same request, come here through an ASGI server
        environ[MARK] = request = _Request(environ, start_response, method, path)
    except Exception as error:  # noqa: BLE001 - the application goes on without
        failed(error)
        return None
    else:
        return request


class _Request(Exchange):
    """One request."""

    __slots__ = ("_counted", "_length", "_start_response")

    mechanism = "wsgi"

    def __init__(self, environ: Environ, start_response: StartResponse, method: str, path: str) -> None:
        def header(name: str) -> str | None:
            found = environ.get(f"HTTP_{name.upper().replace('-', '_')}")
            return found if isinstance(found, str) else None

        super().__init__(method, path, header, _attributes(environ, method, path))
        self._start_response = start_response
        #: How long the body is to be, as the headers say; -1: they do not.
        self._length = -1
        #: How much of it has passed us; -1: it does not pass us.
        self._counted = -1
        length = environ.get("CONTENT_LENGTH") or ""
        if length.isdecimal():
            self.request_bytes = int(length[:18])

    def start_response(self, status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:  # noqa: ANN401 - PEP 3333's
        """PEP 3333's ``start_response``: notes the status, returns the request id to the client."""
        try:
            self.status = int(status[:3])
            self.inner_span()
            for name, value in headers:
                lower = name.lower()
                if lower == "content-length" and value.isdecimal():
                    self._length = self.response_bytes = int(value[:18])
                elif lower == "x-request-id":
                    break
                elif lower == "content-type" and value.startswith("text/event-stream"):
                    self.stream_started()
            else:
                headers = [*headers, ("X-Request-ID", self.request_id)]
        except Exception as error:  # noqa: BLE001 - see `Exchange`
            failed(error)
        return self._start_response(status, headers, *exc_info)

    def watched(self, body: Iterable[bytes], file_wrapper: object) -> Iterable[bytes]:
        """The body, as it is where it is complete already, else wrapped to see its end."""
        try:
            if isinstance(body, list | tuple):
                self.response_bytes = sum(map(len, body))
            elif not (isinstance(file_wrapper, type) and isinstance(body, file_wrapper)):
                return _Body(self, body)
            # A list is all there; a file is sent by the server in its own way, if it is left as it is.
            self.finish()
        except Exception as error:  # noqa: BLE001 - see `Exchange`
            failed(error)
        return body

    def closed(self) -> None:
        """The body is closed: if it was not over, its client did not wait for the rest."""
        if not self.done:
            self.disconnected = self.method != "HEAD" and self.status not in _WITHOUT_BODY
            self.finish()

    def sent(self, size: int) -> None:
        """A part of the body is about to be sent. Before the last one, the line is written: who has it, finds it."""
        self._counted = max(self._counted, 0) + size
        self.response_bytes = self._counted
        if self._counted == self._length:
            self.finish()


class _Body:
    """The application's iterable, watched. What it does in it, it does in the request's context."""

    __slots__ = ("_body", "_next", "_request")

    def __init__(self, request: _Request, body: Iterable[bytes]) -> None:
        self._request = request
        self._body = body
        self._next: Callable[[], bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        request = self._request
        request.enter()
        try:
            if self._next is None:  # some iterables start working here
                self._next = iter(self._body).__next__
            part = self._next()
            request.sent(len(part))
        except StopIteration:
            request.finish()
            raise
        except BaseException as error:
            request.finish(error)
            raise
        finally:
            request.leave()
        return part

    def close(self) -> None:
        """The server is done with the body, or the client went away before its end."""
        request = self._request
        request.enter()
        try:
            request.closed()
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            request.finish(error)
            raise
        finally:
            request.leave()


def _attributes(environ: Environ, method: str, path: str) -> dict[str, Any]:
    attributes = {
        "http.request.method": method if method in KNOWN_METHODS else "_OTHER",
        "url.path": path,
        "url.scheme": environ.get("wsgi.url_scheme", "http"),
    }
    query = environ.get("QUERY_STRING")
    if query:
        attributes["url.query"] = without_secrets(query, access().hides)
    if environ.get("HTTP_HOST"):
        attributes |= server_attributes(environ["HTTP_HOST"])
    for name, key in _NAMES.items():
        value = environ.get(key)
        if value:
            attributes[name] = value
    return attributes


_NAMES: Final = {
    "client.address": "REMOTE_ADDR",
    "user_agent.original": "HTTP_USER_AGENT",
}


def _text(path: str) -> str:
    # PEP 3333: bytes as Latin-1.
    try:
        return path.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return path
