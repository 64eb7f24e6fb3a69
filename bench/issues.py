"""10,000 issues and 1,000,000 occurrences, straight into a store, and how long their list and their pages take.

    python -m bench.issues [FOLDER]

The folder is kept, so that another run (or another program) asks the same. Occurrences are spread over the issues as
they are in life: a few issues have most of them.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from plainview import store as stores
from plainview.ingest.ndjson import decode
from plainview.ingest.occurrences import Occurrences
from plainview.issues.projector import Projector
from plainview.server.serving import Serving
from plainview.settings import load
from plainview.state import open_state
from plainview.store.interface import Batch

ISSUES: Final = 10_000
OCCURRENCES: Final = 1_000_000
_BATCH: Final = 20_000
_ROUNDS: Final = 15


def fill(folder: Path, issues: int = ISSUES, occurrences: int = OCCURRENCES) -> dict[str, float]:
    """Write the occurrences, and make the issues. Gives the seconds that either took."""
    chance = np.random.default_rng(7)
    weights = 1 / np.arange(1, issues + 1)
    which = chance.choice(issues, size=occurrences, p=weights / weights.sum())
    which[:issues] = np.arange(issues)  # each at least once
    begin = datetime.now(UTC) - timedelta(days=7)
    at = np.sort(chance.random(occurrences)) * 7 * 86400
    store = stores.open(folder / "store")
    grouping = Occurrences()
    started = time.perf_counter()
    stack = "".join(f'  File "/app/studio/part{n}.py", line {n}, in step\n    work()\n' for n in range(20))
    for start in range(0, occurrences, _BATCH):
        lines = b"".join(
            line(int(which[n]), n, begin + timedelta(seconds=float(at[n])), stack)
            for n in range(start, min(start + _BATCH, occurrences))
        )
        records, bad = decode("error", lines)
        assert not bad
        store.write(Batch([grouping.rows(records, "bench")]))
        if start // _BATCH % 5 == 4:
            store.checkpoint()
    written = time.perf_counter() - started
    database = open_state(folder)
    projector = Projector(store, database, lambda *_: None)
    started = time.perf_counter()
    projector.catch_up()
    projected = time.perf_counter() - started
    store.checkpoint()
    store.close()
    database.close()
    return {"write": written, "project": projected}


def line(issue: int, number: int, at: datetime, stack: str) -> bytes:
    """An occurrence as it is on the wire."""
    frames = [
        {"file": f"studio/part{n}.py", "module": f"studio.part{n}", "function": "step", "line": n, "source": "work()"}
        for n in range(19)
    ]
    frames.append({"file": "studio/work.py", "module": f"studio.work{issue}", "function": "step", "line": 7})
    error: dict[str, Any] = {
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        "error_id": f"{number:032x}",
        "mechanism": "asgi",
        "service": f"service-{issue % 9}",
        "environment": "production",
        "version": f"1.{number % 5}.0",
        "host": f"host-{number % 12}",
        "pid": 100 + number % 12,
        "user_id": f"user-{number * 7919 % 5000}",
        "request_id": f"{number:016x}",
        "job_id": f"job-{number // 50}" if issue % 4 == 0 else None,
        "exceptions": [{"type": f"Error{issue % 40}", "module": "studio", "message": "no such book", "frames": frames}],
        "stack_trace": f"Traceback (most recent call last):\n{stack}Error{issue % 40}: no such book",
        "context": {"request": {"route": f"/books/{issue % 30}"}, "tags": {"shard": str(number % 8)}},
    }
    return json.dumps({name: value for name, value in error.items() if value is not None}).encode() + b"\n"


def ask(folder: Path) -> dict[str, float]:
    """Milliseconds (median) of each question that the screen asks."""
    serving = Serving.open(load({}, dir=str(folder), port=0, retention_days=0))
    ready = threading.Event()
    thread = threading.Thread(target=serving.run, args=(lambda _: ready.set(),))
    thread.start()
    ready.wait()
    client = httpx.Client(base_url=serving.url, timeout=60, trust_env=False)
    page = client.get("/v1/errors", params={"sort": "count"}).json()["errors"]
    largest, middle = page[0]["id"], client.get("/v1/errors", params={"sort": "last_seen"}).json()["errors"][30]["id"]
    newest = client.get(f"/v1/errors/{largest}/occurrences", params={"limit": 1}).json()["occurrences"][0]["error_id"]
    questions: dict[str, tuple[str, dict[str, Any]]] = {
        "list, last seen": ("/v1/errors", {}),
        "list of 500, open ones": ("/v1/errors", {"status": ["new", "regressed", "acknowledged"], "limit": 500}),
        "list, by count, one service": ("/v1/errors", {"sort": "count", "service": "service-3"}),
        "list, text": ("/v1/errors", {"text": "error7 book"}),
        "list, one user": ("/v1/errors", {"user_id": "user-77"}),
        "summary, a week": ("/v1/errors/summary", {"start_time": "-7d"}),
        "issue (most occurrences)": (f"/v1/errors/{largest}", {}),
        "its page": (f"/v1/errors/{largest}", {"include": ["occurrence", "distributions"]}),
        "issue (few)": (f"/v1/errors/{middle}", {}),
        "its occurrences": (f"/v1/errors/{largest}/occurrences", {}),
        "one occurrence": (f"/v1/errors/{largest}/occurrences/{newest}", {}),
        "its distributions": (f"/v1/errors/{largest}/distributions", {}),
        "similar": (f"/v1/errors/{largest}/similar", {}),
        "grouping": (f"/v1/errors/{largest}/grouping", {}),
        "an occurrence's id to its issue": (f"/v1/errors/{newest}", {}),
    }
    found = {}
    for name, (path, query) in questions.items():
        found[name] = statistics.median(_timed(client, path, query) for _ in range(_ROUNDS))
    serving.app.state.server.should_exit = True
    thread.join()
    return found


def _timed(client: httpx.Client, path: str, query: dict[str, Any]) -> float:
    started = time.perf_counter()
    client.get(path, params=query).raise_for_status()
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Fill, unless it is filled, and ask."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="plainview-issues-"))
    if not (folder / "state.db").exists():
        for name, seconds in fill(folder).items():
            print(f"{name:32} {seconds:8.1f} s")
    for name, milliseconds in ask(folder).items():
        print(f"{name:32} {milliseconds:8.1f} ms")


if __name__ == "__main__":
    main()
