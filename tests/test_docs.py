"""The documentation says what is there: every name has its place, every example is sound."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

import plainview
from plainview import store as stores
from plainview.capture.runs.inherited import RUN_ID
from plainview.cli import COMMANDS
from plainview.ingest.pipeline import Pipeline
from plainview.records import ErrorRecord, LogRecord, OperationRecord, SpanRecord
from plainview.server.app import create_app

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]


def read(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Code blocks of a language, in their own indentation."""
    found = re.findall(rf"(?ms)^([ ]*)```{language}\b[^\n]*\n(.*?)^\1```", text)
    return [textwrap.dedent(body) for _, body in found]


def section(text: str, title: str) -> str:
    """What stands below a heading, up to the next of its rank."""
    match = re.search(rf"(?ms)^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)", text)
    assert match, title
    return match[2]


def first_cells(text: str) -> set[str]:
    """The names in back quotes in the first column of the tables of a text."""
    return {name for row in re.findall(r"(?m)^\|([^|]*)\|", text) for name in re.findall(r"`([^`]+)`", row)}


def tables() -> ModuleType:
    """The script that writes the tables of the reference."""
    spec = importlib.util.spec_from_file_location("tables", DOCS / "tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "page",
    [
        "reference/settings.md",
        "reference/cli.md",
        "reference/metrics.md",
        "reference/run-summary.md",
        "explanation/grouping.md",
    ],
)
def test_tables_are_what_the_code_makes_them(page):
    assert read(page) == tables().written(DOCS / page), "run `make docs`"


def test_every_setting_has_its_row():
    assert {*plainview.Settings.__struct_fields__} <= first_cells(read("reference/settings.md"))


@pytest.mark.parametrize("name", plainview.__all__)
def test_every_exported_name_has_its_place(name):
    assert re.search(rf"(?m)^#+ `{re.escape(name)}`$", read("reference/public-api.md"))


@pytest.mark.parametrize(
    ("record", "title"),
    [
        (LogRecord, "A log record"),
        (SpanRecord, "A span record"),
        (ErrorRecord, "An error record"),
        (OperationRecord, "An operation record"),
    ],
)
def test_the_log_format_page_has_a_row_for_every_field(record, title):
    documented = first_cells(section(read("reference/log-format.md"), title))
    assert set(record.__struct_fields__) <= documented
    assert documented <= set(record.__struct_fields__) | {"extra", "method"}


def test_every_command_has_its_place():
    headings = re.findall(r"(?m)^#+ `plainview ([\w-]+)`", read("reference/cli.md"))
    assert sorted(headings) == sorted(COMMANDS)


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """The OpenAPI document."""
    directory = tmp_path_factory.mktemp("api")
    store = stores.open(directory / "store")
    yield create_app(Pipeline(store, directory), directory).openapi()
    store.close()


def test_every_route_has_its_row_and_every_row_its_route(api):
    routes = {f"{method.upper()} {path}" for path, methods in api["paths"].items() for method in methods}
    assert first_cells(section(read("reference/http-api.md"), "Routes")) == routes


@pytest.mark.parametrize(("title", "model"), [("Filter of logs", "LogSearch"), ("Filter of traces", "TraceSearch")])
def test_every_field_of_a_filter_is_named(api, title, model):
    text = section(read("reference/http-api.md"), title)
    assert not [field for field in api["components"]["schemas"][model]["properties"] if f"`{field}`" not in text]


def test_the_first_example_does_what_its_page_says(tmp_path):
    (program,) = [block for block in blocks(read("getting-started.md"), "python") if "def reserve" in block]
    (tmp_path / "app.py").write_text(program)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PLAINVIEW_", "OTEL_"))}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=60, check=True
    )
    assert "INFO  shop.stock  reserved" in done.stderr
    assert "item=book" in done.stderr
    lines = [json.loads(line) for file in tmp_path.rglob("log-*.ndjson") for line in file.read_text().splitlines()]
    assert [line["message"] for line in lines].count("reserved") == 8
    failed = [line for line in lines if line["message"] == "order failed"]
    assert [line["exception"]["message"] for line in failed] == ["order 4 has no address", "order 8 has no address"]
    spans = [json.loads(line) for file in tmp_path.rglob("span-*.ndjson") for line in file.read_text().splitlines()]
    assert sorted(span["name"] for span in spans) == ["order"] * 8 + ["reserve"] * 8


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_can_be_parsed(page):
    text = page.read_text(encoding="utf-8")
    for block in blocks(text, "python"):
        compile(block, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for block in blocks(text, "json"):
        msgspec.json.decode(block)
    for block in blocks(text, "console"):
        assert block.lstrip().startswith("$ ")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_variables_that_are_named_are_there(page):
    names = set(re.findall(r"\bPLAINVIEW_[A-Z_]+\b", page.read_text(encoding="utf-8")))
    known = {f"PLAINVIEW_{name.upper()}" for name in plainview.Settings.__struct_fields__}
    assert names <= known | {RUN_ID}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_named_are_there(page):
    text = page.read_text(encoding="utf-8")
    typed = re.findall(r"(?m)^\$ .*?\bplainview ([a-z]+)\b", "\n".join(blocks(text, "console")))
    assert set(typed) | set(re.findall(r"`plainview ([a-z]+)", text)) <= set(COMMANDS)


def test_settings_given_in_examples_are_there():
    for page in PAGES:
        for block in blocks(page.read_text(encoding="utf-8"), "python"):
            for node in ast.walk(
                compile(block, str(page), "exec", flags=ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            ):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "plainview.configure":
                    given = {keyword.arg for keyword in node.keywords if keyword.arg}
                    assert given <= set(plainview.Settings.__struct_fields__), page


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_beside_the_pages_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)", (ROOT / page).read_text(encoding="utf-8"))
    assert not [link for link in links if "://" not in link and not (ROOT / link).exists()]


def test_the_first_result_is_within_25_lines():
    start = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:25]
    assert "$ pip install 'plainview[server]'" in start
    assert any("plainview run --" in line for line in start)
    assert any("make run" in line for line in start)


def test_the_pages_build_without_a_warning(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = re.compile(
        r'<(?:script|img|iframe)[^>]*\ssrc="https?://|<link[^>]*rel="?(?:stylesheet|preconnect)[^>]*href="https?://'
    )
    foreign = [str(file) for file in (tmp_path / "site").rglob("*.html") if loaded.search(file.read_text("utf-8"))]
    assert not foreign, "the pages must work without a network"
