"""Whether a number is out of line with those before it, by robust statistics.

The middle of the earlier numbers is their median, their usual distance from it the median of the distances (MAD).
How far off the newest is, is told by the modified z-score of B. Iglewicz and D. Hoaglin, "How to Detect and Handle
Outliers" (ASQC, 1993), with the threshold that they give. Mean and standard deviation would do worse: the one slow
run among the earlier ones would hide the next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CHANGE", "FEWEST", "THRESHOLD", "Deviation", "deviation"]

#: Modified z-score beyond which a number is out of line (Iglewicz and Hoaglin).
THRESHOLD: Final = 3.5
#: Fewest earlier numbers that say what is usual.
FEWEST: Final = 5
#: Least distance from the median that counts, as a share of it: numbers that hardly ever differ would make every
#: hundredth part a sensation.
CHANGE: Final = 0.1
#: The MAD of a normal distribution is 0.6745 of its standard deviation; of its mean distance it is 1.2533.
_MAD: Final = 0.6745
_MEAN: Final = 1.253314


@dataclass(frozen=True, slots=True)
class Deviation:
    """How a number stands to those before it.

    Attributes:
        median: of the earlier ones; None: there is none.
        mad: median distance of the earlier ones from their median.
        newest: the number itself.
        score: modified z-score, with the sign of the distance; None: there are too few earlier ones, or they are all
            the same, so that no distance is usual.
        out_of_line: whether it is further off than chance explains, and by more than a tenth.
        direction: which side of the median it is on.
    """

    median: float | None
    mad: float | None
    newest: float | None
    score: float | None
    out_of_line: bool
    direction: Literal["higher", "lower"] | None


def deviation(earlier: Sequence[float | None], newest: float | None) -> Deviation:
    """How ``newest`` stands to the numbers before it. What is None or not finite is left out; nothing is raised.

    Args:
        earlier: the numbers before, in any order.
        newest: the number that is judged.
    """
    known = [value for value in earlier if value is not None and math.isfinite(value)]
    if newest is None or not math.isfinite(newest) or not known:
        middle = _finite(median(known)) if known else None
        return Deviation(middle, _spread(known, middle), newest, None, out_of_line=False, direction=None)
    middle = float(median(known))
    distances = [abs(value - middle) for value in known]
    mad, off = float(median(distances)), newest - middle
    score = _score(off, mad, distances) if len(known) >= FEWEST else None
    # Where all are the same, whatever differs is out of line, if only it differs enough.
    unusual = len(known) >= FEWEST and (score is None or abs(score) > THRESHOLD)
    return Deviation(
        _finite(middle),
        _finite(mad),
        newest,
        _finite(score),
        out_of_line=unusual and abs(off) > CHANGE * abs(middle),
        direction=("higher" if off > 0 else "lower") if off else None,
    )


def _score(off: float, mad: float, distances: Sequence[float]) -> float | None:
    """The modified z-score; where more than half of the numbers are the same, by their mean distance (as SPSS has it).

    None where all are the same.
    """
    if mad > 0:
        return _MAD * off / mad
    mean = fmean(distances)
    return off / (_MEAN * mean) if mean > 0 else None


def _spread(known: Sequence[float], middle: float | None) -> float | None:
    return None if middle is None else _finite(median(abs(value - middle) for value in known))


def _finite(value: float | None) -> float | None:
    """The number, if it is one that can be told: sums of the largest ones are not."""
    return float(value) if value is not None and math.isfinite(value) else None
