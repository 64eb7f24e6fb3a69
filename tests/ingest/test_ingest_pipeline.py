"""The pipeline goes on, whatever happens to the store, the disk or the process."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from ingest_desk import Desk
from spool_stream import Stream, log_line, span_line

from plainview.ingest import pipeline as pipelines, spool
from plainview.ingest.ndjson import decode
from plainview.store.duckdb import sealing
from plainview.store.interface import StoreError

ROUNDS = int(os.environ.get("PLAINVIEW_TEST_ROUNDS", "3"))


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(pipelines, "_RETRY", 0.05)
    monkeypatch.setattr(spool, "_NEWBORN", 0.0)
    monkeypatch.setattr(spool, "_LOOK", 0.0)
    monkeypatch.setattr(spool, "_LOOK_STREAM", 0.0)


def lines(first: int, last: int) -> list[bytes]:
    return [log_line(number) for number in range(first, last)]


INGEST = """
import pathlib, time
import plainview.store
from plainview.ingest import pipeline as pipelines
pipelines._CHECKPOINT_SECONDS = 0.3  # clearing away happens while it is killed, too
pipelines._SLICE_BYTES = int(sys.argv[2])
directory = pathlib.Path(sys.argv[1])
store = plainview.store.open(directory / "store")
pipeline = pipelines.Pipeline(store, directory)
pipeline.start()
print("started", flush=True)
while True:
    time.sleep(0.02)
    print(store.last_id("logs"), flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(ROUNDS))
def test_kill_while_200_000_lines_are_taken_in_leaves_every_line_once(process, tmp_path, round_):
    """The process is killed again and again, sooner and later, until all is stored."""
    streams = [Stream(tmp_path, f"studio-{number}-0000000{number}", size=2 << 20) for number in range(4)]
    for number in range(200_000):
        streams[number % 4].write(log_line(number))
    for stream in streams[:2]:
        stream.die()
    kills = stored = 0
    chance = random.Random(round_)
    while stored < 200_000:
        before = stored
        program = process(INGEST, tmp_path, chance.choice([1 << 18, 1 << 20, 4 << 20]))
        assert program.stdout.readline() == "started\n"
        while stored == before:
            line = program.stdout.readline()
            assert line, program.communicate()[1]
            stored = int(line)
        time.sleep(chance.random() / 4)
        program.send_signal(signal.SIGKILL)
        program.communicate()
        kills += 1
    assert kills >= 2
    with ExitStack() as stack:
        desk = Desk(tmp_path, stack)
        desk.ingest()
        assert desk.counts() == (200_000, 200_000)
        assert desk.store.query("SELECT min(id), max(id), count(DISTINCT id) FROM logs").rows == [(1, 200_000, 200_000)]
        assert desk.store.query("SELECT stream, count(*) FROM logs GROUP BY ALL ORDER BY ALL").rows == [
            (stream.name, 50_000) for stream in streams
        ]
        assert desk.store.stats()["notes"] == [] or "no whole commit" in desk.store.stats()["notes"][0]
        desk.ingest().settle()
        assert [stream.directory.exists() for stream in streams] == [False, False, True, True]


