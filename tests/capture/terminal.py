"""A terminal that a program runs on, and what a person sees there."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import pyte

if TYPE_CHECKING:
    from pathlib import Path

_COLUMNS, _LINES = 120, 40


class Terminal:
    """Runs one program on a terminal of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written = b""

    def run(self, source: str, *, output: Path | None = None, read: bool = True, **settings: str) -> int:
        """Run a program; its standard error, and its standard output if no file is given for it, are the terminal.

        Args:
            source: of the program.
            output: file for its standard output.
            read: whether somebody looks at the terminal; else it is held up once it is full.
            settings: of Plainview.

        Returns:
            Its exit code.
        """
        path = self.folder / "shown.py"
        path.write_text(textwrap.dedent(source))
        ours, theirs = pty.openpty()
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PLAINVIEW_", "OTEL_")) and name not in {"NO_COLOR", "CI"}
        }
        environment |= {"TERM": "xterm-256color", "COLUMNS": str(_COLUMNS), "LINES": str(_LINES)}
        environment |= {"PLAINVIEW_DIR": str(self.folder / "data"), "PLAINVIEW_SERVICE": "shown"}
        environment |= {"PLAINVIEW_ENVIRONMENT": "production", "PLAINVIEW_FILE": "{dir}/log"}
        environment |= {f"PLAINVIEW_{name.upper()}": value for name, value in settings.items()}
        with (output or self.folder / "unused").open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, str(path)],
                stdin=theirs,
                stdout=file if output is not None else theirs,
                stderr=theirs,
                env=environment,
                start_new_session=True,
            )
            os.close(theirs)
            try:
                if read:
                    self._read(ours)
                return process.wait(timeout=60)
            finally:
                process.kill()
                process.wait()
                os.close(ours)

    def _read(self, descriptor: int) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if not select.select([descriptor], [], [], 1.0)[0]:
                continue
            try:
                data = os.read(descriptor, 65536)
            except OSError:  # the program has ended
                return
            if not data:
                return
            self.written += data

    @property
    def lines(self) -> list[str]:
        """What stands on it in the end, from the first line on, without the empty ones."""
        screen = pyte.HistoryScreen(_COLUMNS, _LINES, history=10_000, ratio=1.0)
        pyte.Stream(screen).feed(self.written.decode())
        above = ["".join(line[column].data for column in range(_COLUMNS)) for line in screen.history.top]
        return [line.rstrip() for line in (*above, *screen.display) if line.strip()]
