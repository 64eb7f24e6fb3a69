"""Puts capture together: `configure`, what a fork changes, levels at run time, the way out."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakSet

import msgspec

from plainview import sinks
from plainview.capture import chores, provider
from plainview.capture.errors import hooks
from plainview.capture.forking import unforked
from plainview.capture.gate import Gates
from plainview.capture.keeper import Keeper
from plainview.capture.logger import Logger
from plainview.capture.pump import Outlet
from plainview.capture.recorder import Recorder
from plainview.capture.spans import Span, Tracing
from plainview.capture.stdlib import StandardLogging
from plainview.context import current
from plainview.records import level_number
from plainview.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from plainview.capture.metrics.watch import Watch

__all__ = ["LEVELS_FILE", "configure", "get_logger", "prepare", "runtime", "set_level", "shutdown", "span", "tracing"]

#: Levels set from outside (`plainview level`): a JSON object of logger → level in the data directory.
LEVELS_FILE: Final = "levels.json"
#: Ties the metrics to a configuration; imported when the first one is declared.
_METERING: Final = "plainview.capture.metrics.metering"
#: How long the sinks may take at exit, seconds. The spool needs no time at all.
_EXIT_SECONDS: Final = 0.08
#: Age at which a process gets a `Watch` by itself, seconds.
_WATCHED_AFTER: Final = 3.0

_lock = threading.RLock()
_loggers: WeakSet[Logger] = WeakSet()
_named: dict[str, Logger] = {}
_current: Runtime | None = None


def _metering() -> Any:  # noqa: ANN401 - a module, or None
    """What makes instruments, if anybody has imported it: the whole of it, for a thread of ours may be about to."""
    with unforked:
        return sys.modules.get(_METERING)


class Runtime:
    """One configuration in force."""

    def __init__(self, settings: Settings) -> None:
        self.settings: Final = settings
        #: Whether another configuration, or none, is in force.
        self.over = False
        self.recorder: Final = Recorder(settings)
        self.gates: Final = Gates(settings, self.recorder.spool.counters)
        self.tracing: Final = Tracing(self.recorder)
        self.logging: Final = StandardLogging(self.recorder, self.gates)
        if settings.forward_logging:
            self.gates.forward = self.logging.forward
        self.outlets: Final = (
            [Outlet(sink, self.recorder.spool) for sink in sinks.chosen(settings)] if settings.enabled else []
        )
        self.keeper: Final = Keeper(self.recorder.spool, self.outlets, self._each_second)
        self._levels_seen: float | None = None
        self._offered = False
        #: Looks at resources, serves the port of the metrics. None: not yet, or the settings want nothing of it.
        self.watch: Watch | None = None
        self._began: Final = time.monotonic()

    def start(self) -> None:
        """Begin to capture."""
        metering = _metering()
        if metering is not None:  # otherwise nobody has declared a metric yet
            metering.attach(self)
        if not self.settings.enabled:
            return
        if "PLAINVIEW_RUN_ID" in os.environ:
            from plainview.capture.runs.inherited import adopt  # noqa: PLC0415 - only in what a run has started

            adopt()
        provider.install(tracing)
        self._meet_others()
        if self.settings.capture_logging:
            self.logging.install()
        if self.settings.capture_errors:
            hooks.install(runtime)
        self._watch_levels()
        if self.settings.endpoint:
            from plainview.capture.shipping import Shipper  # noqa: PLC0415 - only where there is a remote server

            self.keeper.shipper = Shipper(self.settings)
        if self.settings.metrics_port:
            self.watching()
        if self.settings.metrics_port or chores.wanted():
            self.keeper.start()

    def watching(self) -> Watch | None:
        """What looks at resources, made when first needed; None: the settings want nothing of that."""
        settings = self.settings
        wanted = settings.metrics_port or (settings.resources and not settings.low_resource)
        if self.watch is None and settings.enabled and wanted:
            with unforked:  # as a rule in the keeper's thread
                from plainview.capture.metrics.watch import Watch  # noqa: PLC0415 - no start-up is to pay for it

            with _lock:
                if self.watch is None:
                    self.watch = Watch(settings, self.recorder.spool.directory, self._began)
        return self.watch

    def stop(self) -> None:
        """Give the standard library back what was taken, and finish the sinks."""
        self.over = True
        hooks.uninstall()
        self.logging.uninstall()
        self.finish()
        watch, self.watch = self.watch, None
        if watch is not None:
            watch.close()
        metering = _metering()
        if metering is not None:
            metering.detach()

    def after_fork(self) -> None:
        """In a forked child: a stream, threads and queues of its own, made when the first record needs them."""
        spool = self.recorder.spool
        spool.let_go()
        spool.after_fork()
        self.recorder.after_fork()
        self.keeper.after_fork()
        if self.watch is not None:
            self.watch.after_fork()
        if self.keeper.metrics is not None:
            self.keeper.metrics.after_fork()
        for outlet in self.outlets:
            outlet.after_fork()

    def set_level(self, name: str, level: int) -> None:
        """Change a level while the program runs."""
        self.gates.set_level(name, level)
        if self.settings.capture_logging:
            self.logging.levels_changed()
        for logger in list(_loggers):
            logger.install(self.recorder, self.gates)

    def finish(self) -> None:
        """At exit: tell what was only counted, and let the sinks finish."""
        self.recorder.flush(everything=True)
        if self.recorder.spool.opened:
            self._meet_others()  # of a process that is over within the second
        self.keeper.finish(_EXIT_SECONDS)

    def _meet_others(self) -> None:
        """Stand behind `opentelemetry.metrics`, take over what prometheus_client has, once they are imported."""
        module = sys.modules.get("opentelemetry.metrics")
        if not self._offered and hasattr(module, "MeterProvider"):
            self._offered = True
            with unforked:  # as a rule in the keeper's thread
                from plainview.capture.metrics import otel  # noqa: PLC0415 - that takes 10 ms to import

            otel.install()
        if self.keeper.metrics is None and hasattr(sys.modules.get("prometheus_client"), "REGISTRY"):
            with unforked:
                from plainview.capture.metrics import metering  # noqa: PLC0415 - no start-up is to pay for it

            metering.in_use()

    def _each_second(self) -> None:
        self._meet_others()
        self._watch_levels()
        self.recorder.flush()
        watch = self.watch
        if watch is None and time.monotonic() - self._began >= _WATCHED_AFTER:
            watch = self.watching()
        if watch is not None:
            watch.tick()

    def _watch_levels(self) -> None:
        """Take over levels that were set from outside."""
        path = os.path.join(self.recorder.spool.directory, LEVELS_FILE)
        try:
            changed = os.stat(path).st_mtime
            if changed == self._levels_seen:
                return
            self._levels_seen = changed
            with open(path, "rb") as file:
                levels = msgspec.json.decode(file.read(), type=dict[str, str])
            for name, level in levels.items():
                self.set_level(name, level_number(level))
        except FileNotFoundError:
            return
        except (OSError, ValueError, AttributeError) as error:
            self.recorder.spool.failed(error)


def configure(**given: Any) -> Settings:  # noqa: ANN401 - one value per setting
    """Start capturing, or start again with other settings. Returns the settings in force.

    Every argument is a setting by name (`plainview.settings.Settings`); what is left out comes from ``PLAINVIEW_…``,
    the profile of the environment, or the default.

    Raises:
        SettingsError: a setting has a value that it cannot take. Nothing has changed then.
    """
    global _current  # noqa: PLW0603 - the one configuration of the process
    settings = load(**given)
    with _lock:
        fresh = Runtime(settings)
        if _current is not None:
            _current.stop()
        _current = fresh
        fresh.start()
        for logger in list(_loggers):
            logger.install(fresh.recorder, fresh.gates)
    return settings


def runtime() -> Runtime:
    """The configuration in force; the first use without `configure` makes one from the environment."""
    if _current is None:
        with _lock:
            if _current is None:
                try:
                    configure()
                except (SettingsError, ValueError) as error:  # nobody asked for it here: say so, and go on without
                    sys.stderr.write(f"plainview: {error}; using the defaults\n")
                    configure(**msgspec.to_builtins(Settings()))
    return cast("Runtime", _current)


def get_logger(name: str = "", /, **fields: Any) -> Logger:  # noqa: ANN401 - any value may be bound
    """The logger of a name, as a rule ``__name__``; with fields, one that adds them to every record."""
    if fields:
        return prepare(Logger(name, fields))
    logger = _named.get(name)
    if logger is None:
        logger = _named.setdefault(name, prepare(Logger(name, {})))
    return logger


def prepare(logger: Logger) -> Logger:
    """Make a logger's methods, now and whenever the settings change."""
    _loggers.add(logger)
    if _current is not None:
        logger.install(_current.recorder, _current.gates)
    else:
        logger.install_first(_first)
    return logger


