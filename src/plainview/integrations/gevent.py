"""gevent's pools: work runs in the context of the place that gave it out, be it in a greenlet or in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from plainview.context import EMPTY, current
from plainview.integrations.exchange import serving
from plainview.integrations.patching import replace
from plainview.integrations.threads import carried, with_exchange

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["install_pool", "install_threadpool"]

#: What takes a function first. `spawn` alone is not enough: some of these call it in a greenlet of their own.
_GIVING: Final = ("apply", "apply_async", "apply_cb", "map", "map_async", "map_cb", "imap", "imap_unordered")


def install_pool(module: ModuleType) -> None:
    """``module`` is ``gevent.pool``; its pools of threads inherit from it."""
    for name in _GIVING:
        replace(module.GroupMappingMixin, name, _giving)
    replace(module.Group, "spawn", _giving)


def install_threadpool(module: ModuleType) -> None:
    """``module`` is ``gevent.threadpool``."""
    replace(module.ThreadPool, "spawn", _giving)


def _giving(give: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - a pool of gevent's
        if args:
            return give(self, _carried(args[0]), *args[1:], **kwargs)
        if "func" in kwargs:
            kwargs["func"] = _carried(kwargs["func"])
        return give(self, **kwargs)

    return wrapper


def _carried(function: Any) -> Any:  # noqa: ANN401 - a function, or what a subclass of greenlets takes first
    """A function in the context of here; what has one already keeps it."""
    nothing = current.get() is EMPTY and serving.get() is None
    if nothing or not callable(function) or getattr(function, "func", None) is with_exchange:
        return function
    return carried(function)
