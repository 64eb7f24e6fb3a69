"""What else the keeper does in its rhythm: looking at memory while operations are open, heartbeats, lines of progress.

The list is the process's, not a configuration's: what is wanted goes on when `configure` is called again. A forked
child begins with nothing, since what its parent keeps alive is the parent's.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    #: Is given the monotonic clock, does what is due, and returns after how many seconds it wants to be called again;
    #: infinite: whenever the keeper comes by.
    Chore = Callable[[float], float]

__all__ = ["add", "forget", "remove", "turn", "wanted"]

_chores: Final[list[Chore]] = []
_lasting: Final[set[Chore]] = set()


def add(chore: Chore, *, lasting: bool = False) -> None:
    """Have something done from now on; once, however often it is asked for.

    Args:
        chore: what is done. What it raises is counted, and it is called again.
        lasting: in a forked child as well.
    """
    if chore not in _chores:
        _chores.append(chore)
    if lasting:
        _lasting.add(chore)


def remove(chore: Chore) -> None:
    """Have it done no more."""
    _lasting.discard(chore)
    if chore in _chores:
        _chores.remove(chore)


def wanted() -> bool:
    """Whether there is anything that needs the keeper to run, whether or not something is recorded."""
    return any(chore not in _lasting for chore in tuple(_chores))


def turn(clock: float, failed: Callable[[BaseException], None]) -> float:
    """Do what is due.

    Args:
        clock: monotonic, seconds.
        failed: is told what a chore raises.

    Returns:
        Seconds until the next one wants to be called; infinite where none says so.
    """
    soonest = math.inf
    for chore in tuple(_chores):
        try:
            soonest = min(soonest, chore(clock))
        except Exception as error:  # noqa: BLE001 - the others are done all the same
            failed(error)
    return soonest


def forget() -> None:
    """In a forked child: what its parent wanted is its parent's."""
    _chores[:] = [chore for chore in _chores if chore in _lasting]


os.register_at_fork(after_in_child=forget)
