"""Dramatiq on Redis: two worker processes, and each way in which a message ends, told as a job."""

from __future__ import annotations

import os
import signal

import pytest
from brokers import until

TASKS = """
    import logging, os, time
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker
    from dramatiq.middleware import Middleware, SkipMessage
    from dramatiq.middleware.asyncio import AsyncIO

    class Skipping(Middleware):
        def before_process_message(self, broker, message):
            if message.actor_name == "skipped":
                raise SkipMessage

    # What a killed process leaves is delivered again when it has not been heard of for this long.
    broker = RedisBroker(url=os.environ["REDIS_URL"], heartbeat_timeout=2_000, maintenance_chance=1_000_000)
    broker.add_middleware(Skipping())
    broker.add_middleware(AsyncIO())
    dramatiq.set_broker(broker)
    log = logging.getLogger("tasks.log")

    @dramatiq.actor
    def add(a, b):
        log.info("adding")

    @dramatiq.actor(max_retries=3, min_backoff=1, max_backoff=1)
    def flaky():
        with open("flaky", "a") as tries:
            tries.write("x")
        if os.path.getsize("flaky") < 3:
            raise ConnectionError("not yet")

    @dramatiq.actor(max_retries=1, min_backoff=1, max_backoff=1)
    def hopeless():
        raise ConnectionError("never")

    @dramatiq.actor(throws=LookupError)
    def rejected():
        raise LookupError("not for us")

    @dramatiq.actor(max_retries=0, time_limit=500)
    def endless():
        while True:
            time.sleep(0.01)

    @dramatiq.actor
    def skipped():
        raise AssertionError

    @dramatiq.actor
    def chained():
        add.send(5, 6)

    @dramatiq.actor
    async def coroutine():
        log.info("awaiting")

    @dramatiq.actor(max_retries=0)
    def killed():
        if not os.path.exists("killed"):
            with open("killed.part", "w") as told:
                told.write(str(os.getpid()))
            os.rename("killed.part", "killed")
            time.sleep(600)
"""
SENDER = """
    import plainview
    import tasks

    with plainview.context(request_id="r1", project_id="p1"), plainview.job("order", id="j1"):
        for name in ("flaky", "hopeless", "rejected", "endless", "skipped", "chained", "coroutine", "killed"):
            actor = getattr(tasks, name)
            tasks.broker.enqueue(actor.message().copy(message_id=name))
        tasks.broker.enqueue(tasks.add.message(1, b=2).copy(message_id="add"), delay=10)
"""


@pytest.fixture(scope="module")
def told(queueing):
    """All messages, worked on by two processes; when one was killed, by others."""
    queueing.programs.write("tasks.py", TASKS)
    command = ["dramatiq", "tasks", "--processes", "2", "--threads", "2"]
    with queueing.working(*command) as worker:
        queueing.run(SENDER)
        for name in ("add", "rejected", "endless", "skipped", "chained", "coroutine"):
            queueing.closed(1, key=name)
        queueing.closed(3, key="flaky")
        queueing.closed(2, key="hopeless")
        queueing.closed(2, name="add")
        victim = queueing.programs.directory / "killed"
        os.kill(int(until(lambda: victim.exists() and victim.read_text(), "a victim")), signal.SIGKILL)
        # Dramatiq ends all of its processes then. It must not be told to as well: told twice, they hang.
        until(lambda: worker.poll() is not None, "the worker to end by itself")
    with queueing.working(*command):
        until(lambda: len(queueing.events("open", kind="worker")) == 4, "two more workers")
        queueing.closed(1, key="killed")
    return queueing


def test_a_message_is_a_job_from_where_it_is_sent_to_where_it_ends(told):
    """Created, begun, completed: by one id, in the sender's context and trace, as a part of the sender's job."""
    _, opened, closed = told.followed("add", "add")
    assert (opened["data"]["args"], opened["data"]["kwargs"]) == ([1], {"b": 2})
    assert closed["status"] == "completed"


def test_what_an_actor_does_is_in_the_message_s_context(told):
    """A coroutine's too, which runs in a thread of its own; and that of a message that a message has sent."""
    lines = told.spool.logs("tasks.log")
    assert {(line["message"], line["request_id"]) for line in lines} == {("adding", "r1"), ("awaiting", "r1")}
    spans = {line["operation_id"] for line in told.events("open", kind="job")}
    assert {line["span_id"] for line in lines} <= spans
    (chained,) = told.events("open", key="chained")
    (sent,) = [line for line in told.events("open", name="add") if line["key"] != "add"]
    assert sent["parent_id"] == chained["operation_id"]


def test_a_message_s_span_is_its_operation(told):
    for line, parent in told.consumed([line for line in told.events("close", kind="job") if line["key"] != "j1"]):
        assert parent["name"] == f"send {line['name']}"


def test_a_message_that_is_tried_again_is_queued_again_with_the_reason(told):
    assert told.ends("flaky") == [(1, "failed"), (2, "failed"), (3, "completed")]
    for attempt in (1, 2):
        assert told.one("retry", "flaky", attempt)["reason"] == "ConnectionError: not yet"
        again = told.one("create", "flaky", attempt + 1)
        assert again["parent_id"] == told.one("create", "flaky")["parent_id"]


@pytest.mark.parametrize(
    ("key", "attempt", "reason"),
    [
        ("hopeless", 2, "ConnectionError: never"),
        ("rejected", 1, "LookupError: not for us"),
        ("endless", 1, "TimeLimitExceeded"),
    ],
)
def test_a_message_that_fails_for_the_last_time_is_dead_lettered_and_one_error(told, key, attempt, reason):
    closed = told.one("close", key, attempt)
    assert closed["status"] == "dead_lettered"
    assert told.one("dead_letter", key, attempt)["reason"].startswith(reason)
    assert [error["error_id"] for error in told.errors(job_id=key)][-1:] == [closed["error_id"]]
    assert len(told.errors(job_id=key)) == attempt  # Dramatiq logs the exception of each


def test_a_message_that_is_skipped_is_cancelled(told):
    closed = told.one("close", "skipped")
    assert (closed["status"], closed["reason"]) == ("cancelled", "skipped")


def test_a_message_whose_process_is_killed_is_left_open_and_delivered_again(told):
    first, second = told.events("open", key="killed")
    (closed,) = told.events("close", key="killed")
    assert closed["operation_id"] == second["operation_id"] != first["operation_id"]
    assert first["pid"] != second["pid"]
    assert told.finished(first["pid"])


def test_a_server_tells_of_each_message_as_it_ended(told):
    told.assert_served()


def test_each_process_is_a_worker(told):
    workers = told.events("open", kind="worker")
    assert {line["name"] for line in workers} == {"dramatiq"}
    assert {line["pid"] for line in told.events("open", kind="job") if line["key"] != "j1"} <= {
        line["pid"] for line in workers
    }
    assert len(workers) == 4
    # Those of the processes that were not killed tell what they did.
    counts = [line["data"] for line in told.events("close", kind="worker")]
    assert sum(count["completed"] for count in counts) > 0
    assert told.spool.internal_errors() == 0
