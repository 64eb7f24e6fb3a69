"""Aggregations: the series of each group become one, or a few of them are chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from plainview.query.promql.errors import ExecutionFailed
from plainview.query.promql.labels import NAME, Labels, keep, label_set, without
from plainview.query.promql.native import Histograms, added
from plainview.query.promql.notation import number_text
from plainview.query.promql.overtime import quantiles
from plainview.query.promql.values import Vector, merged, vector_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.query.promql.arrays import Bools, Floats, Integers
    from plainview.query.promql.nodes import Aggregate

__all__ = ["AGGREGATIONS", "aggregated", "chosen", "counted_values"]

_INTEGER: Final = float(1 << 63)


class Groups:
    """The rows of a vector, those of one group beside each other."""

    def __init__(self, vector: Vector, node: Aggregate) -> None:
        self.rows: dict[Labels, list[int]] = {}
        left_out = node.labels | {NAME}
        for row, labels in enumerate(vector.labels):
            key = keep(labels, node.labels) if node.by else without(labels, left_out)
            self.rows.setdefault(key, []).append(row)
        self.labels = list(self.rows)
        order = [row for rows in self.rows.values() for row in rows]
        sizes = [len(rows) for rows in self.rows.values()]
        self.starts = np.cumsum([0, *sizes[:-1]])
        self.of_row = np.repeat(np.arange(len(sizes)), sizes)
        self.values: Floats = vector.values[order]
        self.present: Bools = vector.present[order]

    def reduce(self, operation: np.ufunc, values: Floats | Integers, otherwise: float) -> Floats:
        """One row per group; where a series has no sample, ``otherwise`` stands for it."""
        return operation.reduceat(np.where(self.present, values, otherwise), self.starts, axis=0)

    @property
    def counts(self) -> Floats:
        """Samples of each group at each step."""
        return np.add.reduceat(self.present.astype(np.float64), self.starts, axis=0)


def _sum(groups: Groups) -> Floats:
    return groups.reduce(np.add, groups.values, 0.0)


def _average(groups: Groups) -> Floats:
    counts = groups.counts
    mean = _sum(groups) / counts
    overflown = np.isinf(mean) & np.isfinite(groups.reduce(np.maximum, np.abs(groups.values), 0.0))
    if overflown.any():  # the sum is too large for a number, the mean is not
        mean = np.where(overflown, groups.reduce(np.add, groups.values / counts[groups.of_row], 0.0), mean)
    return mean


def _variance(groups: Groups) -> Floats:
    off = groups.values - _average(groups)[groups.of_row]
    return groups.reduce(np.add, off * off, 0.0) / groups.counts


#: Aggregation → one value per group and step.
AGGREGATIONS: Final[dict[str, Callable[[Groups], Floats]]] = {
    "sum": _sum,
    "avg": _average,
    "count": lambda groups: groups.counts,
    "group": lambda groups: np.ones(groups.counts.shape),
    "min": lambda groups: groups.reduce(np.fmin, groups.values, np.nan),
    "max": lambda groups: groups.reduce(np.fmax, groups.values, np.nan),
    "stdvar": _variance,
    "stddev": lambda groups: np.sqrt(_variance(groups)),
}


def aggregated(node: Aggregate, vector: Vector, parameter: Floats | None) -> Vector:
    """One series per group."""
    steps = vector.values.shape[1]
    result = Vector.empty(steps)
    # Histograms can be added up; anything else is asked of numbers alone.
    numbers = vector if node.operator in ("count", "group") else vector.floats()
    if numbers.labels:
        groups = Groups(numbers, node)
        if node.operator == "quantile":
            values = _quantile(groups, np.zeros(steps) if parameter is None else parameter)
        else:
            values = AGGREGATIONS[node.operator](groups)
        result = vector_of(groups.labels, values, groups.counts > 0)
    if numbers is not vector and node.operator in ("sum", "avg"):
        result = result.beside(_histograms(node, vector.natives()))
    return result


def _quantile(groups: Groups, q: Floats) -> Floats:
    steps = groups.values.shape[1]
    values = np.zeros((len(groups.labels), steps))
    ends = np.append(groups.starts[1:], len(groups.values))
    for number, (first, last) in enumerate(zip(groups.starts, ends, strict=True)):
        table = np.where(groups.present[first:last], groups.values[first:last], np.inf).T.copy()
        counts = groups.present[first:last].sum(axis=0)
        values[number] = quantiles(table, np.maximum(counts, 1), q)
    return values


def _histograms(node: Aggregate, vector: Vector) -> Vector:
    groups = Groups(vector, node)
    natives = vector.histograms or {}
    histograms: dict[int, Histograms] = {}
    present = np.zeros((len(groups.labels), vector.values.shape[1]), np.bool_)
    for number, rows in enumerate(groups.rows.values()):
        there = [vector.present[row] for row in rows]
        total = added([natives[row] for row in rows], there)
        if node.operator == "avg":
            total = total.with_data(total.data / np.maximum(np.sum(there, axis=0), 1)[:, None])
        histograms[number] = total
        present[number] = np.any(there, axis=0)
    return Vector(groups.labels, np.zeros(present.shape), present, histograms or None)


def chosen(node: Aggregate, vector: Vector, parameter: Floats) -> Vector:
    """``topk``, ``bottomk``, ``limitk``: some samples of each group, as they are.

    Raises:
        ExecutionFailed: how many is no number of samples.
    """
    vector = vector if node.operator == "limitk" else vector.floats()
    wrong = ~((parameter > -_INTEGER) & (parameter < _INTEGER))
    if wrong.any():
        msg = f"Scalar value {number_text(float(parameter[wrong][0]))} overflows int64"
        raise ExecutionFailed(msg)
    kept = np.zeros(vector.present.shape, np.bool_)
    order = list(range(len(vector.labels)))
    for rows in Groups(vector, node).rows.values():
        there = vector.present[rows]
        rank = np.cumsum(there, axis=0) - 1
        if node.operator != "limitk":
            values = vector.values[rows] if node.operator == "bottomk" else -vector.values[rows]
            # NaN comes after every number, and what is not there after that.
            first = np.lexsort((values, np.isnan(values), ~there), axis=0)
            rank = np.argsort(first, axis=0, kind="stable")
            if vector.values.shape[1] == 1:
                ranked = [rows[place] for place in first[:, 0].tolist()]
                for row, other in zip(rows, ranked, strict=True):
                    order[row] = other
        kept[rows] = there & (rank < parameter)
    result = Vector(vector.labels, vector.values, vector.present & kept, vector.histograms)
    return result.rows([row for row in order if kept[row].any()])


def counted_values(node: Aggregate, vector: Vector, label: str) -> Vector:
    """``count_values``: how many samples of each group have each value, which becomes a label."""
    vector = vector.floats()
    found: dict[Labels, Floats] = {}
    for labels, rows in Groups(vector, node).rows.items():
        there, values = vector.present[rows], vector.values[rows]
        for value in np.unique(values[there]):
            same = np.isnan(values) if np.isnan(value) else values == value
            name = label_set({**dict(labels), label: number_text(float(value))})
            count = (there & same).sum(axis=0).astype(np.float64)
            found[name] = found.get(name, 0.0) + count
    if not found:
        return Vector.empty(vector.values.shape[1])
    counts = np.array(list(found.values()))
    return merged(vector_of(list(found), counts, counts > 0))
