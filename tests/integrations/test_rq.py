"""RQ on Redis: two workers, and each way in which a job ends, told as a job."""

from __future__ import annotations

import os
import signal

import pytest
from brokers import Queueing, until
from harness import Programs

TASKS = """
    import logging, os, time
    from rq import Retry

    log = logging.getLogger("tasks.log")

    def add(a, b):
        log.info("adding")
        return a + b

    def flaky():
        with open("flaky", "a") as tries:
            tries.write("x")
        if os.path.getsize("flaky") < 3:
            raise ConnectionError("not yet")

    def hopeless():
        raise ConnectionError("never")

    def fail():
        raise LookupError("broken")

    def again():
        return Retry(max=1)

    def endless():
        time.sleep(600)

    def killed():
        if not os.path.exists("killed"):
            with open("killed.part", "w") as told:
                told.write(str(os.getpid()))
            os.rename("killed.part", "killed")
            time.sleep(600)
"""
SENDER = """
    import os
    from datetime import timedelta
    import plainview
    import tasks
    from redis import Redis
    from rq import Queue, Retry

    queue = Queue(connection=Redis.from_url(os.environ["REDIS_URL"]))
    with plainview.context(request_id="r1", project_id="p1"), plainview.job("order", id="j1"):
        queue.enqueue(tasks.killed, job_id="killed", retry=Retry(max=2))
        queue.enqueue(tasks.flaky, job_id="flaky", retry=Retry(max=3))
        queue.enqueue(tasks.hopeless, job_id="hopeless", retry=Retry(max=1))
        queue.enqueue(tasks.fail, job_id="fail")
        queue.enqueue(tasks.again, job_id="again")
        queue.enqueue(tasks.endless, job_id="endless", job_timeout=1)
        first = queue.enqueue(tasks.add, 1, b=2, job_id="add")
        queue.enqueue(tasks.add, 3, 4, job_id="second", depends_on=first)
        queue.enqueue_in(timedelta(milliseconds=10), tasks.add, 5, 6, job_id="scheduled")
        queue.enqueue_many([Queue.prepare_data(tasks.add, (7, 8), job_id="many")])
        Queue("later", connection=queue.connection).enqueue(tasks.add, 1, 1, job_id="cancelled").cancel()
        Queue("here", connection=queue.connection, is_async=False).enqueue(tasks.add, 1, 1, job_id="here")
"""


@pytest.fixture(scope="module")
def told(queueing):
    """All jobs, done by two workers."""
    queueing.programs.write("tasks.py", TASKS)
    command = ["rq", "worker", "--url", queueing.url, "--with-scheduler", "default"]
    with queueing.working(*command), queueing.working(*command):
        queueing.run(SENDER)
        pid = until(lambda: (path := queueing.programs.directory / "killed").exists() and path.read_text(), "a victim")
        os.kill(int(pid), signal.SIGKILL)
        for name in ("fail", "endless", "add", "second", "scheduled", "many", "cancelled", "here", "killed"):
            queueing.closed(1, key=name)
        queueing.closed(3, key="flaky")
        queueing.closed(2, key="hopeless")
        queueing.closed(2, key="again")
    return queueing


def test_a_job_is_told_of_from_where_it_is_enqueued_to_where_it_ends(told):
    """Created, begun, completed: by one id, in the sender's context and trace, as a part of the sender's job."""
    created, opened, closed = told.followed("add", "tasks.add")
    assert created["pid"] != opened["pid"] == closed["pid"]
    assert (opened["data"]["args"], opened["data"]["kwargs"], closed["status"]) == ([1], {"b": 2}, "completed")


@pytest.mark.parametrize("key", ["second", "scheduled", "many"])
def test_a_job_that_waits_for_another_or_for_its_time_is_created_once(told, key):
    """And belongs to who enqueued it, not to the worker that puts it into its queue later."""
    (order,) = told.events("open", name="order")
    assert told.one("create", key)["parent_id"] == told.one("open", key)["parent_id"] == order["operation_id"]
    assert told.one("open", key)["trace_id"] == order["trace_id"]
    assert told.ends(key) == [(1, "completed")]


def test_a_job_s_span_is_its_operation(told):
    assert told.consumed([line for line in told.events("close", kind="job") if line["key"] != "j1"])


