"""Child processes that live no longer than the one that started them.

Each is the leader of a session of its own: Ctrl-C on the terminal reaches the parent alone, which stops them in order.
When the parent is killed, the kernel kills them (on Linux; elsewhere they go on).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["Child", "ending", "free_port", "stop"]

_PR_SET_PDEATHSIG: Final = 1
_TAIL_BYTES: Final = 8192
_OUTPUT_BYTES: Final = 4 << 20


class Child:
    """A process that can be started again.

    Args:
        name: what people call it.
        command: program and arguments.
        environ: all of its environment.
        output: file that takes what it prints; emptied at the first start.
        port: of the loopback address, where it listens once it is ready; None: it is ready at once.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, environ: Mapping[str, str], output: Path, port: int | None = None
    ) -> None:
        self.name: Final = name
        self.command: Final = list(command)
        self.output: Final = output
        self.port: Final = port
        #: How often it was started.
        self.starts = 0
        #: When it was started last, on the monotonic clock.
        self.started = 0.0
        self._environ: Final = dict(environ)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again.

        Raises:
            OSError: the program cannot be run.
        """
        if not self.starts:
            self.output.write_bytes(b"")
        with self.output.open("ab") as output:  # to append, so that it can be cut while the process writes
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                self.command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent(),  # noqa: PLW1509 - one call to the system; started before any thread is
            )
        self.starts += 1
        self.started = time.monotonic()

    @property
    def pid(self) -> int:
        """Its process id; 0 before the first start."""
        return self._process.pid if self._process is not None else 0

    @property
    def exit_code(self) -> int | None:
        """What it ended with (negative: the signal's number); None while it runs or before the first start."""
        return self._process.poll() if self._process is not None else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def ready(self) -> bool:
        """Whether it runs, and listens where it should."""
        if not self.running:
            return False
        if self.port is None:
            return True
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=0.5):
            return True
        return False

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it, and to what it started itself."""
        if self.running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def trim_output(self) -> None:
        """Forget what it printed when that has become much."""
        with contextlib.suppress(OSError):
            if self.output.stat().st_size > _OUTPUT_BYTES:
                os.truncate(self.output, 0)

    def last_lines(self, count: int = 12) -> list[str]:
        """The last lines that it printed."""
        with contextlib.suppress(OSError), self.output.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            return file.read().decode(errors="replace").strip().splitlines()[-count:]
        return []


def ending(exit_code: int) -> str:
    """An exit code in words: ``ended with code 1``, ``killed by SIGKILL``."""
    if exit_code >= 0:
        return f"ended with code {exit_code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"killed by signal {-exit_code}"


def stop(children: Sequence[Child], *, patience: float, hurry: Callable[[], bool] = lambda: False) -> None:
    """End processes: they are asked to, and after ``patience`` seconds (or in a ``hurry``) are killed."""
    for child in children:
        child.send(signal.SIGTERM)
    deadline = time.monotonic() + patience
    while any(child.running for child in children) and time.monotonic() < deadline and not hurry():
        time.sleep(0.05)
    for child in children:
        child.send(signal.SIGKILL)
    while any(child.running for child in children):  # only a process that waits for a device takes longer than that
        time.sleep(0.02)


def free_port(wanted: int = 0) -> int:
    """A port of the loopback address that nobody listens on: the wanted one if it is free, else any."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    msg = "no free port on the loopback address"
    raise OSError(msg)


def _die_with_parent() -> Callable[[], None] | None:
    """What a child does between fork and exec so that it is killed when its parent is gone."""
    if not sys.platform.startswith("linux"):
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()  # loaded here: after the fork nothing is to be loaded

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it is gone already
            os._exit(1)

    return ask_kernel
