"""The ``*_over_time`` family, and what else looks at every sample of a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from plainview.query.promql.windows import compensated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plainview.query.promql.arrays import Bools, Floats, Integers
    from plainview.query.promql.windows import Windows

__all__ = ["OVER_TIME", "quantile_over_time", "quantiles"]

#: Sums that are so much smaller than what went into them are added up anew with compensation.
_CANCELLED: Final = 1e-3
#: Values sorted at once.
_SORTED: Final = 1 << 22


def _some(windows: Windows) -> Bools:
    return windows.counts > 0


def _sums(windows: Windows) -> Floats:
    """Sums as Prometheus has them: rounding does not take away what is small beside what cancels out."""
    total = windows.reduce(np.add, windows.values)
    if (windows.values >= 0).all():
        return total
    size = windows.reduce(np.add, np.abs(windows.values))
    doubtful = _some(windows) & np.isfinite(size) & (np.abs(total) < size * _CANCELLED)
    if not doubtful.any():
        return total
    exact, lost = np.zeros(total.shape), np.zeros(total.shape)
    for there, values, _ in windows.samples(doubtful):
        exact, lost = compensated(exact, lost, values, there)
    return np.where(doubtful, exact + lost, total)


def _sum(windows: Windows) -> tuple[Floats, Bools]:
    return _sums(windows), _some(windows)


def _average(windows: Windows) -> tuple[Floats, Bools]:
    counts = windows.counts
    mean = _sums(windows) / counts
    overflown = np.isinf(mean) & (windows.reduce(np.maximum, np.abs(windows.values)) < np.inf)
    if overflown.any():  # the sum is too large for a number, the mean is not
        scaled = np.zeros(mean.shape)
        for there, values, _ in windows.samples(overflown):
            scaled += np.where(there, values / np.maximum(counts, 1), 0)
        mean = np.where(overflown, scaled, mean)
    return mean, _some(windows)


def _extreme(operation: np.ufunc) -> Callable[[Windows], tuple[Floats, Bools]]:
    """Largest or smallest value; NaN only where there is nothing else."""
    return lambda windows: (windows.reduce(operation, windows.values), _some(windows))


def _count(windows: Windows) -> tuple[Floats, Bools]:
    return windows.counts.astype(np.float64), _some(windows)


def _last(windows: Windows) -> tuple[Floats, Bools]:
    return windows.at(windows.high - 1), _some(windows)


def _first(windows: Windows) -> tuple[Floats, Bools]:
    return windows.at(windows.low), _some(windows)


def _present(windows: Windows) -> tuple[Floats, Bools]:
    return np.ones(windows.low.shape), _some(windows)


def _variance(windows: Windows) -> tuple[Floats, Bools]:
    """Welford's algorithm with compensated sums, as Prometheus has it."""
    shape = windows.low.shape
    mean, mean_lost = np.zeros(shape), np.zeros(shape)
    spread, spread_lost = np.zeros(shape), np.zeros(shape)
    for count, (there, values, _) in enumerate(windows.samples(), 1):
        off = values - (mean + mean_lost)
        mean, mean_lost = compensated(mean, mean_lost, off / count, there)
        spread, spread_lost = compensated(spread, spread_lost, off * (values - (mean + mean_lost)), there)
    return (spread + spread_lost) / windows.counts, _some(windows)


def _deviation(windows: Windows) -> tuple[Floats, Bools]:
    variance, some = _variance(windows)
    return np.sqrt(variance), some


def _neighbours(differ: Callable[[Floats, Floats], Bools]) -> Callable[[Windows], tuple[Floats, Bools]]:
    """How often one sample and the next are such."""

    def counted(windows: Windows) -> tuple[Floats, Bools]:
        values = windows.values
        marks = np.zeros(len(values) + 1, np.int64)
        if len(values) > 1:
            marks[2:] = differ(values[:-1], values[1:])
        before = np.cumsum(marks)
        last = before.take(windows.high, mode="clip")
        first = before.take(np.minimum(windows.low + 1, windows.high), mode="clip")
        return (last - first).astype(np.float64), _some(windows)

    return counted


def _changed(before: Floats, after: Floats) -> Bools:
    differ: Bools = (before != after) & ~(np.isnan(before) & np.isnan(after))
    return differ


