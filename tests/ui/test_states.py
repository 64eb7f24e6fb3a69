"""When there is nothing, when something fails, and when what is stored means ill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect
from records import HOSTILE, log


def hold(screen, text=""):
    """Holds back what the logs page asks for with this text in the question, until the routes are let go on."""
    held = []

    def keep(route):
        if text in route.request.post_data:
            held.append(route)
        else:
            route.continue_()

    screen.page.route("**/v1/logs/search", keep)
    return held


def test_an_empty_store_says_what_to_do_next(own_server, open_screen):
    screen = open_screen(own_server.url)
    for page in ("/logs", "/traces"):
        screen.go(page)
        expect(screen.page.get_by_text("plainview run -- uvicorn app:app")).to_be_visible()
        expect(screen.page.get_by_text("plainview demo")).to_be_visible()


def test_the_command_is_copied(own_server, open_screen):
    screen = open_screen(own_server.url, permissions=["clipboard-read", "clipboard-write"])
    screen.go("/logs")
    screen.page.get_by_role("button", name="Copy plainview demo").click()
    assert screen.page.evaluate("navigator.clipboard.readText()") == "plainview demo"


def test_nothing_found_offers_ways_out(screen, studio):
    screen.go("/logs?q=nothing-is-called-this")
    expect(screen.page.get_by_text("No lines match")).to_be_visible()
    screen.page.get_by_role("main").get_by_role("button", name="Clear the query").last.click()
    screen.expect_total(studio.total)


def test_records_that_are_older_than_the_range_are_one_click_away(shared_server, open_screen):
    then = datetime.now(UTC) - timedelta(days=3)
    shared_server.ingest([log(then, "INFO", "long ago", service="past")])
    screen = open_screen(shared_server.url)
    screen.go("/logs?service=past&from=-5m")
    expect(screen.page.get_by_text("No lines match")).to_be_visible()
    screen.page.get_by_role("button", name="Last 30 days").click()
    expect(screen.rows).to_have_count(1)


def test_a_server_that_went_away_is_told_and_retried(own_server, open_screen):
    screen = open_screen(own_server.url)
    screen.go("/traces")
    port = own_server.port
    own_server.stop()
    screen.page.get_by_role("button", name="Failed only").click()
    told = screen.page.get_by_role("alert").filter(has_text="The server does not answer")
    expect(told).to_be_visible()
    expect(screen.page.get_by_role("link", name="Status")).to_contain_text("1")
    own_server.start(port)
    told.get_by_role("button", name="Try again").click()
    expect(told).to_have_count(0)
    screen.troubles.clear()  # refused connections, while it was away


def test_an_answer_that_takes_its_time_shows_a_skeleton(screen):
    held = hold(screen)
    screen.page.goto(f"{screen.url}/logs?from=-1h")
    expect(screen.page.locator(".lines .skeleton")).to_be_visible()
    for route in held:
        route.continue_()
    expect(screen.rows.first).to_be_visible()
    expect(screen.page.locator(".lines .skeleton")).to_have_count(0)


def test_an_answer_that_nobody_waits_for_any_more_is_given_up(screen):
    hold(screen, '"q":"first"')
    screen.page.goto(f"{screen.url}/logs?from=-1h&q=first")
    expect(screen.page.locator(".lines .skeleton")).to_be_visible()
    screen.page.get_by_role("button", name="Remove first").click()
    expect(screen.rows.first).to_be_visible()
    given_up = screen.page.evaluate("window.givenUp")
    assert [body for body in given_up if '"q":"first"' in body]


def test_hostile_text_stays_text_everywhere(screen):
    screen.go("/logs?q=logger:studio.hostile&cols=extra.input&facets=extra.input")
    screen.expect_total(len(HOSTILE))
    expect(screen.rows.filter(has_text='<img src=x onerror="window.__hacked=1">')).not_to_have_count(0)
    for index in range(len(HOSTILE)):
        screen.rows.nth(index).click()
        expect(screen.page.get_by_role("complementary", name="Log line")).to_be_visible()
    screen.page.get_by_role("tab", name="Before and after").click()
    screen.settle()
    screen.page.get_by_role("button", name="Patterns").click()
    screen.settle()
    assert screen.page.evaluate("window.__hacked") is None
    assert screen.page.locator("main img, main script").count() == 0


def test_what_cannot_be_seen_is_shown_as_a_symbol(screen):
    screen.go("/logs?q=logger:studio.hostile")
    expect(screen.rows.filter(has_text="␛[31mred␛[0m bell␇")).not_to_have_count(0)
    expect(screen.rows.filter(has_text="first line↵second line")).not_to_have_count(0)
    expect(screen.rows.filter(has_text="mirrored ⟨U+202E⟩txt.exe")).not_to_have_count(0)


def test_a_hostile_value_can_be_filtered_by(screen):
    screen.go("/logs?q=logger:studio.hostile&facets=extra.input")
    screen.facet("extra.input", "<script>").click()
    screen.expect_total(1)
    screen.facet("extra.input", "first line").click()
    screen.expect_total(2)
