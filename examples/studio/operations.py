"""How the studio tells of its work: a span, a line when it starts and when it ends, numbers, and what it is part of.

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
    """How a kind of work is told: the levels of its events, whether a failure comes with its stack trace, its metrics.

    The metrics are those that have their names already (`plainview.metric`); ``label`` takes the name of the work.
    """

    started: str = "INFO"
    progress: str = "DEBUG"
    retrying: str = "WARNING"
    completed: str = "INFO"
    failed: str = "ERROR"
    stack: bool = False
    label: str = ""
    begins: str = ""
    running: str = ""
    ends: str = ""
    lasts: str = ""
    retries: str = ""


KINDS: Final = {
    "job": Kind(
        stack=True,
        label="job_type",
        running="jobs_in_progress",
        ends="jobs_completed_total",
        lasts="job_duration_seconds",
    ),
    "stage": Kind(),
    "batch": Kind(begins="batches_created_total", ends="batches_completed_total", lasts="batch_duration_seconds"),
    "batch item": Kind(started="DEBUG", completed="DEBUG", failed="WARNING", ends="batch_items_processed_total"),
    "engine": Kind(
        stack=True,
        label="engine_name",
        ends="engine_executions_total",
        lasts="engine_duration_seconds",
        retries="engine_retries_total",
    ),
}


class Operation:
    """Work in progress. What is put into ``result`` is told when it completes."""

    def __init__(self, kind: str, name: str) -> None:
        self.log = plainview.get_logger(f"studio.{kind.replace(' ', '_')}")
        self.kind, self.name = kind, name
        self.result: dict[str, Any] = {}

    def measured(self, metric: str, **labels: str) -> Any:  # noqa: ANN401 - whichever kind it is
        """The series of a metric that belongs to this work."""
        label = KINDS[self.kind].label
        if label:
            labels[label] = self.name
        found = plainview.metric(metric)
        return found.labels(**labels) if labels else found

    def tell(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - told as they are
        """Tell of one of the events that `Kind` lists."""
        if event == "retrying" and KINDS[self.kind].retries:
            self.measured(KINDS[self.kind].retries).inc()
        message = f"{self.kind} {event}: {self.name}"
        self.log.log(getattr(KINDS[self.kind], event), message, **{self.kind.replace(" ", "_"): self.name}, **fields)


@contextmanager
def operation(kind: str, name: str, **fields: Any) -> Iterator[Operation]:  # noqa: ANN401 - told as they are
    """Tell of the work in a ``with`` block; ``fields`` say what it works on."""
    work = Operation(kind, name)
    with plainview.span(f"{kind} {name}", **fields) as span, _measuring(work):
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


@contextmanager
def _measuring(work: Operation) -> Iterator[None]:
    kind = KINDS[work.kind]
    if kind.begins:
        work.measured(kind.begins).inc()
    if kind.running:
        work.measured(kind.running).inc()
    began, status = time.perf_counter(), "failed"
    try:
        yield
        status = "completed"
    finally:
        if kind.running:
            work.measured(kind.running).dec()
        if kind.ends:
            work.measured(kind.ends, status=status).inc()
        if kind.lasts:
            work.measured(kind.lasts).observe(time.perf_counter() - began)


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1e3, 1)
