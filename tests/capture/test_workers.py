"""Workers: their heartbeat in the record and in the gauge, their port, their ends."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from captured import read
from hypothesis import given, strategies as st

import plainview
from plainview.capture.metrics.families import metric
from plainview.capture.operations.workers import Worker, worker

GAUGE = "worker_heartbeat_timestamp"


def events(directory, *kinds: str) -> list[dict]:
    found = [line for line in read(directory, "operation") if line["kind"] == "worker"]
    return [line for line in found if not kinds or line["event"] in kinds]


def until(found, seconds: float = 30.0):
    """What is found in the end."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, "it has not come"
        time.sleep(0.02)
    return value


def get(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return answer.read()


def heartbeat_of(name: str) -> float | None:
    series = metric(GAUGE)._series.get((name,))
    return None if series is None else series.value


def test_a_worker_tells_that_it_begins_that_it_lives_and_that_it_ends(capture):
    capture.configure()
    with worker("encoder", interval=0.1, queue="video") as one:
        until(lambda: len(events(capture.directory, "heartbeat")) >= 2)
        one.beat(completed=2)
        one.beat(failed=1)
        one.beat()
        until(lambda: events(capture.directory, "heartbeat")[-1]["data"]["completed"])
    lines = events(capture.directory)
    assert [lines[0]["event"], lines[1]["event"], lines[-1]["event"]] == ["open", "heartbeat", "close"]
    assert {line["operation_id"] for line in lines} == {one.operation_id}
    assert lines[0]["data"] == {"queue": "video", "interval_seconds": 0.1}
    first, last = lines[1]["data"], lines[-2]["data"]
    assert (first["interval_seconds"], first["moved"], first["completed"]) == (0.1, None, 0)
    assert (last["completed"], last["failed"]) == (2, 1)
    assert last["moved"] <= lines[-2]["timestamp"]
    assert last["moved_seconds_ago"] >= 0
    assert lines[-1]["status"] == "completed"
    assert (lines[-1]["data"]["completed"], lines[-1]["data"]["failed"]) == (2, 1)
    assert [record["message"] for record in capture.logs()] == ["worker started: encoder", "worker completed: encoder"]


def test_what_a_worker_does_is_a_part_of_it(capture):
    capture.configure()
    with worker("encoder") as one, plainview.job("encode"):
        pass
    (job,) = [line for line in read(capture.directory, "operation") if line["event"] == "close" and "key" in line]
    assert (job["kind"], job["parent_id"]) == ("job", one.operation_id)


def test_each_piece_of_its_work_is_a_trace_of_its_own(capture):
    capture.configure()
    with worker("encoder"):
        for _ in range(2):
            with plainview.job("encode"):
                pass
    ended = [line for line in read(capture.directory, "operation") if line["event"] == "close"]
    assert len({line["trace_id"] for line in ended}) == len(ended) == 3


def test_without_a_name_it_has_that_of_the_service(capture):
    capture.configure(service="encoding", heartbeat_interval=7.5)
    with worker() as one:
        assert (one.name, one.interval) == ("encoding", 7.5)


def test_the_gauge_has_the_time_of_the_heartbeat_while_the_worker_lives(capture):
    capture.configure()
    before = time.time()
    with worker("gauged", interval=0.1):
        first = heartbeat_of("gauged")
        assert first >= before
        until(lambda: heartbeat_of("gauged") > first)
        with worker("gauged"):
            pass
        assert heartbeat_of("gauged") is not None
    assert heartbeat_of("gauged") is None


def test_work_that_never_pauses_has_a_heartbeat_and_tells_when_it_last_moved(capture):
    """The heartbeat is of the process; that the work hangs is seen by what it does not say."""
    capture.configure()
    with worker("busy", interval=0.1) as one:
        one.beat()
        end = time.thread_time() + 0.6
        while time.thread_time() < end:
            sum(range(1000))
    beats = [line["data"] for line in events(capture.directory, "heartbeat")]
    assert len(beats) >= 2
    assert len({beat["moved"][:21] for beat in beats}) == 1
    assert beats[-1]["moved_seconds_ago"] > beats[0]["moved_seconds_ago"]


def test_its_port_answers_with_its_life_and_the_metrics_and_is_closed_with_it(capture):
    capture.configure()
    plainview.counter("encoded_total", "Encoded.").inc(3)
    with worker("ported", port=0) as one:
        one.beat(completed=1)
        port = one.port
        told = json.loads(get(port, "/health/live"))
        assert (told["status"], told["worker"]["name"], told["worker"]["completed"]) == ("healthy", "ported", 1)
        exposed = get(port, "/metrics").decode()
        assert "encoded_total" in exposed
        assert f'{GAUGE}{{worker="ported"}}' in exposed
    assert one.port is None
    until(lambda: not _listens(port))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_port_that_is_taken_is_said_and_taken_over_when_it_is_free(capture):
    capture.configure()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        one = worker("waits for it", port=port).start()
        assert one.port is None
    (said,) = [line for line in capture.logs() if line["message"] == "no port for the metrics"]
    assert said["extra"]["port"] == port
    assert until(lambda: one.port) == port
    one.finish()


@pytest.mark.parametrize("port", [-1, 70_000, "9500", 1.5, True, object()])
def test_what_is_no_port_is_said_and_the_worker_works(capture, port):
    capture.configure()
    with worker("odd", port=port) as one:
        assert one.port is None
    assert "no port for the worker" in {line["message"] for line in capture.logs()}
    assert events(capture.directory, "close")[0]["status"] == "completed"


@given(
    interval=st.one_of(st.floats(max_value=0.09), st.just(math.inf), st.just(math.nan), st.text(), st.booleans()),
    counts=st.tuples(*[st.one_of(st.integers(0, 10), st.text(), st.floats(), st.none())] * 2),
)
def test_whatever_is_given_a_worker_has_an_interval_and_counts(interval, counts):
    with worker("any", interval=interval) as one:
        one.beat(*counts)
        assert one.interval == 15.0
        assert type(one.completed) is type(one.failed) is int


def test_it_decorates_a_function_each_call_is_a_worker(capture):
    capture.configure()

    @worker("decorated", interval=0.1)
    def work():
        until(lambda: events(capture.directory, "heartbeat"))
        return 5

    assert work() == 5
    assert work() == 5
    opened, closed = events(capture.directory, "open"), events(capture.directory, "close")
    assert len({line["operation_id"] for line in opened}) == len(closed) == 2


def test_an_error_that_leaves_it_is_how_it_ends(capture):
    capture.configure()
    error = ValueError("theirs")
    with pytest.raises(ValueError, match="theirs") as caught, worker("fails"):
        raise error
    assert caught.value is error
    (close,) = events(capture.directory, "close")
    assert (close["status"], close["reason"]) == ("failed", "ValueError: theirs")


def test_with_capture_turned_off_it_is_nothing(capture):
    capture.configure(enabled=False)
    with worker("off", port=0, interval=0.1) as one:
        one.beat()
        assert one.port is None
    assert not read(capture.directory, "operation")
    assert heartbeat_of("off") is None


def test_it_goes_on_when_capture_is_configured_anew(capture, tmp_path):
    capture.configure()
    with worker("goes on", interval=0.1) as one:
        until(lambda: events(capture.directory, "heartbeat"))
        plainview.configure(service="test", environment="production", file="", dir=str(tmp_path / "other"))
        line = until(lambda: events(tmp_path / "other", "heartbeat"))[0]
        assert line["operation_id"] == one.operation_id


WORKS = """
import os, sys, threading, time, plainview
plainview.configure(service="test", environment="production", file="", dir=sys.argv[1])
one = plainview.worker("program", interval=0.1, port=int(sys.argv[2])).start()
"""


def program(capture, rest: str, port: int = 0) -> subprocess.Popen:
    path = capture.directory.parent / "worker.py"
    path.write_text(WORKS + rest)
    command = [sys.executable, str(path), str(capture.directory), str(port)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_kill_9_leaves_its_heartbeats_and_no_end(capture):
    process = program(capture, "print('lives', flush=True); time.sleep(60)")
    process.stdout.readline()
    until(lambda: len(events(capture.directory, "heartbeat")) >= 2)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    kinds = [line["event"] for line in events(capture.directory)]
    assert kinds[0] == "open"
    assert set(kinds[1:]) == {"heartbeat"}


def test_a_worker_that_nobody_ended_ends_with_the_interpreter_and_does_not_hold_it_up(capture):
    process = program(capture, "one.beat(completed=1)\n")
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, b"")
    (close,) = events(capture.directory, "close")
    assert (close["status"], close["data"]["completed"]) == ("completed", 1)


def test_a_forked_child_is_no_worker_and_does_not_hold_on_to_the_port(capture):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = program(
        capture,
        "child = os.fork()\n"
        "if child == 0:\n"
        "    plainview.get_logger('child').info('logs, so its keeper runs')\n"
        "    time.sleep(60)\n"
        "    os._exit(0)\n"
        "print(child, flush=True)\n"
        "time.sleep(60)\n",
        port,
    )
    child = int(process.stdout.readline())
    try:
        until(lambda: any(line["logger"] == "child" for line in capture.logs()))
        count = len(events(capture.directory, "heartbeat"))
        until(lambda: len(events(capture.directory, "heartbeat")) >= count + 3)
        assert {line["pid"] for line in events(capture.directory)} == {process.pid}
        assert json.loads(get(port, "/health/live"))["worker"]["name"] == "program"
        process.kill()
        process.wait(30)
        assert not _listens(port)
    finally:
        os.kill(child, signal.SIGKILL)
        process.communicate(timeout=30)


def test_workers_may_live_beside_each_other_in_threads(capture):
    capture.configure()
    both = threading.Barrier(2)

    def work(name):
        with worker(name, interval=0.1) as one:
            both.wait(30)
            until(
                lambda: [
                    line for line in events(capture.directory, "heartbeat") if line["operation_id"] == one.operation_id
                ]
            )

    threads = [threading.Thread(target=work, args=(name,)) for name in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {line["name"] for line in events(capture.directory, "close")} == {"left", "right"}


def test_it_is_an_operation_like_any_other():
    assert isinstance(worker("one"), plainview.Operation)
    assert Worker is plainview.Worker
