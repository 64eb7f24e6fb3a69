"""Names for the arrays of the evaluation."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bools", "Floats", "Integers", "anywhere"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]


def anywhere(marks: Bools) -> Bools:
    """For each column, whether any row is marked."""
    found: Bools = np.logical_or.reduce(marks, axis=0)
    return found
