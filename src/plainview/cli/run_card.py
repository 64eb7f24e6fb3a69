"""One run on the terminal: its summary as it is printed at a run's end, and why it failed."""

from __future__ import annotations

import json
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from plainview.capture.runs import printed, summary as summaries
from plainview.cli.asking import local_time, plain_console
from plainview.sinks.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["FIGURES", "change", "figure", "show_run"]

#: Figure → what it is called, and how it is told.
FIGURES: Final[Mapping[str, tuple[str, Callable[[float], str]]]] = {
    "duration_ms": ("duration", lambda value: printed.duration(value / 1000)),
    "memory_peak_bytes": ("memory, peak", printed.size),
    "cpu_ms": ("processor time", lambda value: printed.duration(value / 1000)),
    "rows": ("rows", lambda value: f"{value:,.0f}"),
    "rows_per_second": ("rows a second", lambda value: f"{value:,.1f}"),
    "errors": ("errors", lambda value: f"{value:,.0f}"),
    "warnings": ("warnings", lambda value: f"{value:,.0f}"),
}
#: Entries of each list.
_FEW: Final = 10
_LEVELS: Final = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}
_LONGEST: Final = 160


def figure(name: str, value: float | None) -> str:
    """A figure of a run for people; ``-`` where there is none."""
    return "-" if value is None else FIGURES[name][1](value)


def show_run(whole: Mapping[str, Any], analysis: Mapping[str, Any], screen: str) -> None:
    """Print a run.

    Args:
        whole: as `/v1/runs/{run_id}` tells it.
        analysis: as `/v1/runs/{run_id}/analysis` does.
        screen: address of the server.
    """
    console = plain_console()
    # The last line of what is printed at a run's end says that this command shows more of it.
    card = printed.text(_summary(whole, analysis), "").strip("\n").splitlines()[:-1]
    console.print(Text(card[0], "bold"))
    for line in (*card[1:], *_further(whole, screen)):
        console.print(Text(line), soft_wrap=True)
    if analysis["first_failure"]:
        console.print()
        console.print(Text("Why it failed", "bold"))
        for text in _why(analysis):
            console.print(text, soft_wrap=True)


def _summary(whole: Mapping[str, Any], analysis: Mapping[str, Any]) -> summaries.RunSummary:
    """The summary of a run, from what the server knows: of all of its processes, and of one that goes on."""
    run = whole["run"]
    seconds = (run["duration_ms"] or 0) / 1000
    operations = [each for each in whole["operations"] if each["kind"] != "span"] or whole["operations"]
    cpu = None if run["cpu_ms"] is None else run["cpu_ms"] / 1000
    return summaries.RunSummary(
        run_metadata=summaries.RunMetadata(
            run_id=visible(run["run_id"]),
            name=run["name"],
            start_time=run["started_at"],
            end_time=run["ended_at"] or run["last_seen"],
            duration_seconds=seconds,
            status=run["status"],
        ),
        execution_summary=summaries.ExecutionSummary(
            errors=run["errors"],
            warnings=run["warnings"],
            rows=run["rows"],
            rows_per_second=run["rows_per_second"],
            checks=run["checks"] if any(run["checks"].values()) else {},
            first_failure=_failure(analysis["first_failure"]),
            reason=run["reason"] or "",
            artifacts=[_saved(file) for file in whole["artifacts"]],
            backups=[_saved(file) for file in whole["backups"]],
        ),
        performance_metrics={f"{each['kind']} {each['name']}": _figures(each) for each in operations},
        resources=summaries.Resources(
            cpu_seconds=cpu,
            cpu_percent=100 * cpu / seconds if cpu is not None and seconds else None,
            memory_peak_bytes=run["memory_peak_bytes"],
            memory_delta_bytes=run["memory_delta_bytes"],
        ),
        data_quality=[
            summaries.CheckResult(
                timestamp=check["timestamp"],
                name=check["name"],
                value=check["value"],
                thresholds=check["thresholds"] if isinstance(check["thresholds"], dict) else {},
                result=check["result"],
            )
            for check in whole["checks"]
        ],
        issues=summaries.Issues(errors=[], warnings=[]),
        configuration=summaries.Configuration(parameters=whole["parameters"], environment=whole["environment"]),
    )


def _failure(first: Mapping[str, Any] | None) -> summaries.Failure | None:
    if first is None:
        return None
    operation, error = first["operation"], first["error"]
    said = f"{error['type']}: {error['message']}" if error else operation["reason"] or operation["status"]
    return summaries.Failure(kind=operation["kind"], name=operation["name"], error=said)


def _saved(file: Mapping[str, Any]) -> summaries.Saved:
    return summaries.Saved(path=file["path"], bytes=file["bytes"])


def _figures(each: Mapping[str, Any]) -> summaries.OperationFigures:
    return summaries.OperationFigures(
        kind=each["kind"],
        name=each["name"],
        count=each["count"],
        duration_seconds=each["total_ms"] / 1000,
        mean_seconds=each["mean_ms"] / 1000,
        max_seconds=each["max_ms"] / 1000,
        share=each["share"] or 0.0,
        status="",
        timestamp="",
        failed=each["failed"],
    )


