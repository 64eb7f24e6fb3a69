"""One run: its summary, its time, what it used, its checks, and why it failed."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import expect
from ran import MESSAGE, ROWS, YEARS
from records import at


@pytest.fixture
def show(ran, open_screen):
    """Opens the page of one of the runs."""
    server, told = ran

    def open_(called: str, **options: object):
        screen = open_screen(server.url, **options)
        screen.go(f"/runs/{told.ids[called]}")
        return screen

    return open_


def part(screen, name: str):
    """A card by its heading."""
    return screen.page.get_by_role("region", name=re.compile(f"^{name}"))


def test_the_summary_tells_status_duration_rows_memory_checks_errors_warnings_and_backup(show, ran):
    _, told = ran
    card = part(show("slow"), "Run complete")
    for text in (
        "completed",
        "3 m 48 s",
        f"{ROWS * YEARS:,}",
        "1.9 GiB",
        "87 % of one core",
        f"/srv/backups/{told.ids['slow']}.duckdb",
        "workforce · production · 2.3.0 · batch-1, process 4711",
    ):
        expect(card).to_contain_text(text)
    expect(card.locator(".tally-warning")).to_have_text("1")


def test_the_last_runs_of_its_name_are_drawn_and_the_newest_is_told_when_out_of_line(show, ran):
    _, told = ran
    screen = show("slow")
    trends = part(screen, "The last 20 runs")
    expect(trends.get_by_role("figure")).to_have_count(3)
    duration = trends.get_by_role("figure").filter(has_text="Duration")
    expect(duration.locator(".trend-bar")).to_have_count(20)
    expect(duration.locator(".trend-bar.failed")).to_have_count(1)
    here = duration.locator(".trend-bar[aria-current=true]")
    expect(here).to_have_attribute("aria-label", re.compile(f"{told.ids['slow']}.*3 m 48 s, completed"))
    screen.page.keyboard.press("]")  # the one before
    screen.expect_address(f"/runs/{told.ids['before']}")
    expect(screen.page.locator(".run-title")).to_contain_text(told.ids["before"])
    screen.settle()
    screen.page.keyboard.press("[")
    screen.expect_address(f"/runs/{told.ids['slow']}")


def test_a_figure_that_drifts_is_told_though_each_run_is_in_line_with_the_one_before(own_server, open_screen):
    now = datetime.now(UTC)
    lines = []
    for day in range(12):
        start = now - timedelta(days=12 - day)
        run = {"kind": "run", "name": "creep", "key": f"creep-{day}", "run_id": f"creep-{day}", "service": "workforce"}
        end = {"event": "close", "status": "completed", "duration_ms": 60_000 * 1.03**day}
        begun = round(start.timestamp() * 1e9)
        ids = {"operation_id": f"{0xC0DE00 + day:016x}", "start_time_unix_nano": begun, "timestamp": at(start)}
        lines.append(json.dumps(run | end | ids))
    headers = {"Content-Type": "application/x-ndjson"}
    httpx.post(f"{own_server.url}/v1/ingest", content="\n".join(lines).encode(), headers=headers).raise_for_status()
    deadline = time.monotonic() + 30
    while httpx.get(f"{own_server.url}/v1/runs").json()["total"] < len(lines):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    screen = open_screen(own_server.url)
    screen.go("/runs/creep-11")
    duration = part(screen, "The last 12 runs").get_by_role("figure").filter(has_text="Duration")
    expect(duration).to_contain_text(re.compile(r"drifts up by [23]\d % over these runs"))
    expect(duration.locator(".out-of-line")).to_have_count(0)


def test_operations_stand_along_the_time_and_lead_to_themselves(show):
    screen = show("slow")
    tree = screen.page.get_by_role("treegrid", name="Operations")
    expect(tree.get_by_role("row", name=re.compile("year"))).not_to_have_count(0)
    nested = tree.locator("[role=row][aria-level='2']")
    expect(nested.filter(has_text="hire").first).to_be_visible()
    nested.filter(has_text="hire").first.click()
    screen.expect_address(r"/operations/[0-9a-f]{16}")


def test_the_slowest_operations_have_their_share_of_the_run(show):
    table = part(show("slow"), "Slowest operations")
    first = table.get_by_role("row").nth(1)
    expect(first).to_contain_text("year")
    expect(first).to_contain_text(f"{YEARS}")
    expect(first).to_contain_text("%")
    expect(table.get_by_role("row", name=re.compile("engine leave"))).to_be_visible()


def test_what_it_used_is_drawn_over_the_same_time_and_dragging_zooms_all(show):
    screen = show("slow")
    page = screen.page
    memory = page.get_by_role("img", name=re.compile("Memory over time, at most 1.9 GiB"))
    expect(memory).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("Processor over time"))).to_be_visible()
    over = memory.locator(".u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    axis = page.locator(".waterfall-axis").bounding_box()
    assert abs(box["x"] - axis["x"]) <= 1, "the curve begins where the bars do"
    assert abs(box["width"] - axis["width"]) <= 2, "and ends there"
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    expect(page.locator(".timeline-hair")).to_be_visible()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=4)
    page.mouse.up()
    screen.expect_address(r"zoom=\d+")
    expect(page.locator(".axis-tick").first).not_to_have_text("0")
    page.get_by_role("button", name="Show all").click()
    screen.expect_address(r"/runs/[^?]*$")


def test_checks_results_parameters_environment_and_files_are_listed(show, ran):
    _, told = ran
    screen = show("slow")
    checks = part(screen, "Checks")
    first = checks.get_by_role("row").nth(1)  # what did not pass comes first
    expect(first).to_contain_text("warning")
    expect(first).to_contain_text("headcount")
    expect(first).to_contain_text("≥ 1000 · warns above 5000")
    expect(part(screen, "Results")).to_contain_text("5210")
    expect(part(screen, "Parameters")).to_contain_text("0.03")
    environment = part(screen, "Environment")
    expect(environment).to_contain_text("python simulate.py --years 12")
    environment.get_by_text("3 packages").click()
    expect(environment).to_contain_text("duckdb")
    expect(part(screen, "Artifacts")).to_contain_text(f"out/{told.ids['slow']}/headcount.parquet")
    expect(part(screen, "Warnings")).to_contain_text("headcount is beyond what the plan allows")


def test_its_log_is_counted_by_level_and_one_click_away(show, ran):
    _, told = ran
    screen = show("slow")
    logs = part(screen, "Logs")
    expect(logs.get_by_role("listitem").last).to_contain_text("run completed: simulate")
    logs.get_by_role("link", name="WARNING").first.click()
    screen.expect_address(f"/logs.*run_id:{told.ids['slow']}")
    screen.expect_total(1)


def test_a_run_that_failed_says_what_failed_first_why_and_what_changed_since_it_went_well(show, ran):
    _, told = ran
    screen = show("failed")
    why = part(screen, "Why it failed")
    expect(why).to_contain_text("First failed engine leave")
    expect(why).to_contain_text(MESSAGE)
    expect(why.locator(".issue-category").first).to_have_text("bug")
    expect(why).to_contain_text("no rates of the year 2031")  # logged around it
    changed = why.get_by_role("row").filter(has_text="packages.duckdb")
    expect(changed).to_contain_text("2.0.0")
    expect(changed).to_contain_text("2.0.1")
    expect(why.get_by_role("row").filter(has_text="seed")).to_contain_text("8")
    why.get_by_role("link", name="Compare").click()
    screen.expect_address(f"/runs/compare.*a={told.ids['slow']}.*b={told.ids['failed']}")
    screen.page.go_back()
    why.get_by_role("link", name="KeyError").first.click()
    screen.expect_address(r"/errors/E\d+")


def test_a_run_whose_process_died_shows_how_far_it_was(show):
    screen = show("abandoned")
    expect(part(screen, "Why it was abandoned")).to_be_visible()
    expect(part(screen, "Run ended")).to_contain_text("abandoned")


def test_a_run_that_goes_on_shows_its_progress(show):
    card = part(show("running"), "Run goes on")
    expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "58")
    expect(card).to_contain_text("year 2032")


def test_a_run_that_is_not_there_offers_ways_out(ran, open_screen):
    server, _ = ran
    screen = open_screen(server.url)
    screen.go("/runs/20200101_000000-00000000")
    expect(screen.page.get_by_text("No such run")).to_be_visible()
    expect(screen.page.get_by_role("link", name="All runs")).to_be_visible()
    screen.troubles.clear()  # the answer 404


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_no_serious_violations_and_fits(show, theme):
    for called in ("slow", "failed", "running"):
        screen = show(called, color_scheme=theme)
        assert screen.axe() == [], called
        screen.expect_fits(900)
        screen.expect_fits(900, ".run-body", beside=68)
