"""``plainview serve``."""

from __future__ import annotations

import logging
import sys
from pathlib import Path  # noqa: TC003 - Typer looks at it
from typing import Annotated

import typer

from plainview.settings import SettingsError, load

__all__ = ["serve"]


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0: any that is free.  [default: 7070]")] = None,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="Folder of the spool and the store.  [default: .plainview]")
    ] = None,
    any_port: Annotated[bool, typer.Option("--any-port", help="When the port is taken, take a free one.")] = False,
) -> None:
    """Start the server: takes records in, stores them, and shows them.

    One process, until Ctrl-C. Beyond loopback it needs a token, PLAINVIEW_TOKEN.
    """
    from plainview.server.presence import AlreadyRunning
    from plainview.server.serving import CannotServe, serve as run
    from plainview.store.interface import StoreError

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in ("alembic", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        settings = load(host=host, port=port, dir=str(directory) if directory else None)
        run(settings, any_port=any_port, ready=lambda url: _ready(url, settings.dir))
    except SettingsError as error:
        sys.stderr.write(f"plainview: {error}\n")
        raise typer.Exit(2) from None
    except AlreadyRunning as error:
        sys.stderr.write(f"plainview: {error}\nOpen that, or end it first:  plainview stop --dir {settings.dir}\n")
        raise typer.Exit(1) from None
    except (CannotServe, StoreError) as error:
        sys.stderr.write(f"plainview: {error}\n")
        raise typer.Exit(1) from None


def _ready(url: str, directory: str) -> None:
    typer.echo(f"Plainview is at {url}  (data in {directory}; Ctrl-C ends it)")
    sys.stdout.flush()
