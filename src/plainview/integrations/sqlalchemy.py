"""SQLAlchemy: how many connections its pools have, in use and idle."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from plainview.capture.metrics.families import metric
from plainview.capture.metrics.resources import also
from plainview.integrations.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["install"]

_pools: Final[WeakSet[Any]] = WeakSet()
_changing: Final = threading.Lock()


def install(module: ModuleType) -> None:
    """Know each pool that is made from now on. ``module`` is ``sqlalchemy.pool.base``."""
    replace(module.Pool, "__init__", _known)
    also(_look)


def _known(make: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401, N807 - passes through
        make(self, *args, **kwargs)
        with _changing:
            _pools.add(self)

    return __init__


def _look() -> None:
    with _changing:
        pools = [pool for pool in _pools if hasattr(pool, "checkedout")]  # those that keep connections
    if pools:
        active = sum(pool.checkedout() for pool in pools)
        idle = sum(pool.checkedin() for pool in pools)
        for name, value in (("active", active), ("idle", idle)):
            metric(f"db_connections_{name}").set(value)
            metric(f"database_connections_{name}").set(value)
        metric("database_connections").set(active + idle)
