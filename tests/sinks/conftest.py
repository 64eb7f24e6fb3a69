"""A small real HTTP server that keeps what it is sent and answers as it is told."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import msgspec
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class Receiver:
    """What arrived, and the answers still to be given: (status, headers, body), then 200."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    #: Larger bodies (as sent) are answered with 413.
    limit: int = 1 << 30
    #: Close each connection after this many requests, without saying so.
    hang_up_after: int = 1 << 30

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, body))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()
    numbers = iter(range(1 << 30))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self):
            super().setup()
            self.number, self.served = next(numbers), 0

        def do_POST(self):
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(sent) if self.headers.get("Content-Encoding") == "gzip" else sent
            if len(sent) > state.limit:
                status, headers, answer = 413, {}, b"too much"
            else:
                state.requests.append(Request(self.path, dict(self.headers), body, self.number))
                status, headers, answer = state.answers.pop(0) if state.answers else (200, {}, b"{}")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            self.served += 1
            self.close_connection = self.close_connection or self.served >= state.hang_up_after

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def line():
    """Makes a log line."""

    def make(**fields) -> bytes:
        return msgspec.json.encode(
            {
                "timestamp": "2026-11-22T01:47:55.123456Z",
                "level": "INFO",
                "logger": "studio.api",
                "message": "book created",
                "service": "studio",
                "environment": "development",
                **fields,
            }
        )

    return make
