from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from store_records import Opener

import plainview.store


@pytest.fixture
def opened(tmp_path):
    """Opens stores that are closed at the end of the test; in ``tmp_path / "store"`` when no folder is given."""
    with ExitStack() as stack:

        def open_one(directory: Path | None = None, **options):
            store = plainview.store.open(directory or tmp_path / "store", **options)
            stack.callback(store.close)
            return store

        yield Opener(open_one)


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
