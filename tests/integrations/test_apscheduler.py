"""APScheduler: each run of a job is a job, in threads, in processes, on an event loop; and those that were left out."""

from __future__ import annotations

import sys

import pytest
from harness import Programs, read

PROGRAM = """
    import logging, threading, time
    from datetime import datetime, timedelta, timezone
    from apscheduler.executors.pool import ProcessPoolExecutor
    from apscheduler.schedulers.background import BackgroundScheduler
    import jobs

    def main():
        ended = threading.Semaphore(0)
        executors = {"default": {"type": "threadpool"}, "processes": ProcessPoolExecutor(1)}
        scheduler = BackgroundScheduler(executors=executors)
        scheduler.add_listener(lambda event: ended.release(), 2**12 | 2**13 | 2**14 | 2**16)
        now = datetime.now(timezone.utc)
        scheduler.add_job(jobs.tick, id="ticking", args=[1], kwargs={"password": "hunter2"})
        scheduler.add_job(jobs.fail, id="failing")
        scheduler.add_job(jobs.tick, "date", run_date=now - timedelta(minutes=5), id="missed", misfire_grace_time=60,
                          args=[2])
        scheduler.add_job(jobs.tick, id="elsewhere", executor="processes", args=[3],
                          misfire_grace_time=None)
        scheduler.add_job(jobs.wait, "interval", seconds=0.2, next_run_time=now, id="waiting", max_instances=1)
        scheduler.start()
        for _ in range(5):
            assert ended.acquire(timeout=60)
        jobs.go.set()
        scheduler.shutdown()

    if __name__ == "__main__":
        main()
"""
JOBS = """
    import logging, threading

    go = threading.Event()
    log = logging.getLogger("jobs.log")

    def tick(number, password=""):
        log.info("ticking", extra={"number": number})

    def fail():
        raise LookupError("broken")

    def wait():
        go.wait(60)
"""
COROUTINES = """
    import asyncio, logging, os
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    if os.environ.get("LATE"):
        import plainview
        plainview.configure(file="")
        plainview.instrument("apscheduler")

    log = logging.getLogger("jobs.log")
    ended = asyncio.Event()

    async def tick():
        await asyncio.sleep(0)
        log.info("ticking")

    async def main():
        scheduler = AsyncIOScheduler()
        scheduler.add_listener(lambda event: ended.set(), 2**12)
        scheduler.add_job(tick, id="ticking")
        scheduler.start()
        await asyncio.wait_for(ended.wait(), 60)
        scheduler.shutdown()

    asyncio.run(main())
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What was told of operations: the last event of each run, by APScheduler's own id."""
    programs = Programs(tmp_path_factory.mktemp("apscheduler"))
    programs.write("jobs.py", JOBS)
    done = programs.run(sys.executable, programs.write("program.py", PROGRAM))
    assert done.returncode == 0, done.stderr
    return programs.spool


def runs(spool, schedule):
    return [
        (line["name"], line["status"], line.get("reason", ""))
        for line in read(spool.directory, "operation")
        if line["event"] == "close" and line["key"].startswith(f"{schedule}@20")
    ]


def test_runs_in_threads_and_processes_are_jobs(told):
    assert runs(told, "ticking") == runs(told, "elsewhere") == [("tick", "completed", "")]
    lines = {line["extra"]["number"]: line for line in told.logs("jobs.log")}
    assert set(lines) == {1, 3}
    assert lines[1]["job_id"].startswith("ticking@20")
    assert lines[3]["job_id"].startswith("elsewhere@20")
    assert lines[1]["pid"] != lines[3]["pid"]
    opened = {line["name"]: line for line in read(told.directory, "operation") if line["event"] == "open"}
    assert "hunter2" not in str(opened)


def test_a_run_that_fails_is_one_error(told):
    assert runs(told, "failing") == [("fail", "failed", "LookupError: broken")]
    (error,) = read(told.directory, "error")
    assert error["job_id"].startswith("failing@20")


def test_a_run_that_is_missed_is_cancelled(told):
    assert runs(told, "missed") == [("tick", "cancelled", "missed")]


def test_a_run_that_is_left_out_is_cancelled_with_the_reason(told):
    told_of = runs(told, "waiting")
    assert ("wait", "completed", "") in told_of
    assert ("wait", "cancelled", "left out: 1 of it run already") in told_of
    assert told.internal_errors() == 0


@pytest.mark.parametrize("late", ["", "yes"])
def test_runs_of_coroutines_are_jobs(programs, late):
    """Without a line of code; and where a line of it asks for that when APScheduler was imported already."""
    variables = {"LATE": late} | ({"PYTHONPATH": ""} if late else {})
    done = programs.run(sys.executable, programs.write("coroutines.py", COROUTINES), variables=variables)
    assert done.returncode == 0, done.stderr
    assert runs(programs.spool, "ticking") == [("tick", "completed", "")]
    (line,) = programs.spool.logs("jobs.log")
    assert line["job_id"].startswith("ticking@20")
