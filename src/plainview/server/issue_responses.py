"""What answers about errors hold, for the API's description; they are built in :mod:`plainview.issues`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from plainview.server.responses import Level, LogEntry  # noqa: TC001 - pydantic looks at them

__all__ = [
    "Distributions",
    "Grouping",
    "History",
    "Issue",
    "IssueDetail",
    "IssuePage",
    "IssueSummary",
    "OccurrenceDetail",
    "OccurrencePage",
    "Related",
    "SimilarIssues",
    "SplitResult",
    "UpdateResult",
]


class Issue(BaseModel):
    """Errors that belong together, as in a list."""

    id: str = Field(examples=["E12"])
    error_type: str
    error_message: str
    title: str
    culprit: str = Field(description="Where it happens: innermost place of the application.")
    component: str
    category: str
    status: str
    level: Level = Field(description="The most severe one seen.")
    fingerprint: str = Field(description="The one that it began with.")
    first_seen: str
    last_seen: str
    occurrence_count: int = Field(description="Exact, those of sampled storms included.")
    sparkline: list[int] = Field(description="Occurrences in each of the last 24 hours, the latest last.")
    users: int = Field(description="Distinct users.")
    jobs: int = Field(description="Distinct jobs.")
    services: list[str] = Field(description="The ten where it occurs most.")
    handled: bool
    assignee: str | None
    regressions: int


class IssuePage(BaseModel):
    """A page of issues."""

    errors: list[Issue]
    total: int
    next: str | None


class RankedIssue(Issue):
    """An issue and its occurrences in a range of time."""

    in_range: int


class HourCount(BaseModel):
    """Occurrences in an hour from ``time`` on."""

    time: str
    count: int


class IssueSummary(BaseModel):
    """How things stand."""

    start: str
    end: str
    total: int
    new: int = Field(description="Issues first seen since `start_time`.")
    occurrences: int = Field(description="In the range.")
    by_status: dict[str, int]
    by_category: dict[str, int]
    by_level: dict[str, int]
    top: list[RankedIssue] = Field(description="The ten with most occurrences in the range.")
    frequency: list[HourCount]


class GroupShape(BaseModel):
    """What has one fingerprint; an issue is one of these, or several that were merged."""

    fingerprint: str
    grouping: int = Field(description="Version of the algorithm.")
    origin: str = Field(description="The issue that a split moves it back to.")
    occurrence_count: int
    first_seen: str
    last_seen: str


class OccurrenceRow(BaseModel):
    """An occurrence in a list. What is absent is left out."""

    error_id: str
    timestamp: str
    level: Level
    error_type: str
    error_message: str
    message: str
    count: int = Field(description="Occurrences that it stands for: more than one where a storm was sampled.")
    handled: bool
    mechanism: str
    component: str
    fingerprint: str | None = None
    service: str | None = None
    environment: str | None = None
    version: str | None = None
    host: str | None = None
    pid: int | None = None
    logger: str | None = None
    request_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    job_id: str | None = None
    batch_id: str | None = None
    run_id: str | None = None
    user_id: str | None = None
    project_id: str | None = None
    session_id: str | None = None
    tenant_id: str | None = None


class OccurrencePage(BaseModel):
    """A page of occurrences, the newest first."""

    occurrences: list[OccurrenceRow]
    total: int = Field(description="Rows that are kept.")
    next: str | None


class OccurrenceDetail(OccurrenceRow):
    """An occurrence whole."""

    stack_trace: str
    exceptions: list[dict[str, Any]] = Field(description="The one that was caught first; each frame says `in_app`.")
    context: dict[str, Any]
    extra: dict[str, Any]
    breadcrumbs: list[LogEntry] = Field(description="Log lines before it, the latest last.")
    log: str | None = Field(description="`id` of the log entry that carries it.")
    newer: str | None = Field(description="`error_id` of the next occurrence.")
    older: str | None


class FieldValue(BaseModel):
    """A value and how often it occurs."""

    value: str
    count: int


class Distribution(BaseModel):
    """The most frequent values of a field."""

    field: str
    values: list[FieldValue]


class Distributions(BaseModel):
    """What occurrences have in common."""

    distributions: list[Distribution]


class IssueDetail(Issue):
    """An issue whole. Lists of what it affected hold the latest 100; `affected` has the exact numbers."""

    error_id: str = Field(description="As `id`.")
    platform: str
    stack_trace: str = Field(description="Of the latest occurrence.")
    context: dict[str, Any] = Field(description="Of the latest occurrence.")
    latest: str | None = Field(description="`error_id` of the latest occurrence that is kept.")
    groups: list[GroupShape]
    action: str = Field(description="What is suggested for its category.")
    resolution_notes: str | None
    resolved_in: str | None
    status_since: str
    ignored_until: str | None
    ignored_until_count: int | None
    affected_jobs: list[str]
    affected_batches: list[str]
    affected_runs: list[str]
    affected_users: list[str]
    affected_requests: list[str] = Field(description="Of the latest 500 occurrences that are kept.")
    affected_services: list[str]
    environments: list[str]
    releases: list[str]
    affected: dict[str, int] = Field(description="Kind → number of distinct values.")
    occurrence: OccurrenceDetail | None = Field(
        default=None, description="The latest one that is kept, whole; there where `include` asks for it."
    )
    distributions: list[Distribution] | None = Field(
        default=None, description="What its occurrences have in common; there where `include` asks for it."
    )


class Change(BaseModel):
    """Something that was decided, said, or happened."""

    time: str
    actor: str
    action: str
    before: str | None
    after: str | None
    note: str | None


class History(BaseModel):
    """All of it, the latest first."""

    history: list[Change]


class SimilarIssue(Issue):
    """An issue and how like another it is, from 0 to 1."""

    similarity: float


class SimilarIssues(BaseModel):
    """The most similar first."""

    errors: list[SimilarIssue]


class Grouping(BaseModel):
    """How an issue's latest occurrence is grouped, and why."""

    fingerprints: list[str] = Field(description="All of the issue's.")
    fingerprint: str
    version: int
    parts: list[str] = Field(description="What the fingerprint is made of.")
    category: str
    category_rule: str
    action: str
    runbook: str | None


class NotUpdated(BaseModel):
    """An issue that could not be changed."""

    id: str
    detail: str


class UpdateResult(BaseModel):
    """What became of several."""

    updated: list[str]
    failed: list[NotUpdated]


class SplitResult(BaseModel):
    """The issues that the fingerprints are in now."""

    ids: list[str]


class RelatedLogs(BaseModel):
    """Log entries, and where the screen shows them."""

    count: int
    url: str


class RelatedTrace(BaseModel):
    """A trace, and where the screen shows it."""

    trace_id: str
    spans: int
    url: str


class RelatedError(BaseModel):
    """An occurrence, its issue, and where the screen shows it."""

    error_id: str
    issue: str | None
    timestamp: str
    error_type: str
    error_message: str
    url: str


class RelatedOperation(BaseModel):
    """The job, batch or run that a record was made in, and where the screen shows it."""

    operation_id: str
    kind: str
    name: str
    key: str | None
    status: str
    url: str


class Related(BaseModel):
    """What belongs to a record."""

    kind: str
    id: str
    ids: dict[str, str] = Field(description="Context ids of the record.")
    logs: RelatedLogs | None
    trace: RelatedTrace | None
    errors: list[RelatedError]
    job: str | None
    run: str | None
    operation: RelatedOperation | None
