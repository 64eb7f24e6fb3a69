"""`plainview run`: the program takes its place, captured; a server is started when none runs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from plainview import segments
from plainview.bootstrap import PATH
from plainview.bootstrap.program import Program

if TYPE_CHECKING:
    from pathlib import Path

RUN = [sys.executable, "-m", "plainview.cli", "run"]


@pytest.fixture
def environ(tmp_path):
    """Variables without any of ours, and no server unless a test wants one."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PLAINVIEW_", "OTEL_", "PYTHON", "COV_", "PYTEST"))
    }
    return clean | {"PLAINVIEW_SERVER": "off", "PLAINVIEW_PORT": "0", "HOME": str(tmp_path)}


@pytest.fixture
def run(tmp_path, environ):
    def start(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*RUN, *arguments], cwd=tmp_path, env=environ | variables,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    return start


def messages(directory: Path) -> dict[str, dict]:
    found = {}
    for stream in (directory / "spool").glob("[!.]*"):
        for name in segments.listing(stream):
            data = (stream / str(name)).read_bytes()
            lines = map(json.loads, data[: segments.complete(data)].splitlines())
            found |= {line["message"]: line for line in lines if "message" in line}
    return found


LOG = "import logging; logging.getLogger('app').info('hello'); "


def test_the_program_is_captured_and_its_output_is_its_own(run, tmp_path):
    done = run("--", sys.executable, "-c", LOG + "import sys; print('out', sys.argv[1:]); sys.exit(7)", "--flag", "-x")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out ['--flag', '-x']\n", "")
    assert messages(tmp_path / ".plainview")["hello"]["logger"] == "app"


def test_it_takes_the_place_of_the_command(tmp_path, environ):
    """Same process: signals and supervisors reach the program itself."""
    source = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    process = subprocess.Popen(
        [*RUN, "--", sys.executable, "-c", source], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True
    )
    assert int(process.stdout.readline()) == process.pid
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == -signal.SIGTERM
    process.stdout.close()


def test_a_script_that_is_not_executable_is_run_all_the_same(run, tmp_path):
    (tmp_path / "job.py").write_text(LOG + "print('ran')")
    assert run("--", "job.py").stdout == "ran\n"
    assert messages(tmp_path / ".plainview")["hello"]["service"] == "job"


@pytest.mark.parametrize(("name", "code"), [("no-such-program", 127), ("folder", 126), ("text.txt", 126)])
def test_a_program_that_cannot_be_run(run, tmp_path, name, code):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.txt").write_text("x")
    done = run("--", name if code == 127 else f"./{name}")
    assert done.returncode == code
    assert done.stderr.startswith("plainview: cannot run ")
    assert done.stderr.count("\n") == 1


def test_without_a_command_it_says_how_to(run):
    done = run()
    assert done.returncode == 2
    assert "COMMAND" in done.stderr


def test_settings_reach_the_program(run, tmp_path):
    source = LOG + "import os; os.chdir('/')"
    done = run("--service", "shop", "--environment", "testing", "--dir", "here", "--", sys.executable, "-c", source)
    assert done.stderr == ""
    line = messages(tmp_path / "here")["hello"]
    assert (line["service"], line["environment"]) == ("shop", "testing")


def test_the_console_is_off_unless_asked_for(run):
    assert run("--", sys.executable, "-c", LOG).stderr == ""
    shown = run("--", sys.executable, "-c", LOG, PLAINVIEW_CONSOLE="pretty").stderr
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} INFO  app  hello\n", shown)


def test_a_path_of_ones_own_is_kept_behind_ours(run):
    done = run("--", sys.executable, "-c", "import os; print(os.environ['PYTHONPATH'])", PYTHONPATH="/a:/b")
    assert done.stdout == f"{PATH}:/a:/b\n"


def test_a_wrong_setting_is_said_before_anything_runs(run):
    done = run("--", sys.executable, "-c", "print('ran')", PLAINVIEW_FILE_BACKUPS="many")
    assert (done.returncode, done.stdout) == (2, "")
    assert "PLAINVIEW_FILE_BACKUPS" in done.stderr


def test_programs_that_are_no_python_run_as_well(run):
    done = run("--", "sh", "-c", "echo $0 $1; exit 4", "a", "b")
    assert (done.returncode, done.stdout) == (4, "a b\n")


def test_python_below_a_shell_is_captured(run, tmp_path):
    run("--", "sh", "-c", f'{sys.executable} -c "{LOG}"')
    assert "hello" in messages(tmp_path / ".plainview")


