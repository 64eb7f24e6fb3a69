"""`plainview level`: change the level of running applications, without a restart."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from plainview.records import LEVEL_NAMES, level_number
from plainview.settings import load

__all__ = ["level"]


def level(
    level: Annotated[str | None, typer.Argument(help="DEBUG, INFO, WARNING (WARN), ERROR or CRITICAL.")] = None,
    logger: Annotated[str, typer.Option(help="Only this logger and its children.")] = "",
    *,
    dir: Annotated[Path | None, typer.Option(help="Data directory; PLAINVIEW_DIR when left out.")] = None,  # noqa: A002 - the option's name
) -> None:
    """Set the least level kept by every application of a data directory; they follow within a second or two.

    Without a level, show what is set. Applications that start later begin with what is set here.
    """
    from plainview.capture.runtime import LEVELS_FILE

    path = Path(load(dir=None if dir is None else str(dir)).dir) / LEVELS_FILE
    levels: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if level is not None:
        try:
            levels[logger] = LEVEL_NAMES[level_number(level)]
        except ValueError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from None
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}.new")
        fresh.write_text(json.dumps(levels, indent=1) + "\n", encoding="utf-8")
        fresh.replace(path)
    if not levels:
        typer.echo("no level is set here; applications use their own settings")
    for name, value in sorted(levels.items()):
        typer.echo(f"{name or '(all)'}: {value}")
