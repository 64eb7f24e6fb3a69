"""What counts as out of line: by how far, from how many, and what noise does to it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from plainview.query.runs.deviation import CHANGE, FEWEST, THRESHOLD, deviation

#: Durations of a run that takes ten seconds, give or take.
USUAL = [10_000, 10_150, 9_900, 10_050, 9_950, 10_100, 9_980]

lengths = st.floats(min_value=0.001, max_value=1e9)
series = st.lists(lengths, min_size=FEWEST, max_size=30)
anything = st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(2**63), 2**63)


def test_a_run_twice_as_long_is_out_of_line_and_one_within_the_usual_is_not():
    slow = deviation(USUAL, 20_000)
    assert slow.out_of_line
    assert slow.direction == "higher"
    assert slow.median == 10_000
    assert slow.score > THRESHOLD
    assert not deviation(USUAL, 10_180).out_of_line


def test_the_score_is_that_of_iglewicz_and_hoaglin():
    # median 3, distances 2 1 0 1 97: MAD 1
    found = deviation([1, 2, 3, 4, 100], 13)
    assert (found.median, found.mad) == (3, 1)
    assert found.score == pytest.approx(0.6745 * 10)


def test_what_falls_is_out_of_line_too():
    found = deviation(USUAL, 2_000)
    assert found.out_of_line
    assert found.direction == "lower"


def test_one_slow_run_among_the_earlier_ones_does_not_hide_the_next():
    assert deviation([*USUAL, 60_000], 20_000).out_of_line


def test_fewer_than_five_earlier_runs_say_nothing():
    found = deviation([10_000] * (FEWEST - 1), 90_000)
    assert not found.out_of_line
    assert found.score is None
    assert deviation([10_000] * FEWEST, 90_000).out_of_line


def test_series_without_noise_are_not_out_of_line_at_a_hundredth():
    assert not deviation([100.0] * 10, 101.0).out_of_line
    assert not deviation([100.0, 100.001] * 5, 101.0).out_of_line
    assert deviation([100.0] * 10, 111.0).out_of_line
    # Without a distance that would be usual there is no score.
    assert deviation([100.0] * 10, 111.0).score is None


def test_where_most_are_the_same_the_mean_distance_counts():
    found = deviation([100, 100, 100, 100, 100, 110], 150)
    assert found.mad == 0
    assert found.score == pytest.approx(50 / (1.253314 * 10 / 6))
    assert found.out_of_line


def test_no_rows_before_and_some_now():
    assert deviation([0] * 6, 5).out_of_line
    assert not deviation([0] * 6, 0).out_of_line


@given(st.lists(anything, max_size=30), anything)
def test_whatever_the_numbers_are_there_is_an_answer_that_json_can_hold(earlier, newest):
    found = deviation(earlier, newest)
    assert all(value is None or math.isfinite(value) for value in (found.median, found.mad, found.score))


@given(series, lengths, lengths)
def test_further_away_is_never_less_out_of_line(earlier, off, more):
    nearer, further = deviation(earlier, max(earlier) + off), deviation(earlier, max(earlier) + off + more)
    assert further.out_of_line >= nearer.out_of_line
    assert nearer.score is None or further.score >= nearer.score


@given(series, lengths, st.integers(-20, 20))
def test_the_unit_does_not_matter(earlier, newest, exponent):
    factor = 2.0**exponent
    one, other = deviation(earlier, newest), deviation([value * factor for value in earlier], newest * factor)
    assert (one.out_of_line, one.direction) == (other.out_of_line, other.direction)
    assert one.score == pytest.approx(other.score) if one.score is not None else other.score is None


@given(series, lengths)
def test_the_order_of_the_earlier_ones_does_not_matter(earlier, newest):
    assert deviation(earlier, newest) == deviation(sorted(earlier), newest)


@given(series, lengths)
def test_what_is_near_the_median_is_in_line(earlier, share):
    middle = deviation(earlier, earlier[0]).median
    assert not deviation(earlier, middle * (1 + CHANGE * (share % 0.9))).out_of_line
