"""How it is measured: each function takes a contender and a number of calls, and returns figures by name.

Wall time is the caller's. CPU time is that of all threads of the process, user and system, until everything that
waited in memory has been written out.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import statistics
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import disk
from bench.workload import serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.contenders import Errors, Logs, Meters, Spans, Web

__all__ = [
    "beside_a_busy_thread", "busy_disk", "exceptions", "exposition", "four_threads", "increments", "labelled",
    "level_off", "observations", "one_after_another", "requests", "series", "spans",
]  # fmt: skip

_THREADS: Final = 4
_PAUSE: Final = 0.001
_BURST: Final = 10
_PROCESSES: Final = 4


def _run(
    made: Errors | Logs | Spans, warm_up: Callable[[], None], calls: Callable[[], None], count: int
) -> dict[str, float]:
    warm_up()
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    calls()
    wall = time.perf_counter_ns() - wall
    made.finish()
    cpu = time.process_time_ns() - cpu
    return {"wall_us": wall / count / 1e3, "cpu_us": cpu / count / 1e3, "kept": made.kept() / (count + count // 10)}


def one_after_another(logs: Logs, count: int, _folder: Path) -> dict[str, float]:
    """Lines as fast as one thread can write them."""
    return _run(logs, lambda: logs.write(range(count // 10)), lambda: logs.write(range(count)), count)


def spans(made: Spans, count: int, _folder: Path) -> dict[str, float]:
    """Spans as fast as one thread can make them."""
    return _run(made, lambda: made.make(count // 10), lambda: made.make(count), count)


def exceptions(made: Errors, count: int, _folder: Path) -> dict[str, float]:
    """Exceptions that are raised, caught and captured one after another."""
    return _run(made, lambda: made.capture(count // 10), lambda: made.capture(count), count)


def four_threads(logs: Logs, count: int, _folder: Path) -> dict[str, float]:
    """The same number of lines from four threads at once; time per line."""
    gate = threading.Barrier(_THREADS + 1)

    def work() -> None:
        gate.wait()
        logs.write(range(count // _THREADS))

    # A thread starts with an empty context: each is given the caller's, as an application would.
    threads = [threading.Thread(target=contextvars.copy_context().run, args=(work,)) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()

    def calls() -> None:
        gate.wait()
        for thread in threads:
            thread.join()

    return _run(logs, lambda: logs.write(range(count // 10)), calls, count)


def beside_a_busy_thread(logs: Logs, count: int, _folder: Path) -> dict[str, float]:
    """The time of each call while another thread computes; a pause before each, as a program has other work."""
    stop = False

    def compute() -> None:
        value = 1
        while not stop:
            for step in range(1000):
                value = (value * 31 + step) % 1_000_003

    logs.write(range(100))
    thread = threading.Thread(target=compute, daemon=True)
    thread.start()
    taken = []
    for number in range(count):
        time.sleep(_PAUSE)
        before = time.perf_counter_ns()
        logs.write(range(number, number + 1))
        taken.append(time.perf_counter_ns() - before)
    stop = True
    thread.join()
    logs.finish()
    return {**_percentiles(taken), "kept": logs.kept() / (count + 100)}


def busy_disk(logs: Logs, count: int, folder: Path) -> dict[str, float]:
    """The time of each call, some ten thousand a second, while another process writes to the disk and fsyncs."""
    logs.write(range(1000))
    taken = []
    with disk.busy(folder):
        for number in range(count):
            if number % _BURST == 0:
                time.sleep(_PAUSE)
            before = time.perf_counter_ns()
            logs.write(range(number, number + 1))
            taken.append(time.perf_counter_ns() - before)
    logs.finish()
    return {**_percentiles(taken), "kept": logs.kept() / (count + 1000)}


def level_off(logs: Logs, count: int, _folder: Path) -> dict[str, float]:
    """Calls at a level that is off."""
    logs.off(count // 10)
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    logs.off(count)
    wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
    logs.finish()
    return {"wall_ns": wall / count, "cpu_ns": cpu / count}


def requests(web: Web, count: int, _folder: Path) -> dict[str, float]:
    """Requests to an application, in process, one after another."""

    async def work() -> tuple[int, int]:
        for number in range(count // 10):
            await serve(web.app, number)
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        for number in range(count):
            await serve(web.app, number)
        return cpu, time.perf_counter_ns() - wall

    cpu, wall = asyncio.run(work())
    web.finish()
    return {"wall_us": wall / count / 1e3, "cpu_us": (time.process_time_ns() - cpu) / count / 1e3}


def increments(made: Meters, count: int, _folder: Path) -> dict[str, float]:
    """Increments of a series whose labels were given once."""
    inc = made.inc
    return _each(lambda: [inc() for _ in range(count)], count)


def labelled(made: Meters, count: int, _folder: Path) -> dict[str, float]:
    """Increments that give the labels each time."""
    inc = made.labelled
    return _each(lambda: [inc("card", "ok") for _ in range(count)], count)


def observations(made: Meters, count: int, _folder: Path) -> dict[str, float]:
    """Observations of a histogram, of some hundred different values."""
    observe = made.observe
    values = [0.003 * 1.05**number for number in range(100)] * (count // 100)
    return _each(lambda: [observe(value) for value in values], count)


def _each(calls: Callable[[], object], count: int) -> dict[str, float]:
    calls()
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    calls()
    wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
    return {"wall_ns": wall / count, "cpu_ns": cpu / count}


def series(made: Meters, count: int, _folder: Path) -> dict[str, float]:
    """Memory of so many series of a counter."""
    made.labelled("first", "one")
    gc.collect()
    before = _memory()
    for number in range(count):
        made.labelled(f"kind-{number}", "ok")
    gc.collect()
    return {"memory_mb": (_memory() - before) / 1e6}


def exposition(made: Meters, count: int, _folder: Path) -> dict[str, float]:
    """``/metrics`` of one of four processes with the same series."""
    ready, done = os.pipe(), os.pipe()
    children = []
    for _ in range(_PROCESSES - 1):
        child = os.fork()
        if child == 0:
            _fill(made, count)
            os.write(ready[1], b"x")
            os.close(done[1])
            os.read(done[0], 1)
            os._exit(0)
        children.append(child)
    _fill(made, count)
    for _ in children:
        os.read(ready[0], 1)
    assert made.answer().count(f"kind-{count - 1}".encode()) == 1
    before = time.perf_counter_ns()
    made.answer()
    taken = time.perf_counter_ns() - before
    os.close(done[1])
    for child in children:
        os.waitpid(child, 0)
    return {"answer_ms": taken / 1e6}


def _fill(made: Meters, count: int) -> None:
    for number in range(count):
        made.labelled(f"kind-{number}", "ok")


def _memory() -> int:
    """Bytes of this process that are in memory and nobody else's, and those of files that it has mapped."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE")


def _percentiles(taken: list[int]) -> dict[str, float]:
    cuts = statistics.quantiles(taken, n=1000, method="inclusive")
    figures = {"median_us": cuts[499], "mean_us": statistics.mean(taken), "p99_us": cuts[989], "p999_us": cuts[998]}
    return {name: value / 1e3 for name, value in figures.items()}
