"""Functions of one number: mathematics, and what a calendar says of a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.query.promql.arrays import Floats, Integers

__all__ = ["CALENDAR", "ELEMENTWISE", "rounded"]

_DAY: Final = 86_400
_SATURATED: Final = float(1 << 62)


def _sign(values: Floats) -> Floats:
    return np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))


def rounded(values: Floats, to: Floats) -> Floats:
    """To the nearest multiple; ties go up."""
    inverse = 1.0 / to
    return np.floor(values * inverse + 0.5) / inverse


#: Function → what it makes of values.
ELEMENTWISE: Final[dict[str, Callable[[Floats], Floats]]] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "deg": lambda values: values * 180 / np.pi,
    "exp": np.exp,
    "floor": np.floor,
    "ln": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "rad": lambda values: values * np.pi / 180,
    "sgn": _sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}


def _day_of_month(seconds: Integers) -> Integers:
    days = _dates(seconds)
    since: Integers = (days - days.astype("datetime64[M]")).astype(np.int64)
    return since + 1


def _day_of_year(seconds: Integers) -> Integers:
    days = _dates(seconds)
    since: Integers = (days - days.astype("datetime64[Y]")).astype(np.int64)
    return since + 1


def _days_in_month(seconds: Integers) -> Integers:
    months = _dates(seconds).astype("datetime64[M]")
    first, following = months.astype("datetime64[D]"), (months + 1).astype("datetime64[D]")
    long: Integers = (following - first).astype(np.int64)
    return long


def _dates(seconds: Integers) -> np.ndarray[tuple[int, ...], np.dtype[np.datetime64]]:
    return (seconds // _DAY).astype("datetime64[D]")


_CALENDAR: Final[dict[str, Callable[[Integers], Integers]]] = {
    "day_of_month": _day_of_month,
    "day_of_week": lambda seconds: (seconds // _DAY + 4) % 7,
    "day_of_year": _day_of_year,
    "days_in_month": _days_in_month,
    "hour": lambda seconds: seconds // 3600 % 24,
    "minute": lambda seconds: seconds // 60 % 60,
    "month": lambda seconds: _dates(seconds).astype("datetime64[M]").astype(np.int64) % 12 + 1,
    "year": lambda seconds: _dates(seconds).astype("datetime64[Y]").astype(np.int64) + 1970,
}


def _calendar(part: Callable[[Integers], Integers]) -> Callable[[Floats], Floats]:
    def told(values: Floats) -> Floats:
        known = np.abs(values) < _SATURATED
        seconds = np.where(known, values, 0).astype(np.int64)  # towards zero, as a conversion in Go
        return np.where(known, part(seconds).astype(np.float64), np.nan)

    return told


#: Function → what the calendar (UTC) says of seconds since 1970.
CALENDAR: Final = {name: _calendar(part) for name, part in _CALENDAR.items()}
