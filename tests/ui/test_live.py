"""Following along: new lines come in by themselves, and nothing moves under the reader's eyes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect
from records import log


def lines(text, count, **fields):
    now = datetime.now(UTC)
    return [log(now + timedelta(microseconds=n), "INFO", f"{text} {n}", **fields) for n in range(count)]


def test_new_lines_show_by_themselves(shared_server, open_screen):
    shared_server.ingest(lines("old", 3, service="new-lines"))
    screen = open_screen(shared_server.url)
    screen.page.goto(f"{shared_server.url}/logs?from=-1h&service=new-lines")
    expect(screen.rows).to_have_count(3)
    screen.page.keyboard.press("l")
    screen.expect_address("live=1")
    shared_server.ingest(lines("fresh", 2, service="new-lines"))
    expect(screen.rows.first).to_contain_text("fresh 1")
    expect(screen.rows).to_have_count(5)
    screen.expect_total(5)


def test_only_what_matches_comes_in(shared_server, open_screen):
    shared_server.ingest(lines("old", 1, service="only-what"))
    screen = open_screen(shared_server.url)
    screen.page.goto(f"{shared_server.url}/logs?from=-1h&service=only-what&live=1&q=wanted")
    expect(screen.page.get_by_text("No lines match")).to_be_visible()
    shared_server.ingest(
        [
            *lines("noise", 3, service="only-what"),
            *lines("wanted", 1, service="only-what"),
            *lines("noise", 3, service="only-what"),
        ]
    )
    expect(screen.rows).to_have_count(1)
    expect(screen.rows.first).to_contain_text("wanted 0")


def test_scrolled_down_the_list_stands_still_and_says_how_many_wait(shared_server, open_screen):
    shared_server.ingest(lines("old", 200, service="scrolled-down"))
    screen = open_screen(shared_server.url)
    screen.page.goto(f"{shared_server.url}/logs?from=-1h&service=scrolled-down&live=1")
    expect(screen.page.get_by_role("button", name="Live")).to_have_attribute("aria-pressed", "true")
    screen.page.get_by_role("grid").evaluate("list => { list.scrollTop = 2400 }")
    seen = screen.rows.filter(has_text="old 95")
    expect(seen).to_be_in_viewport()
    shared_server.ingest(lines("fresh", 12, service="scrolled-down"))
    chip = screen.page.get_by_role("button", name="12 new")
    expect(chip).to_be_visible()
    expect(seen).to_be_in_viewport()
    chip.click()
    expect(screen.rows.first).to_contain_text("fresh 11")
    expect(chip).to_have_count(0)


def test_the_open_line_stays_open_while_others_come_in_above_it(shared_server, open_screen):
    shared_server.ingest(lines("old", 5, service="the-open"))
    screen = open_screen(shared_server.url)
    screen.page.goto(f"{shared_server.url}/logs?from=-1h&service=the-open&live=1")
    screen.rows.filter(has_text="old 3").click()
    shared_server.ingest(lines("fresh", 4, service="the-open"))
    expect(screen.rows).to_have_count(9)
    expect(screen.rows.filter(has_text="old 3")).to_have_attribute("aria-selected", "true")
    screen.page.keyboard.press("]")
    expect(screen.page.get_by_role("complementary", name="Log line")).to_contain_text("old 2")


def test_a_burst_leaves_the_newest_on_top_and_the_page_bounded(shared_server, open_screen):
    shared_server.ingest(lines("old", 5, service="a-burst"))
    screen = open_screen(shared_server.url)
    screen.page.goto(f"{shared_server.url}/logs?from=-1h&service=a-burst&live=1")
    expect(screen.rows).to_have_count(5)
    shared_server.ingest(lines("burst", 12_000, service="a-burst"))
    expect(screen.rows.first).to_contain_text("burst 11999")
    screen.expect_total(12_005)
    assert screen.rows.count() < 120


def test_the_stream_goes_on_where_it_was_after_the_server_was_away(own_server, open_screen):
    own_server.ingest(lines("old", 2))
    screen = open_screen(own_server.url)
    screen.page.goto(f"{own_server.url}/logs?live=1")
    expect(screen.rows).to_have_count(2)
    port = own_server.port
    own_server.stop()
    expect(screen.page.get_by_text("Connection lost")).to_be_visible()
    own_server.start(port)
    own_server.ingest(lines("after", 2))
    expect(screen.rows).to_have_count(4)
    expect(screen.rows.first).to_contain_text("after 1")
    screen.troubles.clear()  # refused connections, while it was away
