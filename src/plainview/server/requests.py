"""What requests hold: the shapes, their limits, and what each field means."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "ContextRequest",
    "ExportRequest",
    "FacetsRequest",
    "HistogramRequest",
    "LogFilter",
    "LogSearch",
    "PatternsRequest",
    "SessionRequest",
    "TailRequest",
    "TraceFilter",
    "TraceHistogramRequest",
    "TraceSearch",
]

_LONGEST = 4096
Text = Annotated[str, Field(max_length=_LONGEST)]
#: One value, or several of which any will do.
OneOrMore = Annotated[Text | list[Text], Field(examples=["studio"])]
Scalar = Text | bool | int | Annotated[float, Field(allow_inf_nan=False)] | None
#: Field name → value, or values of which any will do; ``null`` means that the field is absent.
Pairs = Annotated[dict[str, Scalar | list[Scalar]], Field(max_length=100, examples=[{"extra.step": 3}])]
Time = Annotated[Text, Field(description="RFC 3339, or relative to now: `-15m`, `-2h30m`, `now`.", examples=["-15m"])]
Query = Annotated[
    Text, Field(description="Terms in the query language; all must hold.", examples=['level:warning "timed out"'])
]
LevelName = Annotated[Text, Field(description="DEBUG, INFO, WARNING (WARN), ERROR or CRITICAL.", examples=["WARNING"])]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """The fields of the filter that were given."""
        beside = {"limit", "cursor", "order", "order_by", "buckets", "fields", "format", "after"}
        return self.model_dump(exclude_none=True, exclude=beside)


class _Common(_Strict):
    start_time: Time | None = Field(None, description="From this moment on.")
    end_time: Time | None = Field(None, description="Up to this moment, which itself is left out.")
    service: OneOrMore | None = Field(None, description="Services, any of.")
    environment: OneOrMore | None = Field(None, description="Environments, any of.")
    filters: Pairs | None = Field(
        None, description="Any field or path of the record's own, equal to a value or to one of several."
    )
    exclude: Pairs | None = Field(None, description="As `filters`, but what matches is left out.")
    q: Query | None = None


class LogFilter(_Common):
    """Which logs are meant. All conditions hold at once."""

    level: LevelName | None = Field(None, description="This level and above.")
    levels: list[LevelName] | None = Field(None, min_length=1, max_length=5, description="Exactly these levels.")
    logger: OneOrMore | None = Field(None, description="Loggers, any of; `studio.*` for those below `studio`.")
    message_contains: Text | None = Field(None, description="A text that appears in the message, in any case.")
    trace_id: OneOrMore | None = None
    span_id: OneOrMore | None = None
    request_id: OneOrMore | None = None
    job_id: OneOrMore | None = None
    batch_id: OneOrMore | None = None
    run_id: OneOrMore | None = None
    user_id: OneOrMore | None = None
    project_id: OneOrMore | None = None
    session_id: OneOrMore | None = None
    tenant_id: OneOrMore | None = None


class LogSearch(LogFilter):
    """A page of logs."""

    limit: int = Field(100, ge=1, le=10_000, description="Most entries of the page.")
    cursor: Text | None = Field(None, description="`next` of the page before.")
    order: Literal["desc", "asc"] = Field("desc", description="Newest first, or oldest first.")


class FacetsRequest(LogFilter):
    """The most frequent values of fields."""

    fields: list[Annotated[str, Field(max_length=300)]] | None = Field(
        None, max_length=32, description="Names of fields; the common ones when left out.", examples=[["service"]]
    )
    limit: int = Field(10, ge=1, le=1000, description="Most values of a field.")


class HistogramRequest(LogFilter):
    """Counts by level over time."""

    buckets: int = Field(60, ge=1, le=500, description="Most buckets.")


class PatternsRequest(LogFilter):
    """Messages by their pattern."""

    limit: int = Field(50, ge=1, le=1000, description="Most patterns.")


class TraceFilter(_Common):
    """Which traces are meant. All conditions hold at once, each of some span of the trace."""

    name: OneOrMore | None = Field(None, description="Name of the span that the trace is entered by; `GET *` works.")
    status: Literal["OK", "ERROR"] | None = Field(None, description="ERROR: at least one span failed.")
    min_duration_ms: float | None = Field(None, ge=0, le=9e12, allow_inf_nan=False)
    max_duration_ms: float | None = Field(None, ge=0, le=9e12, allow_inf_nan=False)


class TraceSearch(TraceFilter):
    """A page of traces."""

    limit: int = Field(50, ge=1, le=1000, description="Most traces of the page.")
    cursor: Text | None = Field(None, description="`next` of the page before.")
    order_by: Literal["start_time", "duration_ms"] = Field("start_time", description="Newest first, or longest first.")


class TraceHistogramRequest(TraceFilter):
    """Traces over time."""

    buckets: int = Field(60, ge=1, le=500, description="Most buckets.")


class _InAddress(_Strict):
    """A filter in the address: the fields of a log filter that are plain text, and `q` for everything else."""

    q: Query | None = None
    level: LevelName | None = Field(None, description="This level and above.")
    levels: list[LevelName] | None = Field(None, max_length=5, description="Exactly these levels.")
    service: list[Text] | None = Field(None, description="Services, any of.")
    environment: list[Text] | None = Field(None, description="Environments, any of.")
    logger: list[Text] | None = Field(None, description="Loggers, any of.")
    trace_id: list[Text] | None = None
    span_id: list[Text] | None = None
    request_id: list[Text] | None = None
    job_id: list[Text] | None = None
    batch_id: list[Text] | None = None
    run_id: list[Text] | None = None
    user_id: list[Text] | None = None
    project_id: list[Text] | None = None
    session_id: list[Text] | None = None
    tenant_id: list[Text] | None = None


class TailRequest(_InAddress):
    """What to follow."""

    after: int | None = Field(
        None, ge=0, le=(1 << 63) - 1, description="The last id already seen (`last_id` of a search); else from now on."
    )


class ExportRequest(_InAddress):
    """What to download."""

    format: Literal["ndjson", "csv"] = "ndjson"
    start_time: Time | None = None
    end_time: Time | None = None
    limit: int = Field(100_000, ge=1, le=10_000_000, description="Most entries.")
    order: Literal["desc", "asc"] = "desc"


class ContextRequest(_Strict):
    """How much of what surrounds an entry."""

    before: int = Field(20, ge=0, le=1000)
    after: int = Field(20, ge=0, le=1000)
    scope: Literal["all", "request", "process", "trace"] = Field("all", description="All, or those that share this.")


class SessionRequest(_Strict):
    """A sign-in."""

    token: Text = Field(description="The server's token.")
