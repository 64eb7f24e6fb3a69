"""What looking at an operation costs: its begin and end, the samples in between, counting items, a worker's beat.

    .venv/bin/python bench/usage.py [seconds]

Everything is processor time, not time by the clock: the figures hold on a machine that does other things as well. The
samples' share is that of a process that waits with an operation open, less that of one that waits without.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from typing import TYPE_CHECKING, Final

import plainview
from plainview.capture.operations import usage

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS: Final = 100_000
ITEMS: Final = 1_000_000
ROUNDS: Final = 5
SECONDS: Final = 20.0

#: Waits, and says what share of a core it took. What wakes up by itself in both is the keeper.
_WAITS: Final = """
    import contextlib, sys, time
    import plainview
    from plainview.capture.operations import usage
    plainview.configure(service="waits", environment="production", file="", dir=sys.argv[1], resources=False)
    plainview.get_logger("waits").info("begins")
    ballast = bytearray(200 << 20)
    with plainview.job("wait") if sys.argv[2] == "open" else contextlib.nullcontext():
        samples = usage.watch(lambda sample: None, 5.0) if sys.argv[2] == "open" else None
        time.sleep(2)
        wall, cpu = time.perf_counter(), time.process_time()
        time.sleep(float(sys.argv[3]))
        print((time.process_time() - cpu) / (time.perf_counter() - wall))
"""


def spent(count: int, work: Callable[[], object]) -> float:
    """Processor time of one call, nanoseconds: the median of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        start = time.thread_time_ns()
        work()
        rounds.append((time.thread_time_ns() - start) / count)
    return statistics.median(rounds)


def pairs() -> None:
    """Operations that do nothing."""
    for _ in range(CALLS):
        usage.end(usage.begin())


def spans() -> None:
    """The measure of everything."""
    for _ in range(CALLS):
        with plainview.span("work"):
            pass


def bare() -> None:
    """A loop."""
    for _ in range(ITEMS):
        pass


def counted() -> None:
    """The same, with progress."""
    for _ in plainview.progress(range(ITEMS), name="items"):
        pass


def share(kind: str, seconds: float) -> float:
    """Share of a core that a waiting process takes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", textwrap.dedent(_WAITS), folder, kind, str(seconds)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(seconds: float) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        plainview.configure(service="usage", environment="production", file="", dir=folder, progress="off")
        loop, pair, span, items = (
            spent(ITEMS, bare), spent(CALLS, pairs), spent(CALLS, spans), spent(ITEMS, counted)
        )  # fmt: skip
        with plainview.worker("bench") as worker:
            beat = spent(CALLS, lambda: [worker.beat(completed=1) for _ in range(CALLS)])
        plainview.shutdown()
    shares = {kind: statistics.median(share(kind, seconds) for _ in range(3)) for kind in ("shut", "open")}
    print(f"begin and end of what an operation uses  {pair:8.0f} ns   ({pair / span:.2f} of a span, {span:.0f} ns)")
    print(f"an item of progress                      {items - loop:8.0f} ns   (beside {loop:.0f} ns of a bare loop)")
    print(f"a beat of a worker                       {beat:8.0f} ns")
    print(f"samples while an operation is open       {100 * (shares['open'] - shares['shut']):8.3f} % of a core")
    print(f"  a process that waits, without and with {100 * shares['shut']:8.3f} % and {100 * shares['open']:.3f} %")


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else SECONDS)
