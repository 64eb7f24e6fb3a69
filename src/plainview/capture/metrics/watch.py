"""What is done beside the instruments, in the keeper's rhythm: looking at resources and loops, serving the port."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from plainview.capture import runtime
from plainview.capture.metrics import loops
from plainview.capture.metrics.registry import REGISTRY
from plainview.capture.metrics.resources import Resources

if TYPE_CHECKING:
    from plainview.capture.metrics.port import Port
    from plainview.settings import Settings

__all__ = ["Watch"]

#: Age at which a process is looked at by itself, seconds: a short one is over by then.
_YOUNG_SECONDS: Final = 5.0


class Watch:
    """Of one configuration.

    Args:
        settings: in force.
        directory: the data directory.
        began: when it came into force, on the monotonic clock.
    """

    def __init__(self, settings: Settings, directory: str, began: float) -> None:
        self._began: Final = began
        self._looked = False
        self._resources = Resources(settings, directory) if settings.resources and not settings.low_resource else None
        self._port: Port | None = None
        if settings.metrics_port:
            from plainview.capture.metrics import answer  # noqa: PLC0415 - http.server, for those who want it
            from plainview.capture.metrics.port import Port  # noqa: PLC0415 - the same

            answers = {"/metrics": answer.metrics, "/health/live": answer.live}
            self._port = Port((settings.metrics_host, settings.metrics_port), answers)
        REGISTRY.before_collect(_look)

    def tick(self) -> None:
        """What is due each second."""
        if self._resources is not None:
            loops.probe()
            if not self._looked:
                self.look_unless_young()  # from then on there are metrics, and the snapshots ask for it
        if self._port is not None:
            self._port.attempt()

    def look(self) -> None:
        """Take the values that nobody gives."""
        if self._resources is not None:
            self._looked = True
            self._resources.look()

    def look_unless_young(self) -> None:
        """The same, in a process that will live a while."""
        if time.monotonic() - self._began >= _YOUNG_SECONDS:
            self.look()

    def after_fork(self) -> None:
        """In a forked child: what is the parent's stays there."""
        self._looked = False
        if self._resources is not None:
            self._resources.after_fork()
        if self._port is not None:
            self._port.after_fork()

    def close(self) -> None:
        """The configuration ends."""
        if self._resources is not None:
            self._resources.close()
        if self._port is not None:
            self._port.close()


def _look() -> None:
    found = runtime._current  # noqa: SLF001 - `runtime()` would configure
    if found is not None and found.watch is not None:
        found.watch.look_unless_young()
