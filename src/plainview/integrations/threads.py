"""Context into threads: those that are started here, and the work given to a `ThreadPoolExecutor`.

Only Plainview's own context goes along; the context variables of other libraries stay where they are.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from plainview.context import current
from plainview.integrations.exchange import serving
from plainview.integrations.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from plainview.context import Frame
    from plainview.integrations.exchange import Exchange

__all__ = ["carried", "install", "install_executor", "with_exchange", "within"]


def install(module: ModuleType) -> None:
    """A thread begins with the context of the place that started it. ``module`` is ``threading``."""
    replace(module.Thread, "start", _remembering)
    # Not `run`: most subclasses have one of their own.
    replace(module.Thread, "_bootstrap_inner", _restoring)


def _remembering(start: Callable[..., None]) -> Callable[..., None]:
    def wrapper(self: Any) -> None:  # noqa: ANN401 - threading.Thread
        self.__plainview__ = current.get()
        start(self)

    return wrapper


def _restoring(bootstrap: Callable[..., None]) -> Callable[..., None]:
    def wrapper(self: Any) -> None:  # noqa: ANN401 - threading.Thread
        carried = vars(self).pop("__plainview__", None)
        if carried is not None:
            current.set(carried)
        bootstrap(self)

    return wrapper


def install_executor(module: ModuleType) -> None:
    """Work runs in the context of the place that submitted it. ``module`` is ``concurrent.futures.thread``."""
    replace(module.ThreadPoolExecutor, "submit", _submitting)


def _submitting(submit: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
        return submit(self, carried(fn), *args, **kwargs)

    return wrapper


def carried(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function in the context of here, wherever it is called."""
    return functools.partial(with_exchange, current.get(), serving.get(), function)


def with_exchange(
    frame: Frame,
    exchange: Exchange | None,
    function: Callable[..., Any],
    /,
    *args: Any,  # noqa: ANN401 - passes through
    **kwargs: Any,  # noqa: ANN401 - passes through
) -> Any:  # noqa: ANN401 - passes through
    """Call a function with a frame as what is current, and the request: servers call applications in this way."""
    token = serving.set(exchange)
    try:
        return within(frame, function, *args, **kwargs)
    finally:
        serving.reset(token)


def within(frame: Frame, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
    """Call a function with a frame as what is current."""
    token = current.set(frame)
    try:
        return function(*args, **kwargs)
    finally:
        current.reset(token)