def _first() -> None:
    runtime()


def tracing() -> Tracing:
    """What makes spans, for the configuration in force."""
    return runtime().tracing


def span(name: str, /, **attributes: Any) -> Span:  # noqa: ANN401 - any value may be an attribute
    """A span for a ``with`` (or ``async with``) block: current inside it, ended and recorded when it is left.

    An exception that leaves the block is recorded on the span and makes its status ERROR.

    Example:
        with plainview.span("render", pages=12) as current:
            current.set_attribute("engine", "pdf")
    """
    found = _current
    return Span(found.tracing if found is not None else tracing(), name, attributes, current.get())


def set_level(level: str | int, logger: str = "") -> None:
    """Change the least level kept of a logger and its children, or of all, while the program runs.

    Raises:
        ValueError: there is no such level.
    """
    runtime().set_level(logger, level_number(level))


def shutdown() -> None:
    """Stop capturing and put `logging` back as it was. Nothing needs it: what was recorded is safe already."""
    global _current
    with _lock:
        previous, _current = _current, None
        if previous is not None:
            previous.stop()
            for logger in list(_loggers):
                logger.install_first(_first)


def _at_exit() -> None:
    if _current is not None:
        if _current.settings.capture_errors:
            _ = _current.recorder.errors  # a finaliser may fail later than anything can be imported
        _current.finish()


def _in_child() -> None:
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.RLock()
    if _current is not None:
        _current.after_fork()


atexit.register(_at_exit)
os.register_at_fork(after_in_child=_in_child)
