"""Workers: which of them live, what each works on, how much went well."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from test_operations_page import fill


@pytest.fixture(scope="module")
def staffed(tmp_path_factory, serving):
    """A server with four workers that tests only look at, and what it holds."""
    with serving(tmp_path_factory.mktemp("staffed")) as server:
        yield server, fill(server)


def row(screen, name: str):
    return screen.page.get_by_role("row").filter(has=screen.page.get_by_role("link", name=name, exact=True))


def test_workers_show_their_state_by_sign_and_letter_and_what_they_do(staffed, open_screen):
    server, works = staffed
    screen = open_screen(server.url)
    screen.go("/workers")
    expect(row(screen, "encoder")).to_contain_text("● A")
    expect(row(screen, "encoder")).to_contain_text("alive")
    expect(row(screen, "mixer")).to_contain_text("▲ L")
    expect(row(screen, "mailer")).to_contain_text("■ X")
    names = screen.page.locator("tbody tr td:nth-child(2) a").all_inner_texts()
    assert names == ["mailer", "mixer", "encoder"]  # what wants a person comes first, those that ended are left out
    expect(row(screen, "encoder").get_by_role("link", name="task encode")).to_be_visible()
    expect(row(screen, "encoder").locator("[aria-valuenow='75']")).to_be_visible()
    expect(row(screen, "mixer")).to_contain_text("nothing")
    expect(row(screen, "mixer")).to_contain_text(re.compile(r"25 m \d\d s of 10 m"))
    screen.page.get_by_role("group", name="State").get_by_role("button", name="ended").click()
    screen.expect_address("state=ended")
    expect(row(screen, "indexer")).to_be_visible()
    screen.go("/workers?state=ended")
    screen.page.keyboard.press("j")
    screen.page.keyboard.press("Enter")
    screen.expect_address(f"/operations/{works.ids['indexer']}")
    expect(screen.page.get_by_role("heading", name="worker indexer")).to_be_visible()
    screen.page.keyboard.press("u")
    screen.expect_address("^/workers$")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_no_serious_violations(staffed, open_screen, theme):
    screen = open_screen(staffed[0].url, color_scheme=theme)
    screen.go("/workers")
    assert screen.axe() == []
    screen.expect_fits(900)
