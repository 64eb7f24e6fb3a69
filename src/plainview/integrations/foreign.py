"""Recording what was logged through somebody else's logging library."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from plainview.capture.runtime import runtime
from plainview.records import LEVEL_NAMES, level_number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

__all__ = ["caller", "record"]


def record(  # noqa: PLR0913 - what a record consists of
    logger: str,
    level: int,
    nanoseconds: int,
    message: object,
    fields: Mapping[str, Any],
    *,
    source: bytes,
    exception: BaseException | None,
) -> None:
    """Record a line, if records of this logger and level are kept.

    Args:
        logger: its name.
        level: a number, in the manner of the standard library.
        nanoseconds: when, since 1970.
        message: what was said.
        fields: all that came with it.
        source: as `plainview.capture.recorder.source_member` makes it.
        exception: what went wrong.
    """
    now = runtime()
    number = level_number(level)
    if not now.settings.enabled or number < now.gates.level(logger):
        return
    admit = now.gates.gate(logger, number)
    if admit is None or admit(message):
        head = now.recorder.head(LEVEL_NAMES[number], logger)
        now.recorder.log(nanoseconds, head, message, fields, source if now.recorder.with_source else b"", exception)


def caller(*packages: str) -> FrameType:
    """The innermost frame outside this package and the given ones."""
    frame: FrameType = sys._getframe(1)  # noqa: SLF001 - the documented way to a caller's frame
    while frame.f_back is not None:
        name = frame.f_globals.get("__name__", "")
        if name.partition(".")[0] not in packages and not name.startswith("plainview.integrations"):
            break
        frame = frame.f_back
    return frame
