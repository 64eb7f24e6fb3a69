"""The native logger: `log.info("message", key=value)`."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from plainview.capture.emitter import emitter
from plainview.records import LEVEL_NAMES, LEVELS, level_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.capture.gate import Gates
    from plainview.capture.recorder import Recorder

__all__ = ["LogMethod", "Logger"]

#: Method, level, and the ``exc_info`` it takes when none is given.
_METHODS: Final = (
    ("debug", 10, None),
    ("info", 20, None),
    ("warning", 30, None),
    ("error", 40, None),
    ("critical", 50, None),
    ("exception", 40, True),
)


class LogMethod(Protocol):
    """``log.info`` and its like."""

    def __call__(self, message: object, /, **fields: Any) -> None:  # noqa: ANN401 - any value may be logged
        """Record a message with fields; ``exc_info=True`` (or an exception) adds the stack trace."""


def _off(_message: object, /, **_fields: object) -> None:
    """What the methods of a level that is off are."""


@final
class Logger:
    """A logger of one name, with fields of its own if `bind` gave it some. Get one from `plainview.get_logger`.

    The methods are made for the settings in force: the method of a level that is off does nothing at all.
    """

    __slots__ = (
        "__weakref__",
        "_fields",
        "_outer",
        "critical",
        "debug",
        "error",
        "exception",
        "info",
        "name",
        "warning",
    )

    debug: LogMethod
    info: LogMethod
    warning: LogMethod
    error: LogMethod
    critical: LogMethod
    #: As `error`, with the exception that is being handled.
    exception: LogMethod

    def __init__(self, name: str, fields: dict[str, Any]) -> None:
        self.name: Final = name
        self._fields: Final = fields
        #: Level → method for those who are called by the caller, not by themselves; None: nothing is configured.
        self._outer: dict[int, LogMethod] | None = None

    def __repr__(self) -> str:
        return f"<plainview.Logger {self.name!r}>"

    def log(self, level: str | int, message: object, /, **fields: Any) -> None:  # noqa: ANN401 - any value may be logged
        """Record at a level given by name or number.

        Raises:
            ValueError: there is no such level.
        """
        number = level_number(level)
        if self._outer is None:
            getattr(self, LEVEL_NAMES[number].lower())(message, **fields)  # the first record of all: it configures
        elif number in self._outer:
            self._outer[number](message, **fields)

    def is_enabled_for(self, level: str | int) -> bool:
        """Whether records of a level are kept."""
        return getattr(self, LEVEL_NAMES[level_number(level)].lower()) is not _off

    def bind(self, **fields: Any) -> Logger:  # noqa: ANN401 - any value may be bound
        """A logger of the same name that adds these fields to every record."""
        from plainview.capture.runtime import prepare  # noqa: PLC0415 - the runtime makes loggers

        return prepare(Logger(self.name, {**self._fields, **fields}))

    def unbind(self, *names: str) -> Logger:
        """A logger of the same name without these fields."""
        from plainview.capture.runtime import prepare  # noqa: PLC0415 - the runtime makes loggers

        return prepare(Logger(self.name, {key: value for key, value in self._fields.items() if key not in names}))

    def install(self, recorder: Recorder, gates: Gates) -> None:
        """Make the methods for the settings in force."""
        least = gates.level(self.name)
        for method, level, exc_info in _METHODS:
            emit = _emitter(recorder, self.name, level, self._fields, gates, exc_info) if level >= least else _off
            setattr(self, method, emit)
        self._outer = {
            level: _emitter(recorder, self.name, level, self._fields, gates, None, depth=2)
            for level in LEVEL_NAMES
            if level >= least
        }

    def install_first(self, first: Callable[[], None]) -> None:
        """Make methods that call ``first`` (which configures), then record."""
        self._outer = None
        for method, level, exc_info in _METHODS:
            setattr(self, method, _starter(self, level, exc_info, first))


def _starter(logger: Logger, level: int, exc_info: object, first: Callable[[], None]) -> LogMethod:
    def start(message: object, /, **fields: Any) -> None:  # noqa: ANN401 - passes through
        first()
        emit = (logger._outer or {}).get(level)  # noqa: SLF001 - a part of the logger, made outside it
        if emit is not None:
            emit(message, **{"exc_info": exc_info, **fields})

    return start


def _emitter(  # noqa: PLR0913, PLR0917 - what a method is made of
    recorder: Recorder, name: str, level: int, own: dict[str, Any], gates: Gates, default: object, *, depth: int = 1
) -> LogMethod:
    head = recorder.head(LEVEL_NAMES[level], name)
    admit, forward = gates.gate(name, level), gates.forward
    plain = admit is None and forward is None and not own and default is None and depth == 1
    if plain and not (recorder.error_logs and level >= LEVELS["ERROR"]):
        return emitter(recorder, head)
    record, source, failed = recorder.log, recorder.source, recorder.spool.failed
    getframe, time_ns = sys._getframe, time.time_ns  # noqa: SLF001 - the documented way to a caller's frame

    def emit(message: object, /, **fields: Any) -> None:  # noqa: ANN401 - any value may be logged
        try:
            if admit is not None and not admit(message):
                return
            fields = {"exc_info": default, **own, **fields}
            if forward is not None:
                forward(name, level, message, fields)
            record(time_ns(), head, message, fields, source(getframe(depth)))
        except Exception as error:  # noqa: BLE001 - never into the application
            failed(error)

    return emit
