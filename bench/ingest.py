"""From the spool to searchable: ``python -m bench.ingest``.

Two figures: lines a second while a million of them wait in the spool, from the start of the follower until the last
one is found by a query; and the longest time that a line, of 2,000 that arrive a second, took from the call that
logged it until a query found it. The last line of the output is the figures as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import plainview.store
from plainview.ingest.pipeline import Pipeline
from plainview.segments import LOCK, PROCESS, SegmentName

if TYPE_CHECKING:
    from plainview.store.interface import Store

_RESULTS: Final = Path(__file__).parent / "results"
_STREAMS: Final = 4
_SEGMENT: Final = 8 << 20
_RATE: Final = 2_000
_START: Final = datetime(2026, 11, 22, tzinfo=UTC).timestamp()

#: Logs so many lines a second, for so many seconds, each with the time of its call in it.
_WRITER: Final = """
import sys, time
import plainview
plainview.configure(service="bench", dir=sys.argv[1], console="off", server="off")
log = plainview.get_logger("bench.arriving")
rate, end = float(sys.argv[2]), time.monotonic() + float(sys.argv[3])
due = time.monotonic()
while due < end:
    log.info("order received", called=time.time(), item="book", amount=12.5, customer="c-81723")
    due += 1 / rate
    time.sleep(max(0, due - time.monotonic()))
"""


def _line(number: int, chance: random.Random) -> str:
    moment = datetime.fromtimestamp(_START + number / 5_000, UTC)
    return (
        f'{{"timestamp":"{moment:%Y-%m-%dT%H:%M:%S.%fZ}","level":"{chance.choice(("INFO", "DEBUG", "INFO", "ERROR"))}",'
        f'"logger":"{chance.choice(("shop.api", "shop.stock", "shop.db"))}","message":"order {number} took '
        f'{chance.random():.3f} s","service":"shop","environment":"production","version":"1.2.0","host":"box","pid":41,'
        f'"request_id":"{chance.getrandbits(64):016x}","extra":{{"item":"i{number % 977}","count":{number % 7}}},'
        f'"source":{{"file":"/app/shop/api.py","function":"order","line":{chance.randrange(20, 90)}}}}}\n'
    )


def fill(directory: Path, lines: int) -> int:
    """Write waiting segments of ended processes. Gives their size, bytes."""
    chance = random.Random(1)
    size = number = 0
    for stream in range(_STREAMS):
        folder = directory / "spool" / f"shop-{stream + 1}-{stream:08x}"
        folder.mkdir(parents=True)
        (folder / LOCK).touch()
        (folder / PROCESS).write_text(json.dumps({"service": "shop", "pid": stream + 1}))
        segment, content = 1, bytearray()
        last = lines * (stream + 1) // _STREAMS
        while number < last:
            content += _line(number, chance).encode()
            number += 1
            if len(content) > _SEGMENT or number == last:
                (folder / str(SegmentName("log", segment))).write_bytes(content)
                size += len(content)
                segment, content = segment + 1, bytearray()
    return size


def _found(store: Store) -> int:
    return int(store.query("SELECT count(*) FROM logs").rows[0][0])


def backlog(directory: Path, lines: int) -> dict[str, float]:
    """Take in what waits, and say how fast."""
    size = fill(directory, lines)
    os.sync()
    store = plainview.store.open(directory / "store")
    pipeline = Pipeline(store, directory)
    began, worked = time.perf_counter(), time.process_time()
    pipeline.start()
    while store.last_id("logs") < lines:
        time.sleep(0.005)
    found = _found(store)
    took, worked = time.perf_counter() - began, time.process_time() - worked
    pipeline.stop()
    store.close()
    if found != lines:
        msg = f"{found} of {lines} lines were found"
        raise SystemExit(msg)
    return {
        "lines": lines,
        "bytes_per_line": size / lines,
        "lines_per_second": lines / took,
        "cpu_us": worked / lines * 1e6,
    }


def arrival(directory: Path, seconds: float) -> dict[str, float]:
    """Follow a process that logs, and ask again and again: how old was each line when it was first found?"""
    store = plainview.store.open(directory / "store")
    pipeline = Pipeline(store, directory)
    pipeline.start()
    called = store.dialect.attribute_number("extra", ["called"])
    sql = f"SELECT max(id), {called} FROM logs WHERE id > ? GROUP BY ALL ORDER BY 2"
    ages: list[float] = []
    seen = 0
    command = [sys.executable, "-c", _WRITER, str(directory), str(_RATE), str(seconds)]
    with subprocess.Popen(command) as writer:
        left = 2.0
        while left > 0:
            rows = store.query(sql, [seen]).rows
            now = time.time()
            ages += [now - moment for _, moment in rows]
            seen = max([seen, *(row[0] for row in rows)])
            time.sleep(0.02)
            if writer.poll() is not None:
                left -= 0.02
    pipeline.stop()
    store.close()
    ages.sort()
    return {
        "arrived": len(ages),
        "searchable_median_s": ages[len(ages) // 2],
        "searchable_p99_s": ages[len(ages) * 99 // 100],
        "searchable_s": ages[-1],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lines", type=int, help="lines that wait (a million)")
    parser.add_argument("--seconds", type=float, help="how long lines arrive (20)")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    parser.add_argument("--quick", action="store_true", help="a tenth of the lines, a quarter of the time")
    given = parser.parse_args()
    lines = given.lines or (100_000 if given.quick else 1_000_000)
    seconds = given.seconds or (5.0 if given.quick else 20.0)
    figures: dict[str, Any] = {}
    _RESULTS.mkdir(parents=True, exist_ok=True)
    # On the disk that the repository is on: `/tmp` may be memory.
    with tempfile.TemporaryDirectory(dir=_RESULTS, prefix="scratch-") as folder:
        figures |= backlog(Path(folder) / "backlog", lines)
        figures |= arrival(Path(folder) / "arrival", seconds)
    print(f"{figures['lines_per_second']:>12,.0f} lines/s, {lines:,} lines of {figures['bytes_per_line']:.0f} bytes")
    print(f"{figures['cpu_us']:>12.1f} µs of CPU a line")
    print(f"{figures['searchable_s']:>12.2f} s until the slowest line was found, while {_RATE:,} a second arrive")
    print(f"{figures['searchable_median_s']:>12.2f} s at the median, {figures['searchable_p99_s']:.2f} s at p99")
    figures = {name: round(value, 3) for name, value in figures.items()}
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
