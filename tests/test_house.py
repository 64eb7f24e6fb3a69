"""The house itself: what is exported, what an import costs, what is in the package, what the lock holds."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import plainview

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SOURCES = sorted((ROOT / "src").rglob("*.py"))

#: What an application that only captures must never pay for.
SERVER_LIBRARIES = {
    "duckdb",
    "fastapi",
    "httpx",
    "numpy",
    "pydantic",
    "rich",
    "starlette",
    "typer",
    "uvicorn",
    "zstandard",
}


def python(program: str, directory: Path, **environment: str) -> str:
    """What a program prints that runs in an interpreter of its own; it must end well."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PLAINVIEW_", "OTEL_"))}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=directory,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_exported_names_are_these():
    """A name that appears or goes is a decision: change this list with it, and say so in a news fragment."""
    assert plainview.__all__ == [
        "Agent",
        "Engine",
        "Logger",
        "MetricError",
        "Operation",
        "Run",
        "Settings",
        "SettingsError",
        "Span",
        "SpanProcessor",
        "Worker",
        "__version__",
        "agent",
        "batch",
        "bind",
        "capture_exception",
        "capture_message",
        "configure",
        "context",
        "counter",
        "current_run",
        "engine",
        "engines",
        "fields",
        "gauge",
        "get_logger",
        "histogram",
        "inject",
        "instrument",
        "job",
        "metric",
        "metrics",
        "mount",
        "operation",
        "progress",
        "resume",
        "run",
        "set_level",
        "shutdown",
        "span",
        "stage",
        "task",
        "timer",
        "traced",
        "unbind",
        "worker",
    ]
    assert dir(plainview) == sorted(plainview.__all__)


@pytest.mark.parametrize("name", plainview.__all__)
def test_an_exported_name_is_there_and_says_what_it_is(name):
    value = getattr(plainview, name)
    assert name == "__version__" or value.__doc__


def test_a_name_that_is_not_exported_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'get_loger'"):
        plainview.get_loger  # noqa: B018 - the access is the test


def test_the_version_is_the_same_everywhere():
    version = PYPROJECT["project"]["version"]
    assert plainview.__version__ == version
    assert metadata.version("plainview") == version
    assert json.loads((ROOT / "web/package.json").read_text())["version"] == version


def test_importing_it_imports_next_to_nothing(tmp_path):
    loaded = set(python("import plainview, sys; print(*sys.modules)", tmp_path).split())
    assert not loaded & {"logging", "opentelemetry", "asyncio", "threading", "socket", *SERVER_LIBRARIES}


def test_capturing_imports_nothing_of_the_server_and_nothing_slow(tmp_path):
    program = """
import plainview, sys
plainview.configure(service="house", environment="production")
with plainview.context(job_id="j"), plainview.span("work", step=1):
    plainview.get_logger("house").info("hello", n=1)
print(*sys.modules)
"""
    loaded = set(python(program, tmp_path).split())
    ours = {f"plainview.{room}" for room in ("grouping", "ingest", "store", "query", "server", "cli")}
    slow = {
        "asyncio",
        "concurrent.futures",
        "email",
        "http.client",
        "logging.config",
        "multiprocessing",
        "ssl",
        "urllib.request",
    }
    assert not loaded & (SERVER_LIBRARIES | ours | slow)


BASE_ONLY = """
import sys
from importlib import metadata

def closure(names):
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for line in metadata.requires(name) or ():
            if "extra ==" not in line:
                waiting.append(__import__("re").match(r"[\\w.-]+", line)[0])
    return found

allowed = closure({base!r}) | {{"plainview"}}
homes = metadata.packages_distributions()
canonical = lambda name: name.lower().replace("_", "-").replace(".", "-")
allowed = {{canonical(name) for name in allowed}}

class Only:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        owners = homes.get(name.partition(".")[0], ())
        if owners and not allowed & {{canonical(owner) for owner in owners}}:
            return None
        return self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = map(Only, sys.meta_path)
{program}
"""


