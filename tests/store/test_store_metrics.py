"""Samples of metrics: every bit is kept, and fewer of them when they are old."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from store_records import NOON

from plainview.query.metrics.source import EVER, StoredMetrics
from plainview.query.promql.series import Matcher
from plainview.query.reader import Reader
from plainview.store.duckdb import sealing
from plainview.store.interface import Batch
from plainview.store.samples import (
    STALE,
    NativeHistogram,
    SeriesRow,
    of_histograms,
    of_samples,
    of_series,
    stale_marker,
)

DAY = 86_400_000
MIDNIGHT = int(NOON.timestamp() * 1000) // DAY * DAY


@pytest.fixture(autouse=True)
def _little(monkeypatch):
    monkeypatch.setattr(sealing, "LEAST_ROWS", 10)


def at(monkeypatch, days: float) -> None:
    moment = NOON.replace(tzinfo=None) + timedelta(days=days)
    monkeypatch.setattr(sealing, "now", lambda: moment)
    monkeypatch.setattr("plainview.store.duckdb.engine.now", lambda: moment)


def fill(store, times, values, name="books_total", number=7):
    rows = SeriesRow(number, name, {"kind": "novel"}, name, "counter")
    store.write(Batch([of_series([rows], int(times[0])), of_samples([number] * len(times), times, values)]))


def read(store, name="books_total"):
    (found,) = StoredMetrics(Reader(store)).select([Matcher("__name__", "=", name)], 0, EVER)
    return found


@pytest.mark.parametrize("sealed", [False, True])
def test_every_bit_of_a_sample_is_kept(opened, monkeypatch, sealed):
    values = [0.1, -0.0, math.inf, -math.inf, math.nan, stale_marker(), 5e-324, 2.0**53 + 2, *range(8)]
    store = opened()
    fill(store, [MIDNIGHT + n for n in range(16)], values)
    if sealed:
        at(monkeypatch, 2)
        assert store.seal() == 16
    found = read(store)
    assert found.times.tolist() == [MIDNIGHT + n for n in range(16)]
    assert found.values.view(np.int64)[5] == STALE
    assert math.isnan(found.values[4])
    assert found.values.view(np.int64)[4] != STALE
    keep = [n for n in range(16) if n not in (4, 5)]
    assert found.values[keep].view(np.int64).tolist() == np.array(values, float)[keep].view(np.int64).tolist()


def test_a_sample_that_is_there_twice_is_read_once_and_late_ones_in_their_place(opened, monkeypatch):
    store = opened()
    fill(store, [MIDNIGHT + n * 1000 for n in range(0, 40, 2)], [float(n) for n in range(0, 40, 2)])
    at(monkeypatch, 2)
    assert store.seal() == 20
    fill(store, [MIDNIGHT + 2000, MIDNIGHT + 3000], [2.0, 3.0])
    found = read(store)
    assert found.values.tolist() == [0, 2, 3, *range(4, 40, 2)]


def test_old_samples_are_thinned_out_step_by_step(opened, monkeypatch):
    store = opened()
    times = [MIDNIGHT + n * 15_000 for n in range(1, 241)]
    fill(store, times, [float(n) for n in range(1, 240)] + [stale_marker()])
    at(monkeypatch, 2)
    store.seal()
    assert len(read(store).times) == 240
    for days, step, left in ((8, 60_000, 60), (8, 60_000, 60), (61, 300_000, 12)):
        at(monkeypatch, days)
        store.seal()
        found = read(store)
        assert found.times.tolist() == list(range(MIDNIGHT + step, MIDNIGHT + 3_600_001, step))
        assert len(found.times) == left
        assert found.values.view(np.int64)[-1] == STALE
        assert found.values[:-1].tolist() == [(moment - MIDNIGHT) / 15_000 for moment in found.times[:-1].tolist()]
    assert len(list((store.directory / "sealed/metric_samples").iterdir())) == 1
    store.close()
    assert len(read(opened()).times) == 12


def test_metrics_have_a_retention_of_their_own(opened, monkeypatch):
    store = opened()
    fill(store, [MIDNIGHT], [1.0])
    at(monkeypatch, 40)
    store.retention(30, 90)
    assert read(store).values.tolist() == [1]
    store.retention(None, None)
    assert read(store).values.tolist() == [1]
    at(monkeypatch, 95)
    assert store.retention(30, 90) == 2
    assert StoredMetrics(Reader(store)).select([Matcher("__name__", "=", "books_total")], 0, EVER) == []


@settings(max_examples=10, deadline=None)
@given(
    buckets=st.dictionaries(st.integers(-1000, 1000), st.floats(0, 1e12), max_size=20),
    scale=st.integers(-4, 8),
    total=st.floats(),
)
def test_native_histograms_come_back_as_they_were(tmp_path_factory, buckets, scale, total):
    import plainview.store

    store = plainview.store.open(tmp_path_factory.mktemp("store"))
    try:
        rows = SeriesRow(7, "wait", {}, "wait", "histogram")
        given_ = NativeHistogram(3.0, total, scale, 1.0, 0.5, buckets, {2: 1.0})
        store.write(Batch([of_series([rows], MIDNIGHT), of_histograms([7], [MIDNIGHT], [given_])]))
        native = read(store, "wait").histograms
    finally:
        store.close()
    assert (native.schema, native.threshold) == (scale, 0.5)
    assert dict(zip(native.positive.tolist(), native.data[0, 4:].tolist(), strict=True)) == buckets
    assert native.data[0, 0] == 3
    assert native.data[0, 1] == total or math.isnan(total)
    assert native.negative.tolist() == [2]
