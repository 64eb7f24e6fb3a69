"""The hot paths: functions that add to a cell, each made for one series.

What they write to is one view of memory, a variable that all of them share: a file of this process's stream, or plain
memory, or nothing yet. ``view[slot] += amount`` is safe without a lock: between the load and the store the interpreter
neither looks for signals nor hands its lock on (up to 3.13 it does so at calls, at the start of a function and on a
jump back), as long as ``amount`` is an int or a float; anything else is made one first. Where there is no such lock, a
lock of ours takes its place. For the same reason the view can be exchanged without losing a count: copy and exchange
follow each other without such a point.
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

__all__ = ["EMPTY", "Writers"]

#: The view as long as there are no cells: every access raises IndexError.
EMPTY: Final[memoryview[float]] = memoryview(bytearray()).cast("d")
#: Integers beyond are not told apart by a double anyway.
_INT: Final = 1 << 53
_FLOAT: Final = sys.float_info.max


class Writers:
    """Makes the functions, and exchanges what they write to.

    Attributes:
        counter: slot, late → ``inc(amount)``.
        gauge: slot, late → ``inc(amount)``.
        setter: slot, late → ``set(value)``.
        timed_setter: slot, late → ``set(value)``, with the time in the next slot.
        histogram: slot, cells, edges, late, exemplify → ``observe(value)``.
        add: slot, amount → nothing; for what came late.
        put: slot, value → nothing.
        move: view, length → the view before; what it held up to the length is copied.
        exchange: view → the view before; nothing is copied.

    Each function hands what it cannot do itself to its ``late``: there are no cells yet, or the value is none.
    """

    def __init__(self) -> None:
        (
            self.counter, self.gauge, self.setter, self.timed_setter, self.histogram,
            self.add, self.put, self.move, self.exchange,
        ) = _make(time.time, current.get)  # fmt: skip


def _make(now: Callable[[], float], get: Callable[[], Any]) -> tuple[Any, ...]:  # noqa: C901, PLR0915 - one scope, see above
    view = EMPTY

    def counter(slot: int, late: Callable[..., None]) -> Callable[..., None]:
        def inc(amount: float = 1.0) -> None:
            kind: type = type(amount)
            if (kind is float and 0.0 <= amount <= _FLOAT) or (kind is int and 0 <= amount <= _INT):
                try:
                    view[slot] += amount
                except IndexError:
                    late(slot, amount)
            else:
                late(slot, amount)

        return inc

    def gauge(slot: int, late: Callable[..., None]) -> Callable[..., None]:
        def inc(amount: float = 1.0) -> None:
            kind: type = type(amount)
            if (kind is float and -_FLOAT <= amount <= _FLOAT) or (kind is int and -_INT <= amount <= _INT):
                try:
                    view[slot] += amount
                except IndexError:
                    late(slot, amount)
            else:
                late(slot, amount)

        return inc

    def setter(slot: int, late: Callable[..., None]) -> Callable[..., None]:
        def set_(value: float) -> None:
            kind: type = type(value)
            if (kind is float and -_FLOAT <= value <= _FLOAT) or (kind is int and -_INT <= value <= _INT):
                try:
                    view[slot] = value
                except IndexError:
                    late(slot, value)
            else:
                late(slot, value)

        return set_

    def timed_setter(slot: int, late: Callable[..., None]) -> Callable[..., None]:
        def set_(value: float) -> None:
            kind: type = type(value)
            if (kind is float and -_FLOAT <= value <= _FLOAT) or (kind is int and -_INT <= value <= _INT):
                try:
                    view[slot + 1] = now()
                    view[slot] = value
                except IndexError:
                    late(slot, value)
            else:
                late(slot, value)

        return set_

    def histogram(
        slot: int,
        cells: dict[float, int],
        edges: dict[float, float],
        late: Callable[..., None],
        exemplify: Callable[..., None],
    ) -> Callable[..., None]:
        def observe(value: float) -> None:
            kind: type = type(value)
            if kind is float or kind is int:
                try:
                    # The exponential bucket, counted from above: -ceil(log2(value) * 64).
                    key = log2(value) * -64.0 // 1.0
                    cell = cells[key]
                    if cell > 0:
                        view[cell] += 1.0
                    else:  # a classic bound lies in it: the first half ends with the bound
                        view[-cell + (value > edges[key])] += 1.0
                    view[slot] += value
                except (KeyError, ValueError, IndexError, OverflowError):
                    late(slot, value)
                if get().span is not None:
                    exemplify(slot, value)
            else:
                late(slot, value)

        return observe

    def add(slot: int, amount: float) -> None:
        view[slot] += amount

    def put(slot: int, value: float) -> None:
        view[slot] = value

    def move(fresh: memoryview[float], length: int) -> memoryview[float]:
        nonlocal view
        before, source, target = view, view[:length], fresh[:length]
        # From here on no other thread runs, and no signal handler, until the view is exchanged.
        target[:] = source
        view = fresh
        return before

    def exchange(fresh: memoryview[float]) -> memoryview[float]:
        nonlocal view
        before, view = view, fresh
        return before

    makers, changes = (counter, gauge, setter, timed_setter, histogram), (add, put, move, exchange)
    if getattr(sys, "_is_gil_enabled", lambda: True)():
        return makers + changes
    lock = RLock()  # `late` adds while its caller holds it
    return *(_making_locked(lock, make) for make in makers), *(_locked(lock, change) for change in changes)


def _locked(lock: RLock, function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any) -> Any:  # noqa: ANN401 - passes through
        with lock:
            return function(*args)

    return wrapper


def _making_locked(lock: RLock, make: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any) -> Any:  # noqa: ANN401 - passes through
        return _locked(lock, make(*args))

    return wrapper
