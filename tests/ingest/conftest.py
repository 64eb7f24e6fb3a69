from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from ingest_desk import Desk


@pytest.fixture
def desk(tmp_path):
    with ExitStack() as stack:
        yield Desk(tmp_path, stack)


@pytest.fixture
def eventually():
    """Waits until something is so; how long it takes is no matter of the test."""

    def wait(is_so, timeout: float = 60.0):
        end = time.monotonic() + timeout
        while not (found := is_so()):
            assert time.monotonic() < end, "it never came about"
            time.sleep(0.02)
        return found

    return wait


@pytest.fixture
def process(tmp_path):
    """Runs a program in a process of its own; it can import what the tests import."""
    started = []

    def start(code: str, *arguments: object) -> subprocess.Popen[str]:
        program = tmp_path / f"program{len(started)}.py"
        program.write_text(f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n{code}", encoding="utf-8")
        started.append(
            subprocess.Popen(
                [sys.executable, str(program), *map(str, arguments)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()
