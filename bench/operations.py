"""What an operation costs beside a bare span: the same loop of each, a hundred at a time, one after the other.

    .venv/bin/python -m bench.operations [rounds]

At production's defaults, around an empty body. Processor time of this thread: the figures hold on a machine that does
other things as well, and the ratio is that of neighbours in time. What is shown is the lower decile of the rounds, and
the median of their ratios.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Final

import plainview

if TYPE_CHECKING:
    from collections.abc import Callable

_CALLS: Final = 100
_ROUNDS: Final = 600
_TARGET: Final = 2.0


def bare() -> None:
    """The measure."""
    span = plainview.span
    for _ in range(_CALLS):
        with span("import csv"):
            pass


def own() -> None:
    """A kind of the application's own."""
    operation = plainview.operation
    for _ in range(_CALLS):
        with operation("import", "csv"):
            pass


def stage() -> None:
    """A stage: two lines at INFO, and a metric."""
    made = plainview.stage
    for _ in range(_CALLS):
        with made("mix"):
            pass


def job() -> None:
    """A job: two lines at INFO, four metrics, two lines of its record."""
    made = plainview.job
    for _ in range(_CALLS):
        with made("render"):
            pass


def _spent(work: Callable[[], None]) -> float:
    start = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - start) / _CALLS


def main(rounds: int) -> None:
    """Print the table."""
    cases = (bare, own, stage, job)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        plainview.configure(service="bench", environment="production", file="", dir=folder)
        taken: dict[Callable[[], None], list[float]] = {case: [] for case in cases}
        for case in cases:
            case()
        for _ in range(rounds):
            for case in cases:
                taken[case].append(_spent(case))
        plainview.shutdown()
    for case in cases:
        ratio = statistics.median(mine / span for mine, span in zip(taken[case], taken[bare], strict=True))
        low = statistics.quantiles(taken[case], n=10)[0]
        print(f"{case.__name__:6} {low / 1000:7.2f} µs   {ratio:5.2f} of a span")
    ratio = statistics.median(mine / span for mine, span in zip(taken[own], taken[bare], strict=True))
    print(f"operation() ≤ {_TARGET:g} spans: {ratio:.2f}, {'reached' if ratio <= _TARGET else 'not reached'}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else _ROUNDS)
