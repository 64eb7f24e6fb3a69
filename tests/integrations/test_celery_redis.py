"""Celery on Redis: two worker processes, and each way in which a task ends, told as a job."""

from __future__ import annotations

import pytest

TASKS = """
    import logging, os, signal, time
    from celery import Celery
    from celery.exceptions import Ignore

    app = Celery("tasks", broker=os.environ["REDIS_URL"])
    app.conf.task_acks_late = app.conf.task_reject_on_worker_lost = True
    app.conf.worker_prefetch_multiplier = 1
    log = logging.getLogger("tasks.log")

    @app.task
    def add(a, b):
        log.info("adding")
        return a + b

    @app.task(bind=True, max_retries=2)
    def flaky(self):
        if self.request.retries < 2:
            raise self.retry(exc=ConnectionError("not yet"), countdown=0)

    @app.task(bind=True, max_retries=1)
    def hopeless(self):
        try:
            raise ConnectionError("never")
        except ConnectionError as error:
            raise self.retry(exc=error, countdown=0)

    @app.task
    def fail():
        raise LookupError("broken")

    @app.task
    def ignored():
        raise Ignore("of no interest")

    @app.task
    def killed():
        if not os.path.exists("killed"):
            open("killed", "w").close()
            os.kill(os.getpid(), signal.SIGKILL)

    @app.task(bind=True, max_retries=1)
    def unlucky(self):
        with open("unlucky", "a") as tries:
            tries.write("x")
        count = os.path.getsize("unlucky")
        if count < 3:
            os.kill(os.getpid(), signal.SIGKILL)
        if count == 3:
            raise self.retry(exc=ConnectionError("not yet"), countdown=0)

    @app.task(acks_late=False)
    def lost():
        os.kill(os.getpid(), signal.SIGKILL)

    @app.task(time_limit=1, acks_late=False)
    def endless():
        time.sleep(600)

    @app.task(soft_time_limit=1)
    def slow():
        time.sleep(600)

    @app.task
    def chained():
        add.delay(5, 6)

    @app.task(acks_late=False)
    def terminated():
        open("terminated", "w").close()
        time.sleep(600)
"""
SENDER = """
    import plainview
    import tasks

    with plainview.context(request_id="r1", project_id="p1"), plainview.job("order", id="j1"):
        for name in ("flaky", "hopeless", "fail", "ignored", "chained", "killed", "unlucky"):
            getattr(tasks, name).apply_async(task_id=name)
        tasks.add.apply_async((1, 2), {}, task_id="add")
        odd = {"traceparent": 5, "baggage": "%" * 9_000, "X-Request-ID": "\\n", "plainview-operation": "no id"}
        tasks.add.apply_async((1, 2), {}, task_id="odd", headers=odd)
        tasks.add.apply_async((1, 2), {}, task_id="expired", expires=-5)
        tasks.lost.apply_async(task_id="lost")
        tasks.endless.apply_async(task_id="endless")
        tasks.slow.apply_async(task_id="slow")
        tasks.terminated.apply_async(task_id="terminated")
"""
REVOKER = """
    import os, time
    import tasks

    while not os.path.exists("terminated"):
        time.sleep(0.05)
    tasks.app.control.revoke("terminated", terminate=True, signal="SIGKILL")
"""


@pytest.fixture(scope="module")
def told(queueing):
    """All tasks, run by one worker with two processes."""
    queueing.programs.write("tasks.py", TASKS)
    with queueing.working("celery", "-A", "tasks", "worker", "--concurrency", "2", "--loglevel", "INFO"):
        queueing.run(SENDER)
        queueing.run(REVOKER)
        for key in (
            "add",
            "odd",
            "fail",
            "ignored",
            "chained",
            "expired",
            "endless",
            "slow",
            "lost",
            "terminated",
            "killed",
        ):
            queueing.closed(1, key=key)
        queueing.closed(3, key="flaky")
        queueing.closed(2, key="unlucky")
        queueing.closed(2, key="hopeless")
        queueing.closed(4, name="tasks.add")
    return queueing


def test_a_task_is_a_job_from_where_it_is_sent_to_where_it_ends(told):
    """Created, begun, completed: by one id, in the sender's context and trace, as a part of the sender's job."""
    created, opened, closed = told.followed("add", "tasks.add")
    assert created["pid"] != opened["pid"] == closed["pid"]
    assert (opened["data"]["args"], closed["status"]) == ([1, 2], "completed")
    (line,) = told.spool.logs("tasks.log", job_id="add")
    assert (line["span_id"], line["request_id"]) == (opened["operation_id"], "r1")
    assert line["extra"]["parent_job_id"] == "j1"


def test_a_task_sent_by_a_task_is_a_part_of_it(told):
    (chained,) = told.events("open", key="chained")
    (sent,) = [line for line in told.events("open", name="tasks.add") if line["key"] not in {"add", "odd", "expired"}]
    assert (sent["parent_id"], sent["request_id"]) == (chained["operation_id"], "r1")