def test_a_server_is_started_once_and_shows_what_was_logged(run, tmp_path, environ):
    first = run("--", sys.executable, "-c", LOG, PLAINVIEW_SERVER="auto")
    second = run("--", sys.executable, "-c", LOG.replace("hello", "again"), PLAINVIEW_SERVER="auto")
    try:
        url = re.search(r"plainview: (http://\S+) ", first.stderr)[1]
        assert first.stderr == second.stderr
        assert first.stderr.count("\n") == 1
        deadline = time.monotonic() + 30
        found = []
        while len(found) < 2 and time.monotonic() < deadline:
            request = urllib.request.Request(
                f"{url}/v1/logs/search", b'{"logger": "app"}', {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=30) as answer:
                found = json.load(answer)["logs"]
            time.sleep(0.1)
        assert [entry["message"] for entry in found] == ["again", "hello"]
    finally:
        stop = [sys.executable, "-m", "plainview.cli", "stop", "--dir", str(tmp_path / ".plainview")]
        subprocess.run(stop, env=environ, check=True, capture_output=True)


def test_a_server_that_cannot_start_is_no_hindrance(run, tmp_path):
    (tmp_path / "file").write_text("")
    variables = {"PLAINVIEW_SERVER": "auto", "PLAINVIEW_DIR": str(tmp_path / "file" / "below")}
    done = run("--", sys.executable, "-c", "print('ran')", **variables)
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert "plainview: no server: " in done.stderr
    assert "plainview serve" in done.stderr


@pytest.mark.parametrize(
    ("command", "application", "service"),
    [
        ("python app.py", True, "blog"),
        ("python job.py --fast", True, "job"),
        ("python -u -X dev -W error job.py", True, "job"),
        ("python -m studio.worker", True, "studio"),
        ("python -um studio.worker", True, "studio"),
        ("python -mstudio", True, "studio"),
        ("python studio/__main__.py", True, "studio"),
        ("python /v/bin/uvicorn studio.api:app --reload --port 80", True, "studio"),
        ("python /v/bin/uvicorn --port 80 main:app", True, "blog"),
        ("python -m uvicorn main:create --factory", True, "blog"),
        ("python /v/bin/gunicorn -w 4 -b 0.0.0.0:80 studio.wsgi:app", True, "studio"),
        ("python /v/bin/gunicorn -b [::]:80 flaskr:create_app()", True, "flaskr"),
        ("python /v/bin/gunicorn -c conf.py", True, "blog"),
        ("python /v/bin/fastapi dev shop/main.py", True, "shop"),
        ("python /v/bin/flask --app flaskr run --debug", True, "flaskr"),
        ("python /v/bin/flask run", True, "blog"),
        ("python /v/bin/celery -A proj.tasks worker -l info", True, "proj-worker"),
        ("python /v/bin/celery --app=proj beat", True, "proj-beat"),
        ("python /v/bin/dramatiq --processes 2 proj.tasks", True, "proj-worker"),
        ("python /v/bin/dramatiq -p 2", True, "dramatiq-worker"),
        ("python /v/bin/rq worker high default", True, "rq-worker"),
        ("python /v/bin/rq info", True, "rq"),
        ("python /v/bin/datasette serve books.db", True, "datasette"),
        ("python manage.py runserver", True, "blog"),
        ("python -c print(1)", True, "python"),
        ("python", True, "python"),
        ("python -", True, "python"),
        ("python -m pip install x", False, "pip"),
        ("python /v/bin/pip3.11 install x", False, "pip"),
        ("python /v/bin/plainview serve", False, "plainview"),
        ("python -m plainview.cli serve", False, "plainview"),
        ("python -m venv .venv", False, "venv"),
    ],
)
def test_what_a_program_is_called_and_whether_it_is_captured(command, application, service):
    program = Program.of(command.split(" "))
    assert program.is_application() is application
    assert program.service("/home/me/blog", {}) == service


def test_helpers_of_the_standard_library_are_not_captured():
    helper = "from multiprocessing.resource_tracker import main;main(5)"
    assert not Program.of(["python", "-B", "-c", helper]).is_application()
    assert Program.of(["python", "-c", "from multiprocessing.spawn import spawn_main"]).is_application()


def test_flask_takes_the_name_from_its_variable():
    assert Program.of(["python", "/v/bin/flask", "run"]).service("/x", {"FLASK_APP": "flaskr.app:make"}) == "flaskr"


@given(st.lists(st.text()))
def test_any_command_line_has_a_name(argv):
    program = Program.of(["python", *argv])
    assert isinstance(program.is_application(), bool)
    assert program.service("/home/me/blog", {})


def test_where_metrics_are_answered_is_an_option(run):
    program = "import os; print(os.environ['PLAINVIEW_METRICS_PATH'], os.environ['PLAINVIEW_METRICS_PORT'])"
    done = run("--metrics-path", "/metrics", "--metrics-port", "9501", "--", sys.executable, "-c", program)
    assert (done.returncode, done.stdout) == (0, "/metrics 9501\n"), done.stderr
    refused = run("--metrics-path", "metrics", "--", sys.executable, "-c", program)
    assert refused.returncode == 2
    assert "PLAINVIEW_METRICS_PATH='metrics'" in refused.stderr
