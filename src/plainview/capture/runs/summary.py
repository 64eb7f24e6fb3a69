"""What ``summary.json`` holds: the form of it, the JSON Schema of that form, and how it is made short enough.

``docs/reference/run-summary.md`` and ``summary.schema.json``, beside this file, are written from these types.
"""

from __future__ import annotations

import time
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

__all__ = [
    "ORDER",
    "CheckResult",
    "Configuration",
    "Data",
    "ExecutionSummary",
    "Failure",
    "Issue",
    "Issues",
    "OperationFigures",
    "ResourceSample",
    "Resources",
    "RunMetadata",
    "RunSummary",
    "Saved",
    "schema",
    "shortened",
    "stamp",
]

#: Object of the schema → what people call it, in the order in which they are documented.
ORDER: Final = {
    "RunSummary": "The file",
    "RunMetadata": "run_metadata",
    "ExecutionSummary": "execution_summary",
    "Failure": "A failure",
    "Saved": "A file that was made",
    "OperationFigures": "Figures of operations",
    "Resources": "resources",
    "ResourceSample": "A sample",
    "CheckResult": "A check",
    "Issues": "issues",
    "Issue": "An error or a warning",
    "Configuration": "configuration",
}
#: Name of the schema, with the format's number.
_ID: Final = "urn:plainview:run-summary:1"
#: Items of each list that are kept where the whole is too long, step by step.
_KEPT: Final = (1_000, 300, 100, 30, 10, 0)

Status = Literal["completed", "failed", "cancelled", "dead_lettered"]
Seconds = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]
#: RFC 3339, UTC, microseconds.
Time = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]
Data = dict[str, Any]


class RunMetadata(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Which run it was, when, and how it ended."""

    run_id: Annotated[str, Meta(description="`YYYYmmdd_HHMMSS-xxxxxxxx`, local time, as on every record of the run.")]
    name: Annotated[str, Meta(description="What was run.")]
    start_time: Annotated[Time, Meta(description="When it began, UTC.")]
    end_time: Annotated[Time, Meta(description="When it ended, UTC.")]
    duration_seconds: Annotated[Seconds, Meta(description="In between, by a clock that is never set.")]
    status: Annotated[
        Status,
        Meta(description="`completed`; `failed`: an exception left it; `cancelled`: by Ctrl-C, `sys.exit(1)` …"),
    ]
    parent_run_id: Annotated[str | None, Meta(description="The run that it is a part of.")] = None
    operation_id: Annotated[str, Meta(description="The run as an operation.")] = ""
    trace_id: Annotated[str, Meta(description="The trace that its spans are in.")] = ""
    service: Annotated[str, Meta(description="As on every record.")] = ""
    environment: Annotated[str, Meta(description="As on every record.")] = ""
    version: Annotated[str, Meta(description="As on every record.")] = ""
    host: Annotated[str, Meta(description="Where it ran.")] = ""
    pid: Annotated[int, Meta(description="The process.")] = 0


class Saved(msgspec.Struct, kw_only=True):
    """A file that the run made."""

    path: Annotated[str, Meta(description="Absolute.")]
    bytes: Annotated[int | None, Meta(description="Its size when it was told of; null: it was not there.")]


class Failure(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What failed first: the innermost operation that the exception came from."""

    kind: Annotated[str, Meta(description="Of the operation; `run` where no other one failed.")]
    name: Annotated[str, Meta(description="Of the operation.")]
    operation_id: Annotated[str, Meta(description="The operation.")] = ""
    error_type: Annotated[str, Meta(description="Type of the exception.")] = ""
    error: Annotated[str, Meta(description="`Type: message`.")] = ""
    error_id: Annotated[str | None, Meta(description="The error, as the server knows it.")] = None
    timestamp: Annotated[Time | UnsetType, Meta(description="When it had failed.")] = UNSET
    inputs: Annotated[Data, Meta(description="What went into the operation, in short.")] = {}


class ExecutionSummary(msgspec.Struct, kw_only=True):
    """The figures by which a run is judged."""

    errors: Annotated[Count, Meta(description="Errors: lines from ERROR up, and exceptions told of without a line.")]
    warnings: Annotated[Count, Meta(description="Lines at WARNING.")]
    backup_created: Annotated[str | None, Meta(description="Path of the last backup.")] = None
    rows: Annotated[int | None, Meta(description="Rows, records, events … that were worked through.")] = None
    rows_per_second: Annotated[float | None, Meta(description="The same over the whole run.")] = None
    checks: Annotated[dict[str, Count], Meta(description="How many were `pass`, `warning`, `fail`.")] = {}
    first_failure: Annotated[Failure | None, Meta(description="What failed first, of a run that failed.")] = None
    reason: Annotated[str, Meta(description="Why it failed or was cancelled, as `Type: message`.")] = ""
    artifacts: Annotated[list[Saved], Meta(description="Files that it made.")] = []
    backups: Annotated[list[Saved], Meta(description="Backups that it made.")] = []
    results: Annotated[Data, Meta(description="What `run.set(…)` was given.")] = {}


class OperationFigures(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The operations of one kind and name together, as far as this process did them."""

    kind: Annotated[str, Meta(description="`stage`, `engine`, `job` …")]
    name: Annotated[str, Meta(description="Name of the operation; `…`: all that there was no room for.")]
    count: Annotated[Count, Meta(description="How many.")]
    duration_seconds: Annotated[Seconds, Meta(description="All of them together.")]
    mean_seconds: Annotated[Seconds, Meta(description="Of one.")]
    max_seconds: Annotated[Seconds, Meta(description="Of the slowest.")]
    share: Annotated[
        float, Meta(ge=0, description="Of the run's duration, 0 to 1; more where several went on at once.")
    ]
    status: Annotated[str, Meta(description="How the last one ended.")]
    timestamp: Annotated[Time, Meta(description="When the last one ended.")]
    failed: Annotated[Count, Meta(description="How many of them failed.")] = 0
    cpu_seconds: Annotated[float | None, Meta(description="Processor time of the process meanwhile.")] = None
    memory_peak_bytes: Annotated[int | None, Meta(description="Most resident memory of the process meanwhile.")] = None
    memory_delta_bytes: Annotated[
        int | None, Meta(description="Resident memory at the end less that at the beginning, summed up.")
    ] = None
    rows: Annotated[int | None, Meta(description="Rows that they worked through.")] = None
    slowest: Annotated[Data, Meta(description="What went into the slowest of them, in short.")] = {}


class ResourceSample(msgspec.Struct, kw_only=True):
    """What the process used at one moment."""

    seconds: Annotated[Seconds, Meta(description="Since the run began.")]
    memory_bytes: Annotated[int, Meta(description="Resident memory.")]
    cpu_percent: Annotated[float, Meta(description="Of one processor, since the sample before.")]


class Resources(msgspec.Struct, kw_only=True):
    """What the process used."""

    cpu_seconds: Annotated[float | None, Meta(description="Processor time.")] = None
    cpu_percent: Annotated[float | None, Meta(description="Of one processor, over the whole run.")] = None
    memory_peak_bytes: Annotated[int | None, Meta(description="Most resident memory.")] = None
    memory_delta_bytes: Annotated[int | None, Meta(description="The same at the end, less at the beginning.")] = None
    samples: Annotated[
        list[ResourceSample], Meta(description="Every five seconds; of a long run 120 to 240, evenly spread.")
    ] = []


class CheckResult(msgspec.Struct, kw_only=True):
    """One check of data quality."""

    timestamp: Annotated[Time, Meta(description="When.")]
    name: Annotated[str, Meta(description="What was checked.")]
    value: Annotated[Any, Meta(description="What was found.")]
    thresholds: Annotated[Data, Meta(description="What it was held against, by the names that `run.check` has.")]
    result: Annotated[Literal["pass", "warning", "fail"], Meta(description="How it went.")]
    fields: Annotated[Data, Meta(description="Whatever else was said.")] = {}


class Issue(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An error or a warning; of those that are alike the first, with their count."""

    timestamp: Annotated[Time, Meta(description="When the first was met.")]
    message: Annotated[str, Meta(description="What was said.")]
    level: Annotated[str, Meta(description="`WARNING`, `ERROR`, `CRITICAL`.")]
    logger: Annotated[str, Meta(description="Who said it.")] = ""
    error_type: Annotated[str, Meta(description="Type of the exception.")] = ""
    error: Annotated[str, Meta(description="What the exception says.")] = ""
    error_id: Annotated[str, Meta(description="The error, as the server knows it.")] = ""
    count: Annotated[Count, Meta(description="How many there were with this logger, level and message.")] = 1
    context: Annotated[Data, Meta(description="The fields of the line.")] = {}


class Issues(msgspec.Struct, kw_only=True):
    """Errors and warnings, the first fifty different ones of each."""

    errors: Annotated[list[Issue], Meta(description="From ERROR up.")]
    warnings: Annotated[list[Issue], Meta(description="At WARNING.")]


class Configuration(msgspec.Struct, kw_only=True):
    """What the run was given, and what it ran in."""

    parameters: Annotated[Data, Meta(description="By name, as `params` has them.")]
    environment: Annotated[
        Data,
        Meta(
            description="`python`, `implementation`, `platform`, `host`, `cpu_count`, `directory`, `command`, "
            "`packages`; in a repository `git_commit`, `git_branch`, `git_dirty`."
        ),
    ]


class RunSummary(msgspec.Struct, kw_only=True):
    """The summary of a run."""

    run_metadata: Annotated[RunMetadata, Meta(description="Which run it was, when, and how it ended.")]
    execution_summary: Annotated[ExecutionSummary, Meta(description="The figures by which it is judged.")]
    performance_metrics: Annotated[
        dict[str, OperationFigures], Meta(description="Operations by kind and name (`stage load`), slowest first.")
    ]
    resources: Annotated[Resources, Meta(description="What the process used.")]
    data_quality: Annotated[list[CheckResult], Meta(description="The checks, in order; at most 1,000.")]
    issues: Annotated[Issues, Meta(description="Errors and warnings.")]
    configuration: Annotated[Configuration, Meta(description="What it was given, and what it ran in.")]
    format: Annotated[
        int, Meta(description="Of this file: a higher number where a member has changed its meaning or is gone.")
    ] = 1


def stamp(nanoseconds: int) -> str:
    """A moment as records carry it: RFC 3339, UTC, microseconds, ``Z``."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1000:06d}Z"


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the summary."""
    found = msgspec.json.schema(RunSummary)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": _ID,
        "title": "Summary of a run of Plainview",
        **found,
    }


def shortened(summary: RunSummary, most: int) -> bytes:
    """The summary as JSON of at most ``most`` bytes: long lists lose their ends, operations the quickest."""
    encoded = msgspec.json.encode(summary)
    for kept in _KEPT:
        if len(encoded) <= most:
            break
        configuration = summary.configuration
        environment = {key: value for key, value in configuration.environment.items() if key != "packages"}
        short = msgspec.structs.replace(
            summary,
            performance_metrics=dict(list(summary.performance_metrics.items())[:kept]),
            data_quality=summary.data_quality[:kept],
            issues=Issues(errors=summary.issues.errors[:kept], warnings=summary.issues.warnings[:kept]),
            configuration=Configuration(
                parameters=configuration.parameters if kept > _KEPT[-2] else {}, environment=environment if kept else {}
            ),
            execution_summary=msgspec.structs.replace(
                summary.execution_summary,
                artifacts=summary.execution_summary.artifacts[:kept],
                backups=summary.execution_summary.backups[:kept],
                results=summary.execution_summary.results if kept else {},
            ),
        )
        encoded = msgspec.json.encode(short)
    return encoded