def test_what_a_message_carries_that_makes_no_sense_is_passed_over(told):
    opened, closed = told.one("open", "odd"), told.one("close", "odd")
    assert closed["status"] == "completed"
    assert opened["parent_id"] in {line["operation_id"] for line in told.events("open", kind="worker")}
    assert opened["request_id"] not in {"r1", "\n"}


def test_a_task_s_span_is_its_operation(told):
    """One span for each attempt that ran to its end, under the span of sending, and no second one beside it."""
    spans = {span["span_id"] for span in told.spool.spans()}
    ran = [line for line in told.events("close", kind="job") if line["operation_id"] in spans and line["key"] != "j1"]
    for line, parent in told.consumed(ran):
        if line["key"] != "odd":
            assert parent["name"] == f"send {line['name']}"


def test_a_task_that_is_tried_again_is_queued_again_with_the_reason(told):
    assert told.ends("flaky") == [(1, "failed"), (2, "failed"), (3, "completed")]
    for attempt in (1, 2):
        assert told.one("retry", "flaky", attempt)["reason"] == "ConnectionError: not yet"
        again = told.one("create", "flaky", attempt + 1)
        assert again["parent_id"] == told.one("create", "flaky")["parent_id"]
    assert told.errors(job_id="flaky") == []


def test_a_task_whose_retries_are_used_up_is_dead_lettered_and_one_error(told):
    assert told.ends("hopeless") == [(1, "failed"), (2, "dead_lettered")]
    assert told.one("dead_letter", "hopeless", 2)["reason"] == "ConnectionError: never"
    (error,) = told.errors(job_id="hopeless")
    assert error["error_id"] == told.one("close", "hopeless", 2)["error_id"]
    assert (error["mechanism"], error["handled"]) == ("celery", False)


def test_a_task_that_fails_is_one_error(told):
    closed = told.one("close", "fail")
    assert (closed["status"], closed["reason"]) == ("failed", "LookupError: broken")
    assert closed["failed_in"] == "job tasks.fail"
    (error,) = told.errors(job_id="fail")
    assert error["error_id"] == closed["error_id"]


def test_a_task_whose_process_is_killed_is_left_open_and_begins_again_by_the_same_id(told):
    """What it left open ends with its process's stream; the server says then that it was abandoned."""
    first, second = told.one("open", "killed"), told.one("open", "killed", 2)
    assert told.ends("killed") == [(2, "completed")]
    assert first["operation_id"] != second["operation_id"]
    assert first["pid"] != second["pid"]
    assert told.finished(first["pid"])


def test_a_task_that_is_delivered_again_and_again_keeps_count_and_a_retry_goes_on_from_there(told):
    began = sorted(line.get("attempt", 1) for line in told.events("open", kind="job", key="unlucky"))
    assert began == [1, 2, 3, 4]
    assert told.ends("unlucky") == [(3, "failed"), (4, "completed")]
    assert told.one("retry", "unlucky", 3)["reason"] == "ConnectionError: not yet"
    assert told.one("create", "unlucky", 4)


def test_a_task_over_its_soft_time_limit_fails(told):
    closed = told.one("close", "slow")
    assert (closed["status"], closed["error_type"]) == ("failed", "SoftTimeLimitExceeded")
    assert len(told.errors(job_id="slow")) == 1


@pytest.mark.parametrize(("key", "error_type"), [("endless", "TimeLimitExceeded"), ("lost", "WorkerLostError")])
def test_a_task_that_ends_with_its_process_is_told_of_by_the_worker_s_main_process(told, key, error_type):
    """Killed over its time limit, or by somebody else, and not to be delivered again."""
    opened, closed = told.one("open", key), told.one("close", key)
    assert (closed["status"], closed["error_type"]) == ("failed", error_type)
    assert opened["operation_id"] == closed["operation_id"]
    assert opened["pid"] != closed["pid"]
    (error,) = told.errors(job_id=key)
    assert error["error_id"] == closed["error_id"]


@pytest.mark.parametrize("key", ["expired", "terminated", "ignored"])
def test_a_task_that_is_called_off_is_cancelled_with_the_reason_and_no_error(told, key):
    closed = told.one("close", key)
    assert (closed["status"], closed["reason"]) == ("cancelled", key)
    assert told.errors(job_id=key) == []


def test_a_worker_that_is_lost_before_its_task_is_delivered_again_is_an_error_of_that_type(told):
    """Celery logs it, wrapped up; no task has failed yet."""
    found = [line for line in told.errors() if "job_id" not in line]
    assert len(found) == 3
    assert {(line["exceptions"][0]["type"], line["logger"]) for line in found} == {
        ("WorkerLostError", "celery.worker.request")
    }


def test_each_process_is_a_worker(told):
    workers = told.events("open", kind="worker")
    assert len(workers) >= 2  # and one in the place of each that was killed
    assert {line["name"] for line in workers} == {"celery"}
    pids = {line["pid"] for line in workers}
    ran = {line["pid"] for line in told.events("open", kind="job") if line["name"].startswith("tasks.")}
    assert ran - {told.one("open", "expired")["pid"]} <= pids


def test_nothing_of_ours_goes_wrong(told):
    assert told.spool.internal_errors() == 0


def test_a_server_tells_of_each_task_as_it_ended(told):
    told.assert_served()
