"""Celery: a real worker, a real broker; the sender's context around each task, and a span for each."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from exposed import Samples
from harness import free_port, get, read

pytestmark = pytest.mark.usefixtures("queue")

TASKS = """
    import logging, os
    from celery import Celery

    app = Celery("tasks", broker=os.environ["REDIS_URL"])
    log = logging.getLogger("tasks.log")

    @app.task
    def add(a, b):
        log.info("adding", extra={"worker": os.getpid()})
        return a + b

    @app.task
    def fail():
        raise LookupError("broken")

    @app.task(bind=True, max_retries=1)
    def stubborn(self):
        try:
            raise ConnectionError("not yet")
        except ConnectionError as error:
            raise self.retry(exc=error, countdown=0)

    @app.task
    def chained():
        add.delay(5, 6)
"""
SENDER = """
    import plainview
    from tasks import add, chained, fail, stubborn

    with plainview.context(request_id="r1", job_id="j1"), plainview.span("sending"):
        add.delay(1, 2)
        fail.delay()
        stubborn.delay()
        chained.delay()
    for number in range(20):
        with plainview.context(request_id=f"many{number}"):
            add.delay(number, number)
"""


@pytest.fixture(params=["prefork", "threads"])
def finished(programs, request):
    """The spool after all tasks were sent and have run, and what the worker exposed then."""
    port = free_port()
    programs.write("tasks.py", TASKS)
    programs.write("sender.py", SENDER)
    worker = subprocess.Popen(
        ["celery", "-A", "tasks", "worker", "--pool", request.param, "--concurrency", "3", "--loglevel", "INFO"],
        cwd=programs.directory,
        env=programs.environment(PLAINVIEW_METRICS_PORT=str(port)),
        stdout=(output := (programs.directory / "output.txt").open("w")),
        stderr=subprocess.STDOUT,
    )
    try:
        done = programs.run(sys.executable, "sender.py")
        assert done.returncode == 0, done.stderr
        deadline = time.monotonic() + 60
        while len(programs.spool.spans(kind="CONSUMER")) < 26 and time.monotonic() < deadline:
            time.sleep(0.1)
        exposed = Samples(get(f"http://127.0.0.1:{port}/metrics")[2].decode())
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
        output.close()
    return programs.spool, exposed


def test_tasks_are_seen_as_they_ran(finished):
    spool, exposed = finished
    check_context(spool)
    assert exposed.of("celery_tasks_total") == {
        ("success", "tasks.add"): 22,
        ("success", "tasks.chained"): 1,
        ("failure", "tasks.fail"): 1,
        ("retry", "tasks.stubborn"): 1,
        ("failure", "tasks.stubborn"): 1,
    }
    assert exposed("celery_task_duration_seconds_count", task_name="tasks.add") == 22
    assert exposed("celery_workers_active", queue="celery") == 1
    assert exposed("celery_queue_length", queue="celery") is not None


EAGER = """
    import plainview
    from tasks import add, app, fail

    app.conf.task_always_eager = True
    with plainview.job("order", id="j1"), plainview.span("sending"):
        add.delay(1, 2)
        assert fail.delay().failed()
"""


def test_a_task_that_is_run_where_it_is_sent_is_a_part_of_what_goes_on_there(programs):
    programs.write("tasks.py", TASKS)
    done = programs.run(sys.executable, programs.write("eager.py", EAGER))
    assert done.returncode == 0, done.stderr
    lines = read(programs.spool.directory, "operation")
    (order,) = (line for line in lines if line["event"] == "open" and line["name"] == "order")
    ended = {line["name"]: line for line in lines if line["event"] == "close" and line["name"] != "order"}
    assert {name: line["status"] for name, line in ended.items()} == {"tasks.add": "completed", "tasks.fail": "failed"}
    assert {(line["parent_id"], line["trace_id"]) for line in ended.values()} == {
        (order["operation_id"], order["trace_id"])
    }
    (sending,) = programs.spool.spans(name="sending")
    assert {span["parent_span_id"] for span in programs.spool.spans(kind="CONSUMER")} == {sending["span_id"]}
    assert programs.spool.internal_errors() == 0


#: What comes with a task: headers, whether it was delivered before, the attempt that it is.
DELIVERED = [
    ({}, False, 1),
    ({}, True, 2),
    ({"retries": 2}, True, 4),
    ({"x-delivery-count": 3}, True, 4),  # a quorum queue of RabbitMQ counts
    ({"x-delivery-count": 3}, False, 1),  # it came along from the message before a retry
    ({"x-delivery-count": 0}, True, 2),
    ({"plainview-restored": 2, "retries": 1}, False, 4),
    *(
        ({name: odd}, True, 2)
        for name in ("x-delivery-count", "plainview-restored")
        for odd in (-1, "3", 2.5, True, None, 10**30, [3])
    ),
]
ATTEMPTS = """
    import plainview
    from celery import signals
    from delivered import DELIVERED
    from tasks import add

    plainview.instrument("celery")
    for number, (headers, redelivered, _) in enumerate(DELIVERED):
        told = {"id": str(number), "delivery_info": {"redelivered": redelivered}, **headers}
        add.push_request(**told)
        signals.task_prerun.send(sender=add, task_id=str(number), task=add)
        signals.task_postrun.send(sender=add, task_id=str(number), task=add, state="SUCCESS")
        add.pop_request()
