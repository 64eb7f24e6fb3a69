"""Threads of ours: none holds up the end of the process, and no record depends on one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import Thread

__all__ = ["begin"]


def begin(thread: Thread) -> bool:
    """Start a thread; False: there can be no other one.

    That is so where the system has no more of them, and, in Python 3.12, from the moment the interpreter begins to
    end, before it calls what was registered with `atexit`.
    """
    try:
        thread.start()
    except RuntimeError:
        return False
    return True
