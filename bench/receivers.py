"""Two servers that take Sentry's protocol, each as its documentation has it started: Plainview, and Bugsink of PyPI."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Bugsink", "Plainview", "Receiver", "install"]

_BUGSINK: Final = "bugsink==2.6.*"
#: What of Bugsink's template for one server is changed: no proxy in front, no quota, no mail, no call home.
_SETTINGS: Final = """
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
SECURE_PROXY_SSL_HEADER = None
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
BUGSINK["BASE_URL"] = "http://127.0.0.1:{port}"
BUGSINK["PHONEHOME"] = False
BUGSINK["MAX_EVENT_SIZE"] = 1 << 20
for _name in ("EVENTS_PER_PROJECT_PER_5_MINUTES", "EVENTS_PER_PROJECT_PER_HOUR", "EVENTS_PER_PROJECT_PER_MONTH",
              "EVENTS_PER_5_MINUTES", "EVENTS_PER_HOUR", "EVENTS_PER_MONTH"):
    BUGSINK["MAX_" + _name] = 100_000_000
ALLOWED_HOSTS = ["*"]
"""
_PROJECT: Final = """
from projects.models import Project
made = Project.objects.create(name="bench", retention_max_event_count=10_000_000, alert_on_new_issue=False)
print(f"KEY={made.sentry_key.hex} PROJECT={made.id}")
"""


def install(folder: Path) -> Path:
    """Bugsink in a virtual environment of its own. Gives the folder of its commands.

    Raises:
        RuntimeError: it cannot be had.
    """
    programs = folder / "venv" / "bin"
    if not (programs / "bugsink-manage").exists():
        made = [sys.executable, "-m", "venv", str(folder / "venv")]
        for command in (made, [str(programs / "pip"), "install", "--quiet", _BUGSINK]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                message = f"{_BUGSINK} cannot be installed: {done.stderr.strip()[-400:]}"
                raise RuntimeError(message)
    return programs


class Receiver:
    """A server that runs, with a key for events.

    Attributes:
        url: where it is.
        project: number of the project.
        key: public part of its key.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.url = f"http://127.0.0.1:{port}"
        self.project = 1
        self.key = ""
        self._processes: list[subprocess.Popen[bytes]] = []

    def _start(self, *command: str, cwd: Path | None = None) -> None:
        with (self.folder / "output.log").open("ab") as log:
            # A group of its own: its workers end with it.
            made = subprocess.Popen(command, stdout=log, stderr=log, cwd=cwd, start_new_session=True)
        self._processes.append(made)

    def _wait(self, path: str) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                httpx.get(self.url + path, trust_env=False)
            except httpx.TransportError:
                time.sleep(0.2)
            else:
                return
        message = f"nothing answers at {self.url}: see {self.folder / 'output.log'}"
        raise RuntimeError(message)

    def close(self) -> None:
        """End it."""
        for process in reversed(self._processes):
            os.killpg(process.pid, signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)

    def grouped(self) -> int:
        """Events that are stored and belong to an issue."""
        raise NotImplementedError

    def pages(self) -> dict[str, list[str]]:
        """What is looked at → the addresses that are asked for it, one after the other."""
        raise NotImplementedError

    def client(self) -> httpx.Client:
        """A client that may look."""
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False, follow_redirects=True)


def _one(database: Path, sql: str) -> int:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
    try:
        return int(connection.execute(sql).fetchone()[0] or 0)
    finally:
        connection.close()


class Plainview(Receiver):
    """``plainview serve``."""

    name = "plainview"

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder, port)
        command, data = [sys.executable, "-m", "plainview.cli"], str(folder / "data")
        self._start(*command, "serve", "--port", str(port), "--dir", data)
        self._wait("/v1/health/ready")
        made = subprocess.run(
            [*command, "tokens", "create", "bench", "--dir", data], capture_output=True, text=True, check=True
        )
        found = re.search(r"//(\w+)@.*/(\d+)", made.stdout)
        assert found
        self.key, self.project = found[1], int(found[2])

    def grouped(self) -> int:
        """Events that are stored and belong to an issue."""
        return _one(self.folder / "data" / "state.db", "SELECT sum(count) FROM issues")

    def pages(self) -> dict[str, list[str]]:
        """What the screen asks for its list, and for the page of an error."""
        with self.client() as client:
            issue = client.get("/v1/errors").json()["errors"][0]["id"]
        about = f"/v1/errors/{issue}"
        return {
            "list": ["/v1/errors?limit=100"],
            "issue": [f"{about}?include=occurrence&include=distributions"],
        }


class Bugsink(Receiver):
    """Bugsink with gunicorn, its worker for tasks and SQLite, as its template for one server and its image have it."""

    name = "bugsink"

    def __init__(self, folder: Path, port: int, programs: Path) -> None:
        super().__init__(folder, port)
        template = [str(programs / "bugsink-create-conf"), "--template=singleserver", f"--base-dir={folder}"]
        self._run([*template, f"--port={port}", "--host=127.0.0.1"])
        with (folder / "bugsink_conf.py").open("a") as conf:
            conf.write(_SETTINGS.format(port=port))
        manage = str(programs / "bugsink-manage")
        self._run([manage, "migrate"])
        self._run([manage, "migrate", "snappea", "--database=snappea"])
        self._run([manage, "prestart"], CREATE_SUPERUSER="admin@example.org:admin")
        found = re.search(r"KEY=(\w+) PROJECT=(\d+)", self._run([manage, "shell", "-c", _PROJECT]))
        assert found
        self.key, self.project = found[1], int(found[2])
        self._start(str(programs / "bugsink-runsnappea"), cwd=folder)
        conf = next((programs.parent / "lib").glob("python3*/site-packages/bugsink/gunicorn.docker.conf.py"))
        gunicorn = [str(programs / "gunicorn"), f"--config={conf}", f"--bind=127.0.0.1:{port}"]
        self._start(*gunicorn, "--access-logfile=/dev/null", "bugsink.wsgi", cwd=folder)
        self._wait("/health/ready")

    def _run(self, command: list[str], **environment: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=os.environ | environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            message = f"{command[0]}: {done.stderr.strip()[-400:]}"
            raise RuntimeError(message)
        return done.stdout

    def grouped(self) -> int:
        """Events that are stored and belong to an issue."""
        return _one(self.folder / "db.sqlite3", "SELECT count(*) FROM events_event WHERE issue_id IS NOT NULL")

    def client(self) -> httpx.Client:
        """A client that is signed in."""
        with super().client() as client:
            form = client.get("/accounts/login/").text
            token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
            assert token
            values = {"csrfmiddlewaretoken": token[1], "username": "admin@example.org", "password": "admin"}
            client.post("/accounts/login/", data=values, headers={"Referer": f"{self.url}/accounts/login/"})
            signed_in = super().client()
            signed_in.cookies.update(client.cookies)
            return signed_in

    def pages(self) -> dict[str, list[str]]:
        """Its list of issues, and the page that it leads to."""
        with self.client() as client:
            listed = client.get(f"/issues/{self.project}/")
            found = re.search(r"/issues/issue/([0-9a-f-]{36})/event/", listed.raise_for_status().text)
        assert found
        return {"list": [f"/issues/{self.project}/"], "issue": [f"/issues/issue/{found[1]}/event/last/"]}
