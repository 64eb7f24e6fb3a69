"""Whether a row of numbers drifts: each in line with the one before, and yet they go somewhere.

The test is that of H. Mann (1945) and M. Kendall (1975), which asks of each pair whether the later number is the
greater one; how far the row has gone is the slope of H. Theil (1950) and P. Sen (1968), the median of the slopes of
all pairs. One number far out moves neither.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from plainview.query.runs.deviation import CHANGE

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FEWEST", "SURE", "Drift", "drift"]

#: Fewest numbers of which it can be told.
FEWEST: Final = 8
#: Standard score beyond which chance does it in less than one of a hundred rows.
SURE: Final = 2.576


@dataclass(frozen=True, slots=True)
class Drift:
    """Where a row of numbers goes.

    Attributes:
        change: from its beginning to its end, as a share of its median: 0.2 is a fifth more; None: it cannot be told.
        score: standard score of the Mann-Kendall test, with the sign of the change; None: there are too few.
        drifts: whether it goes on, by more than chance explains and by more than a tenth.
    """

    change: float | None
    score: float | None
    drifts: bool


def drift(values: Sequence[float | None]) -> Drift:
    """Where the numbers go, given the oldest first. What is None or not finite is left out; nothing is raised."""
    known = [float(value) for value in values if value is not None and math.isfinite(value)]
    count = len(known)
    if count < FEWEST:
        return Drift(None, None, drifts=False)
    earlier, later = np.triu_indices(count, 1)
    with np.errstate(
        all="ignore"
    ):  # of the largest numbers there are no sums: what comes of it is no number, and left out
        row = np.array(known)
        steps = row[later] - row[earlier]
        slope = float(np.median(steps / (later - earlier)))
        middle = float(np.median(row))
    kendall = int(np.sign(steps).sum())
    ties = sum(n * (n - 1) * (2 * n + 5) for n in Counter(known).values())
    variance = (count * (count - 1) * (2 * count + 5) - ties) / 18
    # With the correction for continuity: one step less.
    score = (kendall - math.copysign(1, kendall)) / math.sqrt(variance) if kendall and variance > 0 else 0.0
    whole = slope * (count - 1)
    change = whole / abs(middle) if middle else None
    far = abs(whole) > CHANGE * abs(middle)
    fits = change is not None and math.isfinite(change)
    return Drift(change if fits else None, score, drifts=far and abs(score) > SURE)
