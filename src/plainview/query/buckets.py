"""Even stretches of time for histograms, at widths that people read at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from plainview.query.times import EPOCH, microseconds, moment, rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["Buckets", "cut", "range_of"]

#: What an empty histogram shows.
_WHEN_EMPTY: Final = timedelta(hours=1)
_STEP: Final = timedelta(microseconds=1)
_SECOND: Final = 1000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_WIDTHS_MS: Final = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500),
    *(n * _SECOND for n in (1, 2, 5, 10, 15, 30)),
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 7, 14, 30, 90, 365)),
)


@dataclass(frozen=True, slots=True)
class Buckets:
    """``count`` stretches of ``width_ms`` from ``origin_us`` on (microseconds since 1970)."""

    origin_us: int
    width_ms: int
    count: int

    def times(self) -> list[str]:
        """The start of each, RFC 3339."""
        return [rfc3339(moment(self.origin_us + n * self.width_ms * 1000)) for n in range(self.count)]


def cut(start: datetime, end: datetime, most: int) -> Buckets:
    """At most ``most`` buckets that cover start to end, at the least readable width, on whole multiples of it."""
    first, last = microseconds(start), max(microseconds(end), microseconds(start) + 1)
    # A year is the widest that has a name; beyond, its multiples.
    widths = (*_WIDTHS_MS, *(_DAY * 365 * n for n in range(2, 10_000)))
    for width_ms in widths:
        width = width_ms * 1000
        origin = first // width * width
        count = -(-(last - origin) // width)
        if count <= most:
            return Buckets(origin, width_ms, count)
    return Buckets(first, -(-(last - first) // 1000), 1)


def range_of(
    start: datetime | None, end: datetime | None, found: Sequence[datetime | None] | None, now: datetime
) -> tuple[datetime, datetime]:
    """The range that a histogram covers: as asked, else from the first thing found to now (or the last thing found).

    Args:
        start: as asked.
        end: as asked.
        found: time of the first and the last thing to be shown, if any.
        now: the present.
    """
    first, last = found or (None, None)
    if end is None:
        end = max(now, last + _STEP) if last else now
    if start is None:
        start = first or end - min(_WHEN_EMPTY, end - EPOCH if end > EPOCH else timedelta())
    return min(start, end), end
