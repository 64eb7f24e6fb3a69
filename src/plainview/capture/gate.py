"""Which records are kept: levels, sampling, rate limits. Decided per logger and level once, not per record."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

from plainview.records import LEVELS, level_number
from plainview.settings import QUIET_LOGGERS, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plainview.capture.spool import Counters
    from plainview.settings import Settings

__all__ = ["Gates"]

_MAX_TEMPLATES: Final = 4096
_NEVER: Final = 1000
N = TypeVar("N", int, float)


class Gates:
    """The levels, sampling rates and limits in force."""

    def __init__(self, settings: Settings, counters: Counters) -> None:
        """
        Raises:
            SettingsError: a level or a rate is none.
        """  # noqa: D205, D212 - nothing more to say than what it raises
        self._counters: Final = counters
        self._quiet = {name: level_number(level) for name, level in QUIET_LOGGERS.items()} if settings.quiet else {}
        self._rate_limit: Final = settings.rate_limit
        self._buckets: dict[tuple[str, int, object], tuple[float, float]] = {}
        self._level_rates: dict[int, float] = {}
        self._logger_rates: dict[str, float] = {}
        for key, rate in settings.sample.items():
            if not 0 <= rate <= 1:
                msg = f"PLAINVIEW_SAMPLE: the share of {key!r} is {rate}: it must be from 0 to 1"
                raise SettingsError(msg)
            if key.upper() in {*LEVELS, "WARN"}:
                self._level_rates[level_number(key)] = rate
            else:
                self._logger_rates[key] = rate
        self._cache: dict[str, int] = {}
        #: Goes up when a level is changed: what was concluded from them before does not hold any more.
        self.turn = 0
        #: Hands a native record on to the standard `logging` as well; None: it is not wanted.
        self.forward: Callable[[str, int, object, Mapping[str, object]], None] | None = None
        try:
            floor = 20 if settings.low_resource else 10
            self.root = max(level_number(settings.level), floor) if settings.enabled else _NEVER
            level_number(settings.error_level)
            self.levels = {name: level_number(level) for name, level in settings.levels.items() if settings.enabled}
        except ValueError as error:
            raise SettingsError(str(error)) from None

    def set_level(self, name: str, level: int) -> None:
        """Change the least level of a logger and its children; the empty name is all loggers."""
        if name:
            self.levels = {**self.levels, name: level}
        else:
            self.root = level
        self._cache = {}
        self.turn += 1

    def level(self, name: str) -> int:
        """The least level kept of a logger: what is set for it or its nearest parent, else the general one."""
        found = self._cache.get(name)
        if found is None:
            found = self._nearest(self.levels, name)
            if found is None:
                found = max(self.root, self._nearest(self._quiet, name) or 0)
            if len(self._cache) > _MAX_TEMPLATES:
                self._cache = {}
            self._cache[name] = found
        return found

    @staticmethod
    def _nearest(table: Mapping[str, N], name: str) -> N | None:
        """The entry of a logger's name or of its nearest parent."""
        while name:
            if name in table:
                return table[name]
            name = name.rpartition(".")[0]
        return None

    def gate(self, name: str, level: int) -> Callable[[object], bool] | None:
        """What decides over each record of a logger and level; None: all are kept."""
        own = self._nearest(self._logger_rates, name)
        rate = self._level_rates.get(level, 1.0) * (1.0 if own is None else own)
        if rate >= 1.0 and not self._rate_limit:
            return None

        from random import random  # noqa: PLC0415 - few need it, and it is slow to import

        def admit(message: object) -> bool:
            if rate < 1.0 and random() >= rate:  # noqa: S311 - no secret depends on it
                self._counters.sampled += 1
                return False
            if self._rate_limit and not self._within(name, level, message):
                self._counters.rate_limited += 1
                return False
            return True

        return admit

    def _within(self, name: str, level: int, message: object) -> bool:
        """A token bucket per logger, level and message, holding one second's worth."""
        key = (name, level, message if isinstance(message, str) else type(message))
        clock = time.monotonic()
        tokens, last = self._buckets.get(key, (max(1.0, self._rate_limit), clock))
        tokens = min(max(1.0, self._rate_limit), tokens + (clock - last) * self._rate_limit)
        if len(self._buckets) >= _MAX_TEMPLATES:
            self._buckets.clear()
        kept = tokens >= 1.0
        self._buckets[key] = (tokens - 1.0 if kept else tokens, clock)
        return kept
