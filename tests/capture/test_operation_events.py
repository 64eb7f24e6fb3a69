"""What is told of engines, jobs and batches: each event, its level, and what it has to say; and the metrics."""

from __future__ import annotations

from contextlib import suppress

import pytest

import plainview
from plainview.capture.metrics.families import metric
from plainview.capture.operations.operation import batch, engine, job, stage


def _studio() -> None:
    """A job of stages and engines that goes well, one that fails, one that recovers; a batch."""
    with job("render", id="j-1", configuration={"quality": "high"}) as whole:
        with stage("produce", inputs=["a.wav"]), engine("tts", inputs={"text": "hello"}) as work:
            work.progress(45, 120, step="frames")
            work.retry(TimeoutError("slow"))
            work.set(output={"seconds": 3.5})
        whole.checkpoint(frame=45)
        whole.set(output={"pages": 12})
    with suppress(ValueError), job("render", id="j-2"), stage("mix"), engine("mixer", inputs={"tracks": 0}) as work:
        work.set(state={"loaded": True})
        raise ValueError("no audio")
    job("render", id="j-3", configuration={"quality": "low"}).create()
    with job("render", id="j-3", queued=True) as whole:
        whole.recover("frame 45", "state loaded")
        whole.dead_letter("three attempts")
        whole.clean_up(files=3)
    with batch("nightly", id="b-1", items=2) as several:
        several.lock(model="v2")
        for index in range(2):
            with suppress(OSError), several.item(index, job_id=f"j-{index}"):
                if index:
                    raise OSError("gone")


#: Event → its level, and fields that it comes with; with a value: that value.
EVENTS = {
    # engines
    "engine started: tts": ("INFO", {"engine": "tts", "job_id": "j-1", "inputs": {"text": "hello"}}),
    "engine progress: tts": ("DEBUG", {"percent": 37.5, "step": "frames", "done": 45, "total": 120}),
    "engine completed: tts": ("INFO", {"duration_ms": None, "output": {"seconds": 3.5}}),
    "engine failed: mixer": (
        "ERROR",
        {"exception": None, "inputs": {"tracks": 0}, "state": {"loaded": True}, "reason": "ValueError: no audio"},
    ),
    "engine retrying: tts": ("WARNING", {"attempt": 2, "reason": "TimeoutError: slow"}),
    # jobs
    "job created: render": ("INFO", {"job_id": "j-1", "job_type": "render", "configuration": {"quality": "high"}}),
    "job started: render": ("INFO", {"job_id": "j-3"}),
    "job stage started: produce": ("INFO", {"stage": "produce", "inputs": ["a.wav"]}),
    "job stage completed: produce": ("INFO", {"stage": "produce", "duration_ms": None}),
    "job checkpoint saved: render": ("DEBUG", {"frame": 45}),
    "job completed: render": ("INFO", {"duration_ms": None, "output": {"pages": 12}}),
    "job failed: render": (
        "ERROR",
        {"stage": "mix", "failed_in": "engine mixer", "error": "ValueError", "exception": None},
    ),
    "job recovered: render": ("INFO", {"recovery_point": "frame 45", "actions": ["state loaded"]}),
    "job dead-lettered: render": ("ERROR", {"reason": "three attempts"}),
    "job cleaned up: render": ("INFO", {"files": 3}),
    # batches
    "batch created: nightly": ("INFO", {"batch_id": "b-1", "items": 2}),
    "batch locked: nightly": ("INFO", {"configuration": {"model": "v2"}}),
    "batch item started: nightly": ("DEBUG", {"index": 0, "item_job_id": "j-0"}),
    "batch item completed: nightly": ("DEBUG", {"index": 0, "status": "completed"}),
    "batch item failed: nightly": ("WARNING", {"index": 1, "status": "failed", "reason": "OSError: gone"}),
    "batch completed: nightly": ("INFO", {"succeeded": 1, "failed": 1, "duration_ms": None}),
}


@pytest.fixture(scope="module")
def lines(tmp_path_factory) -> dict[str, dict]:
    """The first line with each message."""
    from captured import Capture

    capture = Capture(tmp_path_factory.mktemp("studio") / "data")
    capture.configure(level="DEBUG")
    try:
        _studio()
        return {line["message"]: line for line in reversed(capture.logs())}
    finally:
        plainview.shutdown()


@pytest.mark.parametrize("message", EVENTS)
def test_each_event_is_told_at_its_level_with_all_that_it_has_to_say(lines, message):
    level, fields = EVENTS[message]
    line = lines[message]
    known = {**line, **line["extra"]}
    assert line["level"] == level
    for name, value in fields.items():
        assert name in known
        assert value is None or known[name] == value


#: Metric → labels of a series that the work above has fed.
METRICS = {
    "jobs_created_total": ("render",),
    "jobs_completed_total": ("render", "completed"),
    "jobs_in_progress": ("render",),
    "job_duration_seconds": ("render",),
    "job_stage_duration_seconds": ("render", "produce"),
    "engine_executions_total": ("tts", "completed"),
    "engine_duration_seconds": ("tts",),
    "engine_retries_total": ("tts",),
    "batches_created_total": (),
    "batches_completed_total": ("completed",),
    "batch_items_processed_total": ("failed",),
    "batch_duration_seconds": (),
}


@pytest.mark.parametrize("name", METRICS)
def test_each_metric_is_fed_under_its_labels(lines, name):
    assert METRICS[name] in metric(name)._series


def test_failures_and_dead_letters_are_counted_as_such(lines):
    series = metric("jobs_completed_total")._series
    assert all(series["render", status].value >= 1 for status in ("completed", "failed", "dead_lettered"))
    assert metric("engine_executions_total")._series["mixer", "failed"].value >= 1
