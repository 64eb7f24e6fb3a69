"""Runs: the list, what of it wants a look, and the way to two of them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import expect
from ran import RUNS
from records import HOSTILE, at


@pytest.fixture
def runs(ran, open_screen):
    server, _ = ran
    return open_screen(server.url)


def row(screen, run_id: str):
    return screen.rows.filter(has_text=run_id)


def send(server, *lines: dict[str, object]) -> None:
    body = "\n".join(map(json.dumps, lines)).encode()
    answer = httpx.post(f"{server.url}/v1/ingest", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert answer.raise_for_status().json()["rejected"] == 0, answer.text


def line(run_id: str, start: datetime, event: str, **members: object) -> dict[str, object]:
    """An event of a run."""
    return {
        "timestamp": at(datetime.now(UTC)),
        "operation_id": "00000000feed0001",
        "event": event,
        "kind": "run",
        "name": "simulate",
        "key": run_id,
        "run_id": run_id,
        "start_time_unix_nano": round(start.timestamp() * 1e9),
        "service": "workforce",
        **members,
    }


def test_the_list_has_every_run_with_status_durations_rows_memory_checks_errors_and_commit(runs, ran):
    _, told = ran
    runs.go("/runs")
    runs.expect_total(RUNS, "run")
    slow = row(runs, told.ids["slow"])
    expect(slow).to_contain_text("completed")
    expect(slow).to_contain_text("3 m 48 s")
    expect(slow).to_contain_text("508k")
    expect(slow).to_contain_text("1.9 GiB")
    expect(slow).to_contain_text("c0ffee44")
    expect(slow.get_by_text("2 pass")).to_be_attached()
    expect(slow.get_by_text("1 warning")).to_be_attached()
    failed = row(runs, told.ids["failed"])
    expect(failed.locator(".operation-status")).to_contain_text("failed")
    expect(failed.locator(".tally-error")).to_have_text("1")
    expect(failed).to_contain_text("b7e23ec2")


def test_a_run_that_is_out_of_line_with_those_before_it_is_marked_with_more_than_a_colour(runs, ran):
    _, told = ran
    runs.go("/runs")
    slow = row(runs, told.ids["slow"])
    expect(slow.locator(".out-of-line")).to_contain_text(re.compile(r"↑ \u00d71\.9"))
    expect(slow.get_by_role("img", name=re.compile("the median of the 20 before it is"))).to_be_visible()
    expect(row(runs, told.ids["before"]).locator(".out-of-line")).to_have_count(0)


def test_it_is_narrowed_by_name_status_and_words_and_the_address_keeps_it(runs, ran):
    _, told = ran
    runs.go("/runs")
    runs.page.get_by_role("button", name="Name: All names").click()
    runs.page.get_by_role("button", name="import_census").click()
    runs.expect_address("name=import_census")
    runs.expect_total(1, "run")
    runs.page.reload()
    runs.expect_total(1, "run")
    runs.go("/runs?status=failed,abandoned")
    runs.expect_total(2, "run")
    runs.go("/runs")
    runs.page.keyboard.press("/")
    runs.page.keyboard.type(told.ids["slow"])
    runs.page.keyboard.press("Enter")
    runs.expect_total(1, "run")
    runs.page.get_by_label("Search runs").fill("no run is called this")
    runs.page.get_by_label("Search runs").press("Enter")
    expect(runs.page.get_by_text("No run matches")).to_be_visible()
    runs.page.get_by_role("button", name="Show all runs").click()
    runs.expect_total(RUNS, "run")


def test_the_keyboard_opens_one_and_lays_two_side_by_side(runs, ran):
    _, told = ran
    runs.go("/runs?status=completed&name=simulate")
    page = runs.page
    page.keyboard.press("x")
    runs.expect_address("chosen=")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_role("button", name="Compare (2 chosen)")).to_be_enabled()
    page.keyboard.press("c")
    runs.expect_address(f"/runs/compare.*a={told.ids['before']}.*b={told.ids['slow']}")
    page.go_back()
    expect(page.locator(".run-line.chosen")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.locator(".run-line.chosen")).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    runs.expect_address(rf"/runs/{told.ids['before']}$")


def test_a_run_that_goes_on_shows_its_progress_as_it_comes_and_a_new_one_appears(own_server, open_screen):
    start = datetime.now(UTC) - timedelta(seconds=30)
    send(own_server, line("r-1", start, "open"), line("r-1", start, "progress", done=3, total=12))
    screen = open_screen(own_server.url)
    screen.go("/runs")
    bar = row(screen, "r-1").get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", "25")
    send(own_server, line("r-1", start, "progress", done=9, total=12))
    expect(bar).to_have_attribute("aria-valuenow", "75")
    other = {"operation_id": "00000000feed0002"}
    send(own_server, line("r-2", datetime.now(UTC), "open", **other))
    expect(row(screen, "r-2")).to_be_visible()
    send(own_server, line("r-1", start, "close", status="completed", duration_ms=31_000, rows=10))
    expect(row(screen, "r-1").locator(".operation-status")).to_contain_text("completed")


def test_without_runs_it_says_what_to_write(own_server, open_screen):
    screen = open_screen(own_server.url)
    screen.go("/runs")
    expect(screen.page.get_by_text('with plainview.run("simulate"')).to_be_visible()


def test_hostile_names_and_ids_stay_text(own_server, open_screen):
    start = datetime.now(UTC) - timedelta(seconds=30)
    run_id = "r-1?a=b#c&d=%2e%2e <img src=x onerror=window.__hacked=1>"
    send(own_server, line(run_id, start, "open", name=HOSTILE[1], step=HOSTILE[0]))
    screen = open_screen(own_server.url)
    screen.go("/runs")
    expect(screen.rows).to_have_count(1)
    expect(screen.rows.first).to_contain_text(HOSTILE[1])
    screen.rows.first.click()
    expect(screen.page.get_by_role("heading", name=HOSTILE[1])).to_be_visible()
    assert screen.page.evaluate("window.__hacked") is None


def test_a_list_that_cannot_be_had_says_so_and_is_asked_for_again(ran, open_screen):
    server, _ = ran
    screen = open_screen(server.url)
    fails = [True]
    screen.page.route(
        re.compile(r"/v1/runs\?"), lambda route: route.abort() if fails.pop() else route.continue_(), times=1
    )
    screen.page.goto(f"{server.url}/runs")
    told = screen.page.get_by_role("alert")
    expect(told).to_contain_text("The server does not answer")
    told.get_by_role("button", name="Try again").click()
    screen.expect_total(RUNS, "run")
    screen.troubles.clear()  # the question that was refused


def test_records_and_the_palette_lead_to_their_run(runs, ran):
    _, told = ran
    runs.go(f"/logs?from=-30d&q=run_id:{told.ids['failed']}")
    runs.rows.filter(has_text="run failed").click()
    panel = runs.page.get_by_role("complementary", name="Log line")
    panel.get_by_role("link", name="Open the run").first.click()
    runs.expect_address(f"/runs/{told.ids['failed']}")
    runs.page.keyboard.press("Control+k")
    runs.page.keyboard.type("Runs")
    runs.page.get_by_role("option", name="Runs page").click()
    runs.expect_address(r"/runs(\?|$)")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_list_has_no_serious_violations_and_fits(ran, open_screen, theme):
    server, _ = ran
    screen = open_screen(server.url, color_scheme=theme)
    screen.go("/runs")
    screen.page.keyboard.press("x")
    assert screen.axe() == []
    for width in (900, 1100):
        screen.expect_fits(width)
        screen.expect_fits(width, ".virtual")


def test_the_usual_duration_is_the_middle_of_the_runs_before(runs, ran):
    _, told = ran
    runs.go("/runs")
    title = row(runs, told.ids["slow"]).locator(".durations").get_attribute("title")
    assert title.endswith("the median of the 20 before it is 2 m 00 s")
