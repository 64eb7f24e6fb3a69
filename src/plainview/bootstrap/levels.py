"""Capturing more than the application shows, without the application showing more.

A program that sets up nothing has the root logger at WARNING. Its INFO records are captured all the same, so its
loggers must make them; its own handlers must not see them, or what it prints would change. No logger's level is
touched: only what `Logger.getEffectiveLevel` says, and which records go on to the handlers.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any, TextIO

from plainview.capture import runtime
from plainview.capture.recorder import source_member
from plainview.capture.stdlib import StandardLogging
from plainview.integrations.foreign import record
from plainview.integrations.patching import is_ours, mark
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["own_output"]


def own_output() -> None:
    """What is configured from now on leaves the application's own log output as it is."""
    runtime.StandardLogging = _Unseen  # type: ignore[attr-defined] # the variant for programs that did not ask for us


class _Unseen(StandardLogging):
    """Lowers levels for itself alone, and sees warnings without taking them away."""

    _show: Callable[..., None] | None = None

    def install(self) -> None:
        """Begin to capture."""
        self._general = self._gates.root
        self._asked_for = bool(os.environ.get("PLAINVIEW_LEVEL"))
        self._before = before = {name: getattr(logging.Logger, name) for name in _PATCHED}
        effective: Callable[[logging.Logger], int] = before["getEffectiveLevel"]
        made = threading.local()

        def get_effective_level(logger: logging.Logger) -> int:
            level = effective(logger)
            return min(level, self._wanted(logger, level))

        def make_record(logger: logging.Logger, name: str, level: int, *args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401 - passes through
            record: logging.LogRecord = before["makeRecord"](logger, name, level, *args, **kwargs)
            made.hidden = record if level < effective(logger) else None
            return record

        def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
            # Only what the application would not have made; what it gives to `Logger.handle` by itself goes on.
            if getattr(made, "hidden", None) is not record:
                before["callHandlers"](logger, record)

        for name, function in zip(_PATCHED, (call_handlers, get_effective_level, make_record), strict=True):
            setattr(logging.Logger, name, function)
        super().install()
        if self._took_warnings:  # in the way that takes them off the terminal
            logging.captureWarnings(capture=False)
            self._took_warnings = False
            self._show = show = warnings.showwarning
            warnings.showwarning = _recording(show)

    def uninstall(self) -> None:
        """Put everything back as it was."""
        super().uninstall()
        if self._show is not None and is_ours(warnings.showwarning):
            warnings.showwarning = self._show
        for name, function in self._before.items():
            setattr(logging.Logger, name, function)
        self._forget()

    def levels_changed(self) -> None:
        """Let the loggers find out anew which records are wanted."""
        self._heads.clear()
        self._forget()

    def _wanted(self, logger: logging.Logger, level: int) -> int:
        gates = self._gates
        if self._asked_for or gates.root != self._general or logger.name in gates.levels:
            return gates.level(logger.name)
        # Nobody set a level on the way up to the root, and nobody on the root either.
        if level != logging.WARNING:
            return level
        step: logging.Logger | None = logger
        while step is not None and not step.level:
            step = step.parent
        return gates.level(logger.name) if step is None or step is logger.root else level

    @staticmethod
    def _forget() -> None:
        logging.Logger.manager._clear_cache()  # type: ignore[attr-defined]  # noqa: SLF001 - as `Logger.setLevel` does


def _recording(show: Callable[..., None]) -> Callable[..., None]:
    def showwarning(  # noqa: PLR0913, PLR0917 - the standard library's signature
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        try:
            text, source = f"{category.__name__}: {message}", source_member(filename, "", lineno)
            record("py.warnings", 30, time.time_ns(), text, {}, source=source, exception=None)
        except Exception as error:  # noqa: BLE001 - never into the application
            failed(error)
        show(message, category, filename, lineno, file, line)

    return mark(showwarning, show)


_PATCHED = ("callHandlers", "getEffectiveLevel", "makeRecord")
