"""Past days in sealed files: the same answers, each row once, whenever the process is killed."""

from __future__ import annotations

import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from store_records import log, messages, one, span, write

import plainview.store
from plainview.store.duckdb import sealing
from plainview.store.interface import Batch, Cancellation, Position, QueryCancelled
from plainview.store.rows import of_logs

#: The last day that is not over yet, as sealing sees it: within the first hour of a day that is the one before.
TODAY = (datetime.now(UTC) - sealing.GRACE).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture(autouse=True)
def _small_days(monkeypatch):
    """A day is worth sealing with 100 rows, and too much for one file with 1000."""
    monkeypatch.setattr(sealing, "LEAST_ROWS", 100)
    monkeypatch.setattr(sealing, "MOST_ROWS", 1000)


def day(ago: int, rows: int = 200, first: int = 0) -> list:
    """Rows spread over a day so many days ago."""
    start = TODAY - timedelta(days=ago)
    return [log(ago * 100_000 + first + k, start + k * timedelta(days=1) / rows) for k in range(rows)]


def older_than_two_days() -> float:
    """Days of retention that keep the days from two days ago, wholly, and nothing before."""
    return (datetime.now(UTC) - TODAY + timedelta(days=2, minutes=1)) / timedelta(days=1)


QUESTIONS = (
    "SELECT count(*), count(DISTINCT id), count(DISTINCT message), min(timestamp), max(timestamp), sum(id) FROM logs",
    "SELECT * FROM logs ORDER BY timestamp DESC, id DESC LIMIT 50",
    "SELECT * FROM logs ORDER BY id LIMIT 50",
    "SELECT date_trunc('hour', timestamp) AS hour, level, count(*) FROM logs GROUP BY ALL ORDER BY ALL",
    "SELECT count(*) FROM logs WHERE contains(message, '99')",
    "SELECT count(*), min(name) FROM spans",
)


def answers(store) -> list:
    return [store.query(question).rows for question in QUESTIONS]


def files(store) -> list[str]:
    return sorted(path.name for path in (store.directory / "sealed").glob("*/*"))


def test_the_answers_are_the_same_before_and_after(opened):
    store = opened()
    for ago in (3, 2, 1, 0):
        write(store, day(ago))
    write(store, [span(k, TODAY - timedelta(days=2)) for k in range(150)])
    before = answers(store)
    assert store.seal() == 3 * 200 + 150
    assert store.stats()["sealed_files"] == len(files(store)) == 4
    assert {name: rows for name, rows in store.stats()["rows"].items() if rows} == {"logs": 800, "spans": 150}
    assert answers(store) == before
    assert one(store, "SELECT count(*) FROM hot.logs") == 200
    assert store.seal() == 0
    store.close()
    store = opened()
    assert answers(store) == before
    assert {name: rows for name, rows in store.stats()["rows"].items() if rows} == {"logs": 800, "spans": 150}
    assert store.last_id("logs") == 800


def test_a_file_is_sorted_and_any_tool_can_read_it(opened):
    store = opened()
    rows = day(2)
    write(store, rows[::-1])
    store.seal()
    (file,) = (store.directory / "sealed" / "logs").iterdir()
    found = duckdb.connect().execute("SELECT message FROM read_parquet(?)", [str(file)]).fetchall()
    assert found == [(record.message,) for record in rows]


def test_today_and_days_with_few_rows_stay_hot(opened):
    store = opened()
    write(store, day(0))
    write(store, day(5, rows=99))
    assert store.seal() == 0
    assert files(store) == []


def test_rows_that_come_late_are_sealed_when_there_are_enough(opened):
    store = opened()
    write(store, day(2))
    assert store.seal() == 200
    write(store, day(2, rows=50, first=1000))
    assert store.seal() == 0
    write(store, day(2, rows=60, first=2000))
    assert store.seal() == 110
    assert len(files(store)) == 2
    assert one(store, "SELECT count(DISTINCT message) FROM logs") == 310


def test_a_large_day_is_sealed_in_several_files(opened):
    store = opened()
    write(store, day(2, rows=2400))
    before = answers(store)
    assert store.seal() == 2400
    assert len(files(store)) == 3
    assert answers(store) == before


def test_rows_that_arrive_while_a_day_is_sealed_are_neither_lost_nor_doubled(opened):
    store = opened()
    write(store, day(2))
    stop = threading.Event()
    written = []

    def go_on() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            record = log(9_000_000 + number, TODAY - timedelta(days=2, seconds=-number))
            write(store, [record])
            written.append(record.message)

    thread = threading.Thread(target=go_on)
    thread.start()
    while len(written) < 5:
        time.sleep(0.01)
    sealed = 0
    for _ in range(4):
        sealed += store.seal()
    stop.set()
    thread.join()
    assert sealed >= 200
    assert one(store, "SELECT count(*) FROM logs") == 200 + len(written)
    assert set(written) <= set(messages(store))
    assert one(store, "SELECT count(DISTINCT message) FROM logs") == 200 + len(written)


SEALER = """
import os, pathlib
import plainview.store
from plainview.store.duckdb import layout, sealing
from datetime import timedelta
from store_records import log, write
from test_store_sealing import day, older_than_two_days
from plainview.store.interface import Position
sealing.LEAST_ROWS, sealing.MOST_ROWS = 100, 1000
store = plainview.store.open(pathlib.Path(sys.argv[1]))
moment = sys.argv[2]
if store.last_id("logs") == 0:
    for ago in (3, 2, 1):
        write(store, day(ago), Position("s", "log", 1, ago))
    store.checkpoint()
if moment == "after the file":
    sealing.Sealed.swap = lambda *_: os._exit(9)
elif moment == "in the transaction":
    layout.view = lambda *_: os._exit(9)
elif moment == "after the transaction":
    type(store)._checkpoint = lambda _: os._exit(9)
elif moment == "before the files go":
    sealing.Sealed.unlink_expired = lambda sealed: os._exit(9) if sealed._expired else None
print("begin", flush=True)
store.seal()
store.retention(older_than_two_days())
print("end", flush=True)
while True:
    pass
"""


