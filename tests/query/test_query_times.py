"""Moments as people write them."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from plainview.query import buckets, times
from plainview.query.errors import BadInput

NOW = datetime(2026, 11, 22, 12, 30, 15, 250_000)  # noqa: DTZ001 - the store's times have no zone


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("-15m", NOW - timedelta(minutes=15)),
        ("now-15m", NOW - timedelta(minutes=15)),
        ("-1h30m", NOW - timedelta(hours=1, minutes=30)),
        ("-1.5h", NOW - timedelta(hours=1, minutes=30)),
        ("-250ms", NOW - timedelta(milliseconds=250)),
        ("-2w", NOW - timedelta(weeks=2)),
        ("2026-11-22T01:47:55Z", datetime(2026, 11, 22, 1, 47, 55)),  # noqa: DTZ001 - as above
        ("2026-11-22T01:47:55.123456789+02:00", datetime(2026, 11, 21, 23, 47, 55, 123_456)),  # noqa: DTZ001 - as above
        ("2026-11-22t01:47z", datetime(2026, 11, 22, 1, 47)),  # noqa: DTZ001 - as above
        ("2026-11-22 01:47:55.5", datetime(2026, 11, 22, 1, 47, 55, 500_000)),  # noqa: DTZ001 - as above
        ("2026-11-22", datetime(2026, 11, 22)),  # noqa: DTZ001 - as above
    ],
)
def test_times_are_understood(text, expected):
    assert times.parse(text, "start_time", NOW) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "15m", "-", "-15", "-15x", "now+5m", "2026-13-01", "2026-11-22T25:00Z", "-999999999999w"),
        *("0000-01-01", "9999-12-31T23:59:59-23:59", "1764000000", "-1m ago", "٢٠٢٦-11-22"),
    ],
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(BadInput) as caught:
        times.parse(text, "end_time", NOW)
    assert caught.value.field == "end_time"


@given(st.text())
def test_no_text_does_worse(text):
    with contextlib.suppress(BadInput):
        assert times.parse(text, "x", NOW).tzinfo is None


@given(st.datetimes(min_value=datetime(1970, 1, 1)))  # noqa: DTZ001 - as above
def test_a_time_survives_its_text(at):
    assert times.parse(times.rfc3339(at), "x", NOW) == at
    assert times.moment(times.microseconds(at)) == at


_TIMES = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1))  # noqa: DTZ001 - as above


@given(_TIMES, _TIMES, st.integers(1, 500))
def test_buckets_cover_the_range_and_are_not_too_many(one, other, most):
    start, end = sorted((one, other))
    cut = buckets.cut(start, end, most)
    width = cut.width_ms * 1000
    assert 1 <= cut.count <= most
    assert cut.origin_us <= times.microseconds(start)
    assert times.microseconds(end) <= cut.origin_us + cut.count * width
    # None is wholly outside.
    assert times.microseconds(start) < cut.origin_us + width
    assert cut.origin_us + (cut.count - 1) * width <= times.microseconds(end)
    assert len(cut.times()) == cut.count