def test_a_job_that_is_tried_again_is_queued_again_with_the_reason(told):
    assert told.ends("flaky") == [(1, "failed"), (2, "failed"), (3, "completed")]
    for attempt in (1, 2):
        assert told.one("retry", "flaky", attempt)["reason"] == "ConnectionError: not yet"
        again = told.one("create", "flaky", attempt + 1)
        assert again["parent_id"] == told.one("create", "flaky")["parent_id"]
    assert told.errors(job_id="flaky") == []


def test_a_job_that_goes_to_the_failed_registry_after_its_last_retry_is_dead_lettered_and_one_error(told):
    assert told.ends("hopeless") == [(1, "failed"), (2, "dead_lettered")]
    assert told.one("dead_letter", "hopeless", 2)["reason"] == "ConnectionError: never"
    (error,) = told.errors(job_id="hopeless")
    assert (error["error_id"], error["mechanism"]) == (told.one("close", "hopeless", 2)["error_id"], "rq")


def test_a_job_that_asks_to_be_tried_again_is(told):
    assert told.ends("again") == [(1, "failed"), (2, "dead_lettered")]
    assert told.errors(job_id="again") == []


@pytest.mark.parametrize(("key", "error"), [("fail", "LookupError"), ("endless", "JobTimeoutException")])
def test_a_job_that_fails_is_one_error(told, key, error):
    closed = told.one("close", key)
    assert (closed["status"], closed["error_type"]) == ("failed", error)
    assert [one["error_id"] for one in told.errors(job_id=key)] == [closed["error_id"]]


def test_a_job_whose_horse_is_killed_is_left_open_and_begins_again_by_the_same_id(told):
    first, second = told.one("open", "killed"), told.one("open", "killed", 2)
    assert told.ends("killed") == [(2, "completed")]
    assert first["operation_id"] != second["operation_id"]
    assert told.finished(first["pid"])


def test_a_job_that_is_called_off_is_cancelled(told):
    closed = told.one("close", "cancelled")
    assert (closed["status"], closed["reason"]) == ("cancelled", "cancelled")


def test_a_job_of_a_queue_without_worker_is_done_where_it_is_enqueued(told):
    opened = told.one("open", "here")
    (order,) = told.events("open", name="order")
    assert [opened[name] for name in ("pid", "parent_id", "trace_id")] == [
        order[name] for name in ("pid", "operation_id", "trace_id")
    ]
    assert told.ends("here") == [(1, "completed")]


def test_a_server_tells_of_each_job_as_it_ended(told):
    told.assert_served()


def test_each_worker_is_told_of(told):
    workers = told.events("open", kind="worker")
    assert [line["name"] for line in workers] == ["rq", "rq"]
    assert told.spool.internal_errors() == 0


def test_the_workers_count_what_their_work_horses_did(told):
    """Each attempt, but for that whose horse was killed and those that were done or called off elsewhere."""
    done = [
        line["status"] for line in told.events("close", kind="job") if line["key"] not in {"j1", "here", "cancelled"}
    ]
    counted = [line["data"] for line in told.closed(2, kind="worker")]
    assert sum(one["completed"] for one in counted) == done.count("completed") > 0
    assert sum(one["failed"] for one in counted) == done.count("failed") + done.count("dead_lettered") > 0


@pytest.mark.parametrize("kind", ["SimpleWorker", "Worker"])
def test_a_worker_of_any_kind_counts(tmp_path, redis, kind):
    queueing = Queueing(Programs(tmp_path), next(redis))
    queueing.programs.write("counted.py", "def good(): pass\n\ndef bad(): raise LookupError('broken')\n")
    queueing.run(f"""
        import os, counted
        from redis import Redis
        from rq import Queue

        queue = Queue("{kind}", connection=Redis.from_url(os.environ["REDIS_URL"]))
        for function in (counted.good, counted.bad, counted.good):
            queue.enqueue(function)
    """)
    command = ["rq", "worker", "--url", queueing.url, "--worker-class", f"rq.worker.{kind}", "--burst", kind]
    with queueing.working(*command) as worker:
        worker.wait(60)
        (ended,) = queueing.closed(1, kind="worker")
    counted = ended["data"]
    assert (counted["completed"], counted["failed"]) == (2, 1)
