"""Processes that work through queues, as workers: each tells that it lives."""

from __future__ import annotations

import mmap
import os
import struct
from typing import TYPE_CHECKING, Final

from plainview.capture.runtime import runtime
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from plainview.capture.operations.workers import Worker

__all__ = ["beat", "begin", "end", "returned"]

#: The worker that this process is, while it is one.
_open: Final[list[Worker]] = []
#: Where the children that do its work count for it: its pid, and memory that it has in common with them.
_lent: Final[list[tuple[int, mmap.mmap]]] = []
#: Completed, failed.
_COUNTS: Final = struct.Struct("QQ")


def begin(name: str, *, forks: bool = False) -> None:
    """This process is a worker from here on; a second call does nothing.

    Args:
        name: of the worker.
        forks: whether each piece of its work is done by a child of its own, one at a time; see `returned`.
    """
    try:
        if not _open and runtime().settings.enabled:
            from plainview.capture.operations.workers import worker  # noqa: PLC0415 - few processes are workers

            _open.append(worker(name).start())
            if forks:
                _lent.append((os.getpid(), mmap.mmap(-1, _COUNTS.size)))
    except Exception as error:  # noqa: BLE001 - it works without
        failed(error)


def beat(status: str = "") -> None:
    """Its work gets on: something ended, in this way."""
    completed, wrong = int(status == "completed"), int(status in {"failed", "dead_lettered"})
    for owner, counts in _lent:
        if owner != os.getpid():
            before = _COUNTS.unpack_from(counts)
            _COUNTS.pack_into(counts, 0, before[0] + completed, before[1] + wrong)
            return
    for worker in _open:
        worker.beat(completed=completed, failed=wrong)


def returned() -> None:
    """A child has done its piece of work: it gets on, and what the child counted is the worker's."""
    completed = wrong = 0
    for _, counts in _lent:
        completed, wrong = _COUNTS.unpack_from(counts)
        _COUNTS.pack_into(counts, 0, 0, 0)
    for worker in _open:
        worker.beat(completed=completed, failed=wrong)


def end() -> None:
    """It is none any more."""
    _lent.clear()
    if _open:
        _open.pop().finish()
