"""What is around the pages: the palette, help, theme, time zone, the status page, signing in."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize(
    ("what", "leads_to"),
    [("trace", "/traces/{checkout}"), ("request", "/logs\\?q=request:{request}"), ("job", "/logs\\?q=job:job-9")],
)
def test_a_pasted_id_leads_to_what_it_is(screen, studio, what, leads_to):
    ids = {"trace": studio.checkout, "request": studio.request, "job": "job-9"}
    screen.go("/logs")
    screen.page.keyboard.press("Control+k")
    screen.page.get_by_role("combobox", name="Where to go").fill(ids[what])
    expect(screen.page.get_by_role("option").first).to_have_text(f"Open the {what} {ids[what]}id")
    screen.page.keyboard.press("Enter")
    screen.expect_address(leads_to.format(checkout=studio.checkout, request=studio.request))


def test_the_palette_says_when_nothing_has_an_id(screen):
    screen.go("/logs")
    screen.page.keyboard.press("Control+k")
    screen.page.keyboard.type("no-such-id-42")
    expect(screen.page.get_by_text("No record has the id no-such-id-42")).to_be_visible()
    screen.troubles.clear()  # the 404


@pytest.mark.parametrize(
    ("key", "focused"),
    [("ctrl+k", "Where to go"), ("t", "Last hour"), ("?", "Close")],
    ids=["palette", "range", "help"],
)
def test_what_a_key_opens_has_the_focus_before_the_next_key_arrives(screen, key, focused):
    screen.go("/logs")
    expect(screen.page.get_by_role("grid")).to_be_visible()
    assert screen.press(key) == focused


def test_the_palette_goes_to_pages(screen):
    screen.go("/logs")
    screen.page.keyboard.press("Control+k")
    screen.page.keyboard.type("trac")
    screen.page.keyboard.press("ArrowDown")
    screen.page.keyboard.press("Enter")
    screen.expect_address("/traces$")


def test_help_opens_and_closes_by_key(screen):
    screen.go("/logs")
    screen.page.keyboard.press("?")
    expect(screen.page.get_by_role("dialog", name="Help")).to_be_visible()
    screen.page.keyboard.press("Escape")
    expect(screen.page.get_by_role("dialog", name="Help")).to_have_count(0)


def test_the_theme_follows_the_system_until_one_is_chosen_and_then_stays(server, open_screen):
    screen = open_screen(server.url, color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    screen.go("/logs")
    dark = screen.page.evaluate(background)
    screen.page.get_by_role("button", name="Light theme").click()
    light = screen.page.evaluate(background)
    assert light != dark
    screen.page.reload()
    assert screen.page.evaluate(background) == light


def test_times_are_shown_in_the_zone_that_was_chosen(server, open_screen, browser):
    context = browser.new_context(timezone_id="Asia/Tokyo", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{server.url}/logs?from=-1h&q=heartbeat")
    hour = page.locator(".line-time").first
    local = hour.inner_text()
    page.goto(f"{server.url}/status")
    page.get_by_role("button", name="UTC", exact=True).click()
    page.goto(f"{server.url}/logs?from=-1h&q=heartbeat")
    hours = [int(text.split()[-1].split(":")[0]) for text in (local, hour.inner_text())]
    assert (hours[0] - hours[1]) % 24 == 9
    context.close()


def test_the_status_page_shows_streams_and_what_is_stored(screen, studio):
    screen.go("/status")
    expect(screen.page.get_by_text("All is well")).to_be_visible()
    expect(screen.page.get_by_role("region", name="Services")).to_contain_text("studio-worker")
    expect(screen.page.get_by_role("region", name="Server")).to_contain_text(f"{studio.total:,}")


def test_a_degraded_capture_is_flagged_and_counted_on_the_rail(own_server, open_screen):
    stream = own_server.directory / "spool" / "studio-api-41-0badcafe"
    stream.mkdir(parents=True)
    (stream / "process.json").write_text(json.dumps({"service": "studio-api", "pid": 41}))
    status = {
        "dropped": {"log": 12, "span": 3},
        "dropped_reason": "No space left on device",
        "degraded_since": "2026-11-22T01:47:55Z",
    }
    (stream / "status").write_text(json.dumps(status).ljust(4095) + "\n")
    (stream / "log-000001.ndjson").write_text("")
    screen = open_screen(own_server.url)
    screen.go("/logs")
    expect(screen.page.get_by_role("link", name="Status")).to_contain_text("2")
    screen.page.get_by_role("link", name="Status").click()
    main = screen.page.get_by_role("main")
    expect(main).to_contain_text("studio-api (pid 41) is degraded: No space left on device")
    expect(main).to_contain_text("dropped 15 records")
    expect(main).to_contain_text("plainview doctor")


def test_a_server_with_a_token_asks_for_it_once(tmp_path, open_screen, serving):
    with serving(tmp_path / "plainview", PLAINVIEW_TOKEN="open-sesame-0123456789") as server:
        screen = open_screen(server.url)
        screen.go("/logs")
        field = screen.page.locator("input[type=password]")
        field.fill("wrong")
        field.press("Enter")
        expect(screen.page.get_by_text("That is not this server's token")).to_be_visible()
        field.fill("open-sesame-0123456789")
        field.press("Enter")
        expect(screen.page.get_by_text("No lines yet")).to_be_visible()
        screen.page.reload()
        expect(screen.page.get_by_text("No lines yet")).to_be_visible()
        screen.page.goto("about:blank")  # it would ask a server that stops
        screen.troubles.clear()  # the refusals
