"""Narrowing the logs down: by query, by click, by brush, by what the top bar says. The address holds it all."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect


def test_all_lines_of_the_last_hour_are_counted_by_level(screen, studio):
    screen.go("/logs")
    screen.expect_total(studio.total)
    levels = screen.page.get_by_role("region", name="Lines over time")
    for level, count in studio.levels.items():
        expect(levels.get_by_role("button", name=level)).to_contain_text(str(count))


def test_the_front_door_leads_to_the_logs(screen):
    screen.go("/")
    screen.expect_address(r"/logs$")


def test_click_on_a_facet_keeps_only_that_value_and_a_second_click_takes_it_back(screen, studio):
    screen.go("/logs")
    screen.facet("service", "studio-worker").click()
    screen.expect_total(301)
    assert screen.pills() == ["service:studio-worker"]
    screen.expect_address(r"q=service:studio-worker")
    screen.facet("service", "studio-worker").click()
    screen.expect_total(studio.total)
    assert screen.pills() == []


def test_a_second_value_of_a_field_joins_the_first(screen, studio):
    screen.go("/logs?q=level:%3DWARNING")
    screen.expect_total(7)
    screen.facet("level", "ERROR").click()
    screen.expect_total(8)
    assert screen.pills() == ["level:=WARNING,=ERROR"]


def test_alt_click_shuts_a_value_out(screen, studio):
    screen.go("/logs")
    screen.facet("service", "studio-worker").click(modifiers=["Alt"])
    screen.expect_total(studio.total - 301)
    assert screen.pills() == ["not service:studio-worker"]
    expect(screen.page.locator(".facet-value.out", has_text="studio-worker")).to_be_visible()


def test_click_on_a_level_of_the_histogram_keeps_that_level_alone(screen, studio):
    screen.go("/logs")
    screen.page.get_by_role("region", name="Lines over time").get_by_role("button", name="INFO").click()
    screen.expect_total(studio.levels["INFO"])
    assert screen.pills() == ["level:=INFO"]


def test_a_facet_shows_all_its_values_on_demand_and_finds_among_them(screen):
    screen.go("/logs?facets=extra.entries")
    facet = screen.page.get_by_role("region", name="Values of extra.entries")
    facet.get_by_role("button", name="Show all").click()
    expect(facet.locator(".facet-value")).to_have_count(150)
    facet.get_by_role("textbox").fill("149")
    expect(facet.locator(".facet-value")).to_have_count(1)


def test_another_field_can_be_made_a_facet(screen):
    screen.go("/logs")
    screen.page.get_by_role("button", name="Another field").click()
    screen.page.get_by_role("textbox", name="Find a field").fill("region")
    screen.page.get_by_role("button", name="extra.region").click()
    screen.facet("extra.region", "north").click()
    screen.expect_total(75)
    screen.expect_address(r"facets=extra\.region")


def test_typed_terms_become_pills_that_can_be_changed_and_removed(screen, studio):
    screen.go("/logs")
    page = screen.page
    page.keyboard.press("/")
    page.keyboard.type("level:warning ")  # a blank ends a term of a field
    expect(page.locator(".pill")).to_have_count(1)
    screen.expect_total(9)
    page.keyboard.type('"slow answer"')
    page.keyboard.press("Enter")
    screen.expect_total(7)
    assert screen.pills() == ["level:warning", '"slow answer"']

    page.keyboard.press("Backspace")  # takes the last pill back into the field
    expect(page.get_by_role("combobox", name="Query")).to_have_value('"slow answer"')
    page.keyboard.press("Control+a")
    page.keyboard.type("dead-letter")
    page.keyboard.press("Enter")
    screen.expect_total(1)

    page.get_by_role("button", name="Remove level:warning").click()
    assert screen.pills() == ["dead-letter"]
    page.get_by_role("button", name="Clear the query").click()
    screen.expect_total(studio.total)


def test_the_text_that_was_sought_is_marked(screen):
    screen.go("/logs?q=CACHE")
    expect(screen.rows.first.locator("mark")).to_have_text("cache")


def test_completion_offers_fields_and_then_their_values(screen):
    screen.go("/logs")
    page = screen.page
    page.keyboard.press("/")
    page.keyboard.type("reg")
    page.get_by_role("option", name="extra.region:").click()
    expect(page.get_by_role("option")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    screen.expect_total(75)
    assert screen.pills()[0].startswith("extra.region:")


def test_a_query_that_cannot_be_understood_says_where_it_is_wrong(screen):
    screen.go("/logs?q=level:nonsense")
    expect(screen.page.get_by_role("alert").first).to_contain_text("nonsense")
    screen.troubles.clear()  # the browser reports the refusals


def test_a_brush_over_the_histogram_zooms_into_the_time(screen, studio):
    screen.go("/logs")
    chart = screen.page.locator(".histogram .u-over")
    box = chart.bounding_box()
    screen.page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + 20)
    screen.page.mouse.down()
    screen.page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 40, steps=5)
    screen.page.mouse.up()
    screen.expect_address(r"from=20\d\d-.*to=20\d\d-")
    screen.settle()
    total = int(screen.page.locator(".histogram-total").inner_text().split()[0].replace(",", ""))
    assert 0 < total < studio.total
    screen.page.go_back()
    screen.expect_total(studio.total)


def test_the_range_is_chosen_from_presets_or_typed(screen):
    screen.go("/logs")
    page = screen.page
    page.keyboard.press("t")
    page.get_by_role("button", name="Last 3 hours").click()
    screen.expect_address(r"from=-3h")
    page.keyboard.press("t")
    page.get_by_role("textbox", name="From", exact=True).fill("yesterday-ish")
    expect(page.get_by_text("Not a time that can be read")).to_be_visible()
    page.get_by_role("textbox", name="From", exact=True).fill("2026-01-31 10:00")
    page.get_by_role("textbox", name="To", exact=True).fill("2026-01-31 10:30")
    page.get_by_role("button", name="Apply").click()
    screen.expect_address(r"from=2026-01-31T10:00:00\.000Z&to=2026-01-31T10:30:00\.000Z")
    expect(page.get_by_text("No lines match")).to_be_visible()


def test_services_and_environments_of_the_top_bar_hold_on_every_page(screen):
    screen.go("/logs")
    page = screen.page
    page.get_by_role("button", name="Environments").click()
    page.get_by_role("button", name="staging", exact=True).click()
    screen.expect_total(50)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Traces").click()
    screen.expect_address(r"/traces\?env=staging")
    expect(page.get_by_text("No traces match")).to_be_visible()


@pytest.mark.parametrize(
    "address",
    [
        "/logs?q=service:studio-worker+level:%3DDEBUG&from=-2h",
        "/logs?view=patterns&q=heartbeat",
        "/logs?cols=extra.queue,host&q=heartbeat",
        "/traces?sort=duration&min=15",
    ],
)
def test_a_reload_shows_the_same(screen, address):
    screen.go(address)
    before = screen.page.get_by_role("main").inner_text()
    screen.page.reload()
    screen.settle()
    assert screen.page.get_by_role("main").inner_text() == before
