"""The text that others read: both formats, read back by prometheus_client's parsers and by Prometheus's own tool."""

from __future__ import annotations

import math
import shutil
import subprocess

import pytest
from hypothesis import given, strategies as st
from metered import samples
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from plainview.exposition import OPENMETRICS, TEXT, Family, Histogram, Sample, negotiate, render

EXEMPLAR = (2.0, 1795622766.5, "ab" * 16, "cd" * 8)
FAMILIES = [
    Family(
        "shop_orders_total", "counter", "", 'Orders\ntaken \\ "so far".',
        samples=[Sample((("kind", 'a"b\\c\nd'),), 3.0), Sample((("kind", ""),), 0.5)],
    ),
    Family("shop_level", "gauge", samples=[Sample((), -1e-300)]),
    Family("shop_revenue_total_usd", "counter", "usd", samples=[Sample((), 5.0)]),
    Family(
        "shop_seconds", "histogram", "seconds", "Time.", (0.5, 1.0, 2.5),
        histograms=[Histogram((("a", "b"),), [1, 0, 2, 4], 17.5, exemplars={2: EXEMPLAR})],
    ),
]  # fmt: skip


@pytest.mark.parametrize("content_type", [TEXT, OPENMETRICS])
def test_what_is_written_is_read_back(content_type):
    modern = content_type == OPENMETRICS
    text = render(FAMILIES, content_type).decode()
    found = samples(text, modern=modern)
    assert "\nshop_revenue_total_usd 5.0\n" in text  # the older parser adds a _total of its own
    assert found["shop_orders_total", (("kind", 'a"b\\c\nd'),)] == 3
    assert found["shop_orders_total", (("kind", ""),)] == 0.5
    assert found["shop_level", ()] == -1e-300
    buckets = {labels[1][1]: value for (name, labels), value in found.items() if name == "shop_seconds_bucket"}
    assert buckets == {"0.5": 1, "1.0": 1, "2.5": 3, "+Inf": 7}
    assert found["shop_seconds_count", (("a", "b"),)] == 7
    assert found["shop_seconds_sum", (("a", "b"),)] == 17.5


def test_openmetrics_has_units_exemplars_and_an_end():
    text = render(FAMILIES, OPENMETRICS).decode()
    families = {family.name: family for family in parse_openmetrics(text)}
    assert families["shop_orders"].documentation == 'Orders\ntaken \\ "so far".'
    assert families["shop_seconds"].unit == "seconds"
    (exemplar,) = [sample.exemplar for sample in families["shop_seconds"].samples if sample.exemplar]
    assert exemplar.labels == {"trace_id": "ab" * 16, "span_id": "cd" * 8}
    assert (exemplar.value, float(exemplar.timestamp)) == (2.0, 1795622766.5)
    assert text.endswith("# EOF\n")


def test_negative_observations_take_the_sum_from_openmetrics_only():
    family = Family("t", "histogram", bounds=(0.0,), histograms=[Histogram((), [1, 1], -3.0, negative={3: 1})])
    assert samples(render([family], TEXT).decode())["t_sum", ()] == -3
    assert ("t_sum", ()) not in samples(render([family], OPENMETRICS).decode(), modern=True)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_values_that_are_no_numbers_are_written_as_prometheus_writes_them(value):
    found = samples(render([Family("t", "gauge", samples=[Sample((), value)])]).decode())["t", ()]
    assert found == value or (math.isnan(found) and math.isnan(value))


@given(st.lists(st.text(), max_size=4), st.floats())
def test_any_label_value_survives(values, value):
    text = {f"l{n}": each.encode("utf-8", "replace").decode() for n, each in enumerate(values)}
    family = Family("t", "gauge", samples=[Sample(tuple(text.items()), value)])
    for content_type in (TEXT, OPENMETRICS):
        body = render([family], content_type).decode()
        assert body.count("\n") == 3
        ((name, found), read) = samples(body, modern=content_type == OPENMETRICS).popitem()
        assert name == "t"
        assert dict(found) == text
        assert read == value or math.isnan(value)


def test_processes_of_two_versions_make_one_family_in_which_no_series_is_twice():
    old = Family("t", "histogram", bounds=(1.0,), histograms=[Histogram((("a", "x"),), [1, 1], 2.0)])
    new = Family("t", "histogram", bounds=(2.0,), histograms=[Histogram((("a", "x"),), [3, 1], 2.0)])
    other = Family("t", "gauge", samples=[Sample((), 1.0)])
    text = render([old, new, other]).decode()
    assert text.count("# TYPE t ") == 1
    assert text.count("t_count") == 1


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_accepts_it():
    families = [family for family in FAMILIES if family.name != "shop_revenue_total_usd"]  # promtool's taste in names
    for family in families:
        family.description = family.description or "Said."
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=render(families), capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", TEXT),
        ("text/plain", TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=0.2,text/plain;version=0.0.4;q=0.9", TEXT),
        ("text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.5", OPENMETRICS),
        # As Prometheus 2.42 and 3.0 ask.
        (
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
            ),
            OPENMETRICS,
        ),
        (
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
            ),
            OPENMETRICS,
        ),
        (";;;,q=x;=", TEXT),
        ("application/openmetrics-text;q=many", TEXT),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(accept, chosen):
    assert negotiate(accept) == chosen
