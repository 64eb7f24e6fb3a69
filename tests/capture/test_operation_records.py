"""The record of operations: a line for every event, whatever ends the process, wherever the work goes on."""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import msgspec
import pytest
from captured import read
from hypothesis import given, settings, strategies as st
from opentelemetry.trace import get_current_span

import plainview
from plainview.capture.operations.kinds import kind_of
from plainview.capture.operations.operation import Operation, batch, engine, job, operation, stage, task
from plainview.capture.runtime import runtime
from plainview.records import OperationRecord


def record(capture, **members) -> list[dict]:
    """The lines of the record that have these members, in the order of their time."""
    return [
        line
        for line in read(capture.directory, "operation")
        if all(line.get(name) == value for name, value in members.items())
    ]


def events(capture, **members) -> list[str]:
    return [line["event"] for line in record(capture, **members)]


def own_lines(capture) -> list[dict]:
    """The lines of the record that are no part of a span's."""
    streams = (capture.directory / "spool").glob("[!.]*/operation-*")
    return [json.loads(line) for path in streams for line in path.read_bytes().rstrip(b"\0").splitlines()]


@pytest.mark.parametrize("queued", [False, True])
def test_a_job_of_the_applications_own_queue_says_which_attempt_it_is(capture, queued):
    capture.configure()
    first = job("render", id="j-1", attempt=1, queued=queued)
    with first, job("render", id="j-2", attempt=3, queued=queued) as third:
        third.checkpoint(frame=4)
        third.retry("busy")
    assert [(line["event"], line["attempt"]) for line in record(capture, key="j-2")] == [
        ("open", 3), ("checkpoint", 3), ("retry", 4), ("close", 4)
    ]  # fmt: skip
    assert {line.get("attempt", 1) for line in record(capture, key="j-1")} == {1}
    told = [line["message"] for line in capture.logs() if line["job_id"] == "j-2"]
    assert "job created: render" not in told, "what is tried again was created before"


@pytest.mark.parametrize("attempt", [0, -1, 2**31, 10**30, 1.5, float("nan"), float("inf"), True, "2", None, [2]])
def test_an_attempt_that_is_no_number_from_one_counts_as_the_first(capture, attempt):
    capture.configure()
    with job("render", id="j-1", attempt=attempt):
        pass
    assert [line.get("attempt", 1) for line in record(capture, key="j-1")] == [1, 1]


def test_each_call_of_a_decorated_function_is_the_attempt_that_was_said(capture):
    capture.configure()

    @job("render", attempt=2)
    def render():
        pass

    render()
    assert [line["attempt"] for line in record(capture, kind="job")] == [2, 2]


def test_what_is_short_and_ends_well_is_told_by_the_line_of_its_span(capture):
    capture.configure()
    with job("render", id="j-1") as whole, operation("import", "csv", path="a.csv") as work:
        plainview.bind(user_id="u-1")
        work.rows(42)
        work.set(good=40)
    (closed,) = record(capture, kind="import")
    (span,) = (span for span in capture.spans() if span["name"] == "import csv")
    assert (closed["operation_id"], closed["parent_id"]) == (work.operation_id, whole.operation_id)
    assert (closed["event"], closed["status"], closed["rows"]) == ("close", "completed", 42)
    assert closed["data"] == {"path": "a.csv", "good": 40}
    assert (closed["job_id"], closed["user_id"], closed["trace_id"]) == ("j-1", "u-1", span["trace_id"])
    assert closed["start_time_unix_nano"] == span["start_time_unix_nano"]
    assert span["operation"]["kind"] == "import"
    assert span["attributes"] == {
        "operation.kind": "import", "operation.name": "csv", "path": "a.csv", "good": 40
    }  # fmt: skip
    assert {line["kind"] for line in own_lines(capture)} == {"job"}


