"""Parameters of Prometheus's HTTP API: times, lengths of time, texts."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

__all__ = ["Asked", "BadParameter"]

T = TypeVar("T")

#: Milliseconds beyond which no time is taken: whole numbers of them are exact as a float.
_MOST: Final = 1 << 52
_UNITS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_YEAR: Final = 31_536_000_000
_LENGTH: Final = re.compile(r"(\d{1,12})(ms|[smhdwy])", re.ASCII)
_LENGTHS: Final = re.compile(rf"(?:{_LENGTH.pattern})+", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


class BadParameter(ValueError):  # noqa: N818 - it is the parameter that is bad
    """A parameter that is missing, or cannot be read; told in Prometheus's words."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f'invalid parameter "{name}": {message}')


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request gives, and when it came (milliseconds)."""

    pairs: list[tuple[str, str]]
    now: int

    def all(self, name: str) -> list[str]:
        """All values of a parameter."""
        return [value for own, value in self.pairs if own == name]

    def text(self, name: str, default: str | None = None) -> str:
        """A parameter as it is.

        Raises:
            BadParameter: it is missing, and there is no default.
        """
        for own, value in self.pairs:
            if own == name and value:
                return value
        if default is None:
            raise BadParameter(name, "is missing")
        return default

    def moment(self, name: str, default: int | None = None) -> int:
        """A time in milliseconds, given as seconds since 1970 or as RFC 3339.

        Raises:
            BadParameter: it is neither.
        """
        text = self.text(name, None if default is None else "")
        if not text and default is not None:
            return default
        if _NUMBER.fullmatch(text):
            seconds = float(text)
        else:
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                moment = None
            if moment is None or moment.tzinfo is None:
                raise BadParameter(name, f'cannot parse "{text[:100]}" to a valid timestamp')
            seconds = moment.timestamp()
        if not math.isfinite(seconds) or abs(seconds * 1000) > _MOST:
            raise BadParameter(name, f'"{text[:100]}" is out of range')
        return round(seconds * 1000)

    def duration(self, name: str, default: int | None = None) -> int:
        """A length of time in milliseconds, given as seconds or as ``1h30m``.

        Raises:
            BadParameter: it is neither.
        """
        text = self.text(name, None if default is None else "")
        if not text and default is not None:
            return default
        if _NUMBER.fullmatch(text):
            length = float(text) * 1000
        elif _LENGTHS.fullmatch(text):
            length = sum(int(number) * _UNITS.get(unit, _YEAR) for number, unit in _LENGTH.findall(text))
        else:
            raise BadParameter(name, f'cannot parse "{text[:100]}" to a valid duration')
        if not abs(length) < _MOST:
            raise BadParameter(name, f'"{text[:100]}" is out of range')
        return round(length)

    def limited(self, found: list[T]) -> list[T]:
        """As many of them as the parameter ``limit`` allows; all without one.

        Raises:
            BadParameter: it is no number.
        """
        text = self.text("limit", "0")
        if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
            msg = "limit"
            raise BadParameter(msg, f'cannot parse "{text[:100]}" to a whole number')
        return found[: int(text)] if int(text) > 0 else found
