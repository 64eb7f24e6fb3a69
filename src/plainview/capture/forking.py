"""Imports in threads: a child forked meanwhile would wait for ever for them to end, so the fork waits instead."""

from __future__ import annotations

import os
from _thread import RLock  # native even where gevent has patched `threading`
from typing import Final

__all__ = ["unforked"]

#: To be held while a thread of ours imports something. A fork takes it, and so falls before or after.
unforked: Final = RLock()

os.register_at_fork(before=unforked.acquire, after_in_parent=unforked.release, after_in_child=unforked.release)
