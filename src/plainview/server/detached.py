"""A server in the background, for those that need one to be there: started once, found by everybody."""

from __future__ import annotations

import contextlib
import http
import http.client
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from plainview.server.presence import held, running, starting

if TYPE_CHECKING:
    from plainview.settings import Settings

__all__ = ["LOG", "CannotStart", "ensure_running"]

#: Name of the file in the data directory that a server in the background writes its own log to.
LOG: Final = "server.log"
_LOG_BYTES: Final = 4 << 20
_TAIL: Final = 2000
_LOOK: Final = 0.05


class CannotStart(Exception):  # noqa: N818 - it says how things stand
    """No server could be started; the message says why."""


def ensure_running(settings: Settings, *, timeout: float = 30.0) -> str:
    """The URL of the directory's server, which is started in the background when none runs.

    When two ask at once, one server results and both get its URL. When the port of the settings is taken, the
    server takes a free one.

    Args:
        settings: ``dir``, ``host``, ``port``, ``token``.
        timeout: seconds to wait for it to answer.

    Raises:
        CannotStart: it did not start, or does not answer in time.
    """
    directory = Path(settings.dir).absolute()
    child: subprocess.Popen[bytes] | None = None
    until = time.monotonic() + timeout
    with starting(directory) as ours:
        while time.monotonic() < until:
            found = running(directory)
            if found is not None and _answers(found.url):
                return found.url
            if child is None:
                child = _start(settings, directory) if not held(directory) and ours() else None
            elif child.poll() is not None and not held(directory):
                raise CannotStart(_why(directory, "The server ended at once"))
            time.sleep(_LOOK)
    raise CannotStart(_why(directory, f"The server did not answer within {timeout:.0f} s"))


def _answers(url: str) -> bool:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=2.0)
    try:
        connection.request("GET", "/v1/health/live")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _start(settings: Settings, directory: Path) -> subprocess.Popen[bytes]:
    path = directory / LOG
    with contextlib.suppress(OSError):
        if path.stat().st_size > _LOG_BYTES:
            path.replace(directory / f"{LOG}.1")
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    # It stays out of its own records, and out of the way of whatever started it.
    environment = os.environ | {"PLAINVIEW_ENABLED": "false", "PLAINVIEW_TOKEN": settings.token}
    command = [sys.executable, "-m", "plainview.cli", "serve", "--dir", str(directory), "--any-port"]
    command += ["--host", settings.host, "--port", str(settings.port)]
    try:
        return subprocess.Popen(  # noqa: S603 - this very program, its arguments as a list
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment,
            cwd="/",
        )
    except OSError as error:
        msg = f"The server cannot be started: {error.strerror}"
        raise CannotStart(msg) from error
    finally:
        os.close(log)


def _why(directory: Path, what: str) -> str:
    try:
        told = (directory / LOG).read_bytes()[-_TAIL:].decode(errors="replace").strip()
    except OSError:
        told = ""
    return f"{what}. Its log, {directory / LOG}, ends with:\n{told}" if told else f"{what}: see {directory / LOG}"
