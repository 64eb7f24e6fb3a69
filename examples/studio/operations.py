"""How the studio tells of its work: a span, a line when it starts, a line when it ends, and what it is part of.

All kinds of work are told alike; what differs between them stands in `KINDS`.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import plainview

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["KINDS", "Kind", "Operation", "operation"]


class Kind(NamedTuple):
    """How a kind of work is told: the levels of its events, and whether a failure comes with its stack trace."""

    started: str = "INFO"
    progress: str = "DEBUG"
    retrying: str = "WARNING"
    completed: str = "INFO"
    failed: str = "ERROR"
    stack: bool = False


KINDS: Final = {
    "job": Kind(stack=True),
    "stage": Kind(),
    "batch": Kind(),
    "batch item": Kind(started="DEBUG", completed="DEBUG", failed="WARNING"),
    "engine": Kind(stack=True),
}


class Operation:
    """Work in progress. What is put into ``result`` is told when it completes."""

    def __init__(self, kind: str, name: str) -> None:
        self.log = plainview.get_logger(f"studio.{kind.replace(' ', '_')}")
        self.kind, self.name = kind, name
        self.result: dict[str, Any] = {}

    def tell(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - told as they are
        """Tell of one of the events that `Kind` lists."""
        message = f"{self.kind} {event}: {self.name}"
        self.log.log(getattr(KINDS[self.kind], event), message, **{self.kind.replace(" ", "_"): self.name}, **fields)


@contextmanager
def operation(kind: str, name: str, **fields: Any) -> Iterator[Operation]:  # noqa: ANN401 - told as they are
    """Tell of the work in a ``with`` block; ``fields`` say what it works on."""
    work = Operation(kind, name)
    with plainview.span(f"{kind} {name}", **fields) as span:
        work.tell("started", **fields)
        began = time.perf_counter()
        try:
            yield work
        except Exception as error:
            reason = {"exc_info": error} if KINDS[kind].stack else {"reason": f"{type(error).__name__}: {error}"}
            work.tell("failed", duration_ms=_since(began), **reason, **fields)
            raise
        span.set_attributes(work.result)
        work.tell("completed", duration_ms=_since(began), **work.result)


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1e3, 1)
