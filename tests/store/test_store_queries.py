"""Queries: many at once, ended on time, harmless."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from store_records import log, messages, one, write

from plainview.store.interface import Cancellation, QueryCancelled, QueryError, QueryTimeout

ENDLESS = "SELECT count(*) FROM range(1000000000000)"
#: Long to fetch rather than to begin.
FLOOD = "SELECT * FROM range(1000000000)"


@pytest.mark.parametrize("sql", [ENDLESS, FLOOD])
def test_a_query_ends_when_its_time_is_up(opened, sql):
    store = opened()
    with pytest.raises(QueryTimeout, match=r"0\.2 s"):
        store.query(sql, timeout=0.2)
    assert one(store, "SELECT 1") == 1


@pytest.mark.parametrize("sql", [ENDLESS, FLOOD])
def test_another_thread_cancels_a_query(opened, sql):
    store = opened()
    cancellation = Cancellation()
    timer = threading.Timer(0.2, cancellation.cancel)
    timer.start()
    with pytest.raises(QueryCancelled):
        store.query(sql, timeout=None, cancellation=cancellation)
    timer.join()
    assert one(store, "SELECT 1") == 1


def test_a_query_that_was_cancelled_before_it_began_does_not_run(opened):
    store = opened()
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(QueryCancelled):
        store.query(ENDLESS, timeout=None, cancellation=cancellation)


def test_cancelling_one_query_leaves_the_others_alone(opened):
    store = opened()
    cancellation = Cancellation()
    with ThreadPoolExecutor() as pool:
        doomed = pool.submit(store.query, ENDLESS, timeout=None, cancellation=cancellation)
        other = pool.submit(store.query, "SELECT count(*) FROM range(300000000)", timeout=None)
        cancellation.cancel()
        assert other.result().rows == [(300000000,)]
        assert isinstance(doomed.exception(), QueryCancelled)
    cancellation.cancel()  # of a query that is over: nothing happens


def test_interrupt_all_ends_every_query(opened):
    store = opened()
    with ThreadPoolExecutor(4) as pool:
        queries = [pool.submit(store.query, ENDLESS, timeout=None) for _ in range(4)]
        while any(not query.done() for query in queries):
            store.interrupt_all()
        assert {type(query.exception()) for query in queries} == {QueryCancelled}
    assert one(store, "SELECT 1") == 1


def test_closing_ends_the_queries_first(opened):
    store = opened()
    began = threading.Barrier(4)

    def ask() -> None:
        began.wait()
        store.query(ENDLESS, timeout=None)

    with ThreadPoolExecutor(3) as pool:
        queries = [pool.submit(ask) for _ in range(3)]
        began.wait()
        store.close()
        assert {type(query.exception()) for query in queries} == {QueryCancelled}


def test_a_program_that_ends_in_the_middle_of_a_query_ends_in_order(process, tmp_path):
    """The engine aborts the process when the interpreter goes while a thread is inside it."""
    program = process(
        """
import pathlib, threading, time
import plainview.store
store = plainview.store.open(pathlib.Path(sys.argv[1]))
for _ in range(3):
    threading.Thread(
        target=lambda: store.query("SELECT count(*) FROM range(1000000000000)", timeout=None), daemon=True
    ).start()
threading.excepthook = lambda _: None
time.sleep(0.3)
print("leaving", flush=True)
""",
        tmp_path / "store",
    )
    output, errors = program.communicate(timeout=60)
    assert (output, errors, program.returncode) == ("leaving\n", "", 0)


def test_many_threads_ask_while_one_writes(opened):
    store = opened()
    stop = threading.Event()

    def ask() -> list[int]:
        counts = []
        while not stop.is_set():
            counts.append(one(store, "SELECT count(*) FROM logs"))
        return counts

    with ThreadPoolExecutor(6) as pool:
        askers = [pool.submit(ask) for _ in range(6)]
        for start in range(0, 2000, 100):
            write(store, [log(number) for number in range(start, start + 100)])
            if start % 500 == 0:
                store.checkpoint()
        stop.set()
        for asker in askers:
            counts = asker.result()
            assert counts == sorted(counts)
            assert all(count % 100 == 0 for count in counts), "a reader saw half a batch"


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO hot.logs (id) VALUES (1)",
        "DELETE FROM hot.logs",
        "DROP VIEW logs",
        "CREATE TABLE t (i INTEGER)",
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/plainview-was-here.csv'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SELECT * FROM parameters",
        "SELEC 1",
        "SELECT * FROM nowhere",
        "SELECT ?",
    ],
)
def test_a_query_reads_the_store_and_nothing_else(opened, sql):
    store = opened()
    write(store, [log(1)])
    with pytest.raises(QueryError):
        store.query(sql)
    assert messages(store) == ["line 1"]


def test_a_limit_cuts_the_answer(opened):
    store = opened()
    assert len(store.query(FLOOD, limit=7).rows) == 7
    assert store.query("SELECT 1 AS a, 2 AS b").dicts() == [{"a": 1, "b": 2}]