def only_with_base_dependencies(program, directory, *extras):
    project = PYPROJECT["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    base = [re.match(r"[\w.-]+", line)[0] for line in lines]
    return python(BASE_ONLY.format(base=base, program=program), directory)


def test_the_guard_of_the_next_tests_blocks_what_is_not_a_base_dependency(tmp_path):
    program = """
for name in ("duckdb", "fastapi", "httpx", "flask", "pytest"):
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise SystemExit(name)
"""
    only_with_base_dependencies(program, tmp_path)


def test_the_base_dependencies_are_enough_to_capture(tmp_path):
    program = """
import logging, plainview
for name in plainview.__all__:
    getattr(plainview, name)
plainview.configure(service="house", environment="production")

@plainview.traced
def work():
    logging.getLogger("house").warning("from logging")
    plainview.get_logger("house").info("hello", n=1)

with plainview.context(job_id="j-1"):
    work()
plainview.shutdown()
"""
    only_with_base_dependencies(program, tmp_path)
    lines = [json.loads(line) for file in tmp_path.rglob("log-*.ndjson") for line in file.read_text().splitlines()]
    assert {line["message"] for line in lines} == {"from logging", "hello"}
    assert {line["job_id"] for line in lines} == {"j-1"}


@pytest.mark.parametrize("command", ["run --no-server -- true", "level", "doctor", "agent --once --help", "version"])
def test_where_applications_run_the_extra_cli_is_enough(command, tmp_path):
    program = f"""
from plainview.cli import main
sys.argv = ["plainview", *{command.split()!r}]
main()
"""
    only_with_base_dependencies(program, tmp_path, "cli")


@pytest.mark.parametrize("command", ["serve", "logs"])
def test_a_command_of_the_server_says_what_to_install(command, tmp_path):
    program = f"""
from plainview.cli import main
sys.argv = ["plainview", {command!r}]
try:
    main()
except SystemExit as end:
    print(end)
"""
    assert "pip install 'plainview[server]'" in only_with_base_dependencies(program, tmp_path, "cli")


def test_the_wheel_holds_the_types_marker_and_nothing_but_the_package(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("plainview-*-py3-none-any.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    built = {str(file.relative_to(ROOT / "src")) for file in (ROOT / "src/plainview/server/static").rglob("*.*")}
    assert "plainview/py.typed" in names
    assert built <= names
    assert {name.partition("/")[0] for name in names} == {
        "plainview",
        f"plainview-{plainview.__version__}.dist-info",
    }


def requirements():
    project = PYPROJECT["project"]
    return [*project["dependencies"], *(line for lines in project["optional-dependencies"].values() for line in lines)]


def test_the_lock_holds_every_dependency_at_one_version():
    lock = (ROOT / "requirements/lock.txt").read_text()
    locked = set(re.findall(r"^([a-z0-9-]+)==\S+(?: ;.*)?$", lock, re.MULTILINE))
    wanted = {re.match(r"[\w.-]+", line)[0].lower().replace("_", "-") for line in requirements()} - {"plainview"}
    assert wanted <= locked, f"run `make lock`: {sorted(wanted - locked)}"


@pytest.mark.parametrize("file", ["requirements/lock.txt", "web/package-lock.json"])
def test_a_lock_names_no_host(file):
    """Whoever installs brings an index of their own."""
    assert not re.search(r'"resolved"|--(extra-)?index-url|--find-links|@ http', (ROOT / file).read_text())


def test_a_module_is_named_after_what_it_holds():
    vague = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "base"}
    assert not [path for path in SOURCES if path.stem in vague]


def test_an_exception_to_a_rule_of_style_gives_its_reason():
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("src", "tests", "bench", "examples")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"#\s*noqa\b(?!: [A-Z0-9, ]+ - \S)", line) and "re.search" not in line
    ]
    assert not bare


def test_no_part_of_the_package_prints_past_the_terminal_parts():
    """Standard output is the application's: only the command line may write there."""
    printing = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        if "cli" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not printing


def test_ci_runs_what_everybody_runs():
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("make test")


def test_make_lists_its_targets():
    shown = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert {line.split()[1] for line in shown.splitlines()} >= {
        "bench",
        "build",
        "clean",
        "docs",
        "help",
        "lint",
        "lock",
        "run",
        "test",
    }
