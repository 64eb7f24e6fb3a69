"""Metrics in the server: disk per sample beside Prometheus's blocks, memory of the series, rate of ingest.

    .venv/bin/python bench/metrics_history.py [series]

The samples of a day at 15 s: counters that rise by small whole numbers, by fractions, and not at all; gauges that
wander. `promtool` (of Debian's `prometheus`) makes blocks of the same samples.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import psutil

import plainview.store
from plainview.ingest.lane import Piece
from plainview.ingest.metrics.fold import Fold
from plainview.records import MetricPoint, MetricRecord
from plainview.store.interface import Batch
from plainview.store.samples import SeriesRow, of_samples, of_series

STEP, TICKS = 15_000, 5760


def values(series: int) -> np.ndarray:
    """Ticks x series."""
    chance = np.random.default_rng(1)
    found = np.empty((TICKS, series))
    for column in range(series):
        match column % 4:
            case 0:
                found[:, column] = chance.poisson(5, TICKS).cumsum()
            case 1:
                found[:, column] = chance.gamma(2.0, 0.05, TICKS).cumsum()
            case 2:
                found[:, column] = chance.poisson(0.01, TICKS).cumsum()
            case _:
                found[:, column] = np.round(50 + chance.normal(0, 1, TICKS).cumsum(), 1)
    return found


def disk(folder: Path, series: int) -> None:
    """Bytes per sample, sealed and in Prometheus's blocks."""
    start = (time.time_ns() // 1_000_000 // 86_400_000 - 2) * 86_400_000
    data = values(series)
    ids = np.arange(series) * 7919 + 11
    store = plainview.store.open(folder / "store")
    rows = [
        SeriesRow(int(one), "bench_total", {"series": str(place), "job": "studio"}, "bench_total", "counter")
        for place, one in enumerate(ids)
    ]
    store.write(Batch([of_series(rows, start)]))
    begun = time.perf_counter()
    for tick in range(0, TICKS, 20):
        times = np.repeat(start + np.arange(tick, tick + 20) * STEP, series)
        store.write(Batch([of_samples(np.tile(ids, 20), times, data[tick : tick + 20].ravel())]))
    took = time.perf_counter() - begun
    store.checkpoint()
    hot = store.stats()["bytes"]
    store.seal()
    sealed = store.stats()["sealed_bytes"]
    store.close()
    print(f"stored {data.size:,} samples in {took:.1f} s: {data.size / took:,.0f} a second, twenty ticks a transaction")
    print(f"hot    {hot / data.size:.2f} bytes per sample")
    print(f"sealed {sealed / data.size:.2f} bytes per sample")
    if shutil.which("promtool") is None:
        return
    with (folder / "day.txt").open("w") as file:
        file.write("# TYPE bench counter\n")
        for place in range(series):
            for tick in range(TICKS):
                moment = (start + tick * STEP) // 1000
                file.write(f'bench_total{{series="{place}",job="studio"}} {float(data[tick, place])!r} {moment}\n')
        file.write("# EOF\n")
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(folder / "day.txt"), str(folder / "blocks")]
    subprocess.run([*command, "--max-block-duration=24h"], check=True, capture_output=True)
    blocks = sum(path.stat().st_size for path in (folder / "blocks").rglob("*") if path.is_file())
    print(f"Prometheus's blocks {blocks / data.size:.2f} bytes per sample: we take {sealed / blocks:.2f} of it")


def stamp(moment: int) -> str:
    """RFC 3339."""
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def snapshot(moment: int, series: int, process: int) -> bytes:
    """A snapshot of a process with so many series, 100 to a metric."""
    lines = []
    for metric in range(series // 100):
        points = [MetricPoint({"path": f"/books/{place}", "status": "200"}, 3.0) for place in range(100)]
        record = MetricRecord(
            timestamp=stamp(moment), name=f"bench_{metric}_total", kind="counter", points=points, full=True,
            service="studio", host="box", pid=process,
        )  # fmt: skip
        lines.append(msgspec.json.encode(record) + b"\n")
    return b"".join(lines)


def memory(folder: Path, series: int = 10_000) -> None:
    """What the totals of so many series take, and how fast they come in from four processes."""
    store = plainview.store.open(folder / "memory")
    start = time.time_ns() // 1_000_000 // STEP * STEP - 3_600_000
    fold = Fold(store)
    before = psutil.Process().memory_info().rss
    points = took = 0
    for tick in range(20):
        pieces = [snapshot(start + tick * STEP, series, process) for process in range(4)]
        begun = time.process_time()
        for process, data in enumerate(pieces):
            fold.add(Piece(f"studio-{process}-00000000", "metric", 1, (tick + 1) * len(data), data), start + 10**9)
            points += series
        for batch in fold.due(start + tick * STEP + 5000, caught_up=True):
            store.write(batch)
        took += time.process_time() - begun
    after = psutil.Process().memory_info().rss
    print(f"{series:,} series of 4 processes: {(after - before) / 1e6:.0f} MB more than before, the engine's included")
    print(f"{points / took:,.0f} points a second of CPU, the stored samples included")
    store.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        memory(Path(name))
        disk(Path(name), int(sys.argv[1]) if len(sys.argv) > 1 else 400)
