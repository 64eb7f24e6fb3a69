"""HTTP/1.1 as uvicorn speaks it, with its one own error told the way all others are."""

from __future__ import annotations

from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from plainview.server.problems import problem

__all__ = ["Protocol"]


class Protocol(H11Protocol):
    """Answers what is no HTTP with a problem (RFC 9457) rather than plain text."""

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that cannot be read, and close the connection."""
        response = problem(HTTPStatus.BAD_REQUEST, msg or "This is not HTTP/1.1")
        headers = [*response.raw_headers, (b"connection", b"close")]
        for event in (
            h11.Response(status_code=response.status_code, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(response.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