@pytest.mark.parametrize(
    ("given", "inside"),
    [
        ({"trace_sample": 0.0}, lambda _: None),
        ({"trace_tail": 0.5}, lambda _: None),
        ({}, lambda _: get_current_span().end()),
        ({}, lambda work: work.progress(1, 2)),
        ({}, lambda work: work.checkpoint(page=3)),
    ],
    ids=["its span is not sampled", "whether is decided later", "its span is over", "progress", "a checkpoint"],
)
def test_where_its_span_cannot_tell_of_it_or_more_is_to_be_told_it_has_lines_of_its_own(capture, given, inside):
    capture.configure(**given)
    with operation("import", "csv") as work:
        inside(work)
    assert [line["status"] for line in own_lines(capture) if line["event"] == "close"] == ["completed"]
    assert events(capture)[-1:] == ["close"]
    assert events(capture).count("close") == 1
    assert all("operation" not in span for span in capture.spans())


@pytest.mark.parametrize("name", [["a"], {"b": 1}, None, 3, b"c"])
def test_a_name_that_is_no_text_is_told_by_what_is_said_of_it(capture, name):
    capture.configure()
    for made in (lambda: operation(name, name), lambda: job(name), lambda: stage(name), lambda: task(name)):
        with made():
            pass
    names = {line["name"] for line in record(capture, event="close")}
    assert len(names) == 1
    assert all(type(each) is str and each for each in names)


def test_a_level_that_changes_while_it_is_open_counts_at_its_end(capture):
    capture.configure()
    with operation("import", "csv"):
        plainview.set_level("DEBUG", "plainview.import")
    assert [line["message"] for line in capture.logs()] == ["import completed: csv"]


def test_a_job_is_in_the_record_from_its_beginning_to_its_end(capture):
    capture.configure()
    with plainview.context(user_id="u-1"), job("render", id="j-1", configuration={"quality": "high"}) as work:
        work.checkpoint(frame=45)
        work.lock(model="v2")
        work.clean_up(files=3)
        work.rows(40)
        work.rows(2)
        work.set(pages=12)
    assert events(capture) == ["open", "checkpoint", "lock", "cleanup", "close"]
    opened, saved, locked, cleaned, closed = record(capture)
    assert opened["data"] == {"configuration": {"quality": "high"}}
    assert saved["data"] == {"frame": 45}
    assert locked["data"] == {"configuration": {"model": "v2"}}
    assert cleaned["data"] == {"files": 3}
    assert (closed["status"], closed["rows"], closed["data"]) == ("completed", 42, {"pages": 12})
    assert closed["duration_ms"] > 0
    assert closed["cpu_ms"] >= 0
    (span,) = capture.spans()
    for line in record(capture):
        assert line["operation_id"] == line["span_id"] == span["span_id"] == work.operation_id
        assert (line["kind"], line["name"], line["key"], line["job_id"]) == ("job", "render", "j-1", "j-1")
        assert (line["user_id"], line["trace_id"], line["service"]) == ("u-1", span["trace_id"], "test")
        assert line["start_time_unix_nano"] == span["start_time_unix_nano"]


def test_every_line_is_what_the_server_takes(capture):
    capture.configure()
    with batch("nightly", items=2) as work:
        work.retry("busy")
        work.progress(1, 2, step="one")
        work.recover("item 1", "loaded", of="0123456789abcdef")
        work.dead_letter(ValueError("no"))
    stored = sorted((capture.directory / "spool").glob("[!.]*/operation*"))
    lines = [line for path in stored for line in path.read_bytes().rstrip(b"\0").splitlines()]
    decoded = [msgspec.json.decode(line, type=OperationRecord) for line in lines]
    assert [one.event for one in decoded] == ["open", "retry", "progress", "recover", "dead_letter", "close"]
    assert all(len(one.operation_id) == 16 for one in decoded)


def test_what_is_short_is_in_the_record_when_it_has_ended_and_knows_what_it_is_a_part_of(capture):
    capture.configure()
    with job("render") as whole:
        with stage("mix") as part, engine("tts") as inner:
            pass
        with task("thumbnails", id="t-1"), operation("import", "csv"), operation("import", "rows", id="i-1"):
            pass
    assert events(capture, kind="stage") == events(capture, kind="engine") == ["close"]
    assert events(capture, kind="task") == events(capture, name="rows") == ["open", "close"]
    assert events(capture, name="csv") == ["close"]
    (mix,) = record(capture, kind="stage")
    (tts,) = record(capture, kind="engine")
    assert (mix["parent_id"], tts["parent_id"]) == (whole.operation_id, part.operation_id)
    assert tts["operation_id"] == inner.operation_id
    assert "parent_id" not in record(capture, kind="job")[0]


