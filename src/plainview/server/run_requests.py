"""What requests about runs hold."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from plainview.query.operations.folding import Status  # noqa: TC001 - pydantic looks at it
from plainview.server.requests import Text, Time

__all__ = ["RunComparison", "RunPlace", "RunSearch", "RunTrend"]

Values = Annotated[list[Text] | None, Field(max_length=50)]
RunReference = Annotated[
    str,
    Field(
        min_length=1,
        max_length=500,
        description="A `run_id` or the beginning of one; `last`, `last-good`, `-1` (the last), `-2` …",
        examples=["20261125_184500-3f9c2a71"],
    ),
]


class RunPlace(BaseModel):
    """Among which runs one is looked for by its place, as with `last`."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = Field(default=None, description="With `last` and its like: the last of this name.")
    service: Text | None = Field(default=None, description="As `name`: of this service.")
    environment: Text | None = Field(default=None, description="As `name`: of this environment.")

    def place(self) -> dict[str, str | None]:
        """Name of a column → what is asked of it."""
        return {"name": self.name, "service": self.service, "environment": self.environment}


class RunComparison(RunPlace):
    """Two runs."""

    a: RunReference
    b: RunReference


class RunTrend(BaseModel):
    """The last runs of a name."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    service: Text | None = Field(default=None, description="That of the newest run when left out.")
    environment: Text | None = Field(default=None, description="That of the newest run when left out.")
    last: int = Field(20, ge=1, le=1000, description="How many runs, the newest included.")

    def given(self) -> dict[str, Any]:
        """Which runs are meant."""
        return self.model_dump(exclude={"last"}, exclude_none=True)


class RunSearch(BaseModel):
    """A page of runs."""

    model_config = ConfigDict(extra="forbid")

    name: Values = Field(default=None, description="Names, any of.")
    status: list[Status] | None = Field(default=None, max_length=7, description="Statuses, any of.")
    service: Values = Field(default=None, description="Services, any of.")
    environment: Values = Field(default=None, description="Environments, any of.")
    q: Text | None = Field(default=None, description="Words that stand in name, id, reason or step; `-word`: not.")
    start_time: Time | None = Field(default=None, description="Not ended before this moment.")
    end_time: Time | None = Field(default=None, description="Begun before this moment.")
    limit: int = Field(50, ge=1, le=500, description="Most runs of the page.")
    cursor: Text | None = Field(default=None, description="`next` of the page before.")

    def given(self) -> dict[str, Any]:
        """The fields of the filter that were given."""
        return self.model_dump(exclude_none=True, exclude={"limit", "cursor"})
