"""The records' time stamps as the numbers that other systems want."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["unix_nanoseconds"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def unix_nanoseconds(timestamp: str) -> int:
    """Nanoseconds since 1970 of an RFC 3339 time; now, when it cannot be read."""
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return time.time_ns()
    # Whole numbers all the way: a float of this size has no microseconds left.
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // _MICROSECOND * 1000
