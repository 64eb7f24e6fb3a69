"""What was declared elsewhere: with prometheus_client, and through OpenTelemetry's API."""

from __future__ import annotations

import subprocess
import sys

import prometheus_client
import pytest
from metered import samples

import plainview


@pytest.fixture
def unregistered():
    """Collectors made in a test leave with it."""
    before = set(prometheus_client.REGISTRY._collector_to_names)
    yield
    for collector in set(prometheus_client.REGISTRY._collector_to_names) - before:
        prometheus_client.REGISTRY.unregister(collector)


@pytest.mark.usefixtures("unregistered")
def test_metrics_of_prometheus_client_are_shown_as_it_shows_them(metered, name):
    prometheus_client.Counter(f"{name}_c", "C.", ["a"]).labels("x").inc(2)
    prometheus_client.Gauge(f"{name}_g", "G.").set(-3)
    prometheus_client.Histogram(f"{name}_h", "H.", ["a"], buckets=(1, 2)).labels("x").observe(1.5)
    prometheus_client.Summary(f"{name}_s", "S.").observe(4)
    prometheus_client.Info(f"{name}_i", "I.").info({"version": "1"})
    theirs = samples(prometheus_client.generate_latest().decode())
    theirs = {key: value for key, value in theirs.items() if name in key[0] and not key[0].endswith("_created")}
    ours = {key: value for key, value in samples(metered.text()).items() if name in key[0]}
    # Their text says summary where ours says counter: the parser completes the name of that.
    for part in ("sum", "count"):
        ours[f"{name}_s_{part}", ()] = ours.pop((f"{name}_s_{part}_total", ()), None) or ours[f"{name}_s_{part}", ()]
    assert ours == theirs


@pytest.mark.usefixtures("unregistered")
def test_the_server_is_told_of_their_increases(metered, name):
    plainview.counter("own").inc()
    counted = prometheus_client.Counter(name, "C.")
    taking = plainview.capture.runtime.runtime().keeper.metrics
    for amount in (2, 0, 3):
        counted.inc(amount)
        taking.take()
    points = [
        point["value"] for line in metered.lines() if line.get("name") == f"{name}_total" for point in line["points"]
    ]
    assert [point for point in points if point] == [2, 3]


@pytest.mark.usefixtures("unregistered")
def test_a_metric_that_is_declared_here_and_there_is_counted_once(metered, name):
    plainview.counter(name).inc()
    prometheus_client.Counter(name, "C.").inc(5)
    assert metered.value(f"{name}_total") == 1


def test_a_forked_child_does_not_tell_its_parents_counts_again(metered, name):
    output = metered.run(f"""
        import prometheus_client
        theirs = prometheus_client.Counter({name!r}, "C.")
        theirs.inc(100)
        plainview.counter("own").inc()
        child = os.fork()
        theirs.inc(1)
        from plainview.capture.metrics.scrape import families
        if child == 0:
            families()
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        print([family.samples[0].value for family in families() if family.name == "{name}_total"])
    """)
    assert output == "[102.0]\n"


@pytest.mark.parametrize("seconds", [0, 2.5], ids=["a short one", "one that lasts"])
def test_a_program_that_knows_only_prometheus_client_is_told_of(metered, name, seconds):
    metered.run(
        f"""
        import prometheus_client
        plainview.get_logger("a").info("up")
        prometheus_client.Counter({name!r}, "C.").inc(3)
        time.sleep({seconds})
        os.kill(os.getpid(), signal.SIGKILL) if {seconds} else None
        """,
        interval=0.2,
    )
    metered.finalise()
    assert metered.told(f"{name}_total") == {(): 3}