def test_a_job_that_fails_tells_its_failing_stage_and_its_error(capture):
    capture.configure()
    with pytest.raises(RuntimeError), job("render", id="j-1"), stage("produce"):
        try:
            with engine("tts", inputs={"text": "hello"}):
                raise ValueError("no voice")
        except ValueError as error:
            raise RuntimeError("no sound") from error
    by_kind = {line["kind"]: line for line in record(capture, event="close")}
    assert {line["failed_in"] for line in by_kind.values()} == {"engine tts"}
    assert by_kind["engine"]["reason"] == "ValueError: no voice"
    assert (by_kind["job"]["status"], by_kind["job"]["reason"]) == ("failed", "RuntimeError: no sound")
    assert (by_kind["job"]["error_type"], by_kind["stage"]["error_type"]) == ("RuntimeError", "RuntimeError")
    errors = {line["error_id"] for line in read(capture.directory, "error")}
    assert {line["error_id"] for line in by_kind.values()} <= errors
    (failed,) = [line for line in capture.logs() if line["message"] == "job failed: render"]
    assert failed["extra"]["failed_in"] == "engine tts"


def test_an_error_that_was_handled_is_no_part_of_a_later_one(capture):
    capture.configure()
    with pytest.raises(KeyError), job("render"):
        with pytest.raises(ValueError, match="mix"), stage("mix"):
            raise ValueError("mix")
        with stage("encode"):
            raise KeyError("codec")
    (closed,) = record(capture, kind="job", event="close")
    assert closed["failed_in"] == "stage encode"


def test_a_dead_letter_ends_as_one_whether_or_not_an_exception_leaves(capture):
    capture.configure()
    with job("quiet") as work:
        work.dead_letter("three attempts")
    with pytest.raises(OSError, match="gone"), job("loud") as work:
        work.dead_letter("three attempts")
        raise OSError("gone")
    with pytest.raises(KeyboardInterrupt), job("stopped"):
        raise KeyboardInterrupt
    ended = {line["name"]: line for line in record(capture, event="close")}
    assert {name: line["status"] for name, line in ended.items()} == {
        "quiet": "dead_lettered",
        "loud": "dead_lettered",
        "stopped": "cancelled",
    }
    assert ended["quiet"]["reason"] == "three attempts"
    assert ended["loud"]["reason"] == "OSError: gone"


def test_attempts_are_counted_and_recovery_names_the_one_before(capture):
    capture.configure()
    with pytest.raises(OSError, match="gone"), job("render", id="j-1") as first:
        first.checkpoint(frame=45)
        raise OSError("gone")
    with job("render", id="j-1") as second:
        second.retry(OSError("gone"))
        second.recover("frame 45", "state loaded", of=first)
    (recovered,) = record(capture, event="recover")
    assert recovered["recovers"] == first.operation_id != recovered["operation_id"]
    assert recovered["data"] == {"recovery_point": "frame 45", "actions": ["state loaded"]}
    assert recovered["attempt"] == record(capture, operation_id=second.operation_id, event="close")[0]["attempt"] == 2
    (again,) = record(capture, event="retry")
    assert (again["reason"], again["error_type"]) == ("OSError: gone", "OSError")


def test_progress_is_recorded_once_a_second_and_its_last_state_at_the_end(capture):
    capture.configure()
    with job("count") as work:
        for number in range(50_000):
            work.progress(number, 50_000, step=f"step {number}")
        taken = time.monotonic()
    told = record(capture, event="progress")
    assert (told[0]["done"], told[0]["total"], told[0]["step"]) == (0, 50_000, "step 0")
    assert 1 <= len(told) <= 2 + taken - work._clock / 1e9
    (closed,) = record(capture, event="close")
    assert (closed["done"], closed["total"], closed["step"]) == (49_999, 50_000, "step 49999")


def test_what_waits_is_created_and_what_takes_its_place_has_an_id_of_its_own(capture):
    capture.configure()
    with job("outer") as outer:
        job("render", id="j-1", pages=3).create()
    with job("render", id="j-1", queued=True) as work:
        pass
    (created,) = record(capture, event="create")
    assert (created["key"], created["data"], created["parent_id"]) == ("j-1", {"pages": 3}, outer.operation_id)
    assert created["job_id"] == "j-1"
    assert created["operation_id"] != work.operation_id
    assert events(capture, operation_id=work.operation_id) == ["open", "close"]


