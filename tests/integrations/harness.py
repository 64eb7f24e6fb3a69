"""What these tests share: a reader of the spool, the server's side of ASGI, programs that are run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from plainview.bootstrap import PATH
from spooled import lines

BIN = Path(sys.executable).parent


def read(directory: Path, kind: str) -> list[dict]:
    """All whole lines of a kind in a spool, over all streams, by time."""
    return sorted(lines(directory, kind), key=lambda line: line.get("timestamp") or line["end_time_unix_nano"])


class Spool:
    """What was captured into a folder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def logs(self, logger: str | None = None, **fields) -> list[dict]:
        return [
            line
            for line in read(self.directory, "log")
            if logger in {None, line["logger"]} and all(line.get(key) == value for key, value in fields.items())
        ]

    def spans(self, **fields) -> list[dict]:
        return [
            line
            for line in read(self.directory, "span")
            if all(line.get(key) == value for key, value in fields.items())
        ]

    def requests(self) -> list[dict]:
        """The one line of each request."""
        words = ("completed", "failed", "cancelled", "closed", "rejected")
        return [
            line
            for line in self.logs("plainview.http")
            if line["message"].startswith(("request ", "websocket "))
            and line["message"].endswith(words)
            and "validation" not in line["message"]
        ]

    def request(self) -> dict:
        (line,) = self.requests()
        return line

    def internal_errors(self) -> int:
        """Errors of ours that were counted, once the status file has been rewritten."""
        return sum(
            json.loads(path.read_bytes())["internal_errors"] for path in self.directory.glob("spool/[!.]*/status")
        )

    def pids(self) -> set[int]:
        return {json.loads(path.read_text())["pid"] for path in self.directory.glob("spool/[!.]*/process.json")}

    def paths(self) -> Counter:
        """How many lines there are of each path."""
        return Counter(line["extra"]["path"] for line in self.requests())


@dataclass
class Response:
    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    complete: bool = False


async def call(app, path="/", method="GET", *, headers=None, body=(b"",), gone=False, on_message=None, **scope):  # noqa: PLR0913 - all that a client can do
    """The server's part of an ASGI request: sends the body in its pieces, collects the response.

    ``gone``: the client goes away as soon as the response has begun, or at once if it never does.
    """
    response = Response()
    pieces = list(body)
    given = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]

    async def receive():
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}
        if not gone:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            response.status = message["status"]
            response.headers = {key.decode(): value.decode("latin-1") for key, value in message.get("headers", ())}
        elif message["type"] == "http.response.body":
            response.body += message.get("body", b"")
            response.complete = not message.get("more_body", False)
        if on_message is not None:
            on_message(message)

    await app(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "headers": given,
            "client": ("127.0.0.1", 4711),
            "server": ("127.0.0.1", 80),
            **scope,
        },
        receive,
        send,
    )
    return response


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url, **headers):
    """Status, headers and body of a real request."""
    request = urllib.request.Request(url, headers={key.replace("_", "-"): value for key, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, _lower(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, _lower(error.headers), error.read()


def _lower(headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


class Programs:
    """Programs that run under Plainview without a line of code, each test's in a folder of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.spool = Spool(directory / "data")
        self.spool.directory.mkdir()

    def write(self, name: str, source: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return path

    def environment(self, **variables: str) -> dict[str, str]:
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PLAINVIEW_", "OTEL_", "PYTHON", "COV_", "PYTEST"))
        }
        return clean | {
            # A worker that is asked to end before it has begun never hears of it: gunicorn is not to wait long for it.
            "GUNICORN_CMD_ARGS": "--graceful-timeout 3",
            "PATH": f"{BIN}{os.pathsep}{clean['PATH']}",
            "PLAINVIEW_CONSOLE": "off",
            "PLAINVIEW_DIR": str(self.spool.directory),
            "PLAINVIEW_RUN_PID": "0",
            "PYTHONPATH": str(PATH),
            **variables,
        }

    def run(self, *command: str, variables=None, **options) -> subprocess.CompletedProcess:
        """Run a program to its end."""
        return subprocess.run(
            [str(word) for word in command],
            cwd=self.directory,
            env=self.environment(**(variables or {})),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **options,
        )

    @contextmanager
    def serving(self, *command: str, port: int, variables=None, end=signal.SIGTERM):
        """Run a server until the block is left; yields the process once it answers."""
        output = (self.directory / "output.txt").open("w+")
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=self.directory,
            env=self.environment(**(variables or {})),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + 60
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                if process.poll() is not None or time.monotonic() > deadline:
                    output.seek(0)
                    pytest.fail(f"the server does not serve: {output.read()}")
                time.sleep(0.05)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(end)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
            finally:
                output.close()

    def output(self) -> str:
        return (self.directory / "output.txt").read_text()
