"""How far something has got, as people are shown it: whoever counts writes it, whoever shows it reads it."""

from __future__ import annotations

import contextvars
import operator
from time import monotonic
from typing import Final

from plainview.sinks.text import visible

__all__ = ["Track", "number"]

_NUMBERS: Final = frozenset({int, float})
#: Beyond it there is nothing to count; NaN and the infinities are not below it.
_MOST: Final = 2**63
_NAME: Final = 60
#: Under so long no speed is told, seconds.
_BRIEF: Final = 0.05


def number(value: object) -> float | None:
    """A number that progress can be counted by: finite, not below zero; whole, if of a type of its own. None: none."""
    if type(value) not in _NUMBERS:
        if type(value) is bool:
            return None
        try:
            value = operator.index(value)  # type: ignore[arg-type] # that is what is tried: NumPy's integers have one
        except Exception:  # noqa: BLE001 - the application's own type
            return None
    return value if 0 <= value < _MOST else None  # type: ignore[operator, return-value]


class Track:
    """One bar, or the lines in its place.

    Args:
        name: of what is done.
        total: how much there is to do, if known.
        outer: the one that this is done for a part of.
        asked: whether somebody asked to be shown it; otherwise it is only told of.

    Attributes:
        done: how much is done; of `total` where that is known, else in percent if `in_percent`.
        step: what is being done now.
        ended: whether nothing will come any more.
        place: its own number behind those of the ones around it: in this order they are shown.
    """

    __slots__ = (
        "_began", "_stopped", "asked", "context", "done", "ended", "in_percent", "name", "outer", "place", "step",
        "total",
    )  # fmt: skip

    _count = 0

    def __init__(self, name: str, total: float | None, outer: Track | None = None, *, asked: bool = True) -> None:
        Track._count += 1
        self.name: Final = visible(str(name))[:_NAME]
        self.total = total
        self.outer: Final = outer
        self.asked: Final = asked
        self.place: Final[tuple[int, ...]] = (*outer.place, Track._count) if outer is not None else (Track._count,)
        self.done: float = 0
        self.in_percent = False
        self.step = ""
        self.ended = False
        #: That its lines belong to: the context of whoever counts.
        self.context: Final = contextvars.copy_context()
        self._began: Final = monotonic()
        self._stopped = 0.0

    def stop(self) -> None:
        """Nothing will come any more."""
        self._stopped = monotonic()
        self.ended = True

    def take(self) -> None:
        """Before it is shown: take over what is new."""

    @property
    def seconds(self) -> float:
        """Since it began; until it ended."""
        return (self._stopped if self.ended else monotonic()) - self._began

    @property
    def percent(self) -> float | None:
        """Share that is done, if it can be told."""
        if self.in_percent:
            return self.done
        return 100 * self.done / self.total if self.total else None

    @property
    def speed(self) -> float | None:
        """Done in a second, over all the time; None: not known yet."""
        seconds = self.seconds
        return self.done / seconds if self.done and seconds > _BRIEF and not self.in_percent else None

    @property
    def remaining(self) -> float | None:
        """Seconds until all is done, at that speed; None: nobody knows."""
        percent = self.percent
        if not percent or self.ended:
            return None
        return max(0.0, self.seconds * (100 / percent - 1))
