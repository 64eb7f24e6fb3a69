"""Traces: the list, its charts and filters, and the waterfall of one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from records import span


def panel(screen):
    return screen.page.get_by_role("complementary", name="Span")


def names(screen) -> list[str]:
    return screen.page.locator(".trace-line .line-message").all_inner_texts()


def test_the_list_is_newest_first_or_longest_first(screen):
    screen.go("/traces")
    screen.expect_total(22, "trace")
    assert names(screen)[:2] == ["POST /checkout", "GET /report"]
    screen.page.get_by_role("button", name="Duration").click()
    expect(screen.rows.first).to_contain_text("4.00 s")
    screen.expect_address("sort=duration")


def test_filters_by_failure_name_duration_and_service(screen):
    screen.go("/traces")
    screen.page.get_by_role("button", name="Failed only").click()
    screen.expect_total(1, "trace")
    assert names(screen) == ["POST /checkout"]
    screen.page.get_by_role("button", name="Failed only").click()
    screen.query("report")
    screen.expect_total(1, "trace")
    screen.page.get_by_role("button", name="Remove report").click()
    shortest = screen.page.get_by_role("textbox", name="Shortest duration")
    shortest.fill("0.3s")
    shortest.press("Enter")
    screen.expect_total(2, "trace")
    screen.expect_address("min=300")
    screen.query("service:llm-provider")
    screen.expect_total(1, "trace")
    assert names(screen) == ["POST /checkout"]


def test_a_box_over_the_durations_narrows_time_and_duration(screen):
    screen.go("/traces")
    box = screen.page.get_by_role("region", name="Duration over time").locator(".u-over").bounding_box()
    screen.page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 2)
    screen.page.mouse.down()
    screen.page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] * 0.45, steps=8)
    screen.page.mouse.up()
    screen.expect_address(r"from=20.*min=\d+.*max=\d+|min=\d+&max=\d+&from=20")
    screen.settle()
    assert set(names(screen)) <= {"POST /checkout", "GET /report"}
    assert names(screen)


def test_the_keyboard_opens_a_trace_and_back_returns(screen, studio):
    screen.go("/traces")
    screen.page.keyboard.press("j")
    screen.page.keyboard.press("Enter")
    screen.expect_address(f"/traces/{studio.checkout}$")
    screen.page.go_back()
    screen.expect_total(22, "trace")


def test_the_waterfall_folds_what_repeats(screen, studio):
    screen.go(f"/traces/{studio.checkout}")
    expect(screen.rows).to_have_count(4)
    repeat = screen.rows.filter(has_text="SELECT carts")
    expect(repeat).to_contain_text("48")
    repeat.click()
    expect(screen.page.get_by_role("treegrid")).to_have_attribute("aria-rowcount", "52")
    repeat.first.click()
    expect(screen.rows).to_have_count(4)


def test_the_keyboard_walks_folds_and_opens_spans(screen, studio):
    screen.go(f"/traces/{studio.checkout}")
    page = screen.page
    page.keyboard.press("j")
    page.keyboard.press("ArrowLeft")
    expect(screen.rows).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(screen.rows).to_have_count(4)
    page.keyboard.press("Enter")
    expect(panel(screen)).to_contain_text("POST /checkout")
    screen.expect_address(r"span=0+1")
    page.keyboard.press("Escape")
    expect(panel(screen)).to_have_count(0)


def test_errors_and_logs_are_ticks_on_the_bar_and_lines_in_the_panel(screen, studio):
    screen.go(f"/traces/{studio.checkout}")
    root = screen.rows.first
    expect(root.locator(".tick-error")).to_have_count(2)  # the exception, and the line about it
    expect(root.locator(".tick-info")).to_have_count(1)
    expect(root.locator(".bar-critical")).to_have_count(1)
    root.click()
    for text in ("2 log lines", "checkout begun", "OperationalError", "/checkout", "/srv/studio/books.py", "400 ms"):
        expect(panel(screen)).to_contain_text(text)


def test_search_within_goes_from_hit_to_hit_and_unfolds_them(screen, studio):
    screen.go(f"/traces/{studio.checkout}")
    page = screen.page
    page.keyboard.press("/")
    page.keyboard.type("SELECT 47")  # an attribute of a span that is folded away
    expect(page.get_by_text("1 of 1")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("treegrid")).to_have_attribute("aria-rowcount", "52")
    expect(page.locator("[aria-selected=true]")).to_contain_text("SELECT carts")
    screen.expect_address(r"find=SELECT\+47")


def test_a_stretch_of_time_can_be_zoomed_into_and_is_in_the_address(screen, studio):
    screen.go(f"/traces/{studio.checkout}")
    box = screen.page.locator(".minimap").bounding_box()
    screen.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
    screen.page.mouse.down()
    screen.page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 20, steps=4)
    screen.page.mouse.up()
    screen.expect_address(r"zoom=\d")
    screen.page.reload()
    screen.settle()
    screen.page.get_by_role("button", name="Whole trace").click()
    screen.expect_address(f"/traces/{studio.checkout}$")


def test_from_a_trace_to_its_logs_and_to_those_of_its_request(screen, studio):
    screen.go(f"/traces/{studio.checkout}")
    screen.page.get_by_role("link", name="Logs of this trace").click()
    screen.expect_total(2)
    assert screen.pills() == [f"trace:{studio.checkout}"]
    screen.page.go_back()
    screen.page.get_by_role("link", name="This request").click()
    screen.expect_total(2)
    assert screen.pills() == [f"request:{studio.request}"]


def test_an_attribute_leads_to_the_traces_that_have_it(screen, studio):
    screen.go(f"/traces/{studio.checkout}?span={1:016x}")
    panel(screen).get_by_text("/checkout", exact=True).last.click()
    screen.expect_address(r"/traces\?q=attributes\.http\.route:/checkout")
    screen.expect_total(1, "trace")


def test_an_unknown_trace_says_why_it_may_be_missing(screen):
    screen.go(f"/traces/{'0' * 31}9")
    expect(screen.page.get_by_text("No such trace")).to_be_visible()
    screen.troubles.clear()  # the 404


@pytest.mark.parametrize("shape", ["wide", "deep"])
def test_five_thousand_spans_stay_a_bounded_page(shared_server, open_screen, shape):
    start = datetime.now(UTC) - timedelta(seconds=60)
    trace = ("c" if shape == "wide" else "d") * 32
    lines = [span(trace, 1, "root", start, 9000)]
    for number in range(2, 5001):
        parent = number - 1 if shape == "deep" else 1
        begin = start + timedelta(milliseconds=number)
        name = f"step {number}"
        lines.append(span(trace, number, name, begin, 9000 - 2 * number + 2000, parent_span_id=f"{parent:016x}"))
    shared_server.ingest(lines)
    screen = open_screen(shared_server.url)
    screen.go(f"/traces/{trace}")
    expect(screen.page.get_by_role("treegrid")).to_have_attribute("aria-rowcount", "5000")
    assert screen.rows.count() < 120
    screen.page.get_by_role("treegrid").evaluate("list => { list.scrollTop = list.scrollHeight }")
    expect(screen.rows.last).to_contain_text("step 5000")
