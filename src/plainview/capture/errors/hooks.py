"""The interpreter's hooks for what nobody caught: `sys.excepthook`, `threading.excepthook`, `sys.unraisablehook`.

Each goes on to the hook that was there before. What `asyncio` has to tell comes by its logger, so a handler of the
application's own stays in charge.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from plainview.capture.runtime import Runtime

__all__ = ["install", "uninstall"]


class _Hook:
    """Stands in for one of the interpreter's hooks."""

    def __init__(self, module: ModuleType, name: str, take: Callable[[_Hook, tuple[Any, ...]], None]) -> None:
        self._module: Final = module
        self._name: Final = name
        self._take: Final = take
        self._previous: Callable[..., Any] | None = None
        #: The configuration in force; None: nothing is captured.
        self.runtime: Callable[[], Runtime] | None = None

    def __call__(self, *arguments: Any) -> None:  # noqa: ANN401 - a hook's arguments
        if self.runtime is not None:
            with contextlib.suppress(Exception):  # nobody is left to be told
                self._take(self, arguments)
        if self._previous is not None:
            self._previous(*arguments)

    def install(self, runtime: Callable[[], Runtime]) -> None:
        present = getattr(self._module, self._name)
        # Somebody may have put a hook of his own around ours: then ours is still there, below.
        if self._previous is None:
            self._previous = present
            setattr(self._module, self._name, self)
        self.runtime = runtime

    def uninstall(self) -> None:
        self.runtime = None
        if getattr(self._module, self._name) is self:
            setattr(self._module, self._name, self._previous)
            self._previous = None

    def capture(self, error: BaseException | None, mechanism: str, level: str, message: str = "") -> None:
        if error is not None and self.runtime is not None:
            self.runtime().recorder.errors.capture(
                error, mechanism=mechanism, handled=False, level=level, message=message
            )


def _unhandled(hook: _Hook, arguments: tuple[Any, ...]) -> None:
    hook.capture(arguments[1], "excepthook", "CRITICAL")


def _in_thread(hook: _Hook, arguments: tuple[Any, ...]) -> None:
    hook.capture(arguments[0].exc_value, "threading", "ERROR")


def _unraisable(hook: _Hook, arguments: tuple[Any, ...]) -> None:
    # Nothing is kept of the object, nor is it asked what it is: it may be half gone.
    hook.capture(arguments[0].exc_value, "unraisable", "ERROR", arguments[0].err_msg or "")


_HOOKS: Final = (
    _Hook(sys, "excepthook", _unhandled),
    _Hook(threading, "excepthook", _in_thread),
    _Hook(sys, "unraisablehook", _unraisable),
)


def install(runtime: Callable[[], Runtime]) -> None:
    """Capture what nobody caught."""
    for hook in _HOOKS:
        hook.install(runtime)


def uninstall() -> None:
    """Put the hooks back as they were, unless somebody has put others around them: then they only pass on."""
    for hook in _HOOKS:
        hook.uninstall()
