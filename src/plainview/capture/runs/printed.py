"""The summary of a run for people to read, as it is printed at its end."""

from __future__ import annotations

import os
import select
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TextIO

from plainview.sinks.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainview.capture.runs.summary import CheckResult, ExecutionSummary, OperationFigures, RunSummary

__all__ = ["put", "text"]

#: Lines of each list.
_OPERATIONS: Final = 10
_CHECKS: Final = 10
_FILES: Final = 5
#: What a pipe takes at once where it takes anything (POSIX: PIPE_BUF), and seconds that one is waited for.
_PIPE_BYTES: Final = 4096
_PATIENCE: Final = 1.0
_MINUTE: Final = 60


def text(summary: RunSummary, saved: str) -> str:
    """The summary in some lines.

    Args:
        summary: what is told.
        saved: path of the file that holds all of it; empty: there is none.
    """
    run, execution, used = summary.run_metadata, summary.execution_summary, summary.resources
    lines = ["", f"=== Run {run.run_id} {run.status}: {visible(run.name)} ==="]
    told = {"Status": run.status, "Duration": duration(run.duration_seconds)}
    if execution.rows is not None:
        told["Rows"] = f"{execution.rows:,} ({execution.rows_per_second or 0:,.0f}/s)"
    told |= {"Errors": f"{execution.errors:,}", "Warnings": f"{execution.warnings:,}"}
    if used.memory_peak_bytes is not None:
        told["Memory"] = f"peak {size(used.memory_peak_bytes)}, {size(used.memory_delta_bytes or 0, sign='+')}"
    if used.cpu_seconds is not None:
        told["CPU"] = f"{duration(used.cpu_seconds)} ({used.cpu_percent or 0:.0f} %)"
    lines += [_told(name, value) for name, value in told.items()]
    lines += _failed(execution)
    lines += _operations(list(summary.performance_metrics.values()))
    lines += _checks(summary.data_quality, execution.checks)
    for title, files in {"Backup": execution.backups, "Artifact": execution.artifacts}.items():
        lines += [
            _told(title, f"{file.path} ({size(file.bytes)})" if file.bytes is not None else f"{file.path} (missing)")
            for file in files[:_FILES]
        ]
        if len(files) > _FILES:
            lines.append(_told("", f"and {len(files) - _FILES} more"))
    if saved:
        lines.append(_told("Summary", saved))
    lines.append(_told("Logs", f"plainview runs show {run.run_id}"))
    return "\n".join(lines) + "\n"


def _told(title: str, value: str) -> str:
    return f"{title + ':' if title else '':<11}{visible(value)}"


def _failed(execution: ExecutionSummary) -> Iterator[str]:
    failure = execution.first_failure
    if failure is not None:
        inputs = _inputs(failure.inputs)
        yield _told("Failed in", f"{failure.kind} {failure.name}{inputs}: {failure.error}")
    if execution.reason and (failure is None or execution.reason != failure.error):
        yield _told("Reason", execution.reason)


def _operations(found: list[OperationFigures]) -> Iterator[str]:
    if not found:
        return
    yield "Slowest operations:"
    for each in found[:_OPERATIONS]:
        name = visible(f"{each.kind} {each.name}")
        several = f"{each.count:,} x {duration(each.mean_seconds)}, slowest {duration(each.max_seconds)}"
        more = f" ({several}{visible(_inputs(each.slowest))})" if each.count > 1 else ""
        failed = f", {each.failed:,} failed" if each.failed else ""
        yield f"  {each.share:>6.1%}  {duration(each.duration_seconds):>12}  {name}{more}{failed}"
    if len(found) > _OPERATIONS:
        yield f"  and {len(found) - _OPERATIONS} more"


def _inputs(inputs: dict[str, Any]) -> str:
    said = ", ".join(f"{name}={value}" for name, value in inputs.items() if isinstance(value, (str, int, float)))
    return f" [{said[:60]}]" if said else ""


def _checks(found: list[CheckResult], counts: dict[str, int]) -> Iterator[str]:
    if not counts:
        return
    yield _told("Checks", ", ".join(f"{count:,} {result}" for result, count in counts.items()))
    bad = [each for each in found if each.result != "pass"]
    bad.sort(key=lambda each: each.result != "fail")
    for each in bad[:_CHECKS]:
        bounds = ", ".join(f"{name} {value}" for name, value in each.thresholds.items())
        shown = f"{each.name} = {each.value}" + (f" ({bounds})" if bounds else "")
        yield f"  {each.result:<8} {visible(shown)}"
    if len(bad) > _CHECKS:
        yield f"  and {len(bad) - _CHECKS} more"


def duration(seconds: float) -> str:
    """A duration: ``840 ms``, ``12.3 s``, ``0:02:03``, ``1 day, 3:00:00``."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.1f} s" if seconds < _MINUTE else str(timedelta(seconds=round(seconds)))


def size(count: float, sign: str = "") -> str:
    """A number of bytes: ``512 B``, ``1.4 MiB``."""
    unit = 0
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    while abs(count) >= 1024 and unit < len(units) - 1:  # noqa: PLR2004 - bytes in a KiB
        count, unit = count / 1024, unit + 1
    return f"{count:{sign}.0f} {units[unit]}" if unit == 0 else f"{count:{sign}.1f} {units[unit]}"


def put(stream: TextIO, said: str) -> None:
    """Print, unless nobody takes it: a pipe that is full is waited for a second, not for ever.

    Raises:
        OSError: the stream is closed, or nobody reads it.
        ValueError: it is closed.
    """
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):  # not a file: a notebook's, a test's
        stream.write(said)
        return
    stream.flush()
    data = said.encode(stream.encoding or "utf-8", "backslashreplace")
    while data:
        if not select.select((), (descriptor,), (), _PATIENCE)[1]:
            return
        data = data[os.write(descriptor, data[:_PIPE_BYTES]) :]