"""


def test_the_attempt_of_a_task_is_what_its_message_tells_of_deliveries(programs):
    programs.write("tasks.py", TASKS)
    programs.write("delivered.py", f"DELIVERED = {DELIVERED!r}\n")
    done = programs.run(sys.executable, programs.write("attempts.py", ATTEMPTS))
    assert done.returncode == 0, done.stderr
    ends = (line for line in read(programs.spool.directory, "operation") if line["event"] == "close")
    assert {int(line["key"]): line.get("attempt", 1) for line in ends} == {
        number: attempt for number, (_, _, attempt) in enumerate(DELIVERED)
    }
    assert programs.spool.internal_errors() == 0


def check_context(spool):
    """Tasks are in the trace and the context of who sent them."""
    runs = spool.spans(kind="CONSUMER")
    assert len(runs) == 26
    by_id = {span["span_id"]: span for span in spool.spans()}
    for run in runs:
        sent = by_id[run["parent_span_id"]]
        assert (sent["kind"], sent["name"]) == ("PRODUCER", run["name"].replace("run ", "send "))
        assert sent["trace_id"] == run["trace_id"]
    (sending,) = spool.spans(name="sending")
    ours = [run for run in runs if run["trace_id"] == sending["trace_id"]]
    # The chained task's own task is part of the trace as well; so is each attempt of the stubborn one.
    assert sorted(run["name"] for run in ours) == [
        "run tasks.add",
        "run tasks.add",
        "run tasks.chained",
        "run tasks.fail",
        "run tasks.stubborn",
        "run tasks.stubborn",
    ]
    assert {run["request_id"] for run in ours} == {"r1"}
    # Each is a job by its own id, and knows the sender's.
    assert all(run["job_id"] == run["attributes"]["messaging.message.id"] for run in ours)
    (chained,) = spool.spans(name="run tasks.chained")
    parents = Counter(run["attributes"]["parent_job_id"] for run in ours)
    assert parents == {"j1": 5, chained["job_id"]: 1}

    lines = spool.logs("tasks.log")
    assert len(lines) == 22
    assert {line["request_id"] for line in lines} == {"r1", *(f"many{number}" for number in range(20))}
    for line in lines:
        assert line["span_id"] in by_id
        assert line["extra"]["task_id"] == by_id[line["span_id"]]["attributes"]["messaging.message.id"]
        assert line["pid"] == line["extra"]["worker"]

    (failed,) = spool.spans(name="run tasks.fail")
    assert (failed["status"], failed["attributes"]["error.type"]) == ("ERROR", "LookupError")
    assert failed["attributes"]["celery.state"] == "FAILURE"
    assert "broken" in failed["events"][0]["attributes"]["exception.message"]
    attempts = [span["attributes"] for span in spool.spans(name="run tasks.stubborn")]
    assert {attempt["celery.retries"]: attempt["celery.state"] for attempt in attempts} == {0: "RETRY", 1: "FAILURE"}

    succeeded = [line for line in spool.logs("celery.app.trace") if "tasks.add" in line["message"]]
    assert {line["request_id"] for line in succeeded} == {line["request_id"] for line in lines}
    assert {line["service"] for line in lines} == {"tasks-worker"}
    assert {span["service"] for span in spool.spans(name="sending")} == {"sender"}
    assert spool.internal_errors() == 0
