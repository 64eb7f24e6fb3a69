"""Where a gauge is heading: the straight line through a window's samples, and smoothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plainview.query.promql.errors import ExecutionFailed
from plainview.query.promql.windows import compensated

if TYPE_CHECKING:
    from plainview.query.promql.arrays import Bools, Floats, Integers
    from plainview.query.promql.windows import Windows

__all__ = ["deriv", "holt_winters", "predict_linear"]


def _line(windows: Windows, origin: Integers) -> tuple[Floats, Floats]:
    """Slope per second and value at ``origin`` of the line with the least squares."""
    shape = windows.low.shape
    sums = {name: (np.zeros(shape), np.zeros(shape)) for name in ("x", "y", "xy", "xx")}
    start = windows.at(windows.low)
    level = np.ones(shape, np.bool_)
    for there, values, times in windows.samples():
        level &= ~there | (values == start)
        x = (times - origin) / 1000.0
        for name, more in (("x", x), ("y", values), ("xy", x * values), ("xx", x * x)):
            sums[name] = compensated(*sums[name], more, there)
    x, y, xy, xx = (total + lost for total, lost in sums.values())
    count = windows.counts
    slope = (xy - x * y / count) / (xx - x * x / count)
    value = y / count - slope * x / count
    # A level line is told exactly; one at infinity has no slope.
    endless = np.isinf(start)
    slope = np.where(level, np.where(endless, np.nan, 0.0), slope)
    value = np.where(level, np.where(endless, np.nan, start), value)
    return slope, value


def deriv(windows: Windows) -> tuple[Floats, Bools]:
    """Slope per second."""
    slope, _ = _line(windows, windows.time_at(windows.low))
    return slope, windows.counts >= 2  # noqa: PLR2004 - a line has two ends


def predict_linear(windows: Windows, ahead: Floats) -> tuple[Floats, Bools]:
    """Value of the line so many seconds after each step."""
    slope, value = _line(windows, np.broadcast_to(windows.steps, windows.low.shape))
    return slope * ahead + value, windows.counts >= 2  # noqa: PLR2004 - a line has two ends


def holt_winters(windows: Windows, smoothing: Floats, trending: Floats) -> tuple[Floats, Bools]:
    """Double exponential smoothing.

    Raises:
        ExecutionFailed: a factor is not between 0 and 1.
    """
    for name, factor in (("smoothing", smoothing), ("trend", trending)):
        wrong = ~((factor > 0) & (factor < 1))
        if wrong.any():
            msg = f"invalid {name} factor. Expected: 0 < {name[0]}f < 1, got: {factor[wrong][0]:f}"
            raise ExecutionFailed(msg)
    before = np.zeros(windows.low.shape)
    smooth = windows.at(windows.low)
    trend = windows.at(windows.low + 1) - smooth
    for place, (there, values, _) in enumerate(windows.samples()):
        if not place:
            continue
        if place > 1:
            trend = np.where(there, trending * (smooth - before) + (1 - trending) * trend, trend)
        new = smoothing * values + (1 - smoothing) * (smooth + trend)
        before, smooth = np.where(there, smooth, before), np.where(there, new, smooth)
    return smooth, windows.counts >= 2  # noqa: PLR2004 - a trend needs two