def test_items_move_what_is_done_and_only_the_failed_are_told(capture):
    capture.configure()
    with batch("nightly", items=3) as work:
        for index in range(3):
            try:
                with work.item(index, job_id=f"j-{index}"):
                    if index == 1:
                        raise OSError("gone")
            except OSError:
                pass
    (failed,) = record(capture, event="item")
    assert failed["data"] == {"index": 1, "item_job_id": "j-1", "status": "failed"}
    assert (failed["reason"], failed["error_type"]) == ("OSError: gone", "OSError")
    (closed,) = record(capture, event="close")
    assert (closed["done"], closed["total"]) == (3, 3)
    assert closed["data"] == {"succeeded": 2, "failed": 1}


def test_items_that_end_in_many_threads_are_all_counted(capture):
    capture.configure()
    with batch("threads", items=2_000) as work, ThreadPoolExecutor(8) as pool:

        def one(index: int) -> None:
            with work.item(index):
                pass

        list(pool.map(one, range(2_000)))
    (closed,) = record(capture, event="close")
    assert closed["data"] == {"succeeded": 2_000}


def _square(number: int) -> int:
    if number % 100 == 99:
        msg = f"no {number}"
        raise ValueError(msg)
    with engine("square"):
        return number * number


def test_a_batch_of_a_thousand_items_over_a_pool_of_processes(capture):
    capture.configure()
    with batch("squares", items=1_000) as work, ProcessPoolExecutor(2) as pool:
        futures = [pool.submit(_square, number) for number in range(1_000)]
        for index, future in enumerate(futures):
            try:
                with work.item(index):
                    future.result()
            except ValueError:
                pass
    (closed,) = record(capture, kind="batch", event="close")
    assert closed["data"] == {"succeeded": 990, "failed": 10}
    assert [line["data"]["index"] for line in record(capture, event="item")] == list(range(99, 1_000, 100))
    done = record(capture, kind="engine")
    assert len(done) == 990
    assert {line["batch_id"] for line in done} == {work.id}
    assert os.getpid() not in {line["pid"] for line in done}


# -- other processes ---------------------------------------------------------------------------------------------------


def test_work_that_goes_on_in_another_process_is_one_operation(capture):
    program = """
        with plainview.resume(sys.argv[1]) as job:
            with plainview.stage("encode"):
                job.rows(4)
            job.set(pages=12)
    """
    capture.configure()
    with plainview.context(project_id="p-1"), job("render", id="j-1", quality="high") as work:
        work.rows(3)
        work.progress(1, 2)
        work.retry("busy")
        token = work.detach()
        assert "job_id" not in plainview.fields()
        work.progress(2, 2)  # it is in other hands
    assert token.replace("-", "").replace("_", "").isalnum()
    done = capture.program(program, token)
    assert done.returncode == 0, done.stderr
    assert events(capture, key="j-1") == ["open", "progress", "retry", "detach", "resume", "close"]
    whole = record(capture, key="j-1")
    assert {line["operation_id"] for line in whole} == {work.operation_id}
    assert {line["project_id"] for line in whole} == {"p-1"}
    assert len({line["trace_id"] for line in whole}) == len({line["start_time_unix_nano"] for line in whole}) == 1
    closed = whole[-1]
    assert (closed["status"], closed["rows"], closed["attempt"]) == ("completed", 7, 2)
    assert closed["pid"] != os.getpid()
    (encode,) = record(capture, kind="stage")
    assert encode["parent_id"] == work.operation_id
    assert len(capture.spans()) == 3


@pytest.mark.parametrize("token", ["", "x", "eyJhIjoxfQ", "é", None, 7, "A" * 100_000], ids=repr)
def test_a_token_that_is_none_is_told_of_and_the_work_is_done_all_the_same(capture, token):
    capture.configure()
    with plainview.resume(token) as work:
        done = True
    assert done
    assert (work.kind.name, work.name) == ("task", "resumed")
    assert runtime().recorder.spool.counters.internal_errors == 1


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=600))
def test_no_token_hurts(token):
    assert plainview.resume(token).name == "resumed"


