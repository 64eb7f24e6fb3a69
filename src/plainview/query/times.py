"""Moments as people write them: RFC 3339, or relative to now."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from plainview.query.errors import BadInput

__all__ = ["EPOCH", "UNITS_MS", "beside", "microseconds", "milliseconds", "moment", "parse", "rfc3339"]

#: The moment that times are counted from, without a zone as the store keeps its times (all UTC).
EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - the store's times have no zone and are UTC

#: Unit of a length of time to milliseconds.
UNITS_MS: Final[dict[str, float]] = {
    "ns": 1e-6,
    "us": 1e-3,
    "µs": 1e-3,
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}

_NUMBER: Final = r"\d{1,12}(?:\.\d{1,9})?"
_UNIT: Final = "ns|us|µs|ms|s|m|h|d|w"
_LENGTH: Final = re.compile(rf"({_NUMBER})({_UNIT})", re.ASCII)
_RELATIVE: Final = re.compile(rf"(?:now)?(?P<length>-(?:{_NUMBER}(?:{_UNIT}))+)?", re.ASCII)
_ABSOLUTE: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.(?P<fraction>\d{1,9}))?)?(?:[Zz]|[+-]\d\d:\d\d)?)?", re.ASCII
)
_EXPECTED: Final = "expected RFC 3339 (2026-11-22T01:47:55Z) or relative to now (-15m, -2h30m, now)"


def milliseconds(text: str) -> float | None:
    """A length of time such as ``250ms``, ``1.5s`` or ``2h30m`` in milliseconds; ``None`` when it is not one."""
    if not re.fullmatch(rf"(?:{_NUMBER}(?:{_UNIT}))+", text, re.ASCII):
        return None
    return sum(float(number) * UNITS_MS[unit] for number, unit in _LENGTH.findall(text))


def parse(text: str, field: str, now: datetime) -> datetime:
    """The moment that ``text`` names, in UTC and without a zone.

    A time without an offset is taken as UTC, a date as its midnight.

    Args:
        text: RFC 3339, ``now``, or relative as ``-15m``, ``-1h30m``, ``now-7d``.
        field: name of the field, for the error.
        now: what "now" means, in UTC and without a zone.

    Raises:
        BadInput: it is neither, or lies outside the years 1 to 9999.
    """
    text = text.strip()
    try:
        relative = _RELATIVE.fullmatch(text)
        if relative and text:
            return now - timedelta(milliseconds=milliseconds((relative["length"] or "-0s")[1:]) or 0)
        absolute = _ABSOLUTE.fullmatch(text)
        if absolute is None:
            raise BadInput(field, f"{text[:60]!r} is no time: {_EXPECTED}")
        fraction = absolute["fraction"]
        if fraction is not None:  # nanoseconds are cut to the store's microseconds
            text = text.replace("." + fraction, "." + fraction[:6].ljust(6, "0"), 1)
        found = datetime.fromisoformat(text.upper())
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    except (ValueError, OverflowError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(field, f"{text[:60]!r} is no time: {_EXPECTED}") from None


def microseconds(at: datetime) -> int:
    """Microseconds since 1970 of a moment without a zone (UTC)."""
    return (at - EPOCH) // timedelta(microseconds=1)


def moment(since_epoch: int) -> datetime:
    """The moment, without a zone (UTC), so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=since_epoch)


def rfc3339(at: datetime) -> str:
    """A moment without a zone (UTC) as RFC 3339 with microseconds and ``Z``."""
    return at.isoformat(timespec="microseconds") + "Z"


def beside(at: datetime, by: timedelta) -> datetime:
    """A moment so much earlier or later; at the edge of the calendar, the moment itself."""
    try:
        return at + by
    except OverflowError:
        return at
