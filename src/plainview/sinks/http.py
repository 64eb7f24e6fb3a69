"""One kept-alive HTTP connection to a receiver of records.

The standard library's ``http.client`` is used on purpose: no instrumentation of ours or of OpenTelemetry patches
it, so that sending records never makes records.
"""

from __future__ import annotations

import gzip
import os
from base64 import b64encode
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from plainview.sinks.interface import Rejected, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Endpoint", "TooLarge"]

_USER_AGENT: Final = "plainview"
#: Answers that mean "not now" besides every 5xx: timeout, too early, too many requests.
_RETRY: Final = frozenset({408, 425, 429})
_TOO_LARGE: Final = 413
#: As much of an answer as is read; a longer one costs the connection.
_MAX_ANSWER: Final = 64 << 10


class TooLarge(Rejected):
    """The receiver says that the body is too large; a smaller one might do."""


class Endpoint:
    """A URL that bodies are POSTed to, with one connection that is kept open.

    Args:
        url: http or https; ``user:password@`` in it becomes Basic authorization.
        content_type: of every body.
        headers: sent with every request.
        timeout: seconds that connecting, and each wait for the receiver, may take.
        compress: whether bodies are sent with gzip.

    Raises:
        ValueError: the URL is not one of http or https.
    """

    def __init__(
        self,
        url: str,
        *,
        content_type: str,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        compress: bool = True,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            msg = f"not an http or https URL: {parts._replace(netloc=parts.hostname or '').geturl()!r}"
            raise ValueError(msg)
        self._connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port, self._timeout = parts.hostname, parts.port, timeout
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = {"Content-Type": content_type, "User-Agent": _USER_AGENT, **(headers or {})}
        if compress:
            self._headers["Content-Encoding"] = "gzip"
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        self._compress = compress
        self._connection: HTTPConnection | None = None
        self._process = 0
        #: Headers of the last answer, by their names in lower case.
        self.answered: dict[str, str] = {}
        #: What messages call the receiver: never with its password.
        self.shown = f"{parts.scheme}://{self._host}{f':{self._port}' if self._port else ''}{parts.path}"

    def post(self, body: bytes) -> bytes:
        """Send a body; returns the answer's, at most 64 KiB of it.

        Raises:
            TooLarge: 413.
            Rejected: the receiver refused it for good (any other answer that is neither success nor below).
            Unavailable: 408, 425, 429, any 5xx, or the network failed.
        """
        if self._compress:
            body = gzip.compress(body, compresslevel=1)
        try:
            status, reason, retry_after, answer = self._exchange(body)
        except (OSError, HTTPException) as error:
            self.close()
            self.answered = {}
            msg = f"{self.shown}: {str(error) or type(error).__name__}"
            raise Unavailable(msg) from error
        if 200 <= status < 300:  # noqa: PLR2004 - the successful answers, RFC 9110 §15.3
            return answer
        msg = f"{self.shown}: {status} {reason}: {answer[:200].decode(errors='replace').strip()}"
        if status in _RETRY or status >= 500:  # noqa: PLR2004 - the server's errors, RFC 9110 §15.6
            raise Unavailable(msg, retry_after)
        raise (TooLarge if status == _TOO_LARGE else Rejected)(msg)

    def close(self) -> None:
        """Close the connection; the next ``post`` opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _exchange(self, body: bytes) -> tuple[int, str, float | None, bytes]:
        if self._process != os.getpid():  # the parent's connection is not ours to speak on
            self._connection, self._process = None, os.getpid()
        kept = self._connection
        if kept is not None:
            try:
                return self._request(kept, body)
            except (ConnectionError, HTTPException):
                self.close()  # it was closed while it lay idle: once more on a fresh one
        fresh = self._connection = self._connect(self._host, self._port, timeout=self._timeout)
        return self._request(fresh, body)

    def _request(self, connection: HTTPConnection, body: bytes) -> tuple[int, str, float | None, bytes]:
        connection.request("POST", self._target, body, self._headers)
        response = connection.getresponse()
        answer = response.read(_MAX_ANSWER)
        self.answered = {name.lower(): value for name, value in response.headers.items()}
        if response.will_close or not response.isclosed():
            self.close()
        return response.status, response.reason, _retry_after(response), answer


def _retry_after(response: HTTPResponse) -> float | None:
    # Seconds or a date: RFC 9110 §10.2.3.
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()) if text else None
    except (TypeError, ValueError):
        return None
