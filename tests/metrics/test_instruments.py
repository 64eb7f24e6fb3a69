"""Instruments: what they count, what they refuse, and that nothing is lost or made up."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import sys
import threading
from enum import Enum

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from metered import samples

import plainview

numbers = itertools.count()

DEVELOPMENT = {"environment": "development", "console": "off"}


def test_a_counter_adds_up_what_it_is_given(metered, name):
    orders = plainview.counter(name, "Orders taken.", ["kind"])
    orders.labels("book").inc()
    orders.labels(kind="book").inc(2.5)
    orders.labels("card").inc(3)
    assert orders.labels("book").value == 3.5
    assert metered.value(f"{name}_total", kind="book") == 3.5
    assert metered.value(f"{name}_total", kind="card") == 3


def test_a_gauge_goes_up_and_down(metered, name):
    level = plainview.gauge(name)
    level.set(7)
    level.inc()
    level.dec(3)
    assert level.value == metered.value(name) == 5


def test_a_callback_is_asked_whenever_values_are_read(metered, name):
    waiting = [1, 2, 3]
    plainview.gauge(name).callback(lambda: len(waiting))
    assert metered.value(name) == 3
    waiting.clear()
    assert metered.value(name) == 0


def test_a_callback_that_fails_leaves_the_others_alone(metered, name):
    plainview.gauge(name).callback(lambda: 1 / 0)
    plainview.gauge(f"{name}_b").callback(lambda: 4)
    assert metered.value(f"{name}_b") == 4


def test_metrics_without_labels_are_there_from_the_start_those_with_labels_when_used(metered, name):
    plainview.counter(name)
    plainview.counter(f"{name}_labelled", labels=["a"])
    assert metered.value(f"{name}_total") == 0
    assert not [key for key in samples(metered.text()) if key[0] == f"{name}_labelled_total"]


@pytest.mark.parametrize(
    ("given_name", "unit", "kind", "shown"),
    [
        ("orders", "", "counter", "orders_total"),
        ("orders_total", "", "counter", "orders_total"),
        ("sent", "bytes", "counter", "sent_bytes_total"),
        ("sent_bytes_total", "bytes", "counter", "sent_bytes_total"),
        ("age", "seconds", "gauge", "age_seconds"),
        ("age_seconds", "seconds", "histogram", "age_seconds"),
    ],
)
def test_names_are_completed_as_prometheus_client_does(given_name, unit, kind, shown):
    import prometheus_client

    peer = {"counter": "Counter", "gauge": "Gauge", "histogram": "Histogram"}[kind]
    theirs = getattr(prometheus_client, peer)(given_name, "", unit=unit, registry=prometheus_client.CollectorRegistry())
    assert getattr(plainview, kind)(f"{kind}_{given_name}", unit=unit).name == f"{kind}_{shown}"
    assert any(sample.name.startswith(shown) for family in theirs.collect() for sample in family.samples)


def test_declared_again_it_is_the_same_metric(name):
    assert plainview.counter(name, labels=["a"]) is plainview.counter(f"{name}_total", "Later.", ("a",))


def test_the_registry_lists_what_there_is(metered, name):
    plainview.timer(name, "Time it takes.", ["step"]).labels("one").observe(1)
    (info,) = [each for each in plainview.metrics() if each.name == f"{name}_seconds"]
    assert info._asdict() == {
        "name": f"{name}_seconds",
        "kind": "histogram",
        "unit": "seconds",
        "description": "Time it takes.",
        "labels": ("step",),
        "series": 1,
    }


def test_a_series_that_is_removed_is_gone_and_others_stay(metered, name):
    jobs = plainview.gauge(name, labels=["job"])
    jobs.labels("a").set(1)
    jobs.labels("b").set(2)
    jobs.remove("a")
    assert metered.value(name, job="a") is None
    assert metered.value(name, job="b") == 2
    jobs.clear()
    assert metered.value(name, job="b") is None
    jobs.labels("a").set(3)
    assert metered.value(name, job="a") == 3


# Around blocks and functions.


async def test_time_is_taken_of_blocks_functions_coroutines_and_generators(metered, name):
    timer = plainview.timer(name)

    @timer.time()
    def function():
        return 1

    @timer.time()
    async def coroutine():
        await asyncio.sleep(0)
        return 2

    @timer.time()
    def generator():
        yield 3
        yield 4

    @timer.time()
    async def asynchronous():
        yield 5

    with timer.time():
        pass
    async with timer.time():
        pass
    assert function() == 1
    assert await asyncio.gather(coroutine(), coroutine()) == [2, 2]
    assert list(generator()) == [3, 4]
    assert [item async for item in asynchronous()] == [5]
    assert timer.count == 7
    assert 0 <= timer.sum < 60


def test_exceptions_are_counted_by_kind_and_go_on(metered, name):
    failures = plainview.counter(name)

    @failures.count_exceptions(KeyError)
    def fail(error):
        raise error

    for error in (KeyError("a"), ValueError("b")):
        with pytest.raises(type(error)):
            fail(error)
    assert failures.value == 1


def test_what_is_in_progress_is_counted_while_it_is(metered, name):
    running = plainview.gauge(name)

    @running.track_inprogress()
    def work(depth):
        return running.value if depth == 0 else work(depth - 1)

    assert work(2) == 3
    with pytest.raises(ZeroDivisionError), running.track_inprogress():
        1 / 0  # noqa: B018 - it is to fail
    assert running.value == 0


# Histograms.


def test_classic_buckets_are_exact_at_their_bounds(metered, name):
    bounds = [0.001, 0.3, 0.3001, 0.30010001, 1.0, 2.0, 1024.0]
    sizes = plainview.histogram(name, buckets=bounds)
    values = [value for bound in bounds for value in (bound, math.nextafter(bound, 0), math.nextafter(bound, 1e9))]
    for value in values:
        sizes.observe(value)
    found = samples(metered.text())
    for bound in bounds:
        assert found[f"{name}_bucket", (("le", repr(bound)),)] == sum(value <= bound for value in values)
    assert found[f"{name}_bucket", (("le", "+Inf"),)] == len(values) == sizes.count


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=30), st.lists(st.floats(-1e6, 1e6), max_size=5))
def test_whatever_is_observed_is_counted_once_in_each_half(metered, values, bounds):
    from plainview.capture.metrics.scrape import families

    bounds = sorted(set(bounds))
    made = plainview.histogram(f"any_{next(numbers)}", buckets=bounds)
    for value in values:
        made.observe(value)
    (family,) = [family for family in families() if family.name == made.name]
    (found,) = family.histograms
    cumulated = 0
    for bound, count in zip(bounds, found.buckets, strict=False):
        cumulated += count
        assert cumulated == sum(value <= bound for value in values)
    assert sum(found.buckets) == len(values)
    assert found.zero + sum(found.positive.values()) + sum(found.negative.values()) == len(values)
    base = 2**2**-found.scale
    for value in values:
        half = found.positive if value > 0 else found.negative
        if value:
            assert any(math.isclose(math.log(abs(value), base), index + 0.5, abs_tol=0.51) for index in half)


def quantile(found, share):
    """As a reader of exponential buckets takes it: the geometric middle of the bucket that it falls into."""
    wanted, cumulated = share * sum(found.positive.values()), 0
    for index, count in sorted(found.positive.items()):
        cumulated += count
        if cumulated >= wanted:
            return 2 ** ((index + 0.5) / 2**found.scale)
    raise AssertionError


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1.0, 1e6, 1e12])
@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.lognormvariate(0, 2),
        lambda rng: rng.expovariate(1) + 1e-6,
        lambda rng: rng.paretovariate(1.2),
        lambda rng: rng.uniform(0.5, 1.5),
        lambda rng: rng.choice([1.0, 50.0]) * rng.gauss(1, 0.01),
    ],
    ids=["lognormal", "exponential", "pareto", "uniform", "two peaks"],
)
def test_percentiles_are_right_to_one_percent_at_any_scale(metered, name, draw, scale):
    from plainview.capture.metrics.scrape import families

    rng = random.Random(7)
    values = sorted(draw(rng) * scale for _ in range(10_001))
    made = plainview.histogram(name)
    for value in values:
        made.observe(value)
    (family,) = [family for family in families() if family.name == name]
    for share in (0.5, 0.9, 0.95, 0.99, 0.999):
        exact = values[math.ceil(share * len(values)) - 1]
        assert quantile(family.histograms[0], share) == pytest.approx(exact, rel=0.01)


def test_exemplars_lead_to_the_trace_that_is_recorded(metered, name):
    seconds = plainview.histogram(name)
    with plainview.span("request") as span:
        seconds.observe(0.2)
    seconds.observe(0.21)
    text = metered.text("application/openmetrics-text; version=1.0.0; charset=utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name}_bucket") and "#" in line]
    assert 'le="0.25"' in line
    assert f'trace_id="{span.trace_id}",span_id="{span.span_id}"' in line


def test_no_exemplar_leads_to_a_trace_that_is_not_recorded(metered, name):
    metered.configure(trace_sample=0.0)
    seconds = plainview.histogram(name)
    with plainview.span("request"):
        seconds.observe(0.2)
    text = metered.text("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert not [line for line in text.splitlines() if line.startswith(name) and "trace_id" in line]


# Many threads.


def test_no_increment_is_lost_between_threads(metered, name):
    counted, level = plainview.counter(name), plainview.gauge(f"{name}_level")
    sizes = plainview.histogram(f"{name}_sizes")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:

        def work():
            inc, add, observe = counted.inc, level.inc, sizes.observe
            for n in range(200_000):
                inc()
                if n % 20 == 0:
                    add(2)
                    observe(0.4)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert counted.value == 8 * 200_000
    assert level.value == 8 * 20_000
    assert sizes.count == 8 * 10_000
    assert sizes.sum == pytest.approx(8 * 10_000 * 0.4)


class Amount:
    """An amount of the application's own kind: adding it runs Python, in which threads may change places."""

    def __float__(self):
        return 1.0

    def __radd__(self, other):
        raise AssertionError