def test_without_prometheus_client_nobody_imports_it(tmp_path):
    program = """
import plainview, sys
plainview.configure(service="s", environment="production", file="")
plainview.counter("a").inc()
from plainview.capture.metrics.scrape import families
families()
assert not {"prometheus_client", "opentelemetry.metrics", "numpy"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, timeout=60, check=True)


# OpenTelemetry.


@pytest.fixture
def meter(metered):
    from plainview.capture.metrics.otel import MeterProvider

    return MeterProvider().get_meter("test")


def test_opentelemetrys_instruments_are_ours(metered, meter, name):
    from opentelemetry.metrics import Observation

    meter.create_counter(f"{name}.requests", "{request}").add(2, {"http.route": "/a", "ok": True})
    meter.create_up_down_counter(f"{name}.active").add(-3)
    meter.create_gauge(f"{name}.share", "1").set(0.5)
    meter.create_histogram(f"{name}.duration", "s").record(0.3)
    meter.create_observable_counter(f"{name}.cpu", [lambda _: [Observation(7, {"cpu": 0})]], "s")
    meter.create_observable_gauge(f"{name}.memory", [lambda _: [Observation(9)]], "By")
    meter.create_observable_up_down_counter(f"{name}.queue", [lambda _: [Observation(-1)]])
    assert metered.value(f"{name}_requests_total", http_route="/a", ok="true") == 2
    assert metered.value(f"{name}_active") == -3
    assert metered.value(f"{name}_share_ratio") == 0.5
    assert metered.value(f"{name}_duration_seconds_bucket", le="0.5") == 1
    assert metered.value(f"{name}_memory_bytes") == 9
    assert metered.value(f"{name}_queue") == -1
    for _ in range(2):
        assert metered.value(f"{name}_cpu_seconds_total", cpu="0") == 7


def test_attributes_may_differ_from_one_measurement_to_the_next(metered, meter, name):
    counted = meter.create_counter(name)
    counted.add(1)
    counted.add(2, {"a": "x"})
    counted.add(3, {"b": "y", "a": "x"})
    counted.add(4, {"a": "x", "b": "y"})
    assert metered.value(f"{name}_total") == 1
    assert metered.value(f"{name}_total", a="x") == 2
    assert metered.value(f"{name}_total", a="x", b="y") == 7
    assert metered.text().count(f"# TYPE {name}_total counter") == 1
    (info,) = [info for info in plainview.metrics() if info.name == f"{name}_total"]
    assert (info.labels, info.series) == (("a", "b"), 3)


def test_what_is_wrong_with_a_measurement_is_not_raised(metered, meter, name):
    metered.configure(environment="development", console="off")
    meter.create_counter(name).add(-1)
    meter.create_histogram(f"{name}_h").record(float("nan"))
    meter.create_observable_gauge(f"{name}_g", [lambda _: 1 / 0])
    assert metered.value(f"{name}_total") in {None, 0}


@pytest.mark.parametrize(
    ("name", "unit", "kind", "shown"),
    [
        ("http.server.request.duration", "s", "histogram", "http_server_request_duration_seconds"),
        ("http.server.active_requests", "{request}", "gauge", "http_server_active_requests"),
        ("io", "By", "counter", "io_bytes_total"),
        ("io_total", "By", "counter", "io_bytes_total"),
        ("speed", "By/s", "gauge", "speed_bytes_per_second"),
        ("usage", "1", "gauge", "usage_ratio"),
        ("usage", "1", "counter", "usage_total"),
        ("a..b--c", "", "gauge", "a_b_c"),
        ("2xx", "", "counter", "_2xx_total"),
        ("wait_seconds", "s", "histogram", "wait_seconds"),
        ("sent", "{packets}/s", "gauge", "sent_per_second"),
        ("odd", "foo/bar", "gauge", "odd_foo_per_bar"),
    ],
)
def test_names_follow_opentelemetrys_rules_for_prometheus(name, unit, kind, shown):
    from plainview.capture.metrics.otel import prometheus_name

    assert prometheus_name(name, unit, kind)[0] == shown


PROVIDERS = """
import plainview, sys, time
from opentelemetry import metrics
early = metrics.get_meter("early").create_counter("early")
{before}
plainview.configure(service="s", environment="production", file="")
{after}
early.add(1)
metrics.get_meter("late").create_counter("late").add(1)
print(type(metrics.get_meter_provider()).__module__.split(".")[0], sorted(m.name for m in plainview.metrics() if m.name[:5] in ("early", "late_")))
"""  # noqa: E501 - one line of a program
SDK = "from opentelemetry.sdk.metrics import MeterProvider; metrics.set_meter_provider(MeterProvider())"


@pytest.mark.parametrize(
    ("before", "after", "printed"),
    [
        ("", "", "plainview ['early_total', 'late_total']"),
        (SDK, "", "opentelemetry []"),
        ("", SDK, "opentelemetry []"),
    ],
    ids=["none", "the SDK before", "the SDK after"],
)
def test_an_application_without_a_provider_gets_ours_one_with_the_sdk_keeps_its_own(tmp_path, before, after, printed):
    program = PROVIDERS.format(before=before, after=after)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, timeout=60, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == printed
