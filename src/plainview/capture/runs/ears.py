"""Hears the errors and warnings of this process, and has each counted by the run that it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainview.capture.errors.occurrence import id_of
from plainview.capture.recorder import Recorder
from plainview.capture.runs.ongoing import current_run
from plainview.capture.runtime import runtime

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["listen", "rest"]


class _Ears:
    """`plainview.capture.recorder.Recorder.listener` while runs are open."""

    def heard(self, head: bytes, message: object, fields: Mapping[str, Any], error: BaseException | None) -> None:
        """Count it."""
        try:
            run = current_run()
            if run is not None:
                run.heard(head, message, fields, error, id_of(error) if error is not None else None)
        except Exception as failure:  # noqa: BLE001 - never into the application
            runtime().recorder.spool.failed(failure)


_ears = _Ears()


def listen() -> None:
    """A run is open."""
    Recorder.listener = _ears


def rest() -> None:
    """None is."""
    Recorder.listener = None
