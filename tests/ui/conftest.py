"""A real server with real data, and a real Chromium to look at it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright
from ran import Runs, fill as fill_runs
from records import Studio

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
BUILT = ROOT / "src" / "plainview" / "server" / "static" / "index.html"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 30.0
#: Time range of most tests: runs of them may take longer than the screen's own.
HOUR = "from=-1h"
#: Tells for how long, in ms, the page has waited for no answer, and which questions it gave up.
COUNT_ANSWERS = r"""{
    const ask = window.fetch;
    let awaited = 0;
    let since = performance.now();
    let own = 0;  // questions of the page itself: the frame asks for status and services all the time
    window.fetch = async (...request) => {
        awaited += 1;
        const frame = /^\/v1\/(status|services|errors\?status=new&status=regressed&limit=1$)/;
        if (!frame.test(request[0]) || location.pathname === "/status") own += 1;
        try {
            const response = await ask(...request);
            if (!String(request[0]).startsWith("/v1/logs/tail")) await response.clone().text();
            return response;
        } catch (error) {
            if (error.name === "AbortError") window.givenUp.push(String(request[1]?.body));
            throw error;
        } finally {
            awaited -= 1;
            since = performance.now();
        }
    };
    window.givenUp = [];
    window.quietFor = () => (awaited > 0 || own === 0 ? 0 : performance.now() - since);
}"""
#: Waits in the page itself, where the content security policy lets no text be evaluated later.
SETTLED = """async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    do {
        await frame();
        await frame();
    } while (window.quietFor() < 60);
    await frame();
}"""
#: Presses keys, each in a task of its own but in one frame as a rule, and tells what has the focus in the next task.
PRESS = """keys => new Promise((tell) => {
    const next = new MessageChannel();
    next.port1.onmessage = () => {
        const key = keys.shift();
        const focused = document.activeElement;
        if (key === undefined) return tell(focused.ariaLabel ?? focused.textContent);
        const pressed = { key: key.replace("ctrl+", ""), ctrlKey: key.startsWith("ctrl+") };
        focused.dispatchEvent(new KeyboardEvent("keydown", { ...pressed, bubbles: true, cancelable: true }));
        next.port2.postMessage(null);
    };
    next.port2.postMessage(null);
})"""
#: Bodies of ingest stay below the server's limit.
LINES_AT_ONCE = 5000

expect.set_options(timeout=10_000)


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


class Server:
    """`plainview serve` as a process of its own."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.directory = directory
        self.url = ""
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, port: int = 0) -> None:
        """Start it and wait until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PLAINVIEW_", "OTEL_"))}
        command = [sys.executable, "-m", "plainview.cli", "serve", "--dir", self.directory, "--port", str(port)]
        output = (self.directory / "output.txt").open("ab")
        self._process = subprocess.Popen(
            command, env=clean | self._environment, stdout=output, stderr=output, cwd=self.directory
        )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, ValueError, KeyError, httpx.HTTPError):
                known = json.loads((self.directory / "server.json").read_text())
                self.url = known["url"]
                if known["pid"] == self._process.pid and httpx.get(f"{self.url}/v1/health/live").is_success:
                    return
            assert self._process.poll() is None, self.output()
            time.sleep(0.05)
        pytest.fail(f"the server does not answer\n{self.output()}")

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def output(self) -> str:
        """What it printed."""
        return (self.directory / "output.txt").read_text()

    def stop(self) -> None:
        """End it as an operator would."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._process = None

    def post(self, path: str, **body: object) -> dict:
        """An answer of the API."""
        return httpx.post(f"{self.url}{path}", json=body, timeout=PATIENCE).raise_for_status().json()

    def ingest(self, lines: Iterable[str]) -> None:
        """Send lines, and wait until all can be found."""
        everything = list(lines)
        before = self._rows()
        for start in range(0, len(everything), LINES_AT_ONCE):
            answer = httpx.post(
                f"{self.url}/v1/ingest",
                content="\n".join(everything[start : start + LINES_AT_ONCE]).encode(),
                headers={"Content-Type": "application/x-ndjson"},
                timeout=PATIENCE,
            )
            assert answer.raise_for_status().json()["rejected"] == 0, answer.text
        deadline = time.monotonic() + PATIENCE
        while self._rows() < before + len(everything):
            assert time.monotonic() < deadline, f"{self._rows() - before} of {len(everything)} lines arrived"
            time.sleep(0.05)

    def _rows(self) -> int:
        services = httpx.get(f"{self.url}/v1/services", timeout=PATIENCE).raise_for_status().json()["services"]
        return sum(row["logs"] + row["spans"] for row in services)


@contextlib.contextmanager
def serving(directory: Path, **environment: str) -> Iterator[Server]:
    server = Server(directory, **environment)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(name="serving", scope="session")
def serving_fixture():
    """Starts servers with an environment of their own."""
    return serving


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    """Without a built screen there is nothing to test."""
    if not BUILT.exists():
        pytest.fail("the screen is not built: run `make ui`")


@pytest.fixture(scope="session")
def studio() -> Studio:
    return Studio()


