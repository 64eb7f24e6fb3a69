"""What the comparison with Prometheus cannot show: ends of series, native histograms, limits, cancelling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from recorded_metrics import InMemory

from plainview.query.promql.errors import BadQuery, ExecutionFailed, PromqlError
from plainview.query.promql.native import Histograms
from plainview.query.promql.parsing import formatted, parse
from plainview.query.promql.query import at_once, over_time
from plainview.query.promql.rendering import rendered
from plainview.query.promql.series import Series

ENDED = np.array([0x7FF0000000000002], np.int64).view(np.float64)[0]


def source_of(*series):
    return InMemory(list(series))


def gauge(name, values, step=15_000, **labels):
    return Series({"__name__": name, **labels}, np.arange(len(values), dtype=np.int64) * step, np.array(values, float))


def native(name, data, *, schema=0, positive=(), negative=()):
    """A series of native histograms; rows: count, sum, zeros, negative buckets, positive buckets."""
    times = np.arange(len(data), dtype=np.int64) * 15_000
    sides = [np.array(side, np.int64) for side in (negative, positive)]
    return Series({"__name__": name}, times, np.empty(0), Histograms(schema, 0.001, *sides, np.array(data, float)))


def values(answer):
    return {tuple(sorted(dict(line.labels).items())): line.values.tolist() for line in answer.lines}


def one(source, query, time=60_000):
    (line,) = at_once(source, query, time).lines
    return float(line.values[0])


def test_a_series_that_has_ended_is_gone_at_once():
    source = source_of(gauge("x", [1, 2, ENDED]), gauge("x", [1, 2, 3], kind="goes on"))
    assert [len(at_once(source, "x", time).lines) for time in (29_999, 30_000, 330_000, 330_001)] == [2, 1, 1, 0]
    assert one(source, "count_over_time(x{kind=''}[1m])") == 2  # the mark itself is no sample
    (line,) = at_once(source, "x{kind=''}[1m]", 60_000).lines
    assert line.values.tolist() == [1, 2]


def test_an_ordinary_nan_is_a_value():
    assert np.isnan(one(source_of(gauge("x", [1, float("nan")])), "x"))


#: Four zeros, 3 in (0.5, 1], 1 in (1, 2], 2 in (4, 8].
POSITIVE = native("h", [[10, 20, 4, 3, 1, 2]], positive=[0, 1, 3])
#: 2 in [-2, -1), 1 zero, 1 in (1, 2].
AROUND = native("g", [[4, -1.5, 1, 2, 1]], negative=[1], positive=[1])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("histogram_count(h)", 10),
        ("histogram_sum(h)", 20),
        ("histogram_avg(h)", 2),
        ("histogram_quantile(0.2, h)", 0.0005),  # half of the zeros, which begin at 0 as nothing is negative
        ("histogram_quantile(0.7, h)", 1),
        ("histogram_quantile(0.55, h)", 0.75),
        ("histogram_quantile(0.9, h)", 6),
        ("histogram_quantile(1, h)", 8),
        ("histogram_quantile(-1, h)", -np.inf),
        ("histogram_quantile(2, h)", np.inf),
        ("histogram_fraction(0, 1, h)", 0.7),
        ("histogram_fraction(1, 6, h)", 0.2),
        ("histogram_fraction(-Inf, +Inf, h)", 1),
        ("histogram_fraction(3, 3, h)", 0),
        ("histogram_quantile(0.25, g)", -1.5),
        ("histogram_quantile(0.625, g)", 0),
        ("histogram_fraction(-1.5, 0, g)", 0.375),
        ("histogram_count(h + h)", 20),
        ("histogram_sum(h * 3)", 60),
        ("histogram_count(sum({__name__=~'g|h'}))", 14),
        ("histogram_count(avg({__name__=~'g|h'}))", 7),
        ("count({__name__=~'g|h'})", 2),
        ("histogram_count(-h)", -10),
        ("count(h == h)", 1),
    ],
)
def test_native_histograms_give_what_is_worked_out_by_hand(query, expected):
    assert one(source_of(POSITIVE, AROUND), query) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_the_zeros_of_a_histogram_on_both_sides_lie_around_zero():
    assert one(source_of(AROUND), "histogram_quantile(0.75, g)") == pytest.approx(0.001)


def test_the_rate_of_a_native_histogram_is_that_of_each_bucket():
    # 10 more observations a sample; then it began anew with 5.
    rows = [[10 * at, 20 * at, 0, 10 * at] for at in range(1, 5)] + [[5, 10, 0, 5]]
    source = source_of(native("h", rows, positive=[1]))
    within = "h[1m]"  # five samples from 0 to 60 s: the window is covered, nothing is extrapolated
    assert one(source, f"histogram_count(increase({within}))") == pytest.approx(35)
    assert one(source, f"histogram_sum(rate({within}))") == pytest.approx(70 / 60)
    assert one(source, f"histogram_quantile(0.5, rate({within}))") == pytest.approx(1.5)
    assert one(source, f"histogram_count(irate({within}))") == pytest.approx(5 / 15)
    assert one(source, f"histogram_count(last_over_time({within}))") == 5
    assert one(source, f"count_over_time({within})") == 5


def test_histograms_of_two_resolutions_are_added_in_the_coarser():
    fine = native("fine", [[4, 8, 0, 1, 3]], schema=1, positive=[1, 2])  # (1, √2], (√2, 2]
    coarse = native("coarse", [[2, 3, 0, 2]], positive=[1])  # (1, 2]
    (line,) = at_once(source_of(fine, coarse), "sum({__name__=~'fine|coarse'})", 0).lines
    told = rendered(at_once(source_of(fine, coarse), "sum({__name__=~'fine|coarse'})", 0), 0)
    assert line.histograms.schema == 0
    histogram = told["result"][0]["histogram"][1]
    assert histogram == {"count": "6", "sum": "11", "buckets": [[0, "1", "2", "6"]]}


def test_functions_of_numbers_leave_histograms_out():
    source = source_of(POSITIVE)
    for query in ("abs(h)", "max(h)", "max_over_time(h[1m])", "h > 1", "h and missing", "quantile(0.5, h)"):
        assert at_once(source, query, 0).lines == [], query


def test_a_series_under_one_name_may_be_pieced_together():
    source = source_of(gauge("b", [2] * 40))
    pieced = over_time(source, 'label_replace(b offset 1m, "x", "", "", "") or b', 0, 90_000, 15_000)
    assert len(pieced.lines) == 1
    assert pieced.lines[0].times.tolist() == list(range(0, 90_001, 15_000))


def test_too_many_samples_are_refused_before_they_are_computed():
    source = source_of(*[gauge("x", [1.0] * 100, n=str(n)) for n in range(10)])
    with pytest.raises(ExecutionFailed, match="too many samples into memory: more than 900"):
        at_once(source, "sum_over_time(x[1h])", 1_500_000, max_samples=900)
    assert at_once(source, "sum_over_time(x[1h])", 1_500_000, max_samples=2_000).samples >= 1_000
    with pytest.raises(BadQuery, match="11,000 points"):
        over_time(source, "x", 0, 11_000_000, 1_000)
    with pytest.raises(ExecutionFailed, match="steps"):
        at_once(source, "max_over_time(x[10y:1ms])", 0)


def test_a_query_can_be_ended_while_it_works():
    looked = []

    def check():
        looked.append(True)
        if len(looked) > 50:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        over_time(source_of(), "stddev_over_time(vector(1)[1h:1s])", 0, 3_600_000, 1_000, check=check)


@pytest.mark.parametrize(
    ("query", "position"),
    [
        ("up up", 3),
        ("sum(up", 3),
        ("up)", 2),
        ('up{job="x', 7),
        ("rate(up[5m)", 10),
        ("up ! 1", 3),
        ("nothing(up)", 0),
        ("1 + * 2", 4),
        ("up +", 4),
        ("sum by (a,) (up) 5", 17),
        ('up{a=~"("}', 6),
        ("", 0),
        ("# only this", 0),
    ],
)
def test_the_place_of_a_fault_is_told(query, position):
    with pytest.raises(BadQuery) as raised:
        parse(query)
    assert raised.value.position == position, raised.value.message


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text):
    try:
        again = formatted(text)
    except PromqlError:
        return
    assert formatted(again) == again