@pytest.mark.parametrize(
    "moment", ["after the file", "in the transaction", "after the transaction", "before the files go"]
)
def test_a_crash_at_any_step_leaves_every_row_once(opened, process, tmp_path, moment):
    program = process(SEALER, tmp_path / "store", moment)
    assert program.wait(60) == 9
    store = opened()
    rows = 600 if moment != "before the files go" else 400
    assert one(store, "SELECT count(*) FROM logs") == one(store, "SELECT count(DISTINCT message) FROM logs") == rows
    assert store.stats()["notes"] == []
    sealed = one(store, "SELECT count(*) FROM hot.sealed")
    assert store.stats()["sealed_files"] == len(files(store)) == sealed
    store.seal()
    assert one(store, "SELECT count(*) FROM logs") == one(store, "SELECT count(DISTINCT message) FROM logs") == rows
    assert store.retention(older_than_two_days()) == rows - 400
    assert one(store, "SELECT count(*) FROM logs") == 400
    assert store.last_id("logs") == 600


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_a_kill_at_any_time_leaves_every_row_once(opened, process, tmp_path, delay):
    program = process(SEALER, tmp_path / "store", "any time")
    assert program.stdout.readline() == "begin\n"
    time.sleep(delay)
    program.send_signal(signal.SIGKILL)
    program.communicate()
    store = opened()
    count = one(store, "SELECT count(*) FROM logs")
    assert count in (400, 600)
    assert one(store, "SELECT count(DISTINCT message) FROM logs") == count
    store.seal()
    store.retention(older_than_two_days())
    assert one(store, "SELECT count(*) FROM logs") == one(store, "SELECT count(DISTINCT message) FROM logs") == 400


def test_retention_removes_what_is_too_old_hot_and_sealed(opened):
    store = opened()
    for ago in (9, 8, 3):
        write(store, day(ago))
    store.seal()
    write(store, day(10, rows=50))
    write(store, day(1, rows=50))
    write(store, [span(1, TODAY - timedelta(days=30)), span(2, TODAY)])
    assert store.retention(5) == 200 + 200 + 50 + 1
    assert store.query("SELECT min(timestamp) FROM logs").rows[0][0] >= (TODAY - timedelta(days=5)).replace(tzinfo=None)
    assert one(store, "SELECT count(*) FROM logs") == 250
    assert one(store, "SELECT count(*) FROM spans") == 1
    assert len(files(store)) == 1
    assert store.retention(5) == 0


def test_a_query_goes_on_while_the_files_it_reads_are_removed(opened):
    store = opened()
    write(store, day(9, rows=900))
    store.seal()
    stop = threading.Event()
    counts: list[int] = []

    def ask() -> None:
        while not stop.is_set():
            counts.append(one(store, "SELECT count(*) FROM logs WHERE contains(extra, 'n')"))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(counts) < 10:
        time.sleep(0.01)
    store.retention(5)
    asked = len(counts)
    while len(counts) < asked + 10:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert set(counts) <= {900, 0}
    assert counts[-1] == 0
    assert store.checkpoint()
    assert files(store) == []


def test_a_file_that_was_lost_is_said_and_the_rest_can_be_read(opened):
    store = opened()
    write(store, day(3))
    write(store, day(2))
    store.seal()
    store.close()
    lost = files(store)[0]
    (store.directory / "sealed" / "logs" / lost).unlink()
    store = opened()
    assert one(store, "SELECT count(*) FROM logs") == 200
    assert lost in store.stats()["notes"][0]
    store.close()
    assert opened().stats()["notes"] == []


def test_sealed_files_are_taken_over_when_the_database_is_lost(opened, tmp_path):
    store = opened()
    write(store, day(3))
    write(store, [span(k, TODAY - timedelta(days=2)) for k in range(150)])
    store.seal()
    write(store, day(0, rows=10))
    store.close()
    (tmp_path / "store" / "plainview.duckdb").write_bytes(b"nothing of use")
    store = opened()
    assert {name: rows for name, rows in store.stats()["rows"].items() if rows} == {"logs": 200, "spans": 150}
    assert store.last_id("logs") == 200
    write(store, [log(1)])
    assert one(store, "SELECT max(id) FROM logs") == 201


def test_the_folder_can_be_moved(opened, tmp_path):
    store = opened()
    write(store, day(2))
    store.seal()
    store.close()
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    assert one(opened(tmp_path / "elsewhere"), "SELECT count(*) FROM logs") == 200


def test_sealing_can_be_cancelled(opened):
    store = opened()
    write(store, day(2))
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(QueryCancelled):
        store.seal(cancellation)
    assert one(store, "SELECT count(*) FROM logs") == 200
    assert store.seal() == 200


def test_positions_and_ids_are_kept_through_sealing_and_retention(opened):
    store = opened()
    store.write(Batch([of_logs(day(9), "s")], [Position("s", "log", 4, 44)]))
    store.seal()
    store.retention(5)
    store.close()
    store = opened()
    assert store.offsets() == {("s", "log"): (4, 44)}
    assert store.last_id("logs") == 200
    assert plainview.store.__all__ == ["open"]
