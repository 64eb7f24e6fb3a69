"""structlog: each event is recorded beside whatever the application's processors make of it.

`install` (`plainview.instrument("structlog")`, or `plainview run`) sees to it whatever the application configures. By
hand, `processor` goes in front of the renderer of loggers that print by themselves.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from plainview.capture.recorder import exception_of
from plainview.capture.runtime import runtime
from plainview.integrations.foreign import caller, record
from plainview.integrations.patching import replace
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping
    from types import ModuleType

    Event = MutableMapping[str, Any]

__all__ = ["install", "processor"]

#: Method of the logger → level. ``exception`` is an error.
_LEVELS: Final = {
    "debug": 10,
    "info": 20,
    "msg": 20,
    "warning": 30,
    "warn": 30,
    "error": 40,
    "err": 40,
    "exception": 40,
    "critical": 50,
    "fatal": 50,
}
#: Keys that structlog's own processors add and a record has a place of its own for.
_OWN: Final = frozenset({"event", "exc_info", "level", "logger", "timestamp"})


def install(module: ModuleType) -> None:
    """Record the events of all loggers. ``module`` is ``structlog``."""
    replace(module, "configure", _configuring)
    module._config.configure = module.configure  # noqa: SLF001 - `configure_once` calls this one
    processors = module.get_config()["processors"]
    if not any(isinstance(item, _Recording) for item in processors):
        processors[:] = _with_recording(processors)


def processor(logger: Any, method_name: str, event_dict: Event) -> Event:  # noqa: ANN401 - structlog's signature
    """Record an event; hand it on unchanged.

    An event that goes on to a logger of the standard library is recorded there, so not here.
    """
    if not isinstance(logger, logging.Logger):
        _record(logger, method_name, event_dict)
    return event_dict


def _configuring(configure: Callable[..., None]) -> Callable[..., None]:
    def wrapper(processors: Iterable[Any] | None = None, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passes through
        if processors is not None:
            try:
                processors = _with_recording(list(processors))
            except Exception as error:  # noqa: BLE001 - never into the application
                failed(error)
        configure(processors, *args, **kwargs)

    return wrapper


def _with_recording(processors: list[Any]) -> list[Any]:
    others = [item for item in processors if item is not processor]
    if not others or isinstance(others[-1], _Recording):
        return others
    return [*others[:-1], _Recording(others[-1])]


class _Recording:
    """Takes the place of the last processor, the renderer: records the event, then renders it."""

    def __init__(self, renderer: Callable[[Any, str, Event], Any]) -> None:
        self._renderer = renderer

    def __call__(self, logger: Any, method_name: str, event_dict: Event) -> Any:  # noqa: ANN401 - structlog's signature
        """As the renderer would; what goes on to the standard library is marked as recorded."""
        _record(logger, method_name, event_dict)
        rendered = self._renderer(logger, method_name, event_dict)
        if not isinstance(logger, logging.Logger):
            return rendered
        if isinstance(rendered, tuple) and len(rendered) == 2:  # noqa: PLR2004 - arguments and keywords
            arguments, keywords = rendered
        elif isinstance(rendered, dict):
            arguments, keywords = (), rendered
        else:
            arguments, keywords = (rendered,), {}
        return arguments, {**keywords, "extra": {**(keywords.get("extra") or {}), "plainview": True}}


def _record(logger: Any, method_name: str, event: Event) -> None:  # noqa: ANN401 - structlog's
    try:
        frame = caller("structlog")
        exception, own = exception_of(event.get("exc_info")), _OWN
        if exception is None and "exception" in event:  # rendered already, by `format_exc_info` or its like
            exception = sys.exc_info()[1]
            own = _OWN | {"exception"} if exception is not None else _OWN
        record(
            str(event.get("logger") or getattr(logger, "name", None) or frame.f_globals.get("__name__", "")),
            _LEVELS.get(method_name, 20),
            time.time_ns(),
            event.get("event", ""),
            {key: value for key, value in event.items() if key not in own},
            source=runtime().recorder.source(frame),
            exception=exception,
        )
    except Exception as error:  # noqa: BLE001 - never into the application
        failed(error)
