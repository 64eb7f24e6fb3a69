"""What counts as drifting: by how much, from how many, and what noise does to it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from plainview.query.runs.deviation import deviation
from plainview.query.runs.drift import FEWEST, SURE, drift

#: Up and down, without going anywhere.
NOISE = [0.2, -0.1, 0.3, -0.3, 0.1, -0.2, 0.0, 0.2, -0.3, 0.1, -0.1, 0.3]
anything = st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(2**63), 2**63)
lengths = st.floats(min_value=0.001, max_value=1e9)
rows = st.lists(lengths, min_size=FEWEST, max_size=30)


def test_a_run_that_gets_slower_by_little_each_time_drifts_though_none_is_out_of_line():
    values = [100 + 2 * day + noise for day, noise in enumerate(NOISE)]
    found = drift(values)
    assert found.drifts
    assert found.change == pytest.approx(22 / 111, rel=0.05)
    assert found.score > SURE
    assert not deviation(values[:-1], values[-1]).out_of_line


def test_noise_does_not_drift_and_neither_does_one_slow_run():
    assert not drift([100 + noise for noise in NOISE]).drifts
    assert not drift([100.0] * 11 + [900.0]).drifts
    assert not drift([900.0] + [100.0] * 11).drifts


def test_what_goes_up_surely_but_hardly_does_not_drift():
    found = drift([100 + day / 10 for day in range(12)])
    assert found.score > SURE
    assert not found.drifts


def test_the_score_is_that_of_mann_and_kendall():
    # All 28 pairs rise: (28 - 1) / sqrt(8 * 7 * 21 / 18).
    assert drift(list(range(1, 9))).score == pytest.approx(27 / math.sqrt(8 * 7 * 21 / 18))
    assert drift(list(range(8, 0, -1))).score == pytest.approx(-27 / math.sqrt(8 * 7 * 21 / 18))


def test_few_runs_say_nothing():
    assert drift([1, 2, 3, 4, 5, 6, 7]).score is None
    assert drift([5.0] * 20) == drift([5.0] * 8)


@given(st.lists(anything, max_size=30))
def test_whatever_the_numbers_are_there_is_an_answer_that_json_can_hold(values):
    found = drift(values)
    assert all(value is None or math.isfinite(value) for value in (found.change, found.score))


@given(rows)
def test_backwards_it_goes_the_other_way(values):
    one, other = drift(values), drift(values[::-1])
    assert one.score == pytest.approx(-other.score)
    assert one.drifts == other.drifts


@given(rows, st.integers(-20, 20))
def test_the_unit_does_not_matter(values, exponent):
    one, other = drift(values), drift([value * 2.0**exponent for value in values])
    assert one.drifts == other.drifts
    assert one.score == pytest.approx(other.score)
    assert one.change == pytest.approx(other.change)
