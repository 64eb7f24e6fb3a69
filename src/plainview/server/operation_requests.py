"""What requests about operations hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from plainview.query.operations.folding import Status  # noqa: TC001 - pydantic looks at it
from plainview.server.requests import Text, Time

__all__ = ["OperationSearch", "OperationSummaryRequest", "WorkersRequest"]

Values = Annotated[list[Text] | None, Field(max_length=50)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """The fields of the filter that were given."""
        return self.model_dump(exclude_none=True, exclude={"limit", "cursor", "order_by", "buckets"})


class WorkersRequest(_Strict):
    """Which workers are meant."""

    service: Values = Field(default=None, description="Services, any of.")
    environment: Values = Field(default=None, description="Environments, any of.")


class _Filter(WorkersRequest):
    kind: Values = Field(default=None, description="Kinds, any of.", examples=[["job"]])
    name: Values = Field(default=None, description="Names, any of: types of job, engines, roles of agents.")
    status: list[Status] | None = Field(default=None, max_length=7, description="Statuses, any of.")
    key: Values = Field(default=None, description="Keys, any of: the ids that the application knows them by.")
    run_id: Values = Field(default=None, description="Inside any of these runs.")
    job_id: Values = Field(default=None, description="Inside any of these jobs.")
    batch_id: Values = Field(default=None, description="Inside any of these batches.")
    parent_id: Values = Field(default=None, description="Parts of any of these operations.")
    trace_id: Values = Field(default=None, description="Inside any of these traces.")
    q: Text | None = Field(default=None, description="Words that stand in name, key, reason or step; `-word`: not.")
    start_time: Time | None = Field(default=None, description="Not ended before this moment.")
    end_time: Time | None = Field(default=None, description="Begun before this moment.")


class OperationSearch(_Filter):
    """A page of operations."""

    order_by: Literal["started_at", "duration_ms", "last_seen"] = Field(
        default="started_at", description="Greatest first."
    )
    limit: int = Field(50, ge=1, le=1000, description="Most operations of the page.")
    cursor: Text | None = Field(default=None, description="`next` of the page before.")


class OperationSummaryRequest(_Filter):
    """Operations summed up."""

    buckets: int = Field(60, ge=1, le=500, description="Most stretches of time.")
