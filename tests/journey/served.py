"""`plainview serve` in a process of its own, and what a user would ask it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from pathlib import Path

#: No setting of the machine that the tests run on reaches the programs under test.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("PLAINVIEW_")}


def command(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Run a `plainview` command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "plainview.cli", *arguments],
        capture_output=True, text=True, timeout=120, check=False, env=CLEAN | variables,
    )  # fmt: skip


class Server:
    """A server of one directory, started, stopped and killed as often as a test wants."""

    def __init__(self, directory: Path, **variables: str) -> None:
        self.directory = directory
        self.variables = variables
        self.process: subprocess.Popen | None = None
        self.url = ""

    def start(self) -> Server:
        arguments = ["serve", "--dir", str(self.directory), "--port", "0"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "plainview.cli", *arguments],
            env=CLEAN | self.variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.url = until(self._url)
        return self

    def _url(self) -> str:
        assert self.process is not None
        assert self.process.poll() is None, "the server ended"
        try:
            told = json.loads((self.directory / "server.json").read_text())
            if told["pid"] == self.process.pid and httpx.get(f"{told['url']}/v1/health/ready").status_code == 200:
                return told["url"]
        except (OSError, ValueError, httpx.HTTPError):
            pass
        return ""

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=15)

    def search(self, **body) -> dict:
        headers = (
            {"Authorization": f"Bearer {self.variables['PLAINVIEW_TOKEN']}"}
            if "PLAINVIEW_TOKEN" in self.variables
            else {}
        )
        answer = httpx.post(f"{self.url}/v1/logs/search", json=body, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def all(self, **body) -> list[dict]:
        """Everything that a search finds, page by page."""
        page = self.search(limit=10_000, **body)
        found = page["logs"]
        while page["next"]:
            page = self.search(limit=10_000, cursor=page["next"], **body)
            found += page["logs"]
        return found


def until(condition, seconds: float = 60.0):
    """Wait until something is true, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found
