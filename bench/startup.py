"""How long a library takes until the program can begin, in a fresh interpreter with everything compiled already."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

from bench.contenders import MODULES

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["start"]

#: The modules that the measuring itself needs count for nobody.
_PROGRAM: Final = """
import time
cpu, wall = time.process_time_ns(), time.perf_counter_ns()
{start}
ready, cpu = time.perf_counter_ns(), time.process_time_ns() - cpu
{first}
first = time.perf_counter_ns()
print()
print('{{"ready_ms": %r, "cpu_ms": %r, "first_ms": %r}}' % ((ready - wall) / 1e6, cpu / 1e6, (first - ready) / 1e6))
"""


def start(contender: str, folder: Path) -> dict[str, float]:
    """Start a contender once.

    Raises:
        CalledProcessError: it did not start.
    """
    module = import_module(MODULES[contender])
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    program = _PROGRAM.format(start=module.START, first=module.FIRST)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, check=True, capture_output=True, timeout=60
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures
