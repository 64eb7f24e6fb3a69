"""Errors: the list, the keyboard, and one of them whole."""

from __future__ import annotations

import re
import time

import httpx
import pytest
from faulty import FAULTS, Faults
from playwright.sync_api import expect


def fill(server) -> None:
    """Send the faults, and wait until they are issues."""
    body = "\n".join(Faults().lines).encode()
    answer = httpx.post(f"{server.url}/v1/ingest", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert answer.raise_for_status().json()["rejected"] == 0, answer.text
    deadline = time.monotonic() + 30
    while True:
        found = httpx.get(f"{server.url}/v1/errors").raise_for_status().json()
        if sum(issue["occurrence_count"] for issue in found["errors"]) == sum(times for *_, times in FAULTS):
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory, serving):
    """A server that tests only look at."""
    with serving(tmp_path_factory.mktemp("faulty")) as server:
        fill(server)
        yield server


@pytest.fixture
def errors(faulty, open_screen):
    return open_screen(faulty.url)


def types(screen) -> list[str]:
    return [text.rpartition(".")[2] for text in screen.page.locator(".issue-type").all_inner_texts()]


def test_the_list_has_every_error_the_latest_first_with_its_facts(errors):
    errors.go("/errors?from=-3h")
    errors.expect_total(len(FAULTS), "error")
    assert types(errors) == [kind for kind, *_ in reversed(FAULTS)]
    row = errors.rows.filter(has_text="ValidationError")
    expect(row).to_contain_text("title: must not be empty")
    expect(row).to_contain_text("new")
    expect(row).to_contain_text("9")
    expect(row.get_by_role("img", name="9 times in the last 24 hours")).to_be_visible()


def test_it_is_narrowed_by_category_words_and_status_and_sorted(errors):
    errors.go("/errors?from=-3h")
    errors.page.get_by_label("Search errors").fill("allocate")
    errors.page.get_by_label("Search errors").press("Enter")
    errors.expect_total(1, "error")
    errors.expect_address("q=allocate")
    errors.go("/errors?from=-3h&sort=count")
    errors.expect_total(len(FAULTS), "error")
    assert types(errors)[0] == "ValidationError"
    errors.go("/errors?from=-3h&status=resolved")
    expect(errors.page.get_by_text("No error matches")).to_be_visible()
    errors.go("/errors?from=-3h&category=resource")
    assert "MemoryError" in types(errors)


def test_the_keyboard_works_the_list_off(own_server, open_screen):
    fill(own_server)
    screen = open_screen(own_server.url)
    screen.go("/errors?from=-3h")
    screen.expect_total(len(FAULTS), "error")
    page = screen.page
    page.keyboard.press("e")  # resolves this one, and goes on to the next
    expect(screen.rows.nth(0)).to_contain_text("resolved")
    page.keyboard.press("a")
    expect(screen.rows.nth(1)).to_contain_text("acknowledged")
    page.keyboard.press("i")
    expect(screen.rows.nth(2)).to_contain_text("ignored")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("2 chosen")).to_be_visible()
    page.keyboard.press("m")
    expect(page.get_by_text("2 chosen")).to_have_count(0)
    screen.settle()
    screen.go("/errors?from=-3h&status=all")
    screen.expect_total(len(FAULTS) - 1, "error")
    statuses = " ".join(page.locator(".issue-status").all_inner_texts())
    assert all(word in statuses for word in ("resolved", "acknowledged", "ignored", "new"))
    page.reload()
    screen.expect_total(len(FAULTS) - 1, "error")


def test_one_error_whole_own_frames_open_libraries_folded(errors):
    errors.go("/errors?from=-3h")
    errors.rows.filter(has_text="RenderError").click()
    errors.expect_address(r"/errors/E\d+")
    page = errors.page
    main = page.get_by_role("main")
    expect(main.locator(".source-line.here").first).to_contain_text("raise failure")
    expect(main).to_contain_text("caused by")
    fold = page.get_by_role("button", name=re.compile("2 frames of"))
    expect(fold.first).to_be_visible()
    fold.first.click()
    expect(main).to_contain_text("fastapi/routing.py")
    expect(main).to_contain_text("about to fail: RenderError")  # what was logged before it
    expect(page.get_by_role("complementary", name="Facts")).to_contain_text("studio-api")
    assert page.evaluate("window.__hacked") is None


