"""Increases of many processes become one history, and nothing is lost or counted twice on the way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from metric_lines import PAST, STEP, line, one, series

from plainview.ingest import pipeline as pipelines, spool
from plainview.records import MetricPoint
from plainview.store.interface import StoreFull
from plainview.store.samples import STALE


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(spool, "_NEWBORN", 0.0)
    monkeypatch.setattr(spool, "_LOOK", 0.0)
    monkeypatch.setattr(spool, "_LOOK_STREAM", 0.0)


def write(stream, *lines: bytes) -> None:
    stream.write(*lines, kind="metric")


def test_increases_of_several_processes_are_one_total_at_the_ticks_of_their_lines(desk):
    first, second = desk.stream(), desk.stream()
    write(first, line(PAST + 1000, "books_total", 2, labels={"kind": "novel"}))
    write(second, line(PAST + 2000, "books_total", 3, labels={"kind": "novel"}))
    write(first, line(PAST + STEP + 1000, "books_total", 5, labels={"kind": "novel"}))
    desk.ingest()
    (found,) = series(desk.store, "books_total")
    assert found.labels == {"__name__": "books_total", "kind": "novel", "job": "studio", "instance": "box"}
    total = one(desk.store, "books_total")
    assert [total[tick] for tick in (1, 2, 3)] == [5, 10, 10]


def test_a_series_that_does_not_change_has_a_sample_at_every_tick_while_its_process_tells_of_itself(desk):
    stream = desk.stream()
    write(stream, line(PAST + 1, "books_total", 2))
    for tick in range(1, 40):
        write(stream, line(PAST + tick * STEP + 1, "other_total", 1))
    desk.ingest()
    total = one(desk.store, "books_total")
    assert [total[tick] for tick in range(1, 40)] == [2] * 39


def test_labels_of_the_users_own_that_have_our_names_are_kept_under_others(desk):
    labels = {"job": "nightly", "instance": "seven", "environment": "blue"}
    write(desk.stream(), line(PAST, "books_total", labels=labels, environment="production"))
    desk.ingest()
    (found,) = series(desk.store, "books_total")
    assert found.labels == {
        "__name__": "books_total",
        "job": "studio",
        "instance": "box",
        "environment": "production",
        "exported_job": "nightly",
        "exported_instance": "seven",
        "exported_environment": "blue",
    }


@pytest.mark.parametrize(("aggregation", "expected"), [("sum", 10), ("max", 7), ("min", 3), ("mean", 5), ("last", 3)])
def test_gauges_of_several_processes_are_aggregated_as_their_metric_says(desk, aggregation, expected):
    for offset, value in ((1, 7), (2, 3)):
        write(desk.stream(), line(PAST + offset, "jobs", value, "gauge", aggregation=aggregation))
    desk.ingest()
    assert one(desk.store, "jobs")[1] == expected


def test_the_gauge_of_a_process_that_is_gone_is_gone_and_its_counter_stays_for_five_minutes(desk):
    dead, living = desk.stream(), desk.stream()
    write(dead, line(PAST + 1, "jobs", 4, "gauge"), line(PAST + 1, "lone", 4, "gauge"), line(PAST + 1, "done_total", 4))
    for tick in range(40):
        write(living, line(PAST + tick * STEP + 1, "jobs", 1, "gauge"))
    dead.die()
    desk.ingest()
    jobs = one(desk.store, "jobs")
    assert [jobs[1], jobs[2], jobs[39]] == [5, 1, 1]
    assert math.isnan(one(desk.store, "lone")[2])
    (done,) = series(desk.store, "done_total")
    ended = done.values.view(np.int64) == STALE
    assert ended.sum() == 1
    assert ended[-1]
    assert (done.times[-1] - PAST) // STEP == 22
    assert set(done.values[:-1]) == {4.0}


def test_a_series_that_is_removed_ends(desk):
    stream = desk.stream()
    write(stream, line(PAST + 1, "room", 20, "gauge"))
    write(stream, line(PAST + STEP + 1, "room", 20, "gauge", removed=True))
    desk.ingest()
    room = one(desk.store, "room")
    assert room[1] == 20
    assert math.isnan(room[2])
    assert max(room) == 2


def test_a_process_that_is_silent_for_long_is_taken_for_gone(desk):
    write(desk.stream(), line(PAST + 1, "jobs", 4, "gauge"))
    desk.ingest()
    jobs = one(desk.store, "jobs")
    assert [jobs[tick] for tick in range(1, 12)] == [4] * 11
    assert math.isnan(jobs[12])
    assert max(jobs) == 12


def test_late_lines_count_at_the_next_tick(desk):
    first, second = desk.stream(), desk.stream()
    write(first, line(PAST + 1, "books_total", 2), line(PAST + STEP + 1, "books_total", 2))
    desk.ingest()
    after = max(one(desk.store, "books_total"))
    write(second, line(PAST + 1, "books_total", 100))
    desk.ingest()
    total = one(desk.store, "books_total")
    assert total[2] == 4
    late = [tick for tick, value in total.items() if value == 104]
    assert not late or min(late) > after  # or its tick is not over yet
    assert desk.pipeline().fold.closed == 0


def test_lines_of_a_stream_whose_clock_went_back_keep_their_order(desk):
    stream = desk.stream()
    write(stream, line(PAST + 5 * STEP, "temperature", 1, "gauge"), line(PAST, "temperature", 2, "gauge"))
    desk.ingest()
    assert one(desk.store, "temperature")[5] == 2


def test_a_histogram_is_its_classic_series_and_a_native_histogram(desk):
    stream = desk.stream()
    point = MetricPoint(sum=1.5, buckets=[1, 2, 1], zero=1, positive=[(-3, 2), (5, 1)], negative=[])
    exemplar = MetricPoint(
        sum=0.2, buckets=[0, 1, 0], positive=[(-3, 1)], exemplars=[(0.2, PAST / 1000, "ab" * 16, "")]
    )
    fields = {"kind": "histogram", "bounds": [0.1, 0.5], "scale": 6, "unit": "seconds", "description": "How long"}
    write(stream, line(PAST + 1, "wait_seconds", points=[point], **fields))
    write(stream, line(PAST + STEP + 1, "wait_seconds", points=[exemplar], **fields))
    desk.ingest()
    assert one(desk.store, "wait_seconds_bucket", le="0.1")[2] == 1
    assert one(desk.store, "wait_seconds_bucket", le="0.5")[2] == 4
    assert one(desk.store, "wait_seconds_bucket", le="+Inf")[2] == 5
    assert one(desk.store, "wait_seconds_sum")[2] == pytest.approx(1.7)
    assert one(desk.store, "wait_seconds_count")[2] == 5
    (native,) = series(desk.store, "wait_seconds")
    assert native.histograms is not None
    assert native.histograms.schema == 6
    assert native.histograms.positive.tolist() == [-2, 6]
    assert native.histograms.data[1].tolist() == [5, pytest.approx(1.7), 1, 3, 1]
    rows = desk.store.query("SELECT value, labels FROM metric_exemplars").rows
    assert rows == [(0.2, '{"trace_id":"' + "ab" * 16 + '"}')]


def test_a_server_that_starts_again_goes_on_from_the_totals(desk):
    stream = desk.stream()
    fields = {"kind": "histogram", "bounds": [1.0], "scale": 6}
    first = MetricPoint(sum=1.5, buckets=[1, 1], positive=[(3, 2)])
    write(stream, line(PAST + 1, "books_total", 2), line(PAST + 1, "wait", points=[first], **fields))
    write(stream, line(PAST + 1, "quiet_total", 7), line(PAST + 1, "room", 20, "gauge"))
    desk.ingest()
    stored = max(one(desk.store, "quiet_total"))
    desk.reopen()
    later = PAST + (stored + 1) * STEP
    write(stream, line(later, "books_total", 3), line(later, "wait", points=[first], **fields))
    desk.ingest()
    total = one(desk.store, "books_total")
    assert total[stored + 1] == 5
    (native,) = series(desk.store, "wait")
    again = native.times.tolist().index(PAST + (stored + 1) * STEP)
    assert native.histograms.data[again].tolist() == [4, 3.0, 0, 4]
    assert one(desk.store, "wait_bucket", le="+Inf")[stored + 1] == 4


@pytest.mark.parametrize(
    "bad",
    [
        b'{"timestamp":"2026-11-20T12:00:00Z","points":[{"value":"much"}]}',
        b'{"timestamp":"yesterday","name":"x","points":[]}',
        b'{"timestamp":"2026-11-20T12:00:00Z","kind":"samples","series":[{"labels":{},"times":"AAAA","values":""}]}',
        b'{"timestamp":"2026-11-20T12:00:00Z","name":"x\xff"}',
        b"[" * 5000,
        b"no JSON",
    ],
)
def test_lines_that_are_no_metrics_go_aside_and_the_others_count(desk, bad):
    stream = desk.stream()
    write(stream, line(PAST, "books_total", 2), bad, line(PAST, "books_total", 3))
    desk.ingest()
    assert one(desk.store, "books_total")[1 if PAST % STEP else 0] == 5
    (kept,) = desk.aside()
    assert kept["kind"] == "metric"


@pytest.mark.parametrize("value", ['a "quoted" one', "two\nlines", "\0", "x" * 1_000_000, "😀 ü", "a{b}=,"])
def test_hostile_values_of_labels_are_values(desk, value):
    write(desk.stream(size=4 << 20), line(PAST, "books_total", 2, labels={"kind": value}))
    desk.ingest()
    (found,) = series(desk.store, "books_total")
    kept = found.labels["kind"]
    assert kept == value or (len(value) > 100_000 and len(kept) == 16_384 and kept.endswith("…"))


def test_a_clock_that_was_set_back_loses_nothing_and_no_sample_goes_back(desk):
    stream = desk.stream()
    write(stream, line(PAST + 1, "books_total", 2))
    pipeline = desk.pipeline()
    fold, follower = pipeline.fold, pipeline._follower

    def tick(now: int) -> None:
        for piece in follower.poll(1 << 20):
            if piece.kind == "metric":
                fold.add(piece, now)
        for batch in fold.due(now, caught_up=True):
            desk.store.write(batch)

    tick(PAST + STEP + 5000)
    assert one(desk.store, "books_total") == {1: 2.0}
    before = PAST - 7_200_000
    write(stream, line(before, "books_total", 3))
    tick(before + 1000)
    tick(before + 2000)  # so soon, there is no second one
    (found,) = series(desk.store, "books_total")
    assert found.times.tolist() == [PAST + STEP, PAST + STEP + 1000]
    assert found.values.tolist() == [2, 5]
    tick(PAST + 2 * STEP + 5000)
    assert one(desk.store, "books_total")[2] == 5


def test_lines_wait_while_the_disk_is_full_and_count_once(desk, monkeypatch):
    monkeypatch.setattr(pipelines, "_RETRY", 0.05)
    stream, refuse = desk.stream(), 5
    whole = desk.store.write

    def full(batch):
        nonlocal refuse
        if refuse and any(rows.table == "metric_samples" for rows in batch.rows):
            refuse -= 1
            raise StoreFull("no room")
        whole(batch)

    monkeypatch.setattr(desk.store, "write", full)
    write(stream, line(PAST + 1, "books_total", 2))
    desk.ingest()
    assert refuse == 0
    assert one(desk.store, "books_total")[1] == 2
