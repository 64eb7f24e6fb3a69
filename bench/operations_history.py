"""Operations in the server: how long questions take over a million of their events.

    .venv/bin/python bench/operations_history.py [jobs] [days]

A month of jobs: each is created, begun, gets on three times, saves a checkpoint, ends; three stages and four executions
of engines are parts of it. One in twenty fails. What is asked of the last day or hour should cost what these hold.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import plainview.store
from plainview.query.operations import detail, listing, summing, workers
from plainview.query.reader import Reader
from plainview.records import OperationRecord
from plainview.store.interface import Batch, Store
from plainview.store.rows import of_operations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAY = 86_400
TYPES, ENGINES = 12, 8
#: Jobs whose events are stored together.
TOGETHER = 2000


def stamp(seconds: float) -> str:
    """RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def events(number: int, begun: float) -> Iterator[OperationRecord]:
    """What a job and its parts tell."""
    key = f"job-{number:08d}"
    failed = number % 20 == 0
    took = 20.0 + number % 97
    job = f"{number * 16:016x}"
    of = {"key": key, "job_id": key, "service": "studio", "environment": "bench", "host": "box", "pid": number % 4}

    def told(id_: str, event: str, after: float, start: float, **members: Any) -> OperationRecord:  # noqa: ANN401 - of the record
        at = begun + after
        nanoseconds = int((begun + start) * 1e6) * 1000
        return OperationRecord(
            timestamp=stamp(at), operation_id=id_, event=event, start_time_unix_nano=nanoseconds, **(of | members)
        )  # fmt: skip

    kind = {"kind": "job", "name": f"type-{number % TYPES}", "trace_id": f"{number:032x}"}
    yield told(f"{number * 16 + 15:016x}", "create", 0, 0, **kind)
    yield told(job, "open", 1, 1, **kind)
    for step in range(3):
        yield told(job, "progress", 2 + step * took / 4, 1, done=step * 10, total=40, step=f"page {step * 10}", **kind)
    yield told(job, "checkpoint", took / 2, 1, data=msgspec.Raw(b'{"page":20}'), **kind)
    for stage in range(3):
        part = {"kind": "stage", "name": f"stage-{stage}", "key": "", "parent_id": job, "status": "completed"}
        yield told(f"{number * 16 + 1 + stage:016x}", "close", took / 2 + stage, 2, duration_ms=500.0 + stage, **part)
    for engine in range(4):
        part = {"kind": "engine", "name": f"engine-{(number + engine) % ENGINES}", "key": "", "parent_id": job}
        part |= {"status": "completed", "cpu_ms": 12.0, "rows": 100}
        yield told(f"{number * 16 + 5 + engine:016x}", "close", took / 2, 3, duration_ms=80.0 + number % 300, **part)
    end = {"status": "failed", "reason": f"ValueError: page {number}", "error_type": "ValueError"} if failed else {}
    yield told(job, "close", 1 + took, 1, duration_ms=took * 1000, **kind, **({"status": "completed"} | end))


def fill(store: Store, jobs: int, first: float, last: float) -> None:
    """Store jobs, evenly between two times."""
    for start in range(0, jobs, TOGETHER):
        those = range(start, min(jobs, start + TOGETHER))
        records = [record for number in those for record in events(number, first + number * (last - first) / jobs)]
        store.write(Batch([of_operations(records, "studio-1-00000001")]))


def questions(store: Store, last: float) -> dict[str, Callable[[Reader], object]]:
    """What is asked, by what it is called."""
    hour, day = ({"start_time": stamp(last - length), "end_time": stamp(last)} for length in (3600, DAY))
    failed = listing.search(Reader(store), {"kind": "job", "status": "failed"}, limit=1)["operations"][0]
    return {
        "list, all": lambda reader: listing.search(reader, {}),
        "list, jobs": lambda reader: listing.search(reader, {"kind": "job"}),
        "list, jobs, the last hour": lambda reader: listing.search(reader, {"kind": "job"} | hour),
        "list, jobs, the last day": lambda reader: listing.search(reader, {"kind": "job"} | day),
        "list, all, the last day": lambda reader: listing.search(reader, day),
        "list, failed jobs, longest first": lambda reader: listing.search(
            reader, {"kind": "job", "status": "failed"}, order_by="duration_ms"
        ),
        "list, a word in reason or step": lambda reader: listing.search(reader, {"q": "ValueError"}),
        "summary, all": lambda reader: summing.summary(reader, {}),
        "summary, jobs": lambda reader: summing.summary(reader, {"kind": "job"}),
        "summary, engines": lambda reader: summing.summary(reader, {"kind": "engine"}),
        "summary, jobs, the last hour": lambda reader: summing.summary(reader, {"kind": "job"} | hour),
        "summary, jobs, the last day": lambda reader: summing.summary(reader, {"kind": "job"} | day),
        "summary, all, the last day": lambda reader: summing.summary(reader, day),
        "one operation whole": lambda reader: detail.operation(reader, failed["operation_id"]),
        "workers": lambda reader: workers.workers(reader, {}),
    }


def ask(store: Store, last: float) -> None:
    """The best of five, by the clock and by the processor."""
    for name, question in questions(store, last).items():
        took, used = [], []
        for _ in range(5):
            clock, processor = time.perf_counter(), time.process_time()
            question(Reader(store))
            took.append(time.perf_counter() - clock)
            used.append(time.process_time() - processor)
        print(f"  {name:<34} {min(took) * 1000:7.0f} ms, {min(used) * 1000:7.0f} ms of processor")


def main() -> None:
    """Fill, ask, seal, ask again."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 71_500
    folder = Path(tempfile.mkdtemp(prefix="plainview-bench-"))
    days = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    last = time.time() // DAY * DAY - DAY
    first = last - days * DAY
    store = plainview.store.open(folder / "store")
    try:
        begun = time.perf_counter()
        fill(store, jobs, first, last)
        rows = store.last_id("operations")
        print(f"{rows:,} events of {jobs:,} jobs and their parts, stored in {time.perf_counter() - begun:.0f} s")
        print("in the table of what is new:")
        ask(store, last)
        store.checkpoint()
        store.seal()
        print(f"sealed, {store.stats()['sealed_bytes'] / rows:.0f} bytes an event:")
        ask(store, last)
    finally:
        store.close()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
