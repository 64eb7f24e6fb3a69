"""The time of a record, as it stands at the beginning of its line."""

from __future__ import annotations

import time
from typing import Final

__all__ = ["MILLISECOND", "THOUSAND", "millisecond"]

#: Nanoseconds.
MILLISECOND: Final = 1_000_000
_SECOND: Final = 1_000_000_000
#: 0 … 999 in three digits.
THOUSAND: Final = tuple(b"%03d" % number for number in range(1000))

_second = (-1, b"")
_latest = (-_SECOND, b"")


def millisecond(nanoseconds: int) -> tuple[int, bytes]:
    """The beginning of a millisecond, in nanoseconds since 1970, and a line up to it: ``{"timestamp":"…T01:47:55.123``.

    The latest is kept: when many records are made, they come in the same one.
    """
    global _latest, _second  # noqa: PLW0603 - each one value, replaced whole, so threads cannot see half of it
    found = _latest
    if 0 <= nanoseconds - found[0] < MILLISECOND:
        return found
    seconds, rest = divmod(nanoseconds, _SECOND)
    second = _second
    if second[0] != seconds:
        text = time.strftime('{"timestamp":"%Y-%m-%dT%H:%M:%S.', time.gmtime(seconds))
        second = _second = (seconds, text.encode())
    found = _latest = (nanoseconds - rest % MILLISECOND, second[1] + THOUSAND[rest // MILLISECOND])
    return found
