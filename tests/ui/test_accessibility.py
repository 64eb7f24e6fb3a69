"""Every page in both themes, checked by axe: no violation that is serious or worse."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_have_no_serious_violations(server, open_screen, studio, theme):
    screen = open_screen(server.url, color_scheme=theme)
    page = screen.page
    found = {}

    def check(name: str) -> None:
        violations = screen.axe()
        if violations:
            found[name] = violations

    screen.go("/logs?q=level:info+-service:nobody")
    page.keyboard.press("j")
    check("logs")
    screen.go("/logs?q=%22checkout+failed%22")
    screen.rows.first.click()
    expect(page.get_by_role("complementary", name="Log line")).to_be_visible()
    check("a line")
    page.get_by_role("tab", name="Before and after").click()
    screen.settle()
    check("around a line")
    screen.go("/logs?view=patterns")
    check("patterns")
    screen.go("/logs?q=nothing-is-called-this")
    check("nothing found")
    screen.go("/traces")
    check("traces")
    screen.go(f"/traces/{studio.checkout}?span={1:016x}")
    check("a trace")
    screen.go("/status")
    check("status")
    page.keyboard.press("?")
    check("help")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("log")
    check("palette")
    screen.go("/logs")
    page.keyboard.press("t")
    check("time range")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("serv")
    expect(page.get_by_role("option").first).to_be_visible()
    check("completion")
    assert not found, "\n".join(f"{place}: {each}" for place, violations in found.items() for each in violations)


def test_the_pages_fit_a_narrow_window(server, open_screen, studio):
    screen = open_screen(server.url)
    for address in ("/logs", "/traces", f"/traces/{studio.checkout}", "/status"):
        screen.go(address)
        screen.expect_fits(1000)
