"""PromQL beside Prometheus, on the same data: ``sum by (path) (rate(x[5m]))`` over a day at 15 s, a step of 60 s.

    .venv/bin/python bench/metrics_queries.py [series]

Prometheus (Debian's) answers over HTTP from blocks that `promtool` made; ours are measured from the store, parsing and
rendering included, and once more from memory. Each is asked once unmeasured; then the median of five, and of the CPU
that the process took for it.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import numpy as np
import psutil

import plainview.store
from plainview.query.metrics.source import StoredMetrics
from plainview.query.promql.query import over_time
from plainview.query.promql.rendering import rendered
from plainview.query.promql.series import Matcher, Series, Source
from plainview.query.reader import Reader
from plainview.store.interface import Batch
from plainview.store.samples import SeriesRow, of_samples, of_series

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STEP, TICKS = 15_000, 5760
QUERY = "sum by (path) (rate(x[5m]))"
ROUNDS = 5


class Memory:
    """Series at hand."""

    def __init__(self, series: list[Series]) -> None:
        self.series = series

    def select(self, _: Sequence[Matcher], start_ms: int, end_ms: int) -> list[Series]:
        """All of them."""
        low, high = np.searchsorted(self.series[0].times, [start_ms, end_ms + 1])
        return [Series(one.labels, one.times[low:high], one.values[low:high]) for one in self.series]


def made(series: int, start: int) -> list[Series]:
    """Counters that rise by small whole numbers; some begin anew now and then."""
    chance = np.random.default_rng(1)
    times = start + STEP * np.arange(TICKS, dtype=np.int64)
    found = []
    for place in range(series):
        total = chance.poisson(5, TICKS).cumsum().astype(np.float64)
        if place % 10 == 0:
            total[TICKS // 2 :] -= total[TICKS // 2]
        labels = {"__name__": "x", "path": f"/books/{place % 20}", "series": str(place), "job": "studio"}
        found.append(Series(labels, times, total))
    return found


def filled(folder: Path, series: list[Series]) -> plainview.store.Store:
    """A store of the same samples, of which all but the last day are sealed."""
    store = plainview.store.open(folder / "store")
    ids = np.arange(len(series)) * 7919 + 11
    rows = [
        SeriesRow(int(one), "x", {k: v for k, v in own.labels.items() if k != "__name__"}, "x", "counter")
        for one, own in zip(ids, series, strict=True)
    ]
    start = int(series[0].times[0])
    store.write(Batch([of_series(rows, start)]))
    data = np.stack([own.values for own in series], axis=1)
    for first in range(0, TICKS, 96):
        ticks = range(first, first + 96)
        store.write(Batch([of_samples(ids, start + tick * STEP, data[tick]) for tick in ticks]))
    store.checkpoint()
    store.seal()
    return store


def blocks(folder: Path, series: list[Series]) -> None:
    """Prometheus's blocks of the samples."""
    with (folder / "day.txt").open("w") as file:
        file.write("# TYPE x unknown\n")
        for own in series:
            told = ",".join(f'{name}="{value}"' for name, value in own.labels.items() if name != "__name__")
            moments, values = own.times.tolist(), own.values.tolist()
            file.writelines(
                f"x{{{told}}} {value!r} {moment // 1000}\n" for moment, value in zip(moments, values, strict=True)
            )
        file.write("# EOF\n")
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "day.txt", "data", "--max-block-duration=24h"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def timed(question: Callable[[], Any], process: psutil.Process) -> tuple[float, float]:
    """Milliseconds, and milliseconds of a process's CPU: the median of some rounds, after one that is not counted."""
    question()
    took, worked = [], []
    for _ in range(ROUNDS):
        begun, before = time.perf_counter(), sum(process.cpu_times()[:2])
        question()
        took.append((time.perf_counter() - begun) * 1000)
        worked.append((sum(process.cpu_times()[:2]) - before) * 1000)
    return statistics.median(took), statistics.median(worked)


def prometheus(folder: Path, given: dict[str, Any]) -> tuple[tuple[float, float], Any]:
    """What Prometheus takes, and its answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "prometheus.yml").write_text("")
    command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=error"]
    more = [f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=100y"]
    with subprocess.Popen([*command, *more], cwd=folder) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120, trust_env=False) as client:
                while True:
                    try:
                        if client.get("/-/ready").status_code == 200:
                            break
                    except httpx.TransportError:
                        pass
                    time.sleep(0.1)

                def ask() -> Any:  # noqa: ANN401 - JSON
                    return client.get("/api/v1/query_range", params=given).json()["data"]

                return timed(ask, psutil.Process(process.pid)), ask()
        finally:
            process.terminate()


def main(folder: Path, count: int) -> None:
    start = (time.time_ns() // 1_000_000 // 86_400_000 - 2) * 86_400_000
    end = start + TICKS * STEP
    series = made(count, start)
    memory = Memory(series)

    def ours(source: Source) -> dict[str, Any]:
        answer = rendered(over_time(source, QUERY, start, end, 60_000), end)
        msgspec.json.encode(answer)
        return answer

    here = psutil.Process()
    from_memory = timed(lambda: ours(memory), here)
    print(f"{count:,} series, {count * TICKS:,} samples: {QUERY}")
    print("ours, from memory {:,.0f} ms, CPU {:,.0f} ms".format(*from_memory), flush=True)
    store = filled(folder, series)
    from_store = timed(lambda: ours(StoredMetrics(Reader(store, timeout=None))), here)
    answer = ours(StoredMetrics(Reader(store, timeout=None)))
    store.close()
    print("ours, from store  {:,.0f} ms, CPU {:,.0f} ms".format(*from_store), flush=True)
    blocks(folder, series)
    theirs, expected = prometheus(folder, {"query": QUERY, "start": start / 1000, "end": end / 1000, "step": 60})
    print("Prometheus        {:,.0f} ms, CPU {:,.0f} ms".format(*theirs))
    print(
        f"from store, ours take {from_store[0] / theirs[0]:.2f} of its time, {from_store[1] / theirs[1]:.2f} of its CPU"
    )
    for one, other in zip(
        answer["result"], sorted(expected["result"], key=lambda row: row["metric"]["path"]), strict=True
    ):
        assert one["metric"] == other["metric"]
        mine, its = ([float(value) for _, value in row["values"]] for row in (one, other))
        assert np.allclose(mine, its, rtol=1e-9, atol=0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name), int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