def test_what_was_never_begun_or_is_over_has_nothing_to_hand_over(capture):
    capture.configure()
    work = job("render")
    assert not work.detach()
    with work:
        pass
    assert not work.detach()


def test_a_forked_child_does_not_end_what_its_parent_began(capture):
    capture.configure()
    with job("forked", id="j-1") as work:
        child = os.fork()
        if child == 0:
            with stage("in the child"):
                work.rows(1)
            work.finish(ValueError("not the child's to say"))
            os._exit(0 if "job_id" not in plainview.fields() else 1)
        assert os.waitpid(child, 0)[1] == 0
    assert events(capture, key="j-1") == ["open", "close"]
    assert record(capture, event="close", key="j-1")[0]["status"] == "completed"
    (inside,) = record(capture, kind="stage")
    assert inside["parent_id"] == work.operation_id
    assert inside["pid"] == child


#: What a job has come to → what is done for it, and what the record has of it if the process is killed then.
PHASES = {
    "waits": ("made.create()", ["create"]),
    "has begun": ("made.start()", ["open"]),
    "has come some way": ("made.start().progress(4, 10)", ["open", "progress"]),
    "has saved its state": ("made.start().checkpoint(frame=45)", ["open", "checkpoint"]),
    "is in a stage": ("made.start(), plainview.stage('mix').start()", ["open"]),
    "is being tried again": ("made.start().retry('busy')", ["open", "retry"]),
    "has recovered": ("made.start().recover('frame 45')", ["open", "recover"]),
    "is given up": ("made.start().dead_letter('three attempts')", ["open", "dead_letter"]),
    "is handed over": ("made.start().detach()", ["open", "detach"]),
    "is taken over": ("plainview.resume(made.start().detach()).start()", ["open", "detach", "resume"]),
    "fails": ("made.start().finish(ValueError('no'))", ["open", "close"]),
    "is done": ("made.start().finish()", ["open", "close"]),
}


def test_a_process_that_is_killed_leaves_all_that_was_told_by_then(capture):
    """Killed with a signal that nothing can catch, at each phase of a job."""
    program = """
        import json, signal
        for key, source in json.loads(sys.argv[1]).items():
            child = os.fork()
            if child == 0:
                made = plainview.job("render", id=key)
                exec(source)
                os.kill(os.getpid(), signal.SIGKILL)
            assert os.waitpid(child, 0)[1] == signal.SIGKILL
    """
    done = capture.program(program, json.dumps({key: source for key, (source, _) in PHASES.items()}))
    assert done.returncode == 0, done.stderr
    assert {key: events(capture, key=key) for key in PHASES} == {key: expected for key, (_, expected) in PHASES.items()}
    (progress,) = record(capture, event="progress")
    assert (progress["done"], progress["total"]) == (4, 10)


# -- faults ------------------------------------------------------------------------------------------------------------