def test_amounts_of_another_kind_are_made_numbers_before_they_are_added(metered, name):
    from decimal import Decimal
    from fractions import Fraction

    import numpy as np

    counted = plainview.counter(name)
    for amount in (Amount(), Decimal("0.5"), Fraction(1, 4), np.float32(0.25), True):
        counted.inc(amount)
    assert counted.value == 3


# What is wrong.


WRONG = {
    "a negative increment": lambda name: plainview.counter(name).inc(-1),
    "NaN": lambda name: plainview.counter(name).inc(math.nan),
    "infinity": lambda name: plainview.gauge(name).set(math.inf),
    "an integer too large for a double": lambda name: plainview.gauge(name).set(10**400),
    "text": lambda name: plainview.histogram(name).observe("0.3"),
    "None": lambda name: plainview.histogram(name).observe(None),
    "a bad name": lambda name: plainview.counter(f"{name}-é").inc(),
    "a name that begins with a digit": lambda name: plainview.counter(f"1{name}").inc(),
    "an empty name": lambda _name: plainview.counter("").inc(),
    "a bad label": lambda name: plainview.counter(name, labels=["a-b"]),
    "a label of Prometheus": lambda name: plainview.counter(name, labels=["__name__"]),
    "le on a histogram": lambda name: plainview.histogram(name, labels=["le"]),
    "a label twice": lambda name: plainview.counter(name, labels=["a", "a"]),
    "a missing label": lambda name: plainview.counter(name, labels=["a", "b"]).labels(a="x").inc(),
    "an unknown label": lambda name: plainview.counter(name, labels=["a"]).labels(b="x").inc(),
    "too many values": lambda name: plainview.counter(name, labels=["a"]).labels("x", "y").inc(),
    "values by position and by name": lambda name: plainview.counter(name, labels=["a", "b"]).labels("x", b="y").inc(),
    "no labels where there are some": lambda name: plainview.counter(name, labels=["a"]).inc(),
    "labels where there are none": lambda name: plainview.counter(name).labels("a").inc(),
    "buckets that fall": lambda name: plainview.histogram(name, buckets=[2, 1]),
    "buckets that are no numbers": lambda name: plainview.histogram(name, buckets=["a"]),
    "an unknown aggregation": lambda name: plainview.gauge(name, aggregation="median"),
    "another kind": lambda name: (plainview.gauge(name, exact=True), plainview.histogram(name).observe(1)),
    "other labels": lambda name: (plainview.gauge(name, labels=["a"]), plainview.gauge(name, labels=["b"])),
    "other buckets": lambda name: (plainview.histogram(name), plainview.histogram(name, buckets=[1])),
}


