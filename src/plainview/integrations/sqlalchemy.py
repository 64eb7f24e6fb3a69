"""SQLAlchemy: how many connections its pools have, in use and idle."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from plainview.capture.metrics.families import feed
from plainview.capture.metrics.resources import also
from plainview.integrations.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["install"]

_pools: Final[WeakSet[Any]] = WeakSet()
_changing: Final = threading.Lock()


def install(module: ModuleType) -> None:
    """Know each pool once it is used. ``module`` is ``sqlalchemy.pool.base``."""
    replace(module.Pool, "connect", _noticing)  # not when it is made: that may have been before
    also(_look)


def _noticing(connect: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Any) -> Any:  # noqa: ANN401 - sqlalchemy.Pool and its connection
        if self not in _pools:
            with _changing:
                _pools.add(self)
        return connect(self)

    return wrapper


def _look() -> None:
    with _changing:
        pools = [pool for pool in _pools if hasattr(pool, "checkedout")]  # those that keep connections
    if pools:
        active = sum(pool.checkedout() for pool in pools)
        idle = sum(pool.checkedin() for pool in pools)
        for name, value in (("active", active), ("idle", idle)):
            feed(f"db_connections_{name}").set(value)
            feed(f"database_connections_{name}").set(value)
        feed("database_connections").set(active + idle)
