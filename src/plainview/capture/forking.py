"""Forks: whether there was one, and imports in threads.

A child that is forked while a thread imports something would wait for ever for that to end, so the fork waits instead.
"""

from __future__ import annotations

import os
from _thread import RLock  # native even where gevent has patched `threading`
from typing import Final

__all__ = ["is_forked", "unforked"]

#: To be held while a thread of ours imports something. A fork takes it, and so falls before or after.
unforked: Final = RLock()

_first = os.getpid()


def is_forked() -> bool:
    """Whether this process was forked off one that had capture in it."""
    return os.getpid() != _first


os.register_at_fork(before=unforked.acquire, after_in_parent=unforked.release, after_in_child=unforked.release)
