"""loguru: a sink that records each message.

`install` (`plainview.instrument("loguru")`, or `plainview run`) adds it, and adds it again when the application removes
all sinks to set up its own. By hand: ``logger.add(plainview.integrations.loguru.sink, level=0, format="")``.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from plainview.capture.recorder import source_member
from plainview.integrations.foreign import record
from plainview.integrations.patching import replace
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, ModuleType

__all__ = ["install", "sink"]


def install(module: ModuleType) -> None:
    """Record the messages of loguru's logger. ``module`` is ``loguru``."""
    kind = type(module.logger)
    if not hasattr(kind.remove, "__plainview__"):
        _add(module.logger)
    replace(kind, "remove", _removing)


def sink(message: Any) -> None:  # noqa: ANN401 - loguru.Message
    """Record a message. One that came to loguru from the standard library has been recorded already."""
    try:
        if _came_from_logging():
            return
        made = message.record
        exception = made["exception"]
        record(
            made["name"] or "",
            made["level"].no,
            int(made["time"].timestamp() * 1e6) * 1000,
            made["message"],
            made["extra"],
            source=source_member(made["file"].path, made["function"], made["line"]),
            exception=exception.value if exception is not None else None,
        )
    except Exception as error:  # noqa: BLE001 - never into the application
        failed(error)


def _add(logger: Any) -> None:  # noqa: ANN401 - loguru.Logger
    logger.add(sink, level=0, format="", backtrace=False, diagnose=False)


def _removing(remove: Callable[..., None]) -> Callable[..., None]:
    def wrapper(self: Any, handler_id: int | None = None) -> None:  # noqa: ANN401 - loguru.Logger
        remove(self, handler_id)
        if handler_id is None:
            try:
                _add(self)
            except Exception as error:  # noqa: BLE001 - never into the application
                failed(error)

    return wrapper


def _came_from_logging() -> bool:
    # Many applications hand on to loguru what comes by `logging`: their handler is then below us on the stack.
    handle = logging.Handler.handle.__code__
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the documented way to the stack
    while frame is not None and frame.f_code is not handle:
        frame = frame.f_back
    return frame is not None