def test_from_an_error_to_its_request_and_back(errors):
    errors.go("/errors?from=-3h")
    errors.rows.filter(has_text="RenderError").click()
    errors.page.get_by_role("link", name="Logs of this request").click()
    errors.expect_address("/logs.*req-RenderError-0")
    errors.page.go_back()
    expect(errors.page.get_by_role("heading", name="RenderError")).to_be_visible()


def test_occurrences_are_stepped_through_and_listed(errors):
    errors.go("/errors?from=-3h")
    errors.rows.filter(has_text="KeyError").click()
    expect(errors.page.get_by_role("button", name="Older")).to_be_enabled()
    errors.page.keyboard.press("]")
    errors.expect_address("occurrence=")
    expect(errors.page.get_by_role("button", name="Newer")).to_be_enabled()
    errors.page.get_by_role("tab", name="All occurrences").click()
    expect(errors.rows).to_have_count(3)


def test_what_was_decided_stands_in_the_history(own_server, open_screen):
    fill(own_server)
    screen = open_screen(own_server.url)
    screen.go("/errors?from=-3h")
    screen.rows.filter(has_text="KeyError").click()
    page = screen.page
    page.get_by_role("button", name="Resolve").click()
    page.get_by_label("How was it mended?").fill("the key is asked for")
    page.get_by_role("dialog", name="Resolve").get_by_role("button", name="Resolve").click()
    expect(page.locator(".error-head .issue-status")).to_contain_text("resolved")
    page.get_by_role("tab", name="History").click()
    expect(page.get_by_role("main")).to_contain_text("the key is asked for")
    page.get_by_label("Comment", exact=True).fill("seen again in staging")
    page.get_by_role("button", name="Comment").click()
    expect(page.get_by_role("main")).to_contain_text("seen again in staging")
    page.get_by_role("button", name="Open again").click()
    expect(page.locator(".error-head .issue-status")).to_contain_text("new")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_have_no_serious_violations(faulty, open_screen, theme):
    screen = open_screen(faulty.url, color_scheme=theme)
    screen.go("/errors?from=-3h")
    found = screen.axe()
    screen.rows.filter(has_text="RenderError").click()
    screen.settle()
    assert found + screen.axe() == []


def test_merged_errors_are_taken_out_again_and_one_is_somebodys(own_server, open_screen):
    fill(own_server)
    listed = httpx.get(f"{own_server.url}/v1/errors").raise_for_status().json()["errors"]
    ids = {issue["error_type"]: issue["id"] for issue in listed}
    httpx.post(
        f"{own_server.url}/v1/errors/{ids['KeyError']}/merge", json={"ids": [ids["MemoryError"]]}
    ).raise_for_status()
    screen = open_screen(own_server.url)
    screen.go(f"/errors/{ids['KeyError']}")
    page = screen.page
    facts = page.get_by_role("complementary", name="Facts")
    expect(facts.get_by_role("button", name="Take out")).to_have_count(2)
    facts.get_by_label("Assigned to").fill("ada")
    facts.get_by_label("Assigned to").press("Enter")
    page.get_by_role("tab", name="History").click()
    expect(page.get_by_role("main")).to_contain_text("ada")
    facts.get_by_role("button", name="Take out").last.click()
    expect(facts.get_by_role("button", name="Take out")).to_have_count(0)
    page.get_by_role("button", name="Ignore").click()
    page.get_by_role("button", name="until 10 more").click()
    expect(page.locator(".error-head .issue-status")).to_contain_text("ignored")
    screen.go("/errors?from=-3h")
    screen.expect_total(len(FAULTS) - 1, "error")
