"""What answers about runs hold, for the API's description; they are built in :mod:`plainview.query.runs`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from plainview.query.operations.folding import Status  # noqa: TC001 - pydantic looks at it
from plainview.server.operation_responses import Operation, TimelineItem
from plainview.server.responses import Level, LogEntry  # noqa: TC001 - as above

__all__ = ["Run", "RunAnalysis", "RunComparisonResult", "RunDetail", "RunPage", "RunTrendResult"]

Figure = Literal["duration_ms", "memory_peak_bytes", "rows", "rows_per_second"]


class Run(Operation):
    """One run as it is now: an operation, and what only runs have."""

    run_id: str = Field(examples=["20261125_184500-3f9c2a71"])
    errors: int = Field(
        description="Lines from ERROR up, and exceptions told of without a line; an exception counts once."
    )
    warnings: int = Field(description="Lines at WARNING.")
    checks: dict[str, int] = Field(description="How many went `pass`, `warning`, `fail`.")
    rows_per_second: float | None
    parameters: dict[str, Any]
    git_commit: str | None
    earlier_durations_ms: list[float] = Field(
        description="Of up to 20 runs of its name, service and environment that completed before it, oldest first."
    )
    out_of_line: bool = Field(description="Whether `unusual` has any.")
    unusual: list[Figure] = Field(description="Figures that are out of line with those of the runs before it.")


class RunPage(BaseModel):
    """A page of runs."""

    runs: list[Run]
    total: int
    next: str | None


class RunOperation(BaseModel):
    """All operations of one kind and name within a run. Spans that are no operations have the kind `span`."""

    kind: str
    name: str
    count: int
    failed: int
    total_ms: float
    mean_ms: float
    max_ms: float
    share: float | None = Field(description="Of the run's time so far; more than 1 where several went on at once.")
    cpu_ms: float | None
    memory_peak_bytes: int | None
    rows: int | None


class RunCheck(BaseModel):
    """One check of data quality."""

    timestamp: str
    name: str
    value: Any
    thresholds: Any
    result: str = Field(description="`pass`, `warning` or `fail`.")
    fields: Any = Field(description="Whatever else was said.")


class RunFile(BaseModel):
    """A file that a run left behind."""

    timestamp: str
    path: str
    bytes: float | None


class RunWarning(BaseModel):
    """A warning that the run gave of itself."""

    timestamp: str
    text: str


class RunSample(BaseModel):
    """What a run used at a moment."""

    timestamp: str
    memory_bytes: float | None
    cpu_percent: float | None


class RunError(BaseModel):
    """The errors of a run that belong together."""

    issue: str | None = Field(examples=["E12"])
    fingerprint: str
    error_id: str = Field(description="Of the first one.")
    error_type: str
    error_message: str
    category: str
    count: int
    first_seen: str
    url: str


class RunLogs(BaseModel):
    """How many lines a run logged, and where the screen shows them."""

    count: int
    by_level: dict[str, int]
    url: str


class RunDetail(BaseModel):
    """A run whole."""

    run: Run
    parameters: dict[str, Any]
    environment: dict[str, Any]
    summary: dict[str, Any] | None = Field(description="What its `summary.json` holds; null while it goes on.")
    operations: list[RunOperation] = Field(description="Those that took most first; at most 300, and 300 of spans.")
    timeline: list[TimelineItem] = Field(description="Oldest first; of many, the 2,000 that took longest.")
    checks: list[RunCheck]
    artifacts: list[RunFile]
    backups: list[RunFile]
    warnings: list[RunWarning]
    resources: list[RunSample] = Field(description="At most 500, the peaks among them.")
    errors: list[RunError]
    logs: RunLogs


class Pair(BaseModel):
    """A value of two runs; null: that one has none."""

    name: str
    a: Any
    b: Any
    same: bool


class FigurePair(BaseModel):
    """A figure of two runs."""

    name: str
    a: float | None
    b: float | None
    ratio: float | None = Field(description="b ÷ a.")


class OperationPair(BaseModel):
    """The operations of one kind and name in two runs."""

    kind: str
    name: str
    a_ms: float | None
    b_ms: float | None
    ratio: float | None = Field(description="b ÷ a.")
    a_count: int
    b_count: int


class RunPattern(BaseModel):
    """A kind of message."""

    pattern: str
    level: Level
    count: int
    example_id: str = Field(description="`id` of the newest entry.")


class PatternChanges(BaseModel):
    """Messages that only one of two runs logged."""

    new: list[RunPattern] = Field(description="That only b has.")
    gone: list[RunPattern] = Field(description="That only a has.")


class ErrorChanges(BaseModel):
    """Errors that only one of two runs met."""

    new: list[RunError] = Field(description="That only b has.")
    gone: list[RunError] = Field(description="That only a has.")


class Changes(BaseModel):
    """What differs between two runs."""

    parameters: list[Pair] = Field(description="Those that differ first, as in all of these.")
    environment: list[Pair] = Field(description="Packages by `packages.` and their name.")
    operations: list[OperationPair] = Field(description="What changed most, in time, first.")
    patterns: PatternChanges
    errors: ErrorChanges


class RunComparisonResult(Changes):
    """Two runs side by side."""

    a: Run
    b: Run
    notes: list[str] = Field(description="What has to be known to judge the comparison.")
    figures: list[FigurePair]
    checks: list[Pair] = Field(
        description="Of each name the check that went worst: `result`, `value`, `thresholds`, and the `count` of all."
    )


class TrendPoint(BaseModel):
    """One run of a trend."""

    run_id: str | None
    started_at: str
    status: Status
    duration_ms: float | None
    memory_peak_bytes: float | None
    rows: float | None
    rows_per_second: float | None


class TrendDrift(BaseModel):
    """Where a figure goes, over all runs of a trend that completed."""

    change: float | None = Field(
        description="From the first to the last, as a share of the median: 0.2 is a fifth more."
    )
    score: float | None = Field(description="Of the Mann-Kendall test; null: fewer than 8 runs.")
    drifts: bool


class TrendFigure(BaseModel):
    """How a figure of the newest run stands to those of the runs before it."""

    figure: Figure
    median: float | None
    mad: float | None = Field(description="Median distance of the earlier ones from their median.")
    newest: float | None
    score: float | None = Field(
        description="Modified z-score; null: fewer than 5 earlier runs, or they are all the same."
    )
    threshold: float
    out_of_line: bool
    direction: Literal["higher", "lower"] | None
    drift: TrendDrift


class RunTrendResult(BaseModel):
    """The last runs of a name."""

    name: str
    service: str
    environment: str
    points: list[TrendPoint] = Field(description="Oldest first.")
    judged: str | None = Field(description="The newest run that completed: it is judged by those before it.")
    figures: list[TrendFigure]


class FailureError(BaseModel):
    """The error that an operation failed with."""

    error_id: str | None
    issue: str | None
    type: str
    message: str
    category: str
    action: str = Field(description="What is suggested for errors of its kind.")


class FirstFailure(BaseModel):
    """What brought a run down."""

    operation: Operation
    error: FailureError | None


class LastGood(BaseModel):
    """The run of its name, service and environment that completed last before."""

    run_id: str | None
    started_at: str


class RunAnalysis(BaseModel):
    """Why a run failed, as far as the records tell."""

    run_id: str
    failed: bool
    first_failure: FirstFailure | None
    failures: list[Operation] = Field(
        description="Operations of the run that failed, in the order in which they did, those that it survived as well."
    )
    log: str | None = Field(description="`id` of the line that tells of the failure.")
    logs_around: list[LogEntry]
    errors: list[RunError]
    last_good: LastGood | None
    changed: Changes | None = Field(description="Since the last good run.")