@pytest.mark.parametrize("use", WRONG.values(), ids=WRONG)
def test_a_mistake_is_a_clear_error_in_development(metered, name, use):
    metered.configure(**DEVELOPMENT)
    with pytest.raises(plainview.MetricError) as raised:
        use(name)
    assert len(str(raised.value)) > 15


@pytest.mark.parametrize("use", WRONG.values(), ids=WRONG)
def test_a_mistake_is_counted_in_production_and_hurts_nobody(metered, name, use):
    misuses = plainview.counter("plainview_metric_misuses_total", labels=("metric", "reason"))
    before = sum(series.value for series in misuses.all_series())
    use(name)
    assert sum(series.value for series in misuses.all_series()) > before
    samples(metered.text())


class Colour(str, Enum):  # noqa: UP042 - its str() is not its value
    RED = "red"


class Hostile:
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (404, "404"),
        (True, "True"),
        (None, "None"),
        (Colour.RED, "red"),
        ('quotes " and \\ and\nlines', 'quotes " and \\ and\nlines'),
        ("nul\0", "nul\ufffd"),
        ("\ud800", "?"),
        ("x" * 1_000_000, "x" * 511 + "…"),
        ("", ""),
        (Hostile(), ""),
    ],
)
def test_a_label_value_is_text_that_every_reader_can_take(metered, name, value, kept):
    plainview.counter(name, labels=["a"]).labels(value).inc()
    plainview.counter(name, labels=["a"]).labels(a=value).inc()
    assert metered.value(f"{name}_total", a=kept) == 2


def test_equal_label_values_of_different_kinds_are_different_text(metered, name):
    counted = plainview.counter(name, labels=["a"])
    for value in (1, True, 1.0):
        counted.labels(value).inc()
    assert [metered.value(f"{name}_total", a=text) for text in ("1", "True", "1.0")] == [1, 1, 1]


def test_what_is_beyond_the_cap_is_counted_together_and_said_once(metered, name):
    metered.configure(metrics_max_series=10)
    users = plainview.counter(name, labels=["plan", "user_id"])
    for n in range(100):
        users.labels("free", f"u-{n}").inc()
    assert metered.value(f"{name}_total", otel_metric_overflow="true") == 90
    assert metered.value(f"{name}_total", plan="free", user_id="u-9") == 1

    (line,) = [line for line in metered.logs() if name in line["message"]]
    assert "user_id has 10 values, for example 'u-10'" in line["message"]