@pytest.fixture(scope="session")
def server(tmp_path_factory, studio) -> Iterator[Server]:
    """A server that holds `studio`; tests only look."""
    with serving(tmp_path_factory.mktemp("studio")) as server:
        server.ingest(studio.lines)
        yield server


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory) -> Iterator[Server]:
    """A server that tests put records into, each under a service of its own."""
    with serving(tmp_path_factory.mktemp("shared")) as server:
        yield server


@pytest.fixture(scope="session")
def ran(tmp_path_factory) -> Iterator[tuple[Server, Runs]]:
    """A server that holds runs, and what is known of them; tests only look."""
    with serving(tmp_path_factory.mktemp("ran")) as server:
        yield server, fill_runs(server)


@pytest.fixture
def own_server(tmp_path) -> Iterator[Server]:
    """An empty server of the test's own."""
    with serving(tmp_path / "plainview") as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.fail("no Chromium here: run `make parts`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


class Screen:
    """A page of the screen, and what most tests do with it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        #: What went wrong in the page; a test that brings it about clears it.
        self.troubles: list[str] = []
        page.add_init_script(COUNT_ANSWERS)
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("console", self._hear)

    def _hear(self, message) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"{message.type}: {message.text}")

    def go(self, path: str) -> None:
        """Open an address, over the last hour unless it says otherwise, and wait for what it shows."""
        if re.match(r"/(logs|traces)\b(?!/)", path) and "from=" not in path:
            path += ("&" if "?" in path else "?") + HOUR
        self.page.goto(self.url + path)
        self.settle()

    def settle(self) -> None:
        """Wait until no answer is on its way (a stream of new lines never ends, and does not count)."""
        self.page.evaluate(SETTLED)

    def press(self, *keys: str) -> str:
        """Press keys as quickly as a program can; gives the name or the text of what has the focus then."""
        return self.page.evaluate(PRESS, list(keys))

    @property
    def address(self) -> str:
        """Where the screen is, without the last hour."""
        return re.sub(r"[?&]$", "", re.sub(rf"(?<=[?&]){HOUR}(&|$)", "", self.page.url.removeprefix(self.url)))

    @property
    def rows(self):
        """Rows of the list, its head not counted."""
        return self.page.locator("[role=row][aria-rowindex]")

    def expect_total(self, count: int, noun: str = "line") -> None:
        """The list says how many there are."""
        text = f"{count:,} {noun}{'' if count == 1 else 's'}"
        expect(self.page.get_by_text(text, exact=True)).to_be_visible()

    def expect_address(self, pattern: str) -> None:
        """The address comes to match a regular expression; the last hour is not part of it."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.address):
            assert time.monotonic() < deadline, f"{self.address} does not match {pattern}"
            self.page.wait_for_timeout(20)

    def expect_fits(self, width: int, part: str = "html", beside: int = 0) -> None:
        """In a window of this width nothing sticks out of a part of the page, what stands beside it taken off."""
        self.page.set_viewport_size({"width": width, "height": 700})
        reached = f"document.querySelector({part!r}).scrollWidth"
        deadline = time.monotonic() + PATIENCE
        while (found := self.page.evaluate(reached)) > width - beside:  # charts follow a frame later
            assert time.monotonic() < deadline, f"{part} is {found} wide in a window of {width}"
            self.page.wait_for_timeout(20)

    def pills(self) -> list[str]:
        """The terms of the query, as they stand in their pills."""
        return [text.strip() for text in self.page.locator(".pill .pill-text").all_inner_texts()]

    def query(self, text: str) -> None:
        """Type a query and send it."""
        field = self.page.get_by_role("combobox", name="Query")
        field.fill(text)
        field.press("Enter")
        self.settle()

    def facet(self, field: str, value: str):
        """The button of one value of a facet."""
        return self.page.get_by_role("region", name=f"Values of {field}").get_by_role("button", name=value).first

    def axe(self) -> list[str]:
        """Violations of the accessibility rules that are serious or worse, in words."""
        self.page.evaluate(AXE.read_text())
        options = {"resultTypes": ["violations"]}
        found = self.page.evaluate("options => axe.run(document, options)", options)["violations"]
        return [
            f"{rule['id']}: {rule['help']}: {[node['html'][:160] for node in rule['nodes'][:3]]}"
            for rule in found
            if rule["impact"] in ("serious", "critical")
        ]


@pytest.fixture
def open_screen(browser):
    """Opens screens; afterwards nothing may have gone wrong in any of them."""
    screens = []
    contexts = []

    def open_(url: str, **options: object) -> Screen:
        context = browser.new_context(
            viewport={"width": 1440, "height": 900}, timezone_id="UTC", reduced_motion="reduce", **options
        )
        contexts.append(context)
        screen = Screen(context.new_page(), url)
        screens.append(screen)
        return screen

    yield open_
    for context in contexts:
        context.close()
    assert [trouble for screen in screens for trouble in screen.troubles] == []


@pytest.fixture
def screen(server, open_screen) -> Screen:
    """The screen of `server`."""
    return open_screen(server.url)
