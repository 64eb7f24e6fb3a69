"""asyncio: event loops are watched for how late they are (`plainview.capture.metrics.loops`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainview.capture.metrics.loops import notice
from plainview.integrations.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["install"]


def install(module: ModuleType) -> None:
    """Watch each loop that is run. ``module`` is ``asyncio.base_events``; other libraries' loops are seen by ASGI."""
    replace(module.BaseEventLoop, "run_forever", _noticing)


def _noticing(run_forever: Callable[..., None]) -> Callable[..., None]:
    def wrapper(self: Any) -> None:  # noqa: ANN401 - asyncio.BaseEventLoop
        notice(self)
        run_forever(self)

    return wrapper
