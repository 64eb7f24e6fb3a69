"""Numbers and times as Prometheus writes and reads them."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["number_text", "sample_text"]

_LARGE: Final = 1e21
_SMALL: Final = 1e-6


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


def number_text(value: float) -> str:
    """The shortest decimal that reads back as the same number, without an exponent."""
    if not math.isfinite(value):
        return _special(value)
    text = repr(value)
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        sign, mantissa = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
        whole, _, rest = mantissa.partition(".")
        digits, point = whole + rest, len(whole) + int(exponent)
        if point <= 0:
            return f"{sign}0.{'0' * -point}{digits}"
        return sign + digits.ljust(point, "0")
    return text.removesuffix(".0")


def sample_text(value: float) -> str:
    """As :func:`number_text`, but very large and very small numbers with an exponent, as in Prometheus's answers."""
    size = abs(value)
    if size == 0 or _SMALL <= size < _LARGE or not math.isfinite(value):
        return number_text(value)
    mantissa, _, exponent = f"{value!r}".partition("e")
    mantissa = mantissa.removesuffix(".0")
    return f"{mantissa}e{int(exponent):+03d}"
