"""A small HTTP port for a process without a web server: ``/metrics`` and ``/health/live``.

Whichever process of the service gets the port answers for all of them; when it ends, another one takes over within a
second. Nothing here can hold up the application: it is served by threads of its own, few at a time.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6, SO_REUSEADDR, SOL_SOCKET, create_connection
from typing import TYPE_CHECKING, Any, Final

from plainview.capture.daemon import begin
from plainview.capture.runtime import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    #: What is asked for: a look-up of request headers by name → status, headers, body.
    Answer = Callable[[Callable[[str], str | None]], tuple[int, list[tuple[str, str]], bytes]]

__all__ = ["Port"]

_AT_ONCE: Final = 8
_PATIENCE_SECONDS: Final = 10
_ASK_SECONDS: Final = 1.0
_SERVER: Final = "plainview"


class Port:
    """The port of this process, once it has it.

    Args:
        address: host and port to listen on.
        answers: path → what answers it.
    """

    def __init__(self, address: tuple[str, int], answers: dict[str, Answer]) -> None:
        self._address: Final = address
        self._answers: Final = answers
        self._server: _Server | None = None
        self._said = False

    @property
    def number(self) -> int | None:
        """The port that this process listens on; None: it does not."""
        return self._server.server_port if self._server is not None else None

    def attempt(self) -> None:
        """Listen, unless that is done already, by this process or by another one."""
        if self._server is not None:
            return
        try:
            server = self._server = _Server(self._address, self._answers)
        except OSError as error:
            if not self._said:
                self._said = True
                if not _is_ours(self._address):
                    reason = error.strerror or str(error)
                    where = dict(zip(("host", "port"), self._address, strict=True))
                    get_logger("plainview.metrics").warning("no port for the metrics", reason=reason, **where)
        else:
            if not begin(threading.Thread(target=server.serve_forever, name="plainview-port", daemon=True)):
                self._server = None  # nobody would answer, and `close` would wait for somebody to
                server.server_close()

    def after_fork(self) -> None:
        """A forked child lets go of its parent's socket: nobody would answer on it once the parent is gone."""
        server, self._server = self._server, None
        if server is not None:
            server.socket.close()

    def close(self) -> None:
        """Listen no more."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


def _is_ours(address: tuple[str, int]) -> bool:
    """Whether what listens there is the port of another process like this one."""
    try:
        with create_connection(address, timeout=_ASK_SECONDS) as connection:
            connection.sendall(b"HEAD /health/live HTTP/1.0\r\n\r\n")
            return f"\nServer: {_SERVER}" in connection.recv(1024).decode("latin-1")
    except OSError:
        return False


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    #: What waits while all threads are busy.
    request_queue_size = 16

    def __init__(self, address: tuple[str, int], answers: dict[str, Answer]) -> None:
        self.answers: Final = answers
        self.address_family = AF_INET6 if ":" in address[0] else AF_INET
        self._free: Final = threading.BoundedSemaphore(_AT_ONCE)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # As in the parent's parent: what comes between looks up the name of the host, which may take half a minute.
        self.socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's
        """A client that went away is not worth a word on the application's standard error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = _SERVER
    timeout = _PATIENCE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        answer = self.server.answers.get(self.path.partition("?")[0])
        if answer is None:
            status, headers, body = 404, [("Content-Type", "text/plain; charset=utf-8")], b"not found\n"
        else:
            status, headers, body = answer(self.headers.get)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - http.server's

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - http.server's
        """Scrapes are not worth a line."""
