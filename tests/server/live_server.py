"""A real server on a real port, with a real store."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from plainview.server.serving import Serving
from plainview.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: A token for the servers that have one.
TOKEN = "a-token-for-tests-only"


class Running:
    """A server in a thread, and a client of it."""

    def __init__(self, serving: Serving, token: str = "") -> None:
        self.serving = serving
        self.url = serving.url
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False)

    def ingest(self, *records: dict[str, Any]) -> None:
        """Send records, and wait until they are stored."""
        usual = {"timestamp": "2026-11-20T12:00:00Z", "level": "INFO", "message": "hello"}
        before = self._stored()
        lines = [record if "start_time_unix_nano" in record else usual | record for record in records]
        body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        answer = self.client.post("/v1/ingest", content=body, headers={"Content-Type": "application/x-ndjson"})
        assert answer.json() == {"accepted": len(records), "rejected": 0, "errors": []}
        until = time.monotonic() + 30
        while self._stored() < before + len(records):
            assert time.monotonic() < until
            time.sleep(0.01)

    def _stored(self) -> int:
        store = self.serving.store
        # The server adds lines of its own when an error is new.
        logs = store.query("SELECT count(*) FROM logs WHERE logger <> 'plainview.errors'").rows[0][0]
        return logs + sum(map(store.last_id, ("spans", "error_occurrences", "operations")))

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        """POST JSON and read JSON."""
        answer = self.client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, path: str, status: int = 200, **params: Any) -> Any:
        """GET JSON."""
        answer = self.client.get(path, params=params)
        assert answer.status_code == status, answer.text
        return answer.json()


@contextmanager
def run_server(directory: Path, token: str = "", **given: Any) -> Iterator[Running]:
    """A server of a directory for as long as the block lasts."""
    settings = load({}, dir=str(directory), port=0, token=token, **given)
    serving = Serving.open(settings)
    ready = threading.Event()
    thread = threading.Thread(target=serving.run, args=(lambda _: ready.set(),))
    thread.start()
    assert ready.wait(20)
    running = Running(serving, token)
    try:
        yield running
    finally:
        running.client.close()
        serving.app.state.server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def assert_problem(answer: httpx.Response, status: int, field: str | None = None) -> dict[str, Any]:
    """The answer is a problem of this status that names this field."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    if field is not None:
        assert field in [error["field"] for error in problem["errors"]], problem
    return problem
