"""The end of a run: its summary is made, written and printed."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final, cast

from plainview.capture.runs import file, printed
from plainview.capture.runs.summary import RunMetadata, RunSummary, stamp

if TYPE_CHECKING:
    from plainview.capture.runs.ledger import Ledger
    from plainview.capture.runs.run import Run
    from plainview.capture.runtime import Runtime
    from plainview.settings import Settings

__all__ = ["folder", "leave", "summary_of"]

_INDENT: Final = 2


def folder(given: str | os.PathLike[str] | None, settings: Settings, run_id: str) -> str:
    """The folder of a run's files, absolute: the script may go elsewhere meanwhile. Empty: nothing is to be written."""
    if given is None:
        from plainview.sinks.file import filled_in  # noqa: PLC0415 - where there is a folder to be filled in

        if not settings.runs_dir:
            return ""
        given = filled_in(settings.runs_dir, directory=settings.dir, service=settings.service)
    path = os.path.join(os.fsdecode(given), run_id)
    try:
        return os.path.abspath(path)
    except OSError:  # the working directory is gone: it will be said that it cannot be written
        return path


def summary_of(run: Run, ledger: Ledger, error: BaseException | None) -> RunSummary:
    """The summary of a run whose figures are known by now."""
    recorder = ledger.recorder
    settings, text = recorder.settings, recorder.encoding.text
    begin = run.started_at
    span = run.span
    reason = ""
    if error is not None and run.status != "completed":
        reason = ledger.tally.failure(run, error).error
    return RunSummary(
        run_metadata=RunMetadata(
            run_id=run.run_id,
            name=text(run.name),
            start_time=stamp(begin),
            end_time=stamp(begin + run.duration_ns),
            duration_seconds=run.duration_ns / 1e9,
            status=cast("Any", run.status),
            parent_run_id=run.parent_run_id,
            operation_id=run.operation_id,
            trace_id=span.trace_id if span is not None else "",
            service=text(settings.service),
            environment=text(settings.environment),
            version=text(settings.version),
            host=os.uname().nodename,
            pid=os.getpid(),
        ),
        **ledger.members(run, error, reason),
    )


def leave(summary: RunSummary, where: str, print_summary: bool | None, now: Runtime) -> None:  # noqa: FBT001 - as `plainview.run` has it
    """Write the file and print the summary. Never raises.

    Args:
        summary: what is written.
        where: the run's folder; empty: no file is wanted.
        print_summary: whether it is printed; None: as the settings say.
        now: the configuration in force when the run began.
    """
    path = ""
    if where:
        try:
            path = file.save(where, summary)
        except Exception as error:  # noqa: BLE001 - a summary less
            why = error.strerror if isinstance(error, OSError) else str(error)
            now.recorder.spool.complain(f"cannot write the summary of a run to {where}: {why or error}")
    wanted = now.settings.run_summary
    if print_summary is not None:
        wanted = "off" if not print_summary else "stdout" if wanted == "stdout" else "stderr"
    stream = {"stderr": sys.stderr, "stdout": sys.stdout}.get(wanted)
    if stream is not None:
        with contextlib.suppress(Exception):  # nobody is there to be told
            printed.put(stream, printed.text(summary, path))
