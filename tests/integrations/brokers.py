"""A Redis of Debian's package, started for the tests of job queues, and the programs that they start: workers."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from harness import free_port, get, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness import Programs

#: How long anything may take before a test gives up: long, for machines that have much else to do.
PATIENCE = 60


def until(found: Callable[[], object], what: str, *, patience: float = PATIENCE) -> object:
    """Wait until something is there; what it is then. Fails, saying what was waited for."""
    deadline = time.monotonic() + patience
    while True:
        value = found()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"waited {patience} s for {what}")
        time.sleep(0.05)


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis that keeps nothing, on a free port of the loopback; its URL, without the number of a database."""
    command = shutil.which("redis-server")
    if command is None:
        pytest.fail("redis-server is missing: `make parts` installs it, or `apt-get install redis-server`")
    for _ in range(5):  # somebody may take the port before it does
        port = free_port()
        options = {"port": port, "bind": "127.0.0.1", "databases": 512, "save": "", "appendonly": "no", "dir": folder}
        given = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        server = subprocess.Popen([command, *given], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while server.poll() is None and not _answers(port) and time.monotonic() < deadline:
            time.sleep(0.02)
        if server.poll() is None:
            break
    else:
        pytest.fail("redis-server found no port to serve on")
    try:
        yield f"redis://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith(b"+PONG")
    return False


class Queueing:
    """Programs around a queue: what they left in the spool, and the workers among them."""

    def __init__(self, programs: Programs, url: str) -> None:
        self.programs = programs
        self.spool = programs.spool
        self.url = url

    @contextmanager
    def working(self, *command: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a worker until the block is left: it ends by SIGTERM."""
        log = self.programs.directory / "worker.txt"
        with log.open("a") as output:
            worker = subprocess.Popen(
                command,
                cwd=self.programs.directory,
                env=self.programs.environment(REDIS_URL=self.url, **variables),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                try:
                    yield worker
                finally:
                    end(worker)
            except BaseException:
                print(log.read_text())
                raise

    def run(self, program: str) -> None:
        """Run a program to its end; it must end well."""
        done = self.programs.run("python", self.programs.write("sender.py", program), variables={"REDIS_URL": self.url})
        assert done.returncode == 0, done.stderr

    def events(self, event: str | None = None, **members: object) -> list[dict]:
        """What was told of operations."""
        return [
            line
            for line in read(self.spool.directory, "operation")
            if event in {None, line["event"]} and all(line.get(key) == value for key, value in members.items())
        ]

    def errors(self, **members: object) -> list[dict]:
        """What went wrong."""
        found = read(self.spool.directory, "error")
        return [line for line in found if all(line.get(key) == value for key, value in members.items())]

    def finished(self, pid: int) -> bool:
        """Whether a process's stream has ended: its folder is locked while it lives."""
        (folder,) = (
            path.parent
            for path in self.spool.directory.glob("spool/[!.]*/process.json")
            if json.loads(path.read_text())["pid"] == pid
        )
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def ends(self, key: str) -> list[tuple[int, str]]:
        """How each attempt of a job ended, by its number."""
        found = self.events("close", kind="job", key=key)
        return sorted((line.get("attempt", 1), line["status"]) for line in found)

    def one(self, event: str, key: str, attempt: int = 1) -> dict:
        """The one event of this name in an attempt of a job."""
        found = [line for line in self.events(event, kind="job", key=key) if line.get("attempt", 1) == attempt]
        assert len(found) == 1, self.events(key=key)
        return found[0]

    def followed(self, key: str, name: str) -> tuple[dict, dict, dict]:
        """Created, begun, ended: a job that the job `order` sent, by one id, in its context and trace, a part of it."""
        created, opened, closed = (self.one(event, key) for event in ("create", "open", "close"))
        (order,) = self.events("open", name="order")
        for line in (created, opened, closed):
            assert (line["name"], line["request_id"], line["project_id"]) == (name, "r1", "p1")
            assert (line["job_id"], line["trace_id"]) == (key, order["trace_id"])
            assert line["parent_id"] == order["operation_id"]
        assert opened["operation_id"] == closed["operation_id"] != created["operation_id"]
        return created, opened, closed

    def consumed(self, ran: list[dict]) -> list[tuple[dict, dict | None]]:
        """Jobs whose spans are their operations, no second one beside them: each, and the span that its is under."""
        spans = {span["span_id"]: span for span in self.spool.spans()}
        assert len(ran) == len(self.spool.spans(kind="CONSUMER"))
        found = []
        for line in ran:
            span = spans[line["operation_id"]]
            assert (span["kind"], span["name"]) == ("CONSUMER", f"run {line['name']}")
            found.append((line, spans.get(span.get("parent_span_id"))))
        return found

    def ended(self) -> dict[str, str]:
        """How each job ended, by its operation_id; what was left open will be abandoned."""
        left = {line["operation_id"]: "abandoned" for line in self.events("open", kind="job")}
        return left | {line["operation_id"]: line["status"] for line in self.events("close", kind="job")}

    def assert_served(self) -> None:
        """A server of all this tells how each job ended, that each worker is no more, and whose each error is."""
        folder, port = self.programs.directory / "served", free_port()
        shutil.copytree(self.spool.directory, folder)  # nobody holds a lock there: its programs have ended
        expected = self.ended()
        begun = {line["operation_id"] for line in self.events("open", kind="worker")}
        errors = [line["error_id"] for line in read(self.spool.directory, "error") if "job_id" in line]
        with self.programs.serving("plainview", "serve", "--dir", folder, "--port", port, port=port):

            def ask(path: str) -> dict:
                return json.loads(get(f"http://127.0.0.1:{port}{path}")[2])

            def jobs() -> dict[str, str]:
                found = ask("/v1/operations?kind=job&limit=200")["operations"]
                return {one["operation_id"]: one["status"] for one in found if one["status"] != "queued"}

            until(lambda: jobs() == expected, f"{expected}; there is {jobs()}")
            workers = {one["operation_id"]: one["state"] for one in ask("/v1/workers")["workers"]}
            assert workers.keys() == begun
            assert "alive" not in workers.values()
            for error in errors:
                operation = ask(f"/v1/related?error={error}")["operation"]
                assert (operation["kind"], operation["status"]) == ("job", expected[operation["operation_id"]])

    def closed(self, count: int, **members: object) -> list[dict]:
        """The ends of so many operations."""
        return until(
            lambda: len(found := self.events("close", **members)) >= count and found,
            f"{count} operations with {members} to end; there were {self.events(**members)}",
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a worker, by force if it does not."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        raise
