"""Context flows into threads, executors and processes, and nowhere else."""

from __future__ import annotations

import multiprocessing
import multiprocessing.pool
import os
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest
from harness import read

import plainview
from plainview.integrations import instrument

instrument("threading")
instrument("multiprocessing")

METHODS = ["fork", "spawn", "forkserver"]


def work(number=0):
    """Runs in another thread or process: says what it sees, by a log line and by its result."""
    with plainview.span("work"):
        plainview.get_logger("work").info("working", number=number)
    return plainview.fields()


class Worker(threading.Thread):
    def run(self):
        work()


def check(spool, span, count=1):
    lines, spans = spool.logs("work"), spool.spans(name="work")
    assert len(lines) == len(spans) == count
    assert {line["job_id"] for line in lines} == {"j1"}
    assert {line["trace_id"] for line in lines} == {span.trace_id}
    assert {inner["parent_span_id"] for inner in spans} == {span.span_id}
    return lines


@pytest.mark.parametrize("start", [lambda: threading.Thread(target=work), Worker])
def test_a_thread_has_the_context_of_who_started_it(spool, start):
    with plainview.context(job_id="j1"), plainview.span("outer") as span:
        thread = start()
        thread.start()
        thread.join()
    check(spool, span)
    assert plainview.fields() == {}


def test_a_thread_cannot_change_the_context_of_who_started_it(spool):
    with plainview.context(job_id="j1"):
        thread = threading.Thread(target=lambda: plainview.bind(job_id="j2"))
        thread.start()
        thread.join()
        assert plainview.fields() == {"job_id": "j1"}


def test_work_of_an_executor_has_the_context_of_who_submitted_it(spool):
    with ThreadPoolExecutor(1) as executor:
        with plainview.context(job_id="j0"):
            executor.submit(work).result()  # the thread is started in here
        with plainview.context(job_id="j1"):
            assert executor.submit(work).result() == {"job_id": "j1"}
            assert list(executor.map(work, range(3))) == [{"job_id": "j1"}] * 3
        assert executor.submit(work).result() == {}


async def test_work_given_away_by_asyncio_has_the_context(spool):
    import asyncio

    with plainview.context(job_id="j1"):
        assert await asyncio.get_running_loop().run_in_executor(None, work) == {"job_id": "j1"}
        assert await asyncio.to_thread(work) == {"job_id": "j1"}


@pytest.mark.parametrize("method", METHODS)
def test_a_process_has_the_context_of_who_started_it(spool, method):
    with plainview.context(job_id="j1", other=object()), plainview.span("outer") as span:
        process = multiprocessing.get_context(method).Process(target=work)
        process.start()
        process.join()
    (line,) = check(spool, span)
    assert line["pid"] == process.pid != os.getpid()
    assert line["service"] == "test"


@pytest.mark.parametrize("method", METHODS)
def test_work_of_a_process_pool_executor(spool, method):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as executor:
        with plainview.context(job_id="j0"):
            executor.submit(os.getpid).result()
        with plainview.context(job_id="j1"), plainview.span("outer") as span:
            assert executor.submit(work, 1).result() == {"job_id": "j1"}
            assert list(executor.map(work, range(4), chunksize=2)) == [{"job_id": "j1"}] * 4
        assert executor.submit(work).result() == {}
    lines = [line for line in spool.logs("work") if "job_id" in line]
    assert len(lines) == 5
    assert {line["trace_id"] for line in lines} == {span.trace_id}


@pytest.mark.parametrize("make", [multiprocessing.get_context("spawn").Pool, multiprocessing.pool.ThreadPool])
def test_work_of_a_pool(spool, make):
    expected = {"job_id": "j1"}
    with make(1) as pool:
        with plainview.context(job_id="j1"):
            assert pool.apply(work) == expected
            assert pool.apply_async(work, (1,)).get() == expected
            assert pool.map(work, range(2)) == [expected] * 2
            assert pool.starmap(work, [(1,), (2,)]) == [expected] * 2
            assert list(pool.imap(work, range(3), chunksize=2)) == [expected] * 3
            assert list(pool.imap_unordered(work, range(2))) == [expected] * 2
        assert pool.apply(work) == {}
    assert len(spool.logs("work", job_id="j1")) == 11


def fail():
    raise LookupError("broken")


def test_what_the_work_raises_comes_back(spool):
    with ThreadPoolExecutor(1) as threads, pytest.raises(LookupError):
        threads.submit(fail).result()
    with ProcessPoolExecutor(1) as processes, pytest.raises(LookupError):
        processes.submit(fail).result()


def test_a_process_that_nobody_configured_has_the_settings_of_who_started_it(spool, tmp_path):
    """Spawned, nothing of the parent's memory is there."""
    directory = tmp_path / "other"
    plainview.configure(dir=str(directory), service="named in code", environment="production", file="")
    process = multiprocessing.get_context("spawn").Process(target=work)
    process.start()
    process.join()
    (line,) = read(directory, "log")
    assert line["service"] == "named in code"
