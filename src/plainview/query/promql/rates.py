"""The rate family: how much counters and gauges change over a window, by Prometheus's rules of extrapolation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from plainview.query.promql.arrays import Bools, Floats
    from plainview.query.promql.windows import Windows

__all__ = ["delta", "extrapolation", "idelta", "increase", "irate", "rate"]

#: A window's first or last sample that is no further from its edge than so many average distances between samples
#: stands for a series that goes on to the edge.
_NEAR: Final = 1.1


def _change(windows: Windows, *, counter: bool) -> Floats:
    """From the first sample to the last; of a counter, as if it had never been reset."""
    change = windows.at(windows.high - 1) - windows.at(windows.low)
    values = windows.values
    if counter and len(values):
        fell = np.flatnonzero(values[1:] < values[:-1]) + 1
        if len(fell):
            lost = np.zeros(len(values))
            lost[fell] = values[fell - 1]
            # A fall from one series to the next is none: no window begins before its series' first sample.
            first, last = np.searchsorted(fell, windows.low, "right"), np.searchsorted(fell, windows.high, "left")
            fallen = last > first
            if fallen.any():
                inside = windows.reduce(np.add, lost, skip=1)
                change = np.where(fallen, change + inside, change)
    return change


def extrapolation(windows: Windows, change: Floats, *, counter: bool, per_second: bool) -> Floats:
    """What a change between samples is to be multiplied by, so that it tells of the whole window."""
    first, last = windows.time_at(windows.low), windows.time_at(windows.high - 1)
    to_start = (first - (windows.ends - windows.width)) / 1000.0
    to_end = (windows.ends - last) / 1000.0
    sampled = (last - first) / 1000.0
    average = sampled / (windows.counts - 1)
    if counter:
        start = windows.at(windows.low)
        # A counter does not go below zero, so the series cannot have begun before it was zero.
        to_zero = sampled * (start / change)
        np.copyto(to_start, to_zero, where=(change > 0) & (start >= 0) & (to_zero < to_start))
    threshold = average * _NEAR
    covered = sampled + np.where(to_start < threshold, to_start, average / 2)
    covered += np.where(to_end < threshold, to_end, average / 2)
    factor = covered / sampled
    if per_second:
        factor /= windows.width / 1000.0
    return factor


def _extrapolated(windows: Windows, *, counter: bool, per_second: bool = False) -> tuple[Floats, Bools]:
    change = _change(windows, counter=counter)
    factor = extrapolation(windows, change, counter=counter, per_second=per_second)
    return change * factor, windows.counts >= 2  # noqa: PLR2004 - from one sample to another


def rate(windows: Windows) -> tuple[Floats, Bools]:
    """Increase of a counter per second."""
    return _extrapolated(windows, counter=True, per_second=True)


def increase(windows: Windows) -> tuple[Floats, Bools]:
    """Increase of a counter."""
    return _extrapolated(windows, counter=True)


def delta(windows: Windows) -> tuple[Floats, Bools]:
    """Change of a gauge."""
    return _extrapolated(windows, counter=False)


def _instant(windows: Windows, *, counter: bool) -> tuple[Floats, Bools]:
    last, before = windows.at(windows.high - 1), windows.at(windows.high - 2)
    change = last - before
    elapsed = windows.time_at(windows.high - 1) - windows.time_at(windows.high - 2)
    if counter:
        change = np.where(last < before, last, change) / (elapsed / 1000.0)
    return change, (windows.counts >= 2) & (elapsed != 0)  # noqa: PLR2004 - the last two


def irate(windows: Windows) -> tuple[Floats, Bools]:
    """Increase of a counter per second, between the last two samples."""
    return _instant(windows, counter=True)


def idelta(windows: Windows) -> tuple[Floats, Bools]:
    """Change between the last two samples."""
    return _instant(windows, counter=False)
