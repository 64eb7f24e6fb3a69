"""The runs that are open, and which of them work belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from plainview.context import current

if TYPE_CHECKING:
    from plainview.capture.runs.run import Run
    from plainview.context import Frame

__all__ = ["belonging", "current_run", "elsewhere", "ongoing", "run_of"]

#: ``run_id`` → run of this process, in the order in which they began. It goes by the bound field, so that threads find
#: theirs as well.
ongoing: Final[dict[str, Run]] = {}
#: ``run_id`` → ``operation_id`` of the run, in another process, that this process is a part of.
elsewhere: Final[dict[str, str]] = {}


def run_of(frame: Frame) -> Run | None:
    """The run that a frame is in; None: none of this process's."""
    if not ongoing:
        return None
    found = frame.bound.fields.get("run_id")
    return ongoing.get(found) if type(found) is str else None


def belonging(frame: Frame) -> tuple[Run | None, str]:
    """The run of this process that a frame is in, and the ``operation_id`` of that one or of another process's."""
    run = run_of(frame)
    if run is not None:
        return run, run.operation_id
    found = frame.bound.fields.get("run_id") if elsewhere else None
    return None, elsewhere.get(found, "") if type(found) is str else ""


def current_run() -> Run | None:
    """The run that this is a part of, in whichever function, thread or task; None outside of runs of this process."""
    return run_of(current.get())
