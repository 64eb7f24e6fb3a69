"""What the machine, or the container, has to give."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["cores", "memory_limit"]


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_limit() -> str:
    """A quarter of the memory that this machine (or container) has, from 512 MB to 8 GB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # no such file, or no limit in it
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return f"{max(512, min(8192, (memory >> 20) // 4))}MB"
