"""Takes the pictures of the documentation, each page in both themes: ``python tests/ui/pictures.py``.

The data is that of ``web/dev/sample.mjs``, told by a fixed seed. Needs the screen to be built.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect, sync_playwright
from ran import Runs, fill as fill_runs
from test_errors_page import fill as fill_errors
from test_metrics_page import fill as fill_metrics
from test_operations_page import fill as fill_works

from conftest import ARGUMENTS, ROOT, Screen, serving

if TYPE_CHECKING:
    from operated import Works

IMAGES = ROOT / "docs" / "images"
LINES = 30_000


def sample() -> list[str]:
    """Lines of a made-up content studio, the last hour of it."""
    command = ["node", ROOT / "web" / "dev" / "sample.mjs", "--logs", str(LINES)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def take(screen: Screen, theme: str, trace: str, works: Works, runs: Runs) -> None:
    """All pictures in one theme."""

    def picture(name: str) -> None:
        screen.settle()
        screen.page.mouse.move(700, 4)
        screen.page.screenshot(path=IMAGES / f"{name}-{theme}.png")

    screen.go("/logs")
    picture("logs")
    screen.go("/logs?q=level:error")
    screen.rows.filter(has_text="ReadTimeout").first.click()
    expect(screen.page.get_by_role("complementary", name="Log line")).to_be_visible()
    picture("log-line")
    screen.go("/logs?view=patterns")
    picture("patterns")
    screen.go("/traces?from=-15m")
    picture("traces")
    screen.go(f"/traces/{trace}")
    screen.rows.filter(has_text="job generate_book").click()
    picture("trace")
    screen.go("/errors?from=-3h")
    picture("errors")
    screen.rows.filter(has_text="RenderError").click()
    picture("error")
    charts = '[{"m":"http_requests_total","by":["method"]},{"m":"http_request_duration_seconds"}]'
    screen.go(f"/metrics?from=-30m&charts={charts}")
    picture("metrics")
    screen.go("/jobs?why=render_book&from=-3h&service=studio-worker")
    picture("jobs")
    screen.go(f"/operations/{works.ids['failed']}")
    picture("operation")
    screen.go("/workers")
    picture("workers")
    screen.go("/runs")
    picture("runs")
    screen.go(f"/runs/{runs.ids['slow']}")
    picture("run")
    screen.go(f"/runs/compare?a={runs.ids['before']}&b={runs.ids['slow']}")
    picture("compare")
    screen.go("/status")
    picture("status")


def main() -> None:
    """Start a server, fill it, look at it."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, serving(Path(directory) / "plainview") as server:
        server.ingest(sample())
        fill_errors(server)
        fill_metrics(server.url)
        works = fill_works(server)
        runs = fill_runs(server)
        search = {"order_by": "duration_ms", "status": "ERROR", "q": "service:llm-provider", "limit": 1}
        trace = server.post("/v1/traces/search", **search)["traces"][0]["trace_id"]
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            for theme in ("light", "dark"):
                context = chromium.new_context(
                    viewport={"width": 1440, "height": 900},
                    color_scheme=theme,
                    timezone_id="UTC",
                    reduced_motion="reduce",
                )
                take(Screen(context.new_page(), server.url), theme, trace, works, runs)
                context.close()


if __name__ == "__main__":
    main()
