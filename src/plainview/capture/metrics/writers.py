"""The hot paths: methods that add to a cell, and the exchange of what they write to.

What they write to is one view of memory, the same for all: a file of this process's stream, or plain memory, or nothing
yet. ``view[slot] += amount`` is safe without a lock: between the load and the store the interpreter neither looks for
signals nor hands its lock on (up to 3.13 it does so at calls, at the start of a function and on a jump back), as long
as ``amount`` is an int or a float; anything else is made one first. Where there is no such lock, a lock of ours takes
its place. For the same reason the view can be exchanged without losing a count: copy and exchange follow each other
without such a point.

Methods rather than closures: ten thousand series take a third of the memory, for a few nanoseconds more.
"""

from __future__ import annotations

import sys
import time
from _thread import RLock
from math import log2
from typing import TYPE_CHECKING, Any, Final

from plainview.context import current

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "EMPTY",
    "AddingCell",
    "Cell",
    "CountingCell",
    "ObservingCell",
    "TimedCell",
    "add",
    "exchange",
    "move",
    "put",
]

#: The view as long as there are no cells: every access raises IndexError.
EMPTY: Final[memoryview[float]] = memoryview(bytearray()).cast("d")
#: Integers beyond are not told apart by a double anyway.
_INT: Final = 1 << 53
_FLOAT: Final = sys.float_info.max

_view = EMPTY
_now: Final = time.time
_get: Final = current.get


class Cell:
    """Something with a slot of its own.

    What a hot path cannot do itself it hands to `late`: there are no cells yet, or the value is none.
    """

    __slots__ = ("slot",)

    slot: int

    def late(self, value: object, *, put: bool = False) -> None:
        """Add, or put, what the hot path left."""
        raise NotImplementedError


class CountingCell(Cell):
    """A counter's."""

    __slots__ = ()

    def inc(self, amount: float = 1.0) -> None:
        """Add to it."""
        kind: type = type(amount)
        if (kind is float and 0.0 <= amount <= _FLOAT) or (kind is int and 0 <= amount <= _INT):
            try:
                _view[self.slot] += amount
            except IndexError:
                self.late(amount)
        else:
            self.late(amount)


class AddingCell(Cell):
    """A gauge's."""

    __slots__ = ()

    def inc(self, amount: float = 1.0) -> None:
        """Add to it."""
        kind: type = type(amount)
        if (kind is float and -_FLOAT <= amount <= _FLOAT) or (kind is int and -_INT <= amount <= _INT):
            try:
                _view[self.slot] += amount
            except IndexError:
                self.late(amount)
        else:
            self.late(amount)

    def set(self, value: float) -> None:
        """Give it a value."""
        kind: type = type(value)
        if (kind is float and -_FLOAT <= value <= _FLOAT) or (kind is int and -_INT <= value <= _INT):
            try:
                _view[self.slot] = value
            except IndexError:
                self.late(value, put=True)
        else:
            self.late(value, put=True)


class TimedCell(AddingCell):
    """That of a gauge of which the latest value counts: the time is in the next slot."""

    __slots__ = ()

    def set(self, value: float) -> None:
        """Give it a value."""
        kind: type = type(value)
        if (kind is float and -_FLOAT <= value <= _FLOAT) or (kind is int and -_INT <= value <= _INT):
            try:
                slot = self.slot
                _view[slot + 1] = _now()
                _view[slot] = value
            except IndexError:
                self.late(value, put=True)
        else:
            self.late(value, put=True)


class ObservingCell(Cell):
    """A histogram's: the slot is that of the sum."""

    __slots__ = ("cells", "edges")

    #: Exponential bucket → its slot; negative: the first of two, divided by a classic bound.
    cells: dict[float, int]
    #: Exponential buckets that a classic bound lies in → the bound.
    edges: dict[float, float]

    def observe(self, value: float) -> None:
        """Count a value."""
        kind: type = type(value)
        if kind is float or kind is int:
            try:
                # The exponential bucket, counted from above: -ceil(log2(value) * 64).
                key = log2(value) * -64.0 // 1.0
                cell = self.cells[key]
                if cell > 0:
                    _view[cell] += 1.0
                else:
                    _view[-cell + (value > self.edges[key])] += 1.0
                _view[self.slot] += value
            except (KeyError, ValueError, IndexError, OverflowError):
                self.late(value)
            if _get().span is not None:
                self.exemplify(value)
        else:
            self.late(value)

    def exemplify(self, value: float) -> None:
        """Remember the trace that a value was observed in."""
        raise NotImplementedError


def add(slot: int, amount: float) -> None:
    """Add to a slot.

    Raises:
        IndexError: there are no cells yet.
    """
    _view[slot] += amount


def put(slot: int, value: float) -> None:
    """Give a slot a value.

    Raises:
        IndexError: there are no cells yet.
    """
    _view[slot] = value


def move(fresh: memoryview[float], length: int) -> None:
    """Write to another view from now on, in which the slots up to a length hold what they held in the last."""
    global _view  # noqa: PLW0603 - the one view of the process
    source, target = _view[:length], fresh[:length]
    # From here on no other thread runs, and no signal handler, until the view is exchanged.
    target[:] = source
    _view = fresh


def exchange(fresh: memoryview[float]) -> None:
    """Write to another view from now on, whatever it holds."""
    global _view  # noqa: PLW0603 - as above
    _view = fresh


def _locked(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passes through
        with _lock:
            return function(*args, **kwargs)

    return wrapper


if not getattr(sys, "_is_gil_enabled", lambda: True)():
    _lock: Final = RLock()  # a method adds while it holds it
    for _class, _method in (
        (CountingCell, "inc"),
        (AddingCell, "inc"),
        (AddingCell, "set"),
        (TimedCell, "set"),
        (ObservingCell, "observe"),
    ):
        setattr(_class, _method, _locked(getattr(_class, _method)))
    add, put, move, exchange = _locked(add), _locked(put), _locked(move), _locked(exchange)
