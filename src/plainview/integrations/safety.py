"""An error of ours never becomes one of the application's: it is counted, reported once, and the work goes on."""

from __future__ import annotations

import contextlib

from plainview.capture.runtime import runtime

__all__ = ["failed"]


def failed(error: BaseException) -> None:
    """Count an error of an integration, and report the first of its kind on standard error."""
    with contextlib.suppress(Exception):  # there is nobody left to tell
        runtime().recorder.spool.failed(error)
