"""Ties the metrics to the configuration in force: where the cells are, who takes the snapshots."""

from __future__ import annotations

import atexit
import threading
from typing import TYPE_CHECKING, Final

from plainview.capture import runtime
from plainview.capture.metrics.registry import REGISTRY
from plainview.capture.metrics.snapshot import Snapshots

if TYPE_CHECKING:
    from plainview.capture.runtime import Runtime

__all__ = ["attach", "detach", "failed", "in_use"]

#: Seconds for which an application that counts already is given time to call `configure`.
_PATIENCE: Final = 5.0

_snapshots: Snapshots | None = None
_attached: Runtime | None = None
#: `shutdown` was called: nobody is to configure again by counting.
_shut = False


def attach(found: Runtime) -> None:
    """From now on this configuration's stream has the cells, and its keeper takes the snapshots."""
    global _attached, _shut, _snapshots  # noqa: PLW0603 - the one configuration of the process
    if _attached is found:
        return
    _attached, _shut = found, False
    fresh = Snapshots(REGISTRY, found.recorder.spool)
    if _snapshots is not None:
        fresh.take_over(_snapshots)
    _snapshots = fresh
    REGISTRY.cap(found.settings.metrics_max_series)
    REGISTRY.board.settled = fresh.settled
    REGISTRY.board.homeless = _wait
    if found.settings.enabled:
        found.keeper.metrics = fresh
    REGISTRY.board.attach(found.recorder.spool)


def detach() -> None:
    """The configuration ends; what it was told of stays known, and counting goes on in memory."""
    global _attached, _shut
    _attached, _shut = None, True
    REGISTRY.board.attach(None)


def in_use() -> None:
    """There is a metric: what is configured, or will be, is to care for it."""
    found = runtime._current  # noqa: SLF001 - `runtime()` would configure
    if found is not None and found is not _attached:
        attach(found)
    elif found is None:
        REGISTRY.board.homeless = _wait


def _wait() -> None:
    """Something is counted and nobody has configured: an application may do so yet, as a rule when it is imported."""
    if not _shut:
        waiting = threading.Timer(_PATIENCE, _configure)
        waiting.daemon = True
        try:
            waiting.start()
        except RuntimeError:  # the interpreter is going down; see below
            return


def _configure() -> None:
    if runtime._current is None and not _shut and len(REGISTRY.board.view):  # noqa: SLF001 - as above
        runtime.runtime()


atexit.register(_configure)


def failed(error: BaseException) -> None:
    """Count an error of ours."""
    found = runtime._current  # noqa: SLF001 - `runtime()` would configure
    if found is not None:
        found.recorder.spool.failed(error)
