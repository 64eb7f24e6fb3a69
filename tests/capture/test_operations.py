"""Jobs, stages, engines, batches: what each tells, and what it never does to the work inside."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest
from captured import read

import plainview
from plainview.capture.operations.operation import batch, engine, job, operation, stage
from plainview.capture.operations.summary import summary


def told(capture, logger: str) -> list[tuple[str, str]]:
    """Level and message of the lines of a logger."""
    return [(line["level"], line["message"]) for line in capture.logs() if line["logger"] == logger]


def line(capture, message: str) -> dict:
    (found,) = [line for line in capture.logs() if line["message"] == message]
    return found


def series(name: str) -> dict[tuple[str, ...], float]:
    """Values of a metric of this process, by their labels."""
    from plainview.capture.metrics.families import metric

    return {key: found.value for key, found in metric(name)._series.items()}


def test_a_job_tells_its_life_and_its_id_is_on_all_that_happens_inside(capture):
    capture.configure(level="DEBUG")
    with job("render", id="j-7", configuration={"quality": "high"}) as work:
        plainview.get_logger("studio").info("inside")
        work.checkpoint(frame=45)
        work.set(pages=12)
    assert told(capture, "plainview.job") == [
        ("INFO", "job created: render"),
        ("DEBUG", "job checkpoint saved: render"),
        ("INFO", "job completed: render"),
    ]
    assert {record["job_id"] for record in capture.logs()} == {"j-7"}
    assert line(capture, "job created: render")["extra"] == {
        "job_type": "render",
        "configuration": {"quality": "high"},
    }
    done = line(capture, "job completed: render")
    assert done["extra"]["pages"] == 12
    assert done["duration_ms"] > 0
    (span,) = capture.spans()
    assert (span["name"], span["job_id"]) == ("job render", "j-7")
    assert {record["span_id"] for record in capture.logs()} == {span["span_id"]}


def test_a_job_without_an_id_gets_one_and_the_one_around_it_comes_back(capture):
    capture.configure()
    with plainview.context(job_id="outer"):
        with job("render") as work:
            assert plainview.fields()["job_id"] == work.id != "outer"
        assert plainview.fields() == {"job_id": "outer"}


def test_a_job_that_waits_in_a_queue_is_created_here_and_started_there(capture):
    capture.configure()
    before = series("jobs_created_total").get(("queued",), 0)
    job("queued", id="j-5", configuration={"pages": 3}).create()
    assert "job_id" not in plainview.fields()
    with job("queued", id="j-5", queued=True, attempt=1):
        pass
    assert [message for _, message in told(capture, "plainview.job")] == [
        "job created: queued",
        "job started: queued",
        "job completed: queued",
    ]
    assert {record["job_id"] for record in capture.logs()} == {"j-5"}
    assert series("jobs_created_total")["queued",] - before == 1


def test_a_failed_job_tells_its_stage_and_the_error_once(capture):
    capture.configure()
    with pytest.raises(ValueError, match="no audio"), job("render", id="j-1"), stage("mix", inputs=["a.wav"]):
        raise ValueError("no audio")
    failed = line(capture, "job failed: render")
    assert failed["level"] == "ERROR"
    assert failed["exception"]["type"] == "ValueError"
    assert line(capture, "job stage failed: mix")["extra"]["error"] == "ValueError"
    assert line(capture, "job stage failed: mix")["extra"]["inputs"] == ["a.wav"]
    (error,) = read(capture.directory, "error")
    assert error["error_id"] == failed["exception"]["error_id"]
    assert error["job_id"] == "j-1"
    assert {span["status"] for span in capture.spans()} == {"ERROR"}


def test_retries_recovery_dead_letters_and_clean_up(capture):
    capture.configure()
    with job("publish", id="j-2") as work:
        work.retry(TimeoutError("slow"))
        work.retry("quota")
        work.recover("frame 45", "state loaded", "lock taken")
        work.dead_letter("three attempts")
        work.clean_up(files=3)
    assert told(capture, "plainview.job")[1:-1] == [
        ("WARNING", "job retrying: publish"),
        ("WARNING", "job retrying: publish"),
        ("INFO", "job recovered: publish"),
        ("ERROR", "job dead-lettered: publish"),
        ("INFO", "job cleaned up: publish"),
    ]
    retries = [record["extra"] for record in capture.logs() if record["message"] == "job retrying: publish"]
    assert [(one["attempt"], one["reason"]) for one in retries] == [(2, "TimeoutError: slow"), (3, "quota")]
    assert line(capture, "job recovered: publish")["extra"]["actions"] == ["state loaded", "lock taken"]
    assert line(capture, "job failed: publish")["extra"]["attempts"] == 3


def test_an_engine_tells_progress_inputs_and_outputs(capture):
    capture.configure(level="DEBUG")
    with engine("tts", inputs={"text": "x" * 1000}) as work:
        work.progress(45, 120, step="frames")
        work.progress(60.0)
        work.set(seconds=3.5)
    steps = [record["extra"] for record in capture.logs() if record["message"] == "engine progress: tts"]
    assert [step["percent"] for step in steps] == [37.5, 60.0]
    assert steps[0]["step"] == "frames"
    inputs = line(capture, "engine started: tts")["extra"]["inputs"]
    assert inputs["text"].endswith("(1000 characters)")
    assert line(capture, "engine completed: tts")["extra"]["seconds"] == 3.5


def test_a_batch_counts_its_items(capture):
    capture.configure(level="DEBUG")
    with batch("nightly", id="b-1", items=3) as work:
        work.lock(model="v2")
        for index in range(3):
            try:
                with work.item(index, job_id=f"j-{index}"):
                    if index == 1:
                        raise OSError("gone")
            except OSError:
                pass
    assert line(capture, "batch locked: nightly")["extra"]["configuration"] == {"model": "v2"}
    done = line(capture, "batch completed: nightly")["extra"]
    assert (done["succeeded"], done["failed"]) == (2, 1)
    assert line(capture, "batch item failed: nightly")["extra"]["reason"] == "OSError: gone"
    assert [message for _, message in told(capture, "plainview.batch")].count("batch item started: nightly") == 3
    assert {record["batch_id"] for record in capture.logs()} == {"b-1"}


def test_operations_feed_the_metrics_of_their_kind(capture):
    capture.configure()
    before = {name: series(name) for name in ("jobs_created_total", "jobs_completed_total", "engine_retries_total")}

    def grown(name, *labels):
        return series(name).get(labels, 0) - before[name].get(labels, 0)

    with job("measured"):
        assert series("jobs_in_progress")["measured",] == 1
        with stage("mix"), engine("voice") as work:
            work.retry("busy")
    with pytest.raises(KeyError), job("measured"):
        raise KeyError("x")
    assert grown("jobs_created_total", "measured") == 2
    assert grown("jobs_completed_total", "measured", "completed") == 1
    assert grown("jobs_completed_total", "measured", "failed") == 1
    assert grown("engine_retries_total", "voice") == 1
    assert series("jobs_in_progress")["measured",] == 0
    from plainview.capture.metrics.families import metric

    assert ("measured", "mix") in metric("job_stage_duration_seconds")._series


def test_a_cancelled_task_is_no_failure(capture):
    capture.configure()

    async def work():
        async with job("wait"):
            await asyncio.sleep(60)

    async def main():
        task = asyncio.create_task(work())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert told(capture, "plainview.job")[-1] == ("WARNING", "job cancelled: wait")
    assert read(capture.directory, "error") == []


@pytest.mark.parametrize("kind", ["plain", "async", "generator"])
def test_a_decorated_function_is_an_operation_each_time_it_is_called(capture, kind):
    capture.configure()

    @job("decorated")
    def plain():
        return plainview.fields()["job_id"]

    @job("decorated")
    async def asynchronous():
        return plainview.fields()["job_id"]

    @job("decorated")
    def generator():
        yield 1
        yield 2

    if kind == "plain":
        assert plain() != plain()
    elif kind == "async":
        assert asyncio.run(asynchronous()) != asyncio.run(asynchronous())
    else:
        for _ in generator():
            assert "job_id" not in plainview.fields()
        list(generator())
    assert [message for _, message in told(capture, "plainview.job")] == [
        "job created: decorated",
        "job completed: decorated",
    ] * 2


def test_work_that_ends_elsewhere_is_started_and_finished_by_hand(capture):
    capture.configure()
    # In a context of its own: where it began it stays current, for it ends elsewhere.
    work = contextvars.copy_context().run(job("handed over", id="j-9").start)
    thread = threading.Thread(target=work.finish)
    thread.start()
    thread.join()
    work.finish(ValueError("a second end does nothing"))
    assert told(capture, "plainview.job") == [
        ("INFO", "job created: handed over"),
        ("INFO", "job completed: handed over"),
    ]


def test_a_kind_of_the_applications_own_is_quiet_until_it_fails(capture):
    capture.configure()
    with operation("import", "csv", rows=3):
        pass
    with pytest.raises(ValueError, match="no"), operation("import", "csv"):
        raise ValueError("no")
    assert told(capture, "plainview.import") == [("WARNING", "import failed: csv")]
    assert [span["name"] for span in capture.spans()] == ["import csv"] * 2


class Hostile:
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


class Table:
    @property
    def shape(self):
        return 3, 4


@pytest.mark.parametrize(
    ("value", "short"),
    [
        (None, None),
        (1.5, 1.5),
        ("x" * 201, "x" * 200 + "… (201 characters)"),
        (b"12345", "bytes of 5 bytes"),
        (list(range(12)), [*range(10), "… 2 more"]),
        ({"a": {"b": {"c": {"d": 1}}}}, {"a": {"b": {"c": "dict of 1"}}}),
        (Table(), "Table of 3x4"),
        (Hostile(), "Hostile"),
    ],
    ids=["none", "number", "text", "bytes", "list", "mapping", "table", "hostile"],
)
def test_a_summary_is_short_and_calls_nothing_of_the_applications(value, short):
    assert summary(value) == short


def test_nothing_hostile_reaches_the_work(capture):
    capture.configure(level="DEBUG")
    with job("odd", id=7, thing=Hostile()) as work:
        work.progress("half", Hostile())  # no numbers at all
        work.retry(Hostile())
        work.set(thing=Hostile())
        work.checkpoint(state=Hostile())
    assert work.id == "7"
    assert told(capture, "plainview.job")[-1] == ("INFO", "job completed: odd")
