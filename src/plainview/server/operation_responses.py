"""What answers about operations hold, for the API's description; built in :mod:`plainview.query.operations`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from plainview.query.operations.folding import Status  # noqa: TC001 - pydantic looks at it
from plainview.server.issue_responses import RelatedError, RelatedLogs  # noqa: TC001 - as above

__all__ = ["Operation", "OperationDetail", "OperationPage", "OperationSummary", "Workers"]


class Operation(BaseModel):
    """One operation as it is now. What is not known is null."""

    operation_id: str = Field(examples=["b7ad6b7169203331"])
    kind: str = Field(description="`job`, `stage`, `engine`, `batch`, `run`, `agent`, `worker`, `task`, or its own.")
    name: str
    key: str | None = Field(description="The id that the application knows it by.")
    parent_id: str | None = Field(description="The operation that it is a part of.")
    status: Status
    service: str
    environment: str
    version: str
    host: str
    pid: int
    started_at: str = Field(description="Of one that waits: when it was created.")
    ended_at: str | None
    last_seen: str
    duration_ms: float | None = Field(description="So far, while it runs; null while it waits.")
    attempt: int
    attempts: int = Field(description="How often it was begun, as far as is known.")
    done: float | None
    total: float | None
    percent: float | None
    items_failed: int = Field(description="Of those that are `done`.")
    step: str | None
    cpu_ms: float | None
    memory_peak_bytes: int | None
    memory_delta_bytes: int | None
    rows: int | None
    reason: str | None = Field(description="Why it failed, was abandoned, or is tried again.")
    error_type: str | None
    error_id: str | None
    failed_in: str | None = Field(description="Kind and name of the innermost operation that failed first.")
    recovers: str | None = Field(description="The attempt that it goes on from.")
    checkpoint: dict[str, Any] | None = Field(description="What the last checkpoint told.")
    trace_id: str | None
    span_id: str | None
    request_id: str | None
    job_id: str | None
    batch_id: str | None
    run_id: str | None
    project_id: str | None
    user_id: str | None


class OperationPage(BaseModel):
    """A page of operations."""

    operations: list[Operation]
    total: int
    next: str | None


class OperationBar(BaseModel):
    """What began and ended in a stretch of time. ``other``: cancelled, abandoned."""

    start: str
    end: str
    completed: int
    failed: int = Field(description="Dead-lettered ones as well.")
    other: int
    started: int


class FailureReason(BaseModel):
    """Why some of a name failed; texts that differ in their variable parts are one."""

    reason: str
    error_type: str | None
    failed_in: str | None
    count: int
    error_id: str | None = Field(description="An occurrence that tells of it.")


class OperationName(BaseModel):
    """All operations of a kind and name. Durations are of those that told theirs when they ended; exact."""

    kind: str
    name: str
    count: int
    by_status: dict[str, int]
    running: int
    success_rate: float | None = Field(description="0 to 1, of those that ended.")
    throughput_per_hour: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    mean_ms: float | None
    retries: int
    cpu_ms: float | None
    memory_peak_bytes: int | None
    rows: int | None
    last_started_at: str | None
    last_status: Status | None
    expected: bool | None = Field(description="Of engines: whether the application said that it has it.")
    over_time: list[int] = Field(description="How many ended in each stretch of time.")
    reasons: list[FailureReason] = Field(description="The five most frequent.")


class KindCount(BaseModel):
    """How many there are of a kind."""

    kind: str
    count: int


class OperationSummary(BaseModel):
    """Operations summed up."""

    by_status: dict[str, int]
    running: int
    throughput_per_hour: float = Field(description="Of those that ended in the range.")
    over_time: list[OperationBar]
    names: list[OperationName] = Field(description="Those with most operations first; at most 500.")
    kinds: list[KindCount]


class OperationEvent(BaseModel):
    """Something that an operation told, with the members of its line that say anything."""

    model_config = ConfigDict(extra="allow")

    timestamp: str
    event: str
    data: dict[str, Any]


class OperationTrace(BaseModel):
    """A trace, and where the screen shows it."""

    trace_id: str
    url: str


class Ancestor(BaseModel):
    """An operation that another one is a part of."""

    operation_id: str
    kind: str
    name: str


class TimelineItem(BaseModel):
    """One operation on the time line of a run, or of another one that it is a part of."""

    operation_id: str
    parent_id: str | None
    kind: str
    name: str
    started_at: str
    duration_ms: float | None = Field(description="So far, while it runs.")
    status: Status


class OperationDetail(BaseModel):
    """One operation whole."""

    operation: Operation
    inputs: dict[str, Any] | None
    results: dict[str, Any] | None
    configuration: Any
    events: list[OperationEvent] = Field(description="Oldest first; the latest 2,000, and 500 that come regularly.")
    attempts: list[Operation] = Field(description="Of the same kind and key, oldest first.")
    children: list[Operation] = Field(description="Its parts, oldest first; at most 500.")
    timeline: list[TimelineItem] = Field(
        description="Its parts and theirs, however deep, oldest first; of many, the 2,000 that took longest."
    )
    timeline_more: int = Field(description="How many of these there are beside those of `timeline`.")
    ancestors: list[Ancestor] = Field(description="The outermost first.")
    items_failed: list[OperationEvent]
    logs: RelatedLogs
    trace: OperationTrace | None
    errors: list[RelatedError]


class Worker(Operation):
    """A worker, and what it does."""

    state: Literal["alive", "late", "lost", "ended"]
    last_heartbeat: str | None
    heartbeat_age_seconds: float | None
    interval_seconds: float | None
    current: list[Operation]
    completed: int
    failed: int


class Workers(BaseModel):
    """Workers that live, and those that ended or were lost within a day."""

    workers: list[Worker]