def _fell(before: Floats, after: Floats) -> Bools:
    smaller: Bools = after < before
    return smaller


def _tables(windows: Windows) -> Iterator[tuple[Integers, Floats, Integers]]:
    """Windows as rows of tables, NaN first and infinity where a row has no more values.

    Gives:
        which windows (flat index), their values sorted, how many of them count.
    """
    counts, low = windows.counts.ravel(), windows.low.ravel()
    order = np.argsort(counts, kind="stable")
    order = order[counts[order] > 0]
    first = 0
    while first < len(order):
        windows.check()
        # Windows of like size together: a table is as wide as its widest row.
        room = max(1, _SORTED // int(counts[order[first]]))
        chosen = order[first : first + room]
        while len(chosen) > 1 and len(chosen) * int(counts[chosen[-1]]) > 2 * _SORTED:
            chosen = chosen[: len(chosen) // 2]
        first += len(chosen)
        places = np.arange(int(counts[chosen[-1]]))
        own = counts[chosen]
        table = windows.at(low[chosen, None] + places)
        table[places >= own[:, None]] = np.inf
        yield chosen, table, own


def quantiles(table: Floats, counts: Integers, q: Floats) -> Floats:
    """Quantile of each row: its first ``counts`` values when sorted, NaN the smallest; interpolated between two.

    Args:
        table: rows; beyond a row's ``counts`` smallest there is infinity. Changed in place.
        counts: values per row, at least one.
        q: of each row; below 0 gives minus infinity, above 1 infinity.
    """
    unknown = np.isnan(table)
    missing = unknown.sum(axis=1)
    table[unknown] = -np.inf  # NaN would be sorted to the other end
    table.sort(axis=1)
    rank = np.where(np.isfinite(q), np.clip(q, 0, 1), 0) * (counts - 1)
    lower = np.floor(rank).astype(np.int64)
    upper = np.minimum(lower + 1, counts - 1)
    weight = rank - lower
    rows = np.arange(len(table))
    below, above = table[rows, lower], table[rows, upper]
    below[lower < missing] = np.nan
    above[upper < missing] = np.nan
    value = below * (1 - weight) + above * weight
    value = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, value))
    return np.where(np.isnan(q), np.nan, value)


def quantile_over_time(windows: Windows, q: Floats) -> tuple[Floats, Bools]:
    """Quantile of the samples; ``q`` by step."""
    value = np.zeros(windows.low.size)
    per_window = np.broadcast_to(q, windows.low.shape).ravel()
    for chosen, table, counts in _tables(windows):
        value[chosen] = quantiles(table, counts, per_window[chosen])
    return value.reshape(windows.low.shape), _some(windows)


def _absolute_deviation(windows: Windows) -> tuple[Floats, Bools]:
    value = np.zeros(windows.low.size)
    for chosen, table, counts in _tables(windows):
        half = np.full(len(chosen), 0.5)
        beyond = np.arange(table.shape[1]) >= counts[:, None]
        middle = quantiles(table.copy(), counts, half)
        off = np.where(beyond, np.inf, np.abs(table - middle[:, None]))
        value[chosen] = quantiles(off, counts, half)
    return value.reshape(windows.low.shape), _some(windows)


def _times(index: Callable[[Windows], Integers]) -> Callable[[Windows], tuple[Floats, Bools]]:
    return lambda windows: (windows.time_at(index(windows)) / 1000.0, _some(windows))


#: Function → what it makes of all windows: values, and where there are any.
OVER_TIME: Final[dict[str, Callable[[Windows], tuple[Floats, Bools]]]] = {
    "avg_over_time": _average,
    "changes": _neighbours(_changed),
    "count_over_time": _count,
    "first_over_time": _first,
    "last_over_time": _last,
    "mad_over_time": _absolute_deviation,
    "max_over_time": _extreme(np.fmax),
    "min_over_time": _extreme(np.fmin),
    "present_over_time": _present,
    "resets": _neighbours(_fell),
    "stddev_over_time": _deviation,
    "stdvar_over_time": _variance,
    "sum_over_time": _sum,
    "ts_of_first_over_time": _times(lambda windows: windows.low),
    "ts_of_last_over_time": _times(lambda windows: windows.high - 1),
}
