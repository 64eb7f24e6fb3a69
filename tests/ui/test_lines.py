"""Reading the lines: the list, the panel of one line, what stands around it, patterns, export."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect
from records import STACK, log


def panel(screen):
    return screen.page.get_by_role("complementary", name="Log line")


def test_the_keyboard_walks_the_list_and_opens_and_closes_a_line(screen):
    screen.go("/logs?q=heartbeat")
    page = screen.page
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("k")
    expect(screen.rows.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(panel(screen)).to_contain_text("heartbeat 298")
    page.keyboard.press("]")
    expect(panel(screen)).to_contain_text("heartbeat 297")
    page.keyboard.press("[")
    page.keyboard.press("[")
    expect(panel(screen)).to_contain_text("heartbeat 299")
    expect(panel(screen).get_by_role("button", name="Previous")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(panel(screen)).to_have_count(0)
    screen.expect_address(r"/logs\?q=heartbeat$")


def test_the_next_key_after_a_line_was_opened_is_its_panels(screen):
    screen.go("/logs?q=heartbeat")
    screen.page.keyboard.press("j")
    expect(screen.rows.first).to_have_attribute("aria-selected", "true")
    screen.press("Enter", "]")
    expect(panel(screen)).to_contain_text("heartbeat 298")


def test_an_open_line_has_an_address_of_its_own(screen, server, studio):
    screen.go("/logs?q=%22checkout+failed%22")
    screen.rows.first.click()
    expect(panel(screen)).to_contain_text("database is locked")
    screen.expect_address(r"log=\d+")
    screen.page.reload()
    expect(panel(screen)).to_contain_text("database is locked")
    expect(screen.rows.first).to_have_attribute("aria-selected", "true")
    screen.page.go_back()
    expect(panel(screen)).to_have_count(0)
    # A line that the list does not hold opens as well.
    found = server.post("/v1/logs/search", q="heartbeat", limit=1)["logs"][0]
    screen.go(f"/logs/{found['id']}?q=checkout&from=-1h")
    expect(panel(screen)).to_contain_text("heartbeat 299")


def test_the_panel_shows_every_field_and_the_stack_with_its_own_frames_first(screen):
    screen.go("/logs?q=%22checkout+failed%22")
    screen.rows.first.click()
    for text in ("OperationalError", "400", "req-checkout-1", "studio.api", "web-1", "production"):
        expect(panel(screen)).to_contain_text(text)
    expect(panel(screen).locator(".stack-own")).to_contain_text("/srv/studio/books.py")
    expect(panel(screen).locator(".stack-library").first).to_contain_text("site-packages")
    assert panel(screen).locator(".stack pre").inner_text().strip() == STACK


def test_a_click_on_a_field_keeps_only_its_value_and_alt_click_shuts_it_out(screen):
    screen.go("/logs?q=%22cache+refreshed%22")
    screen.rows.first.click()
    value = panel(screen).get_by_role("button", name="north", exact=True)
    value.click()
    screen.expect_total(75)
    assert '"cache refreshed"' in screen.pills()
    assert "extra.region:north" in screen.pills()
    value.click(modifiers=["Alt"])
    expect(screen.page.locator(".pill.negated")).to_contain_text("extra.region:north")


def test_a_field_becomes_a_column(screen):
    screen.go("/logs?q=heartbeat")
    screen.rows.first.click()
    panel(screen).locator(".field", has_text="queue").hover()
    panel(screen).get_by_role("button", name="Show extra.queue as a column").click()
    screen.expect_address(r"cols=extra\.queue")
    expect(screen.page.get_by_role("columnheader", name="queue")).to_be_visible()
    expect(screen.rows.first.get_by_role("gridcell").nth(3)).to_have_text("5")


def test_what_was_logged_before_and_after_a_line(screen, studio):
    screen.go("/logs?q=%22checkout+failed%22")
    screen.rows.first.click()
    panel(screen).get_by_role("tab", name="Before and after").click()
    here = panel(screen).locator(".context-line.here")
    expect(here).to_contain_text("checkout failed")
    expect(panel(screen).locator(".context-line")).to_have_count(41)
    panel(screen).get_by_role("button", name="This request").click()
    expect(panel(screen).locator(".context-line")).to_have_count(2)
    panel(screen).locator("button.context-line", has_text="checkout begun").click()
    expect(here).to_contain_text("checkout begun")


def test_from_a_line_to_its_trace_and_back(screen, studio):
    screen.go("/logs?q=%22checkout+failed%22")
    screen.rows.first.click()
    panel(screen).get_by_role("link", name="Open the trace").first.click()
    screen.expect_address(rf"/traces/{studio.checkout}\?span=0+1")
    span = screen.page.get_by_role("complementary", name="Span")
    expect(span).to_contain_text("POST /checkout")
    span.get_by_role("link", name="checkout failed").click()
    screen.expect_address(rf"/logs\?.*q=trace:{studio.checkout}.*log=\d+")
    screen.expect_total(2)
    expect(panel(screen)).to_contain_text("database is locked")
    screen.page.go_back()
    screen.page.go_back()
    screen.expect_address(r"/logs\?q=%22checkout\+failed%22&log=")


def test_patterns_show_a_thousand_alike_as_one_and_lead_to_the_lines(screen):
    screen.go("/logs")
    screen.page.get_by_role("button", name="Patterns").click()
    row = screen.page.get_by_role("row").filter(has_text="heartbeat")
    expect(row).to_contain_text("300")
    row.get_by_role("button", name="heartbeat").click()
    screen.expect_total(300)
    screen.expect_address(r"/logs\?q=%22heartbeat%22$")


def test_what_matches_is_exported(screen):
    screen.go("/logs?q=%22slow+answer%22")
    screen.page.get_by_role("button", name="Export").click()
    with screen.page.expect_download() as started:
        screen.page.get_by_role("link", name="NDJSON").click()
    lines = started.value.path().read_text().splitlines()
    assert [json.loads(line)["message"] for line in lines] == [f"slow answer: {1500 + n} ms" for n in range(7)]


def test_a_hundred_thousand_lines_are_walked_page_by_page_in_a_bounded_page(shared_server, open_screen):
    start = datetime.now(UTC) - timedelta(minutes=50)
    shared_server.ingest(
        log(start + timedelta(milliseconds=20 * n), "INFO", f"line {n}", service="bulk") for n in range(100_000)
    )
    screen = open_screen(shared_server.url)
    screen.go("/logs?service=bulk")
    screen.expect_total(100_000)
    expect(screen.rows.first).to_contain_text("line 99999")
    screen.page.evaluate("""async () => {
        const list = document.querySelector(".virtual");
        const done = () => document.body.innerText.includes("line 0\\n") || /\\bline 0\\b/.test(list.innerText);
        while (!done()) {
            list.scrollTop = list.scrollHeight;
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
    }""")
    expect(screen.rows.last).to_contain_text("line 0")
    assert screen.rows.count() < 120
    # Back at the top the first lines are there again, though they had been let go meanwhile.
    screen.page.evaluate("document.querySelector('.virtual').scrollTop = 24 * 40000")
    expect(screen.rows.filter(has_text="line 59990")).to_have_count(1)
    screen.page.evaluate("document.querySelector('.virtual').scrollTop = 0")
    expect(screen.rows.first).to_contain_text("line 99999")


def test_a_line_that_is_far_down_is_found_again_after_a_reload(shared_server, open_screen):
    start = datetime.now(UTC) - timedelta(minutes=50)
    steps = (start + timedelta(milliseconds=20 * n) for n in range(3000))
    shared_server.ingest(log(step, "INFO", f"step {n}", service="far") for n, step in enumerate(steps))
    screen = open_screen(shared_server.url)
    wanted = shared_server.post("/v1/logs/search", q='"step 700"', service="far")["logs"][0]
    screen.go(f"/logs?service=far&log={wanted['id']}")
    expect(screen.page.locator(f"#line-{wanted['id']}")).to_be_in_viewport()
