"""Two runs side by side: what differs is marked, and all else can be left out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def address(ran) -> str:
    _, told = ran
    return f"/runs/compare?a={told.ids['before']}&b={told.ids['slow']}"


@pytest.fixture
def pair(ran, open_screen, address):
    server, _ = ran
    screen = open_screen(server.url)
    screen.go(address)
    return screen


def part(screen, name: str):
    return screen.page.get_by_role("region", name=re.compile(f"^{name}"))


def test_both_are_named_and_their_figures_stand_beside_each_other(pair, ran):
    _, told = ran
    expect(part(pair, "Run A")).to_contain_text(told.ids["before"])
    expect(part(pair, "Run B")).to_contain_text(told.ids["slow"])
    duration = part(pair, "Figures").get_by_role("row").filter(has_text="Duration")
    expect(duration).to_contain_text("3 m 48 s")
    expect(duration).to_contain_text(re.compile(r"↑ \u00d71\.\d"))
    year = part(pair, "Operations").get_by_role("row").filter(has_text="year")
    expect(year).to_contain_text("↑ \u00d71.9")
    expect(year).to_contain_text("\u00d712")


def test_what_differs_is_marked_with_a_sign_and_can_be_seen_alone(pair):
    parameters = part(pair, "Parameters")
    rate = parameters.get_by_role("row").filter(has_text="rate")
    expect(rate.get_by_text("≠")).to_be_visible()
    expect(rate).to_contain_text("0.02")
    expect(rate).to_contain_text("0.03")
    years = parameters.get_by_role("row").filter(has_text="years")
    expect(years.get_by_text("≠")).to_have_count(0)
    pair.page.keyboard.press("d")
    pair.expect_address("only=1")
    expect(years).to_have_count(0)
    expect(rate).to_be_visible()
    expect(part(pair, "Environment")).to_contain_text("Nothing differs")
    pair.page.reload()
    expect(rate).to_be_visible()
    expect(years).to_have_count(0)
    pair.page.get_by_role("button", name="Only what differs").click()
    expect(years).to_be_visible()


def test_checks_and_messages_that_only_one_had_are_told(pair):
    headcount = part(pair, "Checks").get_by_role("row").filter(has_text="headcount")
    expect(headcount).to_contain_text("pass")
    expect(headcount).to_contain_text("warning")
    new = part(pair, "Errors and messages")
    expect(new).to_contain_text("New messages")
    expect(new).to_contain_text("headcount is beyond what the plan allows")


def test_they_change_sides(pair, ran):
    _, told = ran
    pair.page.keyboard.press("s")
    pair.expect_address(f"a={told.ids['slow']}.*b={told.ids['before']}")
    duration = part(pair, "Figures").get_by_role("row").filter(has_text="Duration")
    expect(duration).to_contain_text(re.compile(r"↓ \u00d70\.5"))
    expect(part(pair, "Errors and messages")).to_contain_text("Gone messages")


def test_what_makes_two_runs_hard_to_compare_is_said(ran, open_screen):
    server, told = ran
    screen = open_screen(server.url)
    screen.go(f"/runs/compare?a={told.ids['slow']}&b={told.ids['failed']}")
    expect(screen.page.locator(".compare-notes")).to_contain_text("failed")
    expect(part(screen, "Errors and messages")).to_contain_text("New errors")
    expect(part(screen, "Errors and messages").get_by_role("link", name=re.compile("KeyError"))).to_be_visible()


def test_one_alone_cannot_be_compared_and_one_that_is_gone_is_said(ran, open_screen):
    server, told = ran
    screen = open_screen(server.url)
    screen.page.goto(f"{server.url}/runs/compare?a={told.ids['slow']}")  # nothing is asked of the server
    expect(screen.page.get_by_text("Two runs are needed")).to_be_visible()
    screen.go(f"/runs/compare?a={told.ids['slow']}&b=nobody-ran-this")
    expect(screen.page.get_by_role("alert")).to_be_visible()
    screen.troubles.clear()  # the answer 404


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_no_serious_violations_and_fits(ran, open_screen, address, theme):
    server, _ = ran
    screen = open_screen(server.url, color_scheme=theme)
    screen.go(address)
    assert screen.axe() == []
    screen.expect_fits(900)
