"""A configuration of capture in a folder of its own, and a reader of its spool."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path  # noqa: TC003 - named at run time by the tests that import it

import plainview
from spooled import lines


def read(directory: Path, kind: str = "log") -> list[dict]:
    """All whole lines of a kind in a spool, over all streams, logs by time."""
    return sorted(lines(directory, kind), key=lambda record: record.get("timestamp", ""))


def status(directory: Path) -> dict:
    """The status file of the only stream."""
    (path,) = (directory / "spool").glob("[!.]*/status")
    return json.loads(path.read_bytes())


class Capture:
    """A configuration under test."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def configure(self, **given):
        settings = {"service": "test", "environment": "production", "file": "", "dir": str(self.directory)}
        return plainview.configure(**(settings | given))

    def logs(self) -> list[dict]:
        return read(self.directory)

    def last(self) -> dict:
        return self.logs()[-1]

    def spans(self) -> list[dict]:
        return read(self.directory, "span")

    def program(self, source: str, *arguments: str, **options) -> subprocess.CompletedProcess:
        """Run a program that has been configured, in a process of its own."""
        path = self.directory.parent / "program.py"
        head = (
            "import os, sys, time, threading, logging, plainview\n"
            f"plainview.configure(service='test', environment='production', file='', dir={str(self.directory)!r})\n"
            "log = plainview.get_logger('program')\n"
        )
        path.write_text(head + textwrap.dedent(source))
        command = [sys.executable, str(path), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)
