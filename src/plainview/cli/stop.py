"""``plainview stop``."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from plainview.settings import SettingsError, load

__all__ = ["stop"]

_PATIENCE: Final = 15.0


def stop(
    directory: Annotated[
        Path | None, typer.Option("--dir", help="Folder of the spool and the store.  [default: .plainview]")
    ] = None,
) -> None:
    """End the server of a directory."""
    from plainview.server.presence import held, holder, running

    try:
        folder = Path(load(dir=str(directory) if directory else None).dir).absolute()
    except SettingsError as error:
        sys.stderr.write(f"plainview: {error}\n")
        raise typer.Exit(2) from None
    found = running(folder)
    if found is None:
        state = "a server is just starting or leaving" if held(folder) else "no server runs"
        sys.stderr.write(f"plainview: {state} for {folder}\n")
        raise typer.Exit(1)
    try:
        os.kill(found.pid, signal.SIGTERM)
    except ProcessLookupError:
        pass  # it ended this very moment
    except PermissionError:
        sys.stderr.write(f"plainview: the server (process {found.pid}) belongs to another user\n")
        raise typer.Exit(1) from None
    until = time.monotonic() + _PATIENCE
    while holder(folder) == found.pid and time.monotonic() < until:
        time.sleep(0.05)
    if holder(folder) == found.pid:
        sys.stderr.write(
            f"plainview: process {found.pid} does not end; `kill -9 {found.pid}` does, and loses nothing\n"
        )
        raise typer.Exit(1)
    typer.echo(f"The server at {found.url} has ended.")
