"""The standard `logging` module, both ways.

Records are taken where every one of them passes, whatever handlers, levels and propagation the application has set up:
at ``Logger.callHandlers``. The application's own handlers go on as before. The other way, a native record can be
handed on to `logging` (setting ``forward_logging``); it is not captured a second time.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from plainview.capture.recorder import exception_of, source_member
from plainview.records import LEVEL_NAMES, level_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plainview.capture.gate import Gates
    from plainview.capture.recorder import Recorder

__all__ = ["StandardLogging"]

#: Attributes that every `LogRecord` has; any other came by ``extra=``.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "plainview",
    "color_message",
}
_MAX_SOURCES: Final = 20_000


class StandardLogging:
    """Takes records from `logging` while installed."""

    def __init__(self, recorder: Recorder, gates: Gates) -> None:
        self._recorder: Final = recorder
        self._gates: Final = gates
        self._heads: dict[tuple[str, int], tuple[bytes, Callable[[object], bool] | None]] = {}
        self._sources: dict[tuple[str, str | None, int], bytes] = {}
        self._original: Callable[[logging.Logger, logging.LogRecord], None] | None = None
        self._root_level: int | None = None
        self._levels: dict[str, int] = {}
        self._took_warnings = False

    def install(self) -> None:
        """Begin to capture; set the root logger's level, and those of the loggers that have one of their own."""
        self._original = original = logging.Logger.callHandlers
        capture = self._capture

        def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
            capture(record)
            original(logger, record)

        call_handlers.plainview = True  # type: ignore[attr-defined] # how we know our own again
        logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign,assignment] # the one place all records pass
        self.levels_changed()
        if self._recorder.settings.capture_warnings and logging._warnings_showwarning is None:  # type: ignore[attr-defined]  # noqa: SLF001 - whether the app captures them already
            self._took_warnings = True
            logging.captureWarnings(capture=True)

    def uninstall(self) -> None:
        """Put everything back as it was."""
        if self._original is not None and getattr(logging.Logger.callHandlers, "plainview", False):
            logging.Logger.callHandlers = self._original  # type: ignore[method-assign,assignment] # as it was
        self._original = None
        if self._root_level is not None:
            logging.getLogger().setLevel(self._root_level)
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)
        self._levels.clear()
        self._root_level = None
        if self._took_warnings:
            self._took_warnings = False
            logging.captureWarnings(capture=False)

    def levels_changed(self) -> None:
        """Let the loggers make the records that the levels in force keep."""
        self._heads.clear()
        root = logging.getLogger()
        if self._root_level is None:
            self._root_level = root.level
        root.setLevel(self._gates.root)
        for name, level in self._gates.levels.items():
            logger = logging.getLogger(name)
            self._levels.setdefault(name, logger.level)
            logger.setLevel(level)

    def forward(self, name: str, level: int, message: object, fields: Mapping[str, object]) -> None:
        """Hand a native record on to the loggers and handlers of `logging`."""
        logger = logging.getLogger(name)
        if not logger.isEnabledFor(level):
            return
        exception = exception_of(fields.get("exc_info"))
        exc_info = (type(exception), exception, exception.__traceback__) if exception is not None else None
        extra = {
            key if key not in _STANDARD else f"{key}_": value for key, value in fields.items() if key != "exc_info"
        }
        record = logger.makeRecord(name, level, "", 0, str(message), (), exc_info, extra=extra)
        record.plainview = True
        logger.handle(record)

    def _capture(self, record: logging.LogRecord) -> None:
        try:
            self._record(record)
        except Exception as error:  # noqa: BLE001 - never into the application
            self._recorder.spool.failed(error)

    def _record(self, record: logging.LogRecord) -> None:
        key = (record.name, record.levelno)
        found = self._heads.get(key)
        if found is None:
            found = self._heads[key] = self._decide(*key)
        head, admit = found
        attributes = record.__dict__
        if not head or "plainview" in attributes or (admit is not None and not admit(record.msg)):
            return
        fields: dict[str, Any] = (
            {name: value for name, value in attributes.items() if name not in _STANDARD}
            if len(attributes) != _ORDINARY
            else {}
        )
        try:
            message: object = record.getMessage()
        except Exception as error:  # noqa: BLE001 - the arguments do not fit the format; logging itself reports it later
            message = f"{record.msg} [arguments do not fit: {type(error).__name__}]"
        if record.stack_info:
            fields["stack_info"] = record.stack_info
        self._recorder.log(
            int(record.created * 1e6) * 1000,
            head,
            message,
            fields,
            self._source(record) if self._recorder.with_source else b"",
            exception_of(record.exc_info) if record.exc_info else None,
        )

    def _decide(self, name: str, number: int) -> tuple[bytes, Callable[[object], bool] | None]:
        """The head of a logger's lines of one level, empty where they are not kept."""
        level = level_number(number)
        if level < self._gates.level(name):
            return b"", None
        return self._recorder.head(LEVEL_NAMES[level], name), self._gates.gate(name, level)

    def _source(self, record: logging.LogRecord) -> bytes:
        key = (record.pathname, record.funcName, record.lineno)
        source = self._sources.get(key)
        if source is None:
            if len(self._sources) >= _MAX_SOURCES:
                self._sources.clear()
            source = self._sources[key] = source_member(record.pathname, record.funcName or "", record.lineno)
        return source


#: How many attributes a record has that nobody added to.
_ORDINARY: Final = len(vars(logging.LogRecord("", 0, "", 0, "", (), None)))
