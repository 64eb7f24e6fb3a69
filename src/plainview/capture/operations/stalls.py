"""Operations that are watched: one of which nothing is heard for too long is told of, once, as stalled.

Whatever happens to an operation counts as a sign of life, of it and of those that it is a part of: progress, items,
checkpoints, retries, the beginning and the end of what is done inside. The keeper looks; nobody waits.
"""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, Final

from plainview.capture import chores
from plainview.capture.metrics.families import feed
from plainview.context import current

if TYPE_CHECKING:
    from plainview.capture.operations.chronicle import Chronicle

__all__ = ["forget", "heard", "watch", "watched"]

_METRIC: Final = "operations_stalled_total"


class _Patience:
    """How long an operation may be silent, and since when it is; seconds, by the monotonic clock."""

    __slots__ = ("seconds", "since", "told")

    def __init__(self, seconds: float) -> None:
        self.seconds: Final = seconds
        self.since = time.monotonic()
        self.told = False


#: The operations that are watched.
watched: Final[dict[Chronicle, _Patience]] = {}


def watch(operation: Chronicle, seconds: float) -> None:
    """Watch an operation until it ends."""
    watched[operation] = _Patience(seconds)
    chores.add(_look)


def forget(operation: Chronicle) -> None:
    """It has ended."""
    watched.pop(operation, None)


def heard(operation: Chronicle | None) -> None:
    """Something has happened to an operation."""
    clock = time.monotonic()
    while operation is not None:
        patience = watched.get(operation)
        if patience is not None:
            patience.since, patience.told = clock, False
        operation = operation.within


def _look(clock: float) -> float:
    """The keeper comes by."""
    if not watched:
        chores.remove(_look)
        return math.inf
    soonest = math.inf
    for operation, patience in tuple(watched.items()):
        left = patience.since + patience.seconds - clock
        if left > 0:
            soonest = min(soonest, left)
        elif not patience.told:
            patience.told = True
            _tell(operation, clock - patience.since)
    return soonest


def _tell(operation: Chronicle, seconds: float) -> None:
    told = operation._telling  # noqa: SLF001 - as a part of it
    if told is None:
        return
    fields = {"seconds": round(seconds, 1), **operation._reached}  # noqa: SLF001 - as above
    token = current.set(operation.frame())
    try:
        told.tell("stalled", operation.name, fields)
        feed(_METRIC).labels(kind=operation.kind.name, name=operation.name).inc()
        operation._record("warning", data={"stalled": True, **fields}, reason=f"no progress for {seconds:.0f} s")  # noqa: SLF001 - as above
    finally:
        current.reset(token)


os.register_at_fork(after_in_child=watched.clear)
