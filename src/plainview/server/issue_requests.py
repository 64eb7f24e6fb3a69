"""What requests about errors hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from plainview.server.requests import LevelName, Text, Time

__all__ = [
    "Acknowledgement",
    "Assignment",
    "Comment",
    "ErrorSearch",
    "Ignoring",
    "Merge",
    "OccurrencesRequest",
    "RelatedRequest",
    "Reopening",
    "Resolution",
    "Split",
    "SummaryRequest",
    "Update",
]

_NOTES = 10_000
Status = Literal["new", "acknowledged", "resolved", "regressed", "ignored"]
Category = Literal["transient", "configuration", "resource", "bug", "external", "user"]
Values = Annotated[list[Text] | None, Field(max_length=50)]
Notes = Annotated[
    Annotated[str, Field(max_length=_NOTES)] | None,
    Field(description="Kept in the history; of a resolution, how it was mended."),
]
Actor = Annotated[str, Field(min_length=1, max_length=200, description="Who decides; kept in the history.")]
IssueId = Annotated[str, Field(min_length=1, max_length=500, examples=["E12"])]
Release = Annotated[str, Field(min_length=1, max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Filter(_Strict):
    status: list[Status] | None = Field(default=None, max_length=5, description="Statuses, any of.")
    category: list[Category] | None = Field(default=None, max_length=6, description="Categories, any of.")
    type: Values = Field(default=None, description="Types of the exception, any of.")
    component: Values = Field(default=None, description="Components, any of.")
    assignee: Values = Field(default=None, description="Assigned to any of these.")
    service: Values = Field(default=None, description="Occurred in any of these services.")
    release: Values = Field(default=None, description="Occurred in any of these releases.")
    environment: Values = Field(default=None, description="Occurred in any of these environments.")
    job_id: Values = Field(default=None, description="Hit any of these jobs.")
    batch_id: Values = Field(default=None, description="Hit any of these batches.")
    run_id: Values = Field(default=None, description="Hit any of these runs.")
    user_id: Values = Field(default=None, description="Hit any of these users.")
    level: LevelName | None = Field(default=None, description="Occurred at this level or above.")
    text: Text | None = Field(default=None, description="Words that all stand in title, place or component; or an id.")
    first_seen_after: Time | None = None
    first_seen_before: Time | None = None
    last_seen_after: Time | None = None
    last_seen_before: Time | None = None

    def given(self) -> dict[str, Any]:
        """The fields of the filter that were given."""
        beside = {"sort", "order", "limit", "cursor", "start_time", "end_time"}
        return self.model_dump(exclude_none=True, exclude=beside)


class ErrorSearch(_Filter):
    """A page of issues."""

    sort: Literal["last_seen", "first_seen", "count", "users", "jobs", "level"] = "last_seen"
    order: Literal["desc", "asc"] = "desc"
    limit: int = Field(50, ge=1, le=1000, description="Most issues of the page.")
    cursor: Text | None = Field(default=None, description="`next` of the page before.")


class SummaryRequest(_Filter):
    """How things stand."""

    start_time: Time = "-24h"
    end_time: Time = "now"


class IssueRequest(_Strict):
    """An issue."""

    include: list[Literal["occurrence", "distributions"]] = Field(
        default=[],
        max_length=10,
        description="What comes along: its latest occurrence, what they have in common.",
    )


class OccurrencesRequest(_Strict):
    """A page of occurrences."""

    limit: int = Field(50, ge=1, le=1000, description="Most occurrences of the page.")
    cursor: Text | None = Field(default=None, description="`next` of the page before.")


class _Decision(_Strict):
    actor: Actor = "somebody"
    notes: Notes = None


class Acknowledgement(_Decision):
    """Somebody looks into it."""


class Reopening(_Decision):
    """It is not done with."""


class Resolution(_Decision):
    """It is mended."""

    in_release: Release | None = Field(default=None, description="By this release: earlier ones may still have it.")
    in_next_release: bool = Field(default=False, description="By a release that is not known yet.")


class Ignoring(_Decision):
    """It may be."""

    until: Time | None = Field(
        default=None, description="Until then: RFC 3339, or relative to now (`7d`, `-…` is past)."
    )
    count: int | None = Field(default=None, ge=1, le=10**9, description="Until it has occurred so many more times.")


class Assignment(_Decision):
    """Whose it is."""

    assignee: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(description="`null`: nobody's.")


class Update(_Decision):
    """The same for several issues."""

    ids: list[IssueId] = Field(min_length=1, max_length=1000)
    action: Literal["acknowledge", "resolve", "ignore", "reopen", "assign"]
    in_release: Release | None = None
    in_next_release: bool = False
    until: Time | None = None
    count: int | None = Field(default=None, ge=1, le=10**9)
    assignee: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class Comment(_Strict):
    """Something that is said."""

    text: str = Field(min_length=1, max_length=_NOTES)
    actor: Actor = "somebody"


class Merge(_Strict):
    """Issues that are taken in."""

    ids: list[IssueId] = Field(min_length=1, max_length=1000)
    actor: Actor = "somebody"


class Split(_Strict):
    """Fingerprints that are taken out."""

    fingerprints: list[Annotated[str, Field(min_length=1, max_length=64)]] = Field(min_length=1, max_length=1000)
    actor: Actor = "somebody"


class RelatedRequest(_Strict):
    """Which record is meant: one of these."""

    log: Text | None = Field(default=None, description="`id` of a log entry.")
    error: Text | None = Field(default=None, description="`error_id` of an occurrence.")
    trace: Text | None = None
    request: Text | None = None
    job: Text | None = None
    batch: Text | None = None
    run: Text | None = None
    operation: Text | None = Field(default=None, description="`operation_id`.")