def test_the_same_id_twice_at_once_is_two_operations(capture):
    capture.configure()
    barrier = threading.Barrier(2)

    def one() -> None:
        with job("render", id="j-1"):
            barrier.wait()

    threads = [threading.Thread(target=contextvars.copy_context().run, args=(one,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with job("render", id="j-1"):
        pass
    by_operation = {line["operation_id"] for line in record(capture, key="j-1")}
    assert len(by_operation) == 3
    assert all(events(capture, operation_id=one) == ["open", "close"] for one in by_operation)


def test_a_clock_that_is_set_back_changes_neither_order_nor_duration(capture, monkeypatch):
    capture.configure()
    now = time.time_ns()
    with job("render") as work:
        monkeypatch.setattr(time, "time_ns", lambda: now - 3_600_000_000_000)
        work.checkpoint(frame=1)
        work.checkpoint(frame=2)
    monkeypatch.undo()
    assert events(capture) == ["open", "checkpoint", "checkpoint", "close"]
    times = [line["timestamp"] for line in record(capture)]
    assert times == sorted(times)
    assert len(set(times)) == 4
    assert 0 < record(capture, event="close")[0]["duration_ms"] < 60_000


class Hostile:
    """Raises whatever is asked of it."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __format__ = __str__

    def __bool__(self) -> bool:
        raise RuntimeError("neither")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not comparable")

    __hash__ = None


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


ODD = [None, Hostile(), float("nan"), float("inf"), -1, 10**400, "\ud800", "x" * 300_000, b"\xff", {"a": Hostile()}]


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
def test_nothing_that_it_is_given_keeps_the_record_from_being_written(capture, value):
    capture.configure()
    with pytest.raises(UnspeakableError), job("odd", id="j-1", thing=value) as work:
        for call in (
            lambda: work.progress(value, value, value),
            lambda: work.progress(1, value),
            lambda: work.rows(value),
            lambda: work.checkpoint(state=value),
            lambda: work.retry(value, value),
            lambda: work.recover(value, value, of=value),
            lambda: work.lock(model=value),
            lambda: work.clean_up(files=value),
            lambda: work.set(thing=value),
        ):
            call()
        raise UnspeakableError
    found = events(capture, key="j-1")
    assert (found[0], found[-1]) == ("open", "close")
    assert {"checkpoint", "retry", "recover", "lock", "cleanup"} <= set(found)
    for path in (capture.directory / "spool").glob("[!.]*/operation*"):
        for line in path.read_bytes().rstrip(b"\0").splitlines():
            msgspec.json.decode(line, type=OperationRecord)
    assert runtime().recorder.spool.counters.internal_errors == 0


def test_an_end_that_goes_wrong_with_us_is_an_end_all_the_same(capture):
    class Counted(Operation):
        def _count(self, _told, _status) -> None:
            raise RuntimeError("no metrics")

    capture.configure()
    with Counted(kind_of("job"), "render", "j-1", {}):
        pass
    with pytest.raises(ValueError, match="mine"), Counted(kind_of("job"), "render", "j-2", {}):
        raise ValueError("mine")
    assert {line["key"]: line["status"] for line in record(capture, event="close")} == {
        "j-1": "completed",
        "j-2": "failed",
    }
    assert runtime().recorder.spool.counters.internal_errors == 2
    assert "job_id" not in plainview.fields()


def test_secrets_are_hidden_in_the_record(capture):
    capture.configure()
    with pytest.raises(ValueError, match="hunter2"), job("render", password="hunter2") as work:
        work.checkpoint(token="hunter2")
        raise ValueError("password=hunter2")
    assert "hunter2" not in json.dumps(record(capture))


def test_a_line_that_is_too_long_loses_what_is_long_and_keeps_what_it_is(capture):
    capture.configure(max_line=2048)
    with job("render", id="j-1", **{f"field_{number}": "x" * 190 for number in range(50)}):
        pass
    opened, closed = record(capture)
    assert opened["data"]["line_too_long"].endswith("data left out")
    assert (opened["event"], opened["key"], closed["status"]) == ("open", "j-1", "completed")


def test_with_capture_off_nothing_is_recorded(capture):
    capture.configure(enabled=False)
    with job("render") as work:
        work.progress(1, 2)
    assert record(capture) == []


def test_a_task_that_is_cancelled_and_a_generator_that_is_closed_are_so_in_the_record(capture):
    capture.configure()

    async def work() -> None:
        async with job("waits"):
            await asyncio.sleep(60)

    async def main() -> None:
        running = asyncio.create_task(work())
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    @job("yields")
    def steps():
        yield 1
        yield 2

    asyncio.run(main())
    generator = steps()
    next(generator)
    generator.close()
    assert {line["name"]: line["status"] for line in record(capture, event="close")} == {
        "waits": "cancelled",
        "yields": "cancelled",
    }


def test_many_operations_may_be_open_at_once(capture):
    """Memory is bounded: less than four kilobytes each, record, span and all."""
    program = """
        import contextvars, gc
        from plainview.capture.operations.usage import resident_bytes
        plainview.operation("warm", "up").start().finish()
        gc.collect()
        before = resident_bytes()
        opened = [
            contextvars.Context().run(plainview.operation("import", "csv", id=str(number)).start)
            for number in range(5_000)
        ]
        print((resident_bytes() - before) / len(opened))
        for one in opened:
            one.finish()
    """
    done = capture.program(program)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 4096
    assert len(record(capture, event="close", name="csv")) == 5_000
