"""Processes that work through queues, as workers: each tells that it lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from plainview.capture.runtime import runtime
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from plainview.capture.operations.workers import Worker

__all__ = ["beat", "begin", "end"]

#: The worker that this process is, while it is one.
_open: Final[list[Worker]] = []


def begin(name: str) -> None:
    """This process is a worker from here on; a second call does nothing."""
    try:
        if not _open and runtime().settings.enabled:
            from plainview.capture.operations.workers import worker  # noqa: PLC0415 - few processes are workers

            _open.append(worker(name).start())
    except Exception as error:  # noqa: BLE001 - it works without
        failed(error)


def beat(status: str = "") -> None:
    """Its work gets on: something ended, in this way."""
    for worker in _open:
        worker.beat(completed=int(status == "completed"), failed=int(status in {"failed", "dead_lettered"}))


def end() -> None:
    """It is none any more."""
    if _open:
        _open.pop().finish()
