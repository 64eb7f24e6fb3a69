"""A demo that runs, and how to wait for what it does."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import psutil
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def eventually(condition, seconds: float, what: str) -> Any:
    """The first true value of the condition."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    pytest.fail(f"not within {seconds:g} s: {what}")


class Demo:
    """`plainview demo`, started as a user does."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        self._printed = directory / f"printed-{uuid.uuid4()}.txt"
        with self._printed.open("wb") as printed:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "plainview.cli", "demo", "--dir", str(directory / "demo"), *arguments],
                stdout=printed,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env={**os.environ, "COLUMNS": "200"},
                start_new_session=True,
            )

    @property
    def printed(self) -> str:
        return self._printed.read_text(errors="replace")

    @property
    def url(self) -> str:
        found = eventually(lambda: self._said(r"(http://127\.0\.0\.1:\d+)/logs"), 30, "the address of the server")
        return found[1]

    def _said(self, pattern: str):
        if self.process.poll() not in {None, 0}:
            pytest.fail(f"the demo ended with {self.process.returncode}:\n{self.printed}")
        return re.search(pattern, self.printed)

    def wait_until_open(self) -> None:
        eventually(lambda: self._said("Ctrl-C"), 40, "the studio to be open")

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, text: str) -> psutil.Process | None:
        """The child whose command has the text."""
        for child in self.children():
            with contextlib.suppress(psutil.Error):
                if text in " ".join(child.cmdline()):
                    return child
        return None

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the server's HTTP API."""
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
