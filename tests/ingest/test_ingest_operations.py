"""Operations that a process left open are said to be abandoned: once, whatever dies and whenever."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import msgspec

import plainview.store
from plainview.query.operations import listing
from plainview.query.reader import Reader

JOB = {"kind": "job", "name": "render", "key": "j-1", "job_id": "j-1", "service": "studio", "host": "box", "pid": 41}


def op(number: int) -> str:
    return f"{number:016x}"


def line(operation_id: str, event: str, second: int, **members) -> bytes:
    """A line about an operation that began at 10:00."""
    at = {"timestamp": f"2026-11-22T10:00:{second:02d}.000000Z", "start_time_unix_nano": 1_795_341_600 * 10**9}
    return json.dumps({**at, "operation_id": operation_id, "event": event, **JOB, **members}).encode()


def told(store, columns="operation_id, event"):
    return store.query(f"SELECT {columns} FROM operations ORDER BY id").rows


def abandoned(store) -> list[str]:
    return [row[0] for row in told(store) if row[1] == "abandon"]


def settled(pipeline) -> bool:
    """Whether nothing more will happen: all was read, twice."""
    return pipeline.drain() and pipeline.drain()


def span_line(second: int, **members) -> bytes:
    start = 1_795_341_600 * 10**9
    times = {"start_time_unix_nano": start, "end_time_unix_nano": start + second * 10**9}
    ids = {"trace_id": "ab" * 16, "span_id": op(second)}
    return json.dumps({**ids, "name": "import csv", **times, "job_id": "j-1", "pid": 41, **members}).encode()


def test_the_line_of_a_span_tells_of_the_end_of_its_operation(desk):
    stream = desk.stream()
    ending = {"kind": "import", "name": "csv", "parent_id": op(9), "cpu_ns": 1_500_000, "rows": 3, "data": {"a": 1}}
    stream.write(
        span_line(1),
        span_line(2, operation=ending),
        span_line(3, operation={"kind": "import"}),  # without its name: no such line
        span_line(4, operation=ending, end_time_unix_nano=2**62),  # in no calendar
        kind="span",
    )
    pipeline = desk.pipeline()
    pipeline.start()
    assert settled(pipeline)
    columns = (
        "operation_id, event, status, kind, name, parent_id, job_id, trace_id, pid, duration_ms, cpu_ms, rows, data"
    )
    (row,) = desk.store.query(f"SELECT {columns}, stream FROM operations WHERE operation_id <> '{op(4)}'").dicts()
    assert row == {
        "operation_id": op(2),
        "event": "close",
        "status": "completed",
        "kind": "import",
        "name": "csv",
        "parent_id": op(9),
        "job_id": "j-1",
        "trace_id": "ab" * 16,
        "pid": 41,
        "duration_ms": 2000.0,
        "cpu_ms": 1.5,
        "rows": 3,
        "data": '{"a": 1}',
        "stream": stream.name,
    }
    assert {row[0] for row in desk.store.query("SELECT span_id FROM spans").rows} >= {op(1), op(2)}
    assert any("name" in entry["reason"] for entry in desk.aside())


def test_what_a_dead_process_left_open_is_abandoned_with_its_last_progress_and_checkpoint(desk, eventually):
    stream = desk.stream()
    stream.status(updated="2026-11-22T10:00:30.000000Z")
    stream.write(
        line(op(1), "open", 0, trace_id="ab" * 16, data={"book": 3}),
        line(op(1), "checkpoint", 5, data={"page": 20}),
        line(op(1), "progress", 10, done=30, total=100, step="page 30", rows=30),
        line(op(2), "open", 1, key="j-2"),
        line(op(2), "close", 2, key="j-2", status="completed"),
        line(op(3), "create", 3, key="j-3"),
        kind="operation",
    )
    pipeline = desk.pipeline()
    pipeline.start()
    assert settled(pipeline)
    assert abandoned(desk.store) == []
    stream.die()
    eventually(lambda: abandoned(desk.store))
    assert settled(pipeline)
    assert abandoned(desk.store) == [op(1)]
    columns = "key, job_id, trace_id, status, done, total, step, rows, duration_ms, reason, data, stream, timestamp"
    (row,) = desk.store.query(f"SELECT {columns} FROM operations WHERE event = 'abandon'").dicts()
    assert row.pop("timestamp").isoformat() == "2026-11-22T10:00:30"
    assert row == {
        "key": "j-1",
        "job_id": "j-1",
        "trace_id": "ab" * 16,
        "status": "abandoned",
        "stream": stream.name,
        "done": 30,
        "total": 100,
        "step": "page 30",
        "rows": 30,
        "duration_ms": 30_000,
        "reason": "process 41 on box ended without ending it",
        "data": '{"checkpoint":{"page": 20}}',
    }


def test_it_is_said_once_and_the_stream_stays_until_it_is(desk, eventually):
    stream = desk.stream()
    stream.write(line(op(1), "open", 0), kind="operation")
    stream.die()
    for _ in range(3):  # the server was down when it died, and is started again and again
        pipeline = desk.pipeline()
        pipeline.start()
        eventually(lambda: abandoned(desk.store))
        assert settled(pipeline)
        pipeline.stop()
    assert abandoned(desk.store) == [op(1)]
    pipeline = desk.pipeline()
    pipeline.start()

    def gone():
        pipeline.stop()
        pipeline.settle()
        pipeline.start()
        pipeline.drain()
        return not stream.directory.exists()

    eventually(gone)
    assert abandoned(desk.store) == [op(1)]


def test_what_was_handed_over_lives_with_the_process_that_goes_on_with_it(desk, eventually):
    first, second = desk.stream(), desk.stream()
    pipeline = desk.pipeline()
    pipeline.start()
    first.write(line(op(1), "open", 0), line(op(1), "detach", 1), line(op(2), "open", 0), kind="operation")
    second.write(line(op(1), "resume", 2, pid=42), kind="operation")
    assert settled(pipeline)
    first.die()
    eventually(lambda: abandoned(desk.store))
    assert abandoned(desk.store) == [op(2)]
    second.die()
    eventually(lambda: len(abandoned(desk.store)) == 2)
    assert abandoned(desk.store) == [op(2), op(1)]


def test_what_was_handed_over_and_not_taken_waits(desk, eventually):
    first = desk.stream()
    first.write(line(op(1), "open", 0), line(op(1), "detach", 1), line(op(2), "open", 0), kind="operation")
    first.die()
    pipeline = desk.pipeline()
    pipeline.start()
    eventually(lambda: abandoned(desk.store))
    assert settled(pipeline)
    assert abandoned(desk.store) == [op(2)]


def test_a_child_that_only_told_of_its_parents_work_does_not_take_it_along(desk, eventually):
    parent, child = desk.stream(), desk.stream()
    parent.write(line(op(1), "open", 0), kind="operation")
    child.write(line(op(1), "progress", 1, done=1), line(op(2), "open", 1), kind="operation")
    pipeline = desk.pipeline()
    pipeline.start()
    assert settled(pipeline)
    child.die()
    eventually(lambda: abandoned(desk.store))
    assert settled(pipeline)
    assert abandoned(desk.store) == [op(2)]
    parent.die()
    eventually(lambda: len(abandoned(desk.store)) == 2)


def test_what_the_dead_child_shared_is_abandoned_when_the_living_one_hands_it_over_late(desk, eventually, monkeypatch):
    monkeypatch.setattr("plainview.ingest.abandonment._AGAIN", 0.1)
    first, second = desk.stream(), desk.stream()
    first.write(line(op(1), "open", 0), kind="operation")
    second.write(line(op(1), "resume", 2), line(op(2), "open", 2), kind="operation")
    pipeline = desk.pipeline()
    pipeline.start()
    assert settled(pipeline)
    second.die()
    eventually(lambda: abandoned(desk.store))
    assert settled(pipeline)
    assert abandoned(desk.store) == [op(2)]
    first.write(line(op(1), "detach", 1), kind="operation")  # it was read after the other one had died
    eventually(lambda: len(abandoned(desk.store)) == 2)


def test_what_came_over_http_is_of_no_process_that_is_seen_to_end(desk, eventually):
    landed, stream = desk.stream("ingest-41-00000000"), desk.stream()
    landed.write(line(op(1), "open", 0), kind="operation")
    stream.write(line(op(2), "open", 0), kind="operation")
    for one in (landed, stream):
        one.die()
    pipeline = desk.pipeline()
    pipeline.start()
    eventually(lambda: abandoned(desk.store))
    assert settled(pipeline)
    assert abandoned(desk.store) == [op(2)]


def test_thousands_of_open_operations_are_abandoned_page_by_page(desk, eventually, monkeypatch):
    monkeypatch.setattr("plainview.ingest.abandonment._PAGE", 1000)
    number, stream = 5500, desk.stream(size=8 << 20)
    stream.write(*(line(op(n), "open", 0, key=f"j-{n}") for n in range(number)), kind="operation")
    stream.die()
    pipeline = desk.pipeline()
    pipeline.start()
    eventually(lambda: desk.store.last_id("operations") >= 2 * number)
    assert settled(pipeline)
    counted = "SELECT event, count(*), count(DISTINCT operation_id) FROM operations GROUP BY event ORDER BY event"
    assert desk.store.query(counted).rows == [("abandon", number, number), ("open", number, number)]


PHASES = {
    # Phase → what the process does before it is killed, and what its job is afterwards.
    "created": ("plainview.job('render', id=phase).create()", "queued"),
    "opened": ("plainview.job('render', id=phase).start()", "abandoned"),
    "progress": ("job = plainview.job('render', id=phase).start(); job.progress(3, 10, 'page 3')", "abandoned"),
    "checkpoint": ("job = plainview.job('render', id=phase).start(); job.checkpoint(page=3)", "abandoned"),
    "stage": (
        "plainview.job('render', id=phase).start(); plainview.stage('encode').start().progress(1, 4)",
        "abandoned",
    ),
    "retrying": ("plainview.job('render', id=phase).start().retry(OSError('no'))", "abandoned"),
    "item": ("plainview.batch('books', id=phase).start().item(1).__enter__()", "abandoned"),
    "handed over": ("plainview.job('render', id=phase).start().detach()", "running"),
    "taken over": (
        "token = plainview.job('render', id=phase).start().detach(); plainview.resume(token).start()",
        "abandoned",
    ),
    "failed": ("plainview.job('render', id=phase).start().finish(OSError('no'))", "failed"),
    "closed": ("plainview.job('render', id=phase).start().finish()", "completed"),
}

APP = """
import sys, time
import plainview
directory, phase = sys.argv[1:]
plainview.configure(dir=directory, service="studio", server="off", console="off")
{}
print("ready", flush=True)
time.sleep(3600)
"""

SERVER = """
import pathlib, sys, time
import plainview.store
from plainview.ingest import pipeline as pipelines
pipelines._CHECKPOINT_SECONDS = 0.3  # clearing away happens while it is killed, too
directory = pathlib.Path(sys.argv[1])
pipeline = pipelines.Pipeline(plainview.store.open(directory / "store"), directory)
pipeline.start()
print("started", flush=True)
time.sleep(3600)
"""


def test_whatever_a_job_does_when_its_process_is_killed_it_is_told_once(tmp_path):
    programs = []

    def run(code: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        programs.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return programs[-1]

    def kill(program: subprocess.Popen[str]) -> None:
        program.send_signal(signal.SIGKILL)
        program.wait()

    def serve() -> subprocess.Popen[str]:
        server = run(SERVER, tmp_path)
        assert server.stdout.readline() == "started\n"
        return server

    try:
        apps = {phase: run(APP.format(code), tmp_path, phase) for phase, (code, _) in PHASES.items()}
        for app in apps.values():
            assert app.stdout.readline() == "ready\n"
        server = serve()
        for app in list(apps.values())[::2]:  # while a server runs; the others while none does
            kill(app)
        for seconds in (0.2, 0.5, 1.0):
            time.sleep(seconds)
            kill(server)
            for app in list(apps.values())[1::2]:
                kill(app)
            server = serve()
        end = time.monotonic() + 120
        while list((tmp_path / "spool").iterdir()):
            assert time.monotonic() < end, "a stream stays"
            time.sleep(0.2)
        kill(server)
    finally:
        for program in programs:
            program.kill()
            program.communicate()
    store = plainview.store.open(tmp_path / "store")
    try:
        told = "SELECT count(*), count(DISTINCT operation_id) FROM operations WHERE event = 'abandon'"
        assert len(set(store.query(told).rows[0])) == 1
        found = listing.search(Reader(store), {"kind": ["job", "batch"]}, limit=1000)["operations"]
    finally:
        store.close()
    assert {one["key"]: one["status"] for one in found} == {phase: status for phase, (_, status) in PHASES.items()}
    of = {one["key"]: one for one in found}
    assert (of["progress"]["done"], of["progress"]["total"], of["progress"]["step"]) == (3, 10, "page 3")
    assert msgspec.json.decode(of["checkpoint"]["checkpoint"]) == {"page": 3}
    assert "ended without ending it" in of["opened"]["reason"]


def test_what_a_stream_of_another_machine_left_open_is_abandoned_once_it_is_said_to_be_over(desk, eventually):
    lines = b"".join(
        one + b"\n"
        for one in (
            line(op(1), "open", 0),
            line(op(1), "progress", 10, done=30, total=100),
            line(op(2), "open", 1),
            line(op(2), "close", 2, status="completed"),
        )
    )
    pipeline = desk.pipeline()
    pipeline.start()
    pipeline.inbox.put("far-7-0000abcd", "operation", 1, 0, lines)
    pipeline.inbox.finish("far-7-0000abcd", "operation", 1, len(lines))
    assert settled(pipeline)
    assert abandoned(desk.store) == [], "nobody said that its process is gone"
    pipeline.stop()
    pipeline.inbox.end("far-7-0000abcd")
    for _ in range(3):  # the server was down when it was said, and is started again and again
        pipeline = desk.pipeline()
        pipeline.start()
        eventually(lambda: abandoned(desk.store))
        pipeline.inbox.end("far-7-0000abcd")
        assert settled(pipeline)
        pipeline.stop()
    assert desk.store.query("SELECT operation_id, done, total FROM operations WHERE event = 'abandon'").rows == [
        (op(1), 30, 100)
    ]
