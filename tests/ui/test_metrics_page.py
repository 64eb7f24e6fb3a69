"""Metrics: found, charted, split, compared, asked in PromQL; from an observation to its trace."""

from __future__ import annotations

import json
import time

import cramjam
import httpx
import pytest
from playwright.sync_api import expect

from plainview.ingest.metrics.protocol import V1, messages

STEP = 15
MINUTES = 40
TRACE = "c" * 32
BOUNDS = (0.05, 0.1, 0.5, 1.0)
KINDS = {"counter": 1, "gauge": 2, "histogram": 3}


class Samples:
    """A request of remote write that grows."""

    def __init__(self) -> None:
        self.request = messages()[V1]()

    def describe(self, name: str, kind: str, text: str) -> None:
        self.request.metadata.add(type=KINDS[kind], metric_family_name=name, help=text)

    def add(self, name: str, samples: list[tuple[int, float]], **labels: str):
        series = self.request.timeseries.add()
        for key, value in sorted(
            {"__name__": name, "job": "studio-api", "environment": "production", **labels}.items()
        ):
            series.labels.add(name=key, value=value)
        for moment, value in samples:
            series.samples.add(timestamp=moment, value=value)
        return series

    def send(self, url: str) -> None:
        body = bytes(cramjam.snappy.compress_raw(self.request.SerializeToString()))
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
        httpx.post(f"{url}/api/v1/write", content=body, headers=headers, timeout=30).raise_for_status()


