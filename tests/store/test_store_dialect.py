"""The pieces of SQL that differ from engine to engine, against what Python makes of the same."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st
from store_records import log, one, write

import plainview.store

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), st.integers(-(2**53), 2**53))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = plainview.store.open(tmp_path_factory.mktemp("store"))
    yield store
    store.close()


@given(st.lists(KEYS, min_size=1, max_size=3), VALUES)
@settings(deadline=None, max_examples=60)
def test_an_attribute_is_found_whatever_its_name(store, path, value):
    content = value
    for key in reversed(path):
        content = {key: content, key + "other": 1}
    write(store, [log(1, extra=content)])
    latest = f"FROM logs WHERE id = {store.last_id('logs')}"
    dialect = store.dialect
    assert one(store, f"SELECT {dialect.attribute('extra', path)} {latest}") == str(value)
    assert one(store, f"SELECT {dialect.attribute('extra', [*path, 'deeper'])} {latest}") is None
    assert set(one(store, f"SELECT {dialect.attribute_keys('extra')} {latest}")) == {path[0], path[0] + "other"}
    number = one(store, f"SELECT {dialect.attribute_number('extra', path)} {latest}")
    if isinstance(value, int):
        assert number == value


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1)),  # noqa: DTZ001 - naive UTC, as the store keeps it
    st.integers(1, 10**9),
    st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1)),  # noqa: DTZ001 - naive, as the store has it
)
@settings(deadline=None, max_examples=60)
def test_a_bucket_is_counted_from_its_origin(store, moment, width_ms, origin):
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - naive, as the store has it
    origin_us = (origin - epoch) // timedelta(microseconds=1)
    sql = store.dialect.time_bucket("CAST(? AS TIMESTAMP)", width_ms, origin_us)
    expected = ((moment - epoch) // timedelta(microseconds=1) - origin_us) // (width_ms * 1000)
    assert one(store, f"SELECT {sql}", moment) == expected
    assert one(store, f"SELECT {store.dialect.epoch_us('CAST(? AS TIMESTAMP)')}", moment) == (
        moment - epoch
    ) // timedelta(microseconds=1)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30), st.sampled_from([0.0, 0.25, 0.5, 0.95, 1.0]))
@settings(deadline=None, max_examples=60)
def test_a_quantile_is_exact(store, values, q):
    found = one(store, f"SELECT {store.dialect.quantile('v', q)} FROM (SELECT unnest(?::DOUBLE[]) AS v)", values)
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    low = int(place)
    expected = ordered[low] + (place - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-6)
    if q == 0.5:
        assert found == pytest.approx(statistics.median(values), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "part", "expected"),
    [
        ("Book created", "BOOK", True),
        ("100% done_now", "0% d", True),
        ("100 done", "0% d", False),
        ("ÄPFEL", "äpf", True),
        ("a\\b'c", "\\B'", True),
        ("anything", "", True),
        ("abc", "abcd", False),
    ],
)
def test_contains_ignores_case_and_takes_the_part_literally(store, text, part, expected):
    assert one(store, f"SELECT {store.dialect.contains('?::VARCHAR')}", text, part) is expected


@pytest.mark.parametrize(
    ("text", "part", "expected"), [("studio.api", "studio.", True), ("Studio", "studio", False), ("a%", "a_", False)]
)
def test_starts_with_takes_the_part_literally(store, text, part, expected):
    assert one(store, f"SELECT {store.dialect.starts_with('?::VARCHAR')}", text, part) is expected


def test_a_time_zone_in_a_parameter_is_understood(store):
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC)
    write(store, [log(1, moment, message="zoned")])
    assert one(store, "SELECT count(*) FROM logs WHERE message = 'zoned' AND timestamp = ?", moment) == 1
