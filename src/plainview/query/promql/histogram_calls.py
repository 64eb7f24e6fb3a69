"""Functions of histograms, classic and native."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from plainview.query.promql import native
from plainview.query.promql.classic import bucket_quantiles
from plainview.query.promql.labels import BUCKET, nameless, without
from plainview.query.promql.rates import extrapolation
from plainview.query.promql.values import Vector, merged

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.query.promql.arrays import Bools, Floats, Integers
    from plainview.query.promql.evaluation import Evaluation
    from plainview.query.promql.labels import Labels
    from plainview.query.promql.nodes import Node
    from plainview.query.promql.windows import Windows

__all__ = ["HISTOGRAMS", "windowed"]


def windowed(name: str, windows: Windows) -> dict[int, tuple[native.Histograms, Bools]]:
    """What functions of range vectors make of native histograms: by row, one per step, and where there are any."""
    some, counts = _WINDOWED.get(name), windows.counts
    if some is None:
        return {}
    function, least = some
    found: dict[int, tuple[native.Histograms, Bools]] = {}
    for row, histograms in windows.histograms.items():
        one = windows.rows(row, row + 1)
        found[row] = (function(histograms, one), counts[row] >= least)
    return found


def _last(histograms: native.Histograms, windows: Windows) -> native.Histograms:
    return histograms.rows(np.clip(windows.high[0] - 1, 0, None))


def _first(histograms: native.Histograms, windows: Windows) -> native.Histograms:
    return histograms.rows(np.minimum(windows.low[0], len(histograms.data) - 1))


def _summed(histograms: native.Histograms, windows: Windows) -> native.Histograms:
    before = np.concatenate([np.zeros((1, histograms.data.shape[1])), np.cumsum(histograms.data, axis=0)])
    return histograms.with_data(before[windows.high[0]] - before[windows.low[0]])


def _averaged(histograms: native.Histograms, windows: Windows) -> native.Histograms:
    return histograms.with_data(_summed(histograms, windows).data / np.maximum(windows.counts[0], 1)[:, None])


def _grown(*, counter: bool, per_second: bool = False) -> Callable[[native.Histograms, Windows], native.Histograms]:
    """The rate family: each bucket by itself, but all began anew when one of them did."""

    def change(histograms: native.Histograms, windows: Windows) -> native.Histograms:
        data = histograms.data
        if counter:
            lost = np.zeros(data.shape)
            fallen = native.fell(histograms)
            lost[1:][fallen[1:]] = data[:-1][fallen[1:]]
            data = data + np.cumsum(lost, axis=0)
        last = len(data) - 1
        grown = data[np.clip(windows.high[0] - 1, 0, last)] - data[np.clip(windows.low[0], 0, last)]
        # Each is extrapolated to the whole window; that a counter starts from zero is not looked at (as in Prometheus).
        factor = extrapolation(windows, np.zeros(windows.low.shape), counter=False, per_second=per_second)
        return histograms.with_data(grown * factor[0][:, None])

    return change


def _instant(*, counter: bool) -> Callable[[native.Histograms, Windows], native.Histograms]:
    def change(histograms: native.Histograms, windows: Windows) -> native.Histograms:
        last = len(histograms.data) - 1
        newest, before = np.clip(windows.high[0] - 1, 0, last), np.clip(windows.high[0] - 2, 0, last)
        grown = histograms.data[newest] - histograms.data[before]
        if counter:
            grown = np.where(native.fell(histograms)[newest, None], histograms.data[newest], grown)
            elapsed = windows.time_at(windows.high[0] - 1) - windows.time_at(windows.high[0] - 2)
            grown = grown / (elapsed / 1000.0)[:, None]
        return histograms.with_data(grown)

    return change


#: Function → what it makes of the windows of a series of native histograms, and how many it needs in a window.
_WINDOWED: Final[dict[str, tuple[Callable[[native.Histograms, Windows], native.Histograms], int]]] = {
    "last_over_time": (_last, 1),
    "first_over_time": (_first, 1),
    "sum_over_time": (_summed, 1),
    "avg_over_time": (_averaged, 1),
    "rate": (_grown(counter=True, per_second=True), 2),
    "increase": (_grown(counter=True), 2),
    "delta": (_grown(counter=False), 2),
    "irate": (_instant(counter=True), 2),
    "idelta": (_instant(counter=False), 2),
}


def _numbers(vector: Vector, told: Callable[[native.Histograms], Floats]) -> Vector:
    """One number of each native histogram."""
    natives = vector.natives()
    values = np.array([told((natives.histograms or {})[row]) for row in range(len(natives.labels))])
    labels = [nameless(one) for one in natives.labels]
    return merged(Vector(labels, values.reshape(natives.values.shape), natives.present))


def _column(column: int) -> Callable[..., Vector]:
    def told(evaluation: Evaluation, arguments: tuple[Node, ...], steps: Integers) -> Vector:
        return _numbers(evaluation.vector(arguments[0], steps), lambda one: one.data[:, column])

    return told


def _average(evaluation: Evaluation, arguments: tuple[Node, ...], steps: Integers) -> Vector:
    vector = evaluation.vector(arguments[0], steps)
    return _numbers(vector, lambda one: one.data[:, native.SUM] / one.data[:, native.COUNT])


def _fraction(evaluation: Evaluation, arguments: tuple[Node, ...], steps: Integers) -> Vector:
    lower, upper = (evaluation.scalar(argument, steps) for argument in arguments[:2])
    return _numbers(evaluation.vector(arguments[2], steps), lambda one: native.fraction(one, lower, upper))


def _quantile(evaluation: Evaluation, arguments: tuple[Node, ...], steps: Integers) -> Vector:
    q = evaluation.scalar(arguments[0], steps)
    vector = evaluation.vector(arguments[1], steps)
    found = bucket_quantiles(vector.floats(), q)
    natives = vector.natives()
    result = _numbers(natives, lambda one: native.quantile(one, q))
    for row, labels in enumerate(natives.labels):
        # Where classic and native buckets go by the same labels, neither is to be trusted.
        twin = found.get(without(labels, (BUCKET,)))
        if twin is not None:
            both = natives.present[row] & twin[2]
            result.present[row] &= ~both
            twin[2][both] = False
    if not found:
        return result
    names: list[Labels] = [one for one, _, _ in found.values()]
    classic = Vector(
        names, np.array([one for _, one, _ in found.values()]), np.array([one for *_, one in found.values()])
    )
    return merged(classic.beside(result))


#: Function → what it does.
HISTOGRAMS: Final[dict[str, Callable[[Evaluation, tuple[Node, ...], Integers], Vector]]] = {
    "histogram_avg": _average,
    "histogram_count": _column(native.COUNT),
    "histogram_sum": _column(native.SUM),
    "histogram_fraction": _fraction,
    "histogram_quantile": _quantile,
}
