"""Operators on numbers: arithmetic, trigonometry, comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.query.promql.arrays import Bools, Floats

__all__ = ["ARITHMETIC", "COMPARISONS", "SETS"]

#: Operator → result. What comes of them is no metric of that name any more.
ARITHMETIC: Final[dict[str, Callable[[Any, Any], Floats]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}

#: Operator → whether it holds.
COMPARISONS: Final[dict[str, Callable[[Any, Any], Bools]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}

#: Operators between sets of series.
SETS: Final = frozenset({"and", "or", "unless"})
