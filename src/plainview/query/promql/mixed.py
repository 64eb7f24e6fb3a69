"""Operators where native histograms take part."""

from __future__ import annotations

import numpy as np

from plainview.query.promql.native import Histograms, together
from plainview.query.promql.operators import ARITHMETIC, COMPARISONS
from plainview.query.promql.values import Vector

__all__ = ["combined"]


def combined(operator: str, left: Vector, right: Vector, *, as_bool: bool = False) -> Vector:
    """The operator between each row of two vectors of the same size.

    Histograms can be added and subtracted, multiplied and divided by numbers, and compared for equality. Whatever
    else is asked of them gives no sample, as in Prometheus.
    """
    values = np.zeros(left.values.shape)
    present = left.present & right.present
    histograms: dict[int, Histograms] = {}
    lefts, rights = left.histograms or {}, right.histograms or {}
    for row in range(len(left.labels)):
        one, other = lefts.get(row), rights.get(row)
        if one is None and other is None:
            if operator in ARITHMETIC:
                values[row] = ARITHMETIC[operator](left.values[row], right.values[row])
                continue
            holds = COMPARISONS[operator](left.values[row], right.values[row])
            values[row] = holds if as_bool else left.values[row]
            present[row] &= True if as_bool else holds
            continue
        if one is not None and other is not None and operator in ("==", "!="):
            same = together([one, other])
            holds = (same[0].data == same[1].data).all(axis=1) == (operator == "==")
            if as_bool:
                values[row] = holds
            else:
                histograms[row] = one
                present[row] &= holds
            continue
        result = _arithmetic(operator, one, other, left.values[row], right.values[row])
        if result is None:
            present[row] = False
        else:
            histograms[row] = result
    return Vector(left.labels, values, present, histograms or None)


def _arithmetic(
    operator: str,
    one: Histograms | None,
    other: Histograms | None,
    left: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    right: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> Histograms | None:
    if one is not None and other is not None:
        if operator not in ("+", "-"):
            return None
        first, second = together([one, other])
        return first.with_data(ARITHMETIC[operator](first.data, second.data))
    if one is not None and operator in ("*", "/"):
        return one.with_data(ARITHMETIC[operator](one.data, right[:, None]))
    if other is not None and operator == "*":
        return other.with_data(other.data * left[:, None])
    return None
