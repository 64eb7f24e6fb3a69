"""`plainview run -- COMMAND…`: a program captured without a change to its code."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from plainview.bootstrap import PATH
from plainview.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["environment", "run"]

_NOT_EXECUTABLE, _NOT_FOUND = 126, 127  # as shells answer (POSIX, 2.8.2)


def run(  # noqa: PLR0913 - each is an option of the command
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND…", help="What to run, with its arguments, behind `--`.")
    ],
    *,
    service: Annotated[
        str | None, typer.Option(help="Name of the service; found out from the command as a rule.")
    ] = None,
    env: Annotated[str | None, typer.Option("--environment", help="development, testing, production, …")] = None,
    directory: Annotated[Path | None, typer.Option("--dir", help="Folder of the spool and the store.")] = None,
    server: Annotated[bool, typer.Option(help="Start a server if none is running.")] = True,
    metrics_path: Annotated[
        str | None, typer.Option(help="Path at which a web application answers with its metrics, e.g. /metrics.")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="Port for /metrics and /health/live of a program without a web server.")
    ] = None,
) -> None:
    """Run a program and capture what it does.

    It takes the place of this process: same process id, signals and exit code are its own.
    """
    given = {
        "service": service,
        "environment": env,
        "dir": str(directory) if directory else None,
        "server": None if server else "off",
        "metrics_path": metrics_path,
        "metrics_port": str(metrics_port) if metrics_port else None,
    }
    try:
        settings = load(**given)
    except SettingsError as error:
        sys.stderr.write(f"plainview: {error}\n")
        raise typer.Exit(2) from None
    variables = environment(settings, {name: value for name, value in given.items() if value}, os.environ)
    if settings.server == "auto" and not settings.endpoint and settings.enabled:
        _serve(load(variables))
    _become(command, variables)


def environment(settings: Settings, given: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of a captured program.

    Args:
        settings: in force here.
        given: settings that the program is to have, other than those in the environment already.
        environ: variables to start from.
    """
    rest = environ.get("PYTHONPATH")
    return {
        **environ,
        # Off, not the profile's: what the program prints stays its own. Asked for by name, it is given.
        "PLAINVIEW_CONSOLE": environ.get("PLAINVIEW_CONSOLE") or "off",
        **{f"PLAINVIEW_{name.upper()}": value for name, value in given.items()},
        # Absolute: the program may work in another folder.
        "PLAINVIEW_DIR": str(Path(settings.dir).absolute()),
        "PLAINVIEW_RUN_PID": str(os.getpid()),
        "PYTHONPATH": os.pathsep.join([str(PATH), rest] if rest else [str(PATH)]),
    }


def _serve(settings: Settings) -> None:
    try:
        from plainview.server import ensure_running

        url = ensure_running(settings)
    except Exception as error:  # noqa: BLE001 - the program runs all the same
        sys.stderr.write(
            f"plainview: no server: {str(error) or type(error).__name__}\n"
            f"plainview: records are kept in {settings.dir}; look at them with `plainview serve --dir {settings.dir}`\n"
        )
    else:
        sys.stderr.write(f"plainview: {url} shows what this program does (data in {settings.dir})\n")


def _become(command: list[str], variables: dict[str, str]) -> NoReturn:
    program = command[0]
    if program.endswith(".py") and os.path.isfile(program) and not os.access(program, os.X_OK):  # noqa: PTH113 - as typed
        command = [sys.executable, *command]
    try:
        os.execvpe(command[0], command, variables)  # noqa: S606 - running what it is given is the whole point
    except OSError as error:
        sys.stderr.write(f"plainview: cannot run {program}: {error.strerror}\n")
        raise typer.Exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE) from None