def fill(url: str) -> None:
    """Forty minutes of a small service, ending now."""
    end = int(time.time()) // STEP * STEP
    moments = [(end - MINUTES * 60 + at * STEP) * 1000 for at in range(MINUTES * 60 // STEP + 1)]
    data = Samples()
    data.describe("http_requests_total", "counter", "Requests answered.")
    data.describe("queue_size", "gauge", "Jobs that wait.")
    data.describe("memory_usage_bytes", "gauge", "Memory in use.")
    data.describe("http_request_duration_seconds", "histogram", "From the request to its last byte.")
    for method, each in (("GET", 30.0), ("POST", 15.0)):
        data.add("http_requests_total", [(moment, at * each) for at, moment in enumerate(moments)], method=method)
    data.add("queue_size", [(moment, at % 7) for at, moment in enumerate(moments)], queue="<b>mail</b>")
    data.add("memory_usage_bytes", [(moment, 3e8 + at * 1e5) for at, moment in enumerate(moments)])
    for bound, share in zip((*map(str, BOUNDS), "+Inf"), (5, 8, 9, 10, 10), strict=True):
        series = data.add(
            "http_request_duration_seconds_bucket",
            [(moment, float(at * share)) for at, moment in enumerate(moments)],
            le=bound,
        )
        if bound == "0.5":
            exemplar = series.exemplars.add(value=0.3, timestamp=moments[-20])
            exemplar.labels.add(name="trace_id", value=TRACE)
    data.add("http_request_duration_seconds_sum", [(moment, at * 1.5) for at, moment in enumerate(moments)])
    data.add("http_request_duration_seconds_count", [(moment, at * 10.0) for at, moment in enumerate(moments)])
    data.send(url)
    span = {"trace_id": TRACE, "span_id": "d" * 16, "name": "read chapter", "service": "studio-api"}
    start = moments[-20] * 1_000_000
    span |= {"start_time_unix_nano": start, "end_time_unix_nano": start + 300_000_000}
    lines = {"content": json.dumps(span), "headers": {"Content-Type": "application/x-ndjson"}}
    httpx.post(f"{url}/v1/ingest", **lines, timeout=30).raise_for_status()
    deadline = time.monotonic() + 30
    while True:
        answer = httpx.get(f"{url}/api/v1/query", params={"query": "count(queue_size)"}, timeout=30).json()
        if answer["data"]["result"]:
            return
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)


@pytest.fixture(scope="module")
def measured(tmp_path_factory, serving):
    """A server that tests only look at."""
    with serving(tmp_path_factory.mktemp("measured")) as server:
        fill(server.url)
        yield server


@pytest.fixture
def metrics(measured, open_screen):
    return open_screen(measured.url)


def legend(screen, card: int = 0):
    return screen.page.locator(".metric-card").nth(card).locator(".metric-legend tbody tr")


def choose(screen, button: str, option: str) -> None:
    screen.page.get_by_role("button", name=button).click()
    screen.page.get_by_role("dialog", name=button.partition(":")[0]).get_by_role("button", name=option).click()
    screen.page.keyboard.press("Escape")
    screen.settle()


def test_a_metric_is_found_by_a_part_of_its_name_and_charted_as_suits_its_kind(metrics):
    metrics.go("/metrics?from=-30m")
    metrics.page.keyboard.press("/")
    metrics.page.keyboard.type("requests")
    metrics.page.keyboard.press("Enter")
    metrics.settle()
    row = legend(metrics)
    expect(row).to_have_count(1)
    expect(row).to_contain_text("3/s")  # 45 in 15 s
    metrics.expect_address("charts=.*http_requests_total")
    metrics.page.reload()
    expect(legend(metrics)).to_contain_text("3/s")


def test_it_is_split_by_a_label_and_narrowed_to_a_value(metrics):
    metrics.go('/metrics?from=-30m&charts=[{"m":"http_requests_total"}]')
    choose(metrics, "Split by: not split", "method")
    expect(legend(metrics)).to_have_count(2)
    expect(legend(metrics).first).to_contain_text("method=GET")
    expect(legend(metrics).first).to_contain_text("2/s")
    legend(metrics).nth(1).hover()
    metrics.page.get_by_role("button", name="Only method=POST").click()
    expect(legend(metrics)).to_have_count(1)
    expect(legend(metrics)).to_contain_text("1/s")
    metrics.page.get_by_title("Take this filter away").click()
    expect(legend(metrics)).to_have_count(2)


def test_a_histogram_is_its_percentiles_a_mean_or_a_heat_map(metrics):
    metrics.go('/metrics?from=-30m&charts=[{"m":"http_request_duration_seconds"}]')
    expect(legend(metrics)).to_have_count(3)
    expect(legend(metrics).filter(has_text="p50")).to_contain_text("50.0 ms")
    choose(metrics, "View: p50 · p95 · p99", "mean")
    expect(legend(metrics)).to_contain_text("150 ms")
    choose(metrics, "View: mean", "heat map")
    expect(metrics.page.get_by_role("img", name="heat map of 5 buckets")).to_be_visible()


def test_an_observation_leads_to_its_trace(metrics):
    metrics.go('/metrics?from=-30m&charts=[{"m":"http_request_duration_seconds"}]')
    expect(metrics.page.get_by_text("1 observation with a trace")).to_be_visible()
    plot = metrics.page.locator(".metric-card .u-over").first
    box = plot.bounding_box()
    shown = int(metrics.page.evaluate("Date.now()")) / 1000 - 30 * 60
    at = (int(time.time()) // STEP * STEP - 19 * STEP - shown) / (30 * 60) * box["width"]
    for down in range(2, int(box["height"]), 4):  # wherever its value lies
        for across in (at - 12, at, at + 12):
            if "/traces/" not in metrics.address:
                metrics.page.mouse.click(box["x"] + across, box["y"] + down)
    metrics.expect_address(f"/traces/{TRACE}")
    expect(metrics.page.get_by_text("read chapter").first).to_be_visible()


def test_the_period_before_is_drawn_as_a_ghost_and_units_are_on_the_axes(metrics):
    metrics.go('/metrics?from=-15m&charts=[{"m":"memory_usage_bytes"}]')
    expect(legend(metrics)).to_contain_text("MiB")
    metrics.page.get_by_role("button", name="Before").click()
    metrics.settle()
    metrics.expect_address('"p":1|%22p%22')
    plot = metrics.page.locator(".metric-card .u-over").first
    box = plot.bounding_box()
    metrics.page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 50)
    expect(metrics.page.locator(".chart-tip")).to_contain_text("before")


def test_a_query_of_ones_own_is_completed_asked_and_its_fault_is_told(metrics):
    metrics.go("/metrics?from=-30m")
    metrics.page.get_by_role("button", name="New query").click()
    field = metrics.page.get_by_role("combobox", name="PromQL expression")
    field.press_sequentially("sum(queu")
    expect(metrics.page.get_by_role("option").first).to_contain_text("queue_size")
    field.press("Tab")
    field.press_sequentially(") * 2")
    field.press("Enter")
    metrics.settle()
    expect(legend(metrics)).to_have_count(1)
    field.fill("sum(")
    field.press("Enter")
    expect(metrics.page.get_by_role("alert")).to_contain_text("parse error")
    metrics.troubles.clear()  # the 400


def test_several_charts_share_the_time_and_one_brush_zooms_all(metrics):
    metrics.go('/metrics?from=-30m&charts=[{"m":"queue_size"},{"m":"memory_usage_bytes"}]')
    expect(metrics.page.locator(".metric-card")).to_have_count(2)
    expect(legend(metrics)).to_contain_text("queue=")
    box = metrics.page.locator(".metric-card .u-over").first.bounding_box()
    metrics.page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 40)
    metrics.page.mouse.down()
    metrics.page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 40, steps=6)
    metrics.page.mouse.up()
    metrics.expect_address("from=20.*to=20|to=20.*from=20")
    metrics.page.get_by_role("button", name="Close queue_size").click()
    expect(metrics.page.locator(".metric-card")).to_have_count(1)


def test_label_values_are_text(metrics):
    metrics.go('/metrics?from=-30m&charts=[{"m":"queue_size"}]')
    expect(legend(metrics)).to_contain_text("<b>mail</b>")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_no_serious_violations(measured, open_screen, theme):
    screen = open_screen(measured.url, color_scheme=theme)
    screen.go('/metrics?from=-30m&charts=[{"m":"http_requests_total","by":["method"]},{"q":"up"}]')
    expect(legend(screen)).to_have_count(2)
    assert screen.axe() == []
