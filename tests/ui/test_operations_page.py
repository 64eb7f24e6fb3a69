"""Jobs, engines, batches, agents and tasks: what runs now, how each kind does, and one operation whole."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import pytest
from operated import FAILED, FAILED_ITEMS, ITEMS, JOB_TYPES, JOBS, NOW_RUNNING, QUEUED, REASON, Works
from playwright.sync_api import expect
from records import at, log

TYPES = {name: (done, failed) for name, done, failed, _ in JOB_TYPES}
PATIENCE = 30.0


def send(server, lines: list[str]) -> None:
    """Ingest lines, all of which are good."""
    body = "\n".join(lines).encode()
    answer = httpx.post(f"{server.url}/v1/ingest", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert answer.raise_for_status().json()["rejected"] == 0, answer.text


def fill(server) -> Works:
    """Send the works, and wait until the last of them are found."""
    works = Works()
    send(server, works.lines)
    deadline = time.monotonic() + PATIENCE
    while True:
        jobs = httpx.get(f"{server.url}/v1/operations?kind=job&limit=1").raise_for_status().json()["total"]
        workers = httpx.get(f"{server.url}/v1/workers").raise_for_status().json()["workers"]
        if jobs == JOBS and len(workers) == 4:
            return works
        assert time.monotonic() < deadline, (jobs, workers)
        time.sleep(0.05)


@pytest.fixture(scope="module")
def busy(tmp_path_factory, serving):
    """A server that tests only look at, and what it holds."""
    with serving(tmp_path_factory.mktemp("busy")) as server:
        yield server, fill(server)


@pytest.fixture
def works(busy) -> Works:
    return busy[1]


@pytest.fixture
def screen(busy, open_screen):
    return open_screen(busy[0].url)


def line_of(screen, name: str):
    """The row of the table of names."""
    return screen.page.get_by_role("row").filter(has=screen.page.get_by_role("button", name=name, exact=True))


def test_jobs_are_counted_by_status_and_by_type(screen):
    screen.go("/jobs")
    screen.expect_total(JOBS, "job")
    statuses = screen.page.get_by_role("group", name="Status")
    for status, count in (("running", NOW_RUNNING), ("queued", QUEUED), ("failed", FAILED), ("abandoned", 1)):
        expect(statuses.get_by_role("button", name=status)).to_have_text(re.compile(rf"{status}{count}$"))
    row = line_of(screen, "export_pdf")
    expect(row).to_contain_text("100 %")
    expect(row.get_by_role("img", name=re.compile("p50 .* p95 .* p99"))).to_be_visible()
    expect(row.get_by_role("img", name=re.compile("export_pdf over time: 42 in all"))).to_be_visible()
    expect(line_of(screen, "send_letter")).to_contain_text("90.0 %")


def test_what_runs_now_shows_how_far_it_is_and_what_is_left(screen):
    screen.go("/jobs")
    now = screen.page.get_by_role("complementary", name="Now")
    bars = now.get_by_role("progressbar")
    expect(bars).to_have_count(NOW_RUNNING)
    expect(now.locator("[aria-valuenow='45']")).to_have_attribute("aria-valuetext", "45 % · 54 of 120")
    expect(now.get_by_text(re.compile("about .* left")).first).to_be_visible()
    # Where nobody said how much there is, no part of it is claimed.
    expect(now.get_by_role("progressbar", name="Progress of render_book").first).not_to_have_attribute(
        "aria-valuenow", re.compile(".")
    )
    expect(now).to_contain_text("Waiting")
    expect(now.locator("li", has_text="export_pdf-waits")).to_have_count(QUEUED)


def test_why_jobs_of_a_type_failed_is_unfolded_and_stays_in_the_address(screen):
    screen.go("/jobs")
    screen.page.get_by_role("button", name="Why render_book failed").click()
    screen.expect_address("why=render_book")
    reasons = screen.page.get_by_role("list", name="Why render_book failed")
    expect(reasons).to_contain_text(REASON)
    expect(reasons).to_contain_text("in stage layout")
    screen.page.reload()
    expect(reasons).to_contain_text(REASON)
    reasons.get_by_role("button", name="Show them").first.click()
    screen.expect_address("name=render_book")
    screen.expect_total(TYPES["render_book"][1] + 1, "job")


def test_the_list_is_narrowed_by_status_type_words_and_time(screen):
    screen.go("/jobs")
    screen.page.get_by_role("group", name="Status").get_by_role("button", name="failed").click()
    screen.expect_address("status=failed")
    screen.expect_total(FAILED, "job")
    screen.go("/jobs?name=send_letter")
    screen.expect_total(10, "job")
    screen.page.get_by_label("Search jobs").fill("Fell Pica")
    screen.page.get_by_label("Search jobs").press("Enter")
    screen.expect_address("q=Fell")
    screen.expect_total(1, "job")
    screen.page.get_by_role("button", name="Clear").click()
    screen.expect_total(JOBS, "job")
    screen.go("/jobs?q=nothing-is-called-this")
    expect(screen.page.get_by_text("No job matches")).to_be_visible()
    screen.go("/jobs?service=nobody")
    expect(screen.page.get_by_text("No jobs in this time range")).to_be_visible()


def test_the_keyboard_goes_down_the_list_in_and_back(screen):
    screen.go("/jobs?status=completed&name=export_pdf&sort=duration_ms")
    screen.expect_total(TYPES["export_pdf"][0], "job")
    page = screen.page
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(screen.rows.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    screen.expect_address("/operations/[0-9a-f]{16}")
    expect(page.get_by_role("heading", name="job export_pdf")).to_be_visible()
    page.keyboard.press("u")
    screen.expect_address("^/jobs$")


def test_the_tabs_lead_from_kind_to_kind_and_keep_the_scope(screen):
    screen.go("/jobs?service=studio-worker")
    tabs = screen.page.get_by_role("navigation", name="Kinds of work")
    for tab, total in (("Batches", "2 batches"), ("Agents", "4 agents")):
        tabs.get_by_role("link", name=tab).click()
        screen.expect_address(f"/{tab.lower()}\\?service=studio-worker")
        expect(screen.page.get_by_text(total, exact=True)).to_be_visible()
        expect(screen.page.get_by_role("link", name="Jobs", exact=True).first).to_have_attribute("aria-current", "page")
    tabs.get_by_role("link", name="Engines").click()
    for engine in ("llm", "typesetter", "pdf"):
        expect(line_of(screen, engine)).to_be_visible()


def test_an_engine_that_is_expected_and_did_not_run_is_missing(screen):
    screen.go("/engines")
    expect(line_of(screen, "voice")).to_contain_text("missing")
    expect(line_of(screen, "voice")).to_contain_text("never")
    expect(line_of(screen, "llm")).not_to_contain_text("expected")
    expect(line_of(screen, "pdf")).to_contain_text("not expected")


def test_kinds_of_the_applications_own_stand_beside_the_tasks(screen):
    screen.go("/tasks")
    kinds = screen.page.get_by_role("group", name="Kind")
    kinds.get_by_role("button", name="thumbnail").click()
    screen.expect_address("kind=thumbnail")
    expect(line_of(screen, "cover")).to_be_visible()
    kinds.get_by_role("button", name="stage").click()
    expect(line_of(screen, "outline")).to_be_visible()


def test_a_batch_shows_its_items_done_failed_and_in_all(screen, works):
    screen.go("/batches")
    expect(screen.rows.filter(has_text="b-17")).to_contain_text(f"{FAILED_ITEMS} failed")
    expect(screen.rows.filter(has_text="b-17")).to_contain_text(f"{ITEMS:,} of {ITEMS:,} items")
    screen.rows.filter(has_text="b-17").click()
    screen.expect_address(works.ids["batch"])
    facts = screen.page.get_by_role("complementary", name="Facts")
    expect(facts).to_contain_text(f"{FAILED_ITEMS} failed items")
    expect(facts.locator(".failed-item").first).to_contain_text("#3 ValueError: no amount")
    expect(facts.get_by_role("link", name="its job").first).to_have_attribute("href", re.compile("/operations/o-3"))
    expect(facts).to_contain_text("temperature")  # of the configuration that was locked
    expect(facts).to_contain_text("succeeded")


def test_a_failed_job_tells_the_failing_stage_its_time_line_and_its_logs(screen, works):
    screen.go(f"/operations/{works.ids['failed']}")
    main = screen.page.get_by_role("main")
    expect(main).to_contain_text("Failed first in stage layout")
    expect(main).to_contain_text(REASON)
    line = screen.page.get_by_role("region", name="Time line")
    # The job, the stages that it came to, and in each of these its engine.
    expect(line.get_by_role("listitem")).to_have_count(7)
    expect(line.get_by_role("listitem").filter(has_text="stage layout")).to_contain_text("failed")
    events = screen.page.get_by_role("region", name="Events")
    expect(events).to_contain_text("tries again: the provider did not answer")
    expect(events).to_contain_text("checkpoint stage=outline frame=30")
    expect(events).to_contain_text("from 0 of 120")
    logs = screen.page.get_by_role("region", name="Logs")
    expect(logs).to_contain_text("job failed: render_book")
    expect(screen.page.get_by_role("complementary", name="Facts")).to_contain_text("Nine Quiet Rivers")
    line.get_by_role("link", name="stage layout").click()
    expect(screen.page.get_by_role("heading", name="stage layout")).to_be_visible()
    screen.page.get_by_role("navigation", name="Part of").get_by_role("link", name="job render_book").click()
    screen.expect_address(works.ids["failed"])


def test_the_time_line_of_a_job_goes_down_to_the_parts_of_its_parts(own_server, open_screen):
    began = datetime.now(UTC) - timedelta(minutes=1)
    told = {
        "timestamp": at(datetime.now(UTC)), "event": "close", "status": "completed", "service": "studio",
        "start_time_unix_nano": round(began.timestamp() * 1e9),
    }  # fmt: skip
    whole = told | {"operation_id": f"{1:016x}", "kind": "job", "name": "print_book", "duration_ms": 5000}
    stage = told | {"operation_id": f"{2:016x}", "kind": "stage", "name": "layout", "duration_ms": 4000}
    stage["parent_id"] = whole["operation_id"]
    # One more than are shown: of what takes shortest, one is left out.
    pages = [
        told
        | {"operation_id": f"{number + 10:016x}", "kind": "engine", "name": f"page {number}", "duration_ms": number}
        | {"parent_id": stage["operation_id"]}
        for number in range(2000)
    ]
    send(own_server, [json.dumps(line) for line in (whole, stage, *pages)])
    screen = open_screen(own_server.url)
    screen.go(f"/operations/{whole['operation_id']}")
    line = screen.page.get_by_role("region", name="Time line")
    expect(line.get_by_role("listitem")).to_have_count(2001)
    expect(line).to_contain_text("and 1 more")
    line.get_by_role("link", name="engine page 1999").click()
    ancestors = screen.page.get_by_role("navigation", name="Part of")
    expect(ancestors.get_by_role("link")).to_have_text(["job print_book", "stage layout"])


def test_an_abandoned_job_shows_how_far_it_came_and_what_went_on_from_it(screen, works):
    screen.go(f"/operations/{works.ids['abandoned']}")
    main = screen.page.get_by_role("main")
    expect(main).to_contain_text("ended while it ran, and said nothing")
    expect(main).to_contain_text("at 45 of 120 · frames")
    expect(main).to_contain_text("Last checkpoint: frame=45 path=/srv/frames")
    main.get_by_role("link", name="Attempt 2").first.click()
    screen.expect_address(works.ids["recovered"])
    expect(screen.page.get_by_role("region", name="Events")).to_contain_text("recovered at frame 45 (state loaded)")
    expect(screen.page.get_by_role("complementary", name="Facts")).to_contain_text("2 attempts")


def test_a_running_job_is_followed_until_it_ends(shared_server, open_screen):
    def told(event: str, moment: datetime, **members: object) -> str:
        job = {"operation_id": "00000000000000aa", "kind": "job", "name": "render", "key": "j-1", "job_id": "j-1"}
        start = {"start_time_unix_nano": round(began.timestamp() * 1e9), "service": "followed", "environment": "test"}
        return json.dumps({"timestamp": at(moment), "event": event, **job, **start, **members})

    began = datetime.now(UTC) - timedelta(seconds=20)
    send(shared_server, [told("open", began), told("progress", began, done=1, total=10)])
    screen = open_screen(shared_server.url)
    screen.go("/jobs?service=followed")
    now = screen.page.get_by_role("complementary", name="Now")
    expect(now.locator("[aria-valuenow='10']")).to_be_visible()
    now.get_by_role("link", name="render").click()
    bar = screen.page.get_by_role("main").get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuetext", "10 % · 1 of 10")
    send(shared_server, [told("progress", datetime.now(UTC), done=7, total=10, step="pages")])
    expect(bar).to_have_attribute("aria-valuetext", "70 % · 7 of 10")
    screen.page.go_back()
    expect(now.locator("[aria-valuenow='70']")).to_be_visible()
    send(shared_server, [told("close", datetime.now(UTC), status="completed", duration_ms=21_000)])
    expect(now).to_contain_text("No job runs.")
    expect(screen.rows.first).to_contain_text("completed")  # the list follows


def test_an_empty_page_says_what_to_write(own_server, open_screen):
    screen = open_screen(own_server.url)
    for address, code in (
        ("/jobs", "plainview.job("),
        ("/engines", "plainview.engine("),
        ("/batches", "plainview.batch("),
        ("/workers", "plainview.worker("),
    ):
        screen.go(address)
        expect(screen.page.locator(".command")).to_contain_text(code)
    screen.go("/operations/no-such-job")
    expect(screen.page.get_by_role("heading", name="No such operation")).to_be_visible()
    screen.troubles.clear()  # the 404


def test_from_a_line_to_its_job_and_from_the_job_to_its_lines(screen, works):
    key = works.ids["failed key"]
    screen.go(f"/logs?q=job:{key}&from=-6h")
    screen.rows.first.click()
    screen.page.get_by_role("complementary", name="Log line").get_by_role("link", name="Open the job").first.click()
    screen.expect_address(f"/operations/{key}")
    expect(screen.page.get_by_role("heading", name="job render_book")).to_be_visible()
    screen.page.get_by_role("link", name="Logs", exact=True).last.click()
    screen.expect_address(f"/logs\\?.*{key}")


def test_a_pasted_id_opens_the_job_and_the_palette_knows_the_pages(screen, works):
    key = works.ids["failed key"]
    screen.go("/logs")
    screen.page.keyboard.press("Control+k")
    field = screen.page.get_by_role("combobox", name="Where to go")
    field.fill(key)
    expect(screen.page.get_by_role("option").first).to_have_text(f"Open the job {key}id")
    screen.page.keyboard.press("Enter")
    expect(screen.page.get_by_role("heading", name="job render_book")).to_be_visible()
    screen.page.keyboard.press("Control+k")
    field.fill("batches")
    screen.page.keyboard.press("ArrowDown")
    screen.page.keyboard.press("Enter")
    screen.expect_address("^/batches$")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_have_no_serious_violations(busy, open_screen, theme):
    server, works = busy
    screen = open_screen(server.url, color_scheme=theme)
    found = {}
    ids = works.ids
    for address in (
        "/jobs?why=render_book",
        "/tasks",
        *(f"/operations/{ids[name]}" for name in ("failed", "abandoned", "running", "batch")),
    ):
        screen.go(address)
        if violations := screen.axe():
            found[address] = violations
    assert found == {}


def test_the_pages_fit_a_narrow_window(busy, open_screen):
    server, works = busy
    screen = open_screen(server.url)
    for address in ("/jobs", "/batches", f"/operations/{works.ids['abandoned']}"):
        screen.go(address)
        screen.expect_fits(900)


def test_a_hostile_name_stays_text(shared_server, open_screen):
    hostile = '<img src=x onerror="window.__hacked=1">'
    start = datetime.now(UTC) - timedelta(seconds=5)
    line = {
        "timestamp": at(datetime.now(UTC)),
        "operation_id": "00000000000000bb",
        "event": "close",
        "status": "failed",
        "reason": hostile,
        "kind": "job",
        "name": hostile,
        "key": "j-2",
        "start_time_unix_nano": round(start.timestamp() * 1e9),
        "duration_ms": 5000,
        "service": "hostile",
        "data": {hostile: hostile},
    }
    send(shared_server, [json.dumps(line), log(start, "INFO", hostile, job_id="j-2")])
    screen = open_screen(shared_server.url)
    screen.go("/jobs?service=hostile")
    screen.rows.first.click()
    expect(screen.page.get_by_role("heading", name=hostile)).to_be_visible()
    assert screen.page.evaluate("window.__hacked") is None


def test_a_job_whose_id_has_slashes_and_looks_like_a_file_has_its_page(own_server, open_screen):
    key = "s3://books/7.json"
    line = {
        "timestamp": at(datetime.now(UTC)), "operation_id": f"{1:016x}", "event": "open", "kind": "job",
        "name": "render", "key": key, "service": "studio",
    }  # fmt: skip
    send(own_server, [json.dumps(line)])
    screen = open_screen(own_server.url)
    screen.go(f"/operations/{quote(key, safe='')}?kind=job")
    page = screen.page.get_by_role("main")
    for _ in range(2):
        expect(page).to_contain_text(re.compile("render.*running", re.DOTALL | re.IGNORECASE))
        expect(page).to_contain_text(key)
        screen.page.reload()