def _further(whole: Mapping[str, Any], screen: str) -> Iterator[str]:
    """What is known beyond the summary."""
    run = whole["run"]
    if run["status"] == "running" and run["percent"] is not None:
        yield f"Progress:  {run['percent']:.0f} % {visible(run['step'] or '')}"
    if run["unusual"]:
        names = ", ".join(FIGURES[name][0] for name in run["unusual"])
        usual = printed.duration(median(run["earlier_durations_ms"]) / 1000)
        yield f"Unusual:   {names} (the runs before it took {usual})"
    if whole["parameters"]:
        told = ", ".join(f"{name}={_plain(value)}" for name, value in whole["parameters"].items())
        yield f"Given:     {_short(told)}"
    if run["git_commit"]:
        changed = " and changes" if whole["environment"].get("git_dirty") else ""
        yield f"Commit:    {visible(run['git_commit'][:12])}{changed}"
    yield from _list("Warned", [warning["text"] for warning in whole["warnings"]])
    yield from _list(
        "Errors",
        [
            f"{error['issue'] or '-'}  {error['error_type']}: {error['error_message']}  ({error['count']:,})"
            for error in whole["errors"]
        ],
    )
    yield f"Screen:    {screen}/runs/{visible(run['run_id'])}"
    yield f"Log:       {screen}{visible(whole['logs']['url'])}  ({whole['logs']['count']:,} lines)"


def _plain(value: Any) -> str:  # noqa: ANN401 - any JSON
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _list(title: str, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        return
    yield f"{title}:"
    yield from (f"  {_short(line)}" for line in lines[:_FEW])
    if len(lines) > _FEW:
        yield f"  and {len(lines) - _FEW} more"


def _short(text: str) -> str:
    text = visible(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _why(analysis: Mapping[str, Any]) -> Iterator[Text]:
    operation, error = (analysis["first_failure"][name] for name in ("operation", "error"))
    what = visible(f"{operation['kind']} {operation['name']}")
    if error:
        issue = f"  ({error['issue']})" if error["issue"] else ""
        yield Text(f"  {what}: {_short(error['type'] + ': ' + error['message'])}{issue}", "red")
        yield Text(f"  {error['category']}: {error['action']}")
    else:
        place = f" at {operation['percent']:.0f} %" if operation["percent"] is not None else ""
        step = f", {operation['step']}" if operation["step"] else ""
        reason = f" ({_short(operation['reason'])})" if operation["reason"] else ""
        yield Text(f"  {what}: {operation['status']}{place}{visible(step)}{reason}", "red")
    others = [each for each in analysis["failures"] if not _same_error(each, operation)]
    for each in others[:_FEW]:
        yield Text(f"  also failed: {_short(each['kind'] + ' ' + each['name'] + ': ' + (each['reason'] or ''))}", "dim")
    if analysis["logs_around"]:
        yield Text("  The log around it:")
    for entry in analysis["logs_around"]:
        mark = ">" if entry["id"] == analysis["log"] else " "
        at = datetime.fromisoformat(entry["timestamp"]).astimezone()
        line = f"  {mark} {at:%H:%M:%S} {entry['level']:<8} {_short(entry['message'])}"
        yield Text(line, _LEVELS.get(entry["level"], "dim"))
    good = analysis["last_good"]
    if good is None:
        yield Text("  There is no good run before it.")
        return
    yield Text(f"  Since the last good run, {visible(good['run_id'] or '')} of {local_time(good['started_at'])}:")
    changes = list(_changes(analysis["changed"]))
    for line in changes[: 2 * _FEW] or ["nothing has changed that is known of"]:
        yield Text(f"    {_short(line)}")
    if len(changes) > 2 * _FEW:
        yield Text(f"    and {len(changes) - 2 * _FEW} more: plainview runs compare {visible(good['run_id'] or '')} …")


def _same_error(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    same = one["error_id"] and one["error_id"] == other["error_id"]
    return bool(same or one["operation_id"] == other["operation_id"])


def _changes(changed: Mapping[str, Any]) -> Iterator[str]:
    for of, title in (("parameters", "parameter"), ("environment", "environment")):
        yield from (f"{title} {change(each)}" for each in changed[of] if not each["same"])
    for pattern in changed["patterns"]["new"]:
        yield f"new in the log: {pattern['level']} {pattern['pattern']} ({pattern['count']:,})"
    for error in changed["errors"]["new"]:
        yield f"new error: {error['error_type']}: {error['error_message']} ({error['count']:,})"


def change(each: Mapping[str, Any]) -> str:
    """A value that differs, as ``name: a → b``."""
    a, b = ("(none)" if each[side] is None else _plain(each[side]) for side in ("a", "b"))
    return f"{each['name']}: {a} → {b}"
