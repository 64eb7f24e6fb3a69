"""Operators on numbers: arithmetic, trigonometry, comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.query.promql.arrays import Bools, Floats

__all__ = ["ARITHMETIC", "COMPARISONS", "drops_name"]

#: Operator → result.
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

#: What comes of these is no metric of that name any more. (Prometheus 2.42 forgets ``atan2``.)
_RENAMES: Final = frozenset(ARITHMETIC) - {"atan2"}


def drops_name(operator: str, *, as_bool: bool) -> bool:
    """Whether results have lost the metric's name."""
    return as_bool or operator in _RENAMES