def test_a_store_whose_log_was_damaged_gets_the_lines_from_the_spool_again(process, tmp_path):
    """Segments stay until a checkpoint has put their rows in their final place."""
    stream = Stream(tmp_path, size=100_000)
    stream.write(*lines(0, 3000))
    program = process(INGEST.replace("_CHECKPOINT_SECONDS = 0.3", "_CHECKPOINT_SECONDS = 600"), tmp_path, 1 << 18)
    while (line := program.stdout.readline()) != "3000\n":
        assert line, program.communicate()[1]
    program.send_signal(signal.SIGKILL)
    program.communicate()
    log = tmp_path / "store" / "plainview.duckdb.wal"
    with log.open("r+b") as file:
        file.seek(log.stat().st_size // 2)
        file.write(b"\xff" * 100)
    with ExitStack() as stack:
        desk = Desk(tmp_path, stack)
        assert desk.counts()[0] < 3000
        assert "damage" in desk.store.stats()["notes"][0]
        desk.ingest()
        assert desk.counts() == (3000, 3000)


def test_it_stops_at_once_and_starts_again(desk):
    stream = desk.stream()
    pipeline = desk.running()
    for step in range(4):
        stream.write(*lines(step * 10, step * 10 + 10))
        assert pipeline.drain()
        assert pipeline.stats()["running"]
        began = time.monotonic()
        pipeline.stop()
        assert time.monotonic() - began < 30, "it waited for something"
        assert not pipeline.stats()["running"]
        assert threading.active_count() < 10
        pipeline.start()
    assert len(desk.messages()) == 40


class Faulty:
    """A store in front of the real one that can be made to fail."""

    def __init__(self, store) -> None:
        self._store = store
        self.fail = lambda _rows: None
        self.writes = 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    def write(self, batch) -> None:
        self.writes += 1
        for rows in batch.rows:
            self.fail(rows)
        self._store.write(batch)

    def accepts(self, rows) -> bool:
        try:
            self.fail(rows)
        except StoreError:
            return False
        return self._store.accepts(rows)


def test_who_waits_for_all_there_is_gets_what_began_a_moment_ago(desk, monkeypatch):
    monkeypatch.setattr(spool, "_LOOK", 3600.0)
    monkeypatch.setattr(spool, "_LOOK_STREAM", 3600.0)
    stream = desk.stream()
    stream.write(log_line(1))
    pipeline = desk.running()
    assert pipeline.drain()
    stream.write(span_line(1), kind="span")
    desk.stream().write(log_line(2))
    assert pipeline.drain()
    assert desk.messages() == ["line 1", "line 2"]
    assert desk.store.query("SELECT name FROM spans").rows == [("span 1",)]


def test_rows_that_the_store_refuses_go_aside_and_the_rest_is_stored(desk):
    desk.store = Faulty(desk.store)

    def refuse(rows) -> None:
        if any(row in {"line 17", "line 444"} for row in rows.columns["message"]):
            msg = "poison"
            raise StoreError(msg)

    desk.store.fail = refuse
    stream = desk.stream()
    stream.write(*lines(0, 500))
    pipeline = desk.ingest()
    assert len(desk.messages()) == 498
    assert pipeline.stats()["garbage_lines"] == 2
    assert [entry["reason"] for entry in desk.aside()] == ["the store refused it: poison"] * 2
    assert ["line 17" in entry["line"] for entry in desk.aside()] == [True, False]
    assert desk.store.offsets()[stream.name, "log"] == (stream.numbers["log"], stream.maps["log"].tell())


def test_a_store_that_fails_for_a_while_gets_everything_when_it_is_back(desk, eventually):
    desk.store = Faulty(desk.store)
    stream = desk.stream()

    def fail(_rows) -> None:
        msg = "the engine is unwell"
        raise StoreError(msg)

    desk.store.fail = fail
    desk.store._store.accepts, real = (lambda _: True), desk.store._store.accepts
    desk.store.accepts = lambda _rows: True  # it is not the rows
    pipeline = desk.running()
    stream.write(*lines(0, 50))
    eventually(lambda: desk.store.writes > 4)
    assert "unwell" in pipeline.stats()["trouble"]
    assert desk.messages() == []
    desk.store.fail = lambda _rows: None
    assert pipeline.drain()
    assert desk.counts() == (50, 50)
    assert pipeline.stats()["trouble"] == ""
    assert pipeline.stats()["errors"] > 0
    assert desk.aside() == []
    desk.store._store.accepts = real


def test_an_error_nobody_thought_of_does_not_end_it(desk, eventually, monkeypatch):
    stream = desk.stream()
    stream.write(*lines(0, 50))
    times = iter(range(3))

    def strange(kind, data):
        if next(times, None) is not None:
            raise ZeroDivisionError
        return decode(kind, data)

    monkeypatch.setattr(pipelines, "decode", strange)
    pipeline = desk.running()
    eventually(lambda: desk.counts() == (50, 50))
    assert pipeline.drain()
    assert desk.counts() == (50, 50)
    assert pipeline.stats()["errors"] == 3
    assert "ZeroDivisionError" not in pipeline.stats()["trouble"]


def test_it_stops_while_it_waits_for_the_store(desk, eventually):
    desk.store = Faulty(desk.store)
    desk.stream().write(*lines(0, 5))

    def fail(_rows) -> None:
        msg = "never again"
        raise StoreError(msg)

    desk.store.fail = fail
    desk.store.accepts = lambda _rows: True
    pipeline = desk.running()
    eventually(lambda: pipeline.stats()["trouble"])
    pipeline.stop()
    assert not pipeline.stats()["running"]
    desk.store.fail = lambda _rows: None
    pipeline.start()
    assert pipeline.drain()
    assert desk.counts() == (5, 5)


@pytest.fixture
def small_disk(tmp_path):
    """A folder for the store on a disk of 32 MB."""
    folder = tmp_path / "store"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("making a small disk (mount -t tmpfs) needs root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"this machine lets nobody mount a tmpfs: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_waited_out_and_said_and_nothing_is_lost(small_disk, desk, eventually):
    stream = desk.stream(size=1 << 20)
    pipeline = desk.running()
    stream.write(*lines(0, 100))
    assert pipeline.drain()
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 4096)
    stream.write(*lines(100, 20_000))
    eventually(lambda: "disk is full" in pipeline.stats()["trouble"])
    assert desk.counts()[0] < 20_000
    ballast.unlink()
    assert pipeline.drain()
    assert desk.counts() == (20_000, 20_000)
    assert pipeline.stats()["trouble"] == ""
    pipeline.stop()
    desk.reopen()
    assert desk.counts() == (20_000, 20_000)


def test_readers_are_answered_while_it_works(desk):
    stream = desk.stream(size=4 << 20)
    pipeline = desk.running()
    stop = threading.Event()
    counts: list[int] = []

    def ask() -> None:
        while not stop.is_set():
            counts.append(desk.counts()[0])

    thread = threading.Thread(target=ask)
    thread.start()
    for step in range(20):
        stream.write(*lines(step * 1000, step * 1000 + 1000))
    assert pipeline.drain()
    stop.set()
    thread.join()
    assert counts == sorted(counts)
    assert desk.counts() == (20_000, 20_000)


def test_upkeep_removes_what_is_too_old_and_seals_what_is_past(desk, monkeypatch):
    monkeypatch.setattr(sealing, "LEAST_ROWS", 100)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def at(number: int, ago: int) -> bytes:
        moment = midnight - timedelta(days=ago) + timedelta(seconds=number)
        return log_line(number, timestamp=moment.isoformat(), message=f"{ago} {number}")

    stream = desk.stream(size=1 << 20)
    for ago in (40, 3, 0):
        stream.write(*(at(number, ago) for number in range(150)))
    pipeline = desk.running()
    assert pipeline.drain()
    pipeline.keep_up()
    assert desk.counts() == (300, 300)
    assert desk.store.stats()["sealed_files"] == 1
    assert desk.store.query("SELECT count(*) FROM hot.logs").rows == [(150,)]


def test_lines_kept_aside_are_bounded(desk):
    stream = desk.stream(size=4 << 20)
    pipeline = desk.pipeline()
    pipeline.aside._half = 20_000
    for number in range(3000):
        stream.write(b"garbage %d" % number)
    pipeline.start()
    assert pipeline.drain()
    kept = desk.aside()
    assert sum(path.stat().st_size for path in (desk.directory / "aside").iterdir()) <= 40_000
    assert kept[-1]["line"] == "garbage 2999" or kept[0]["line"] < kept[-1]["line"]
    assert "garbage 2999" in {entry["line"] for entry in kept}
    assert pipeline.stats()["garbage_lines"] == 3000


def test_thousands_of_small_batches_are_taken_and_cleared_away(desk):
    pipeline = desk.running()
    for number in range(600):
        pipeline.inbox.accept(log_line(number), f"batch {number}")
    assert pipeline.drain()
    assert desk.counts() == (600, 600)
    assert pipeline.stats()["streams"] == []
    pipeline.stop()
    pipeline.settle()
    assert desk.store.offsets() == {}
    assert desk.segments() == []
