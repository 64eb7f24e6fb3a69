"""What commands that ask a running server have in common: the options that say which, and how answers are shown."""

from __future__ import annotations

import json as texts
import sys
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from plainview.cli.api import Api, Failed
from plainview.settings import SettingsError, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

__all__ = ["PAGE", "Dir", "Json", "Url", "ago", "as_json", "asking", "listed", "local_time", "plain_console"]

#: Most entries that are asked for at once.
PAGE: Final = 500
#: Width of a table that goes into a file.
_WIDE: Final = 200

Json = Annotated[bool, typer.Option("--json", help="JSON, for jq.")]
Url = Annotated[str | None, typer.Option(help="The server; that of the directory when left out.")]
Dir = Annotated[Path | None, typer.Option("--dir", help="Folder of the spool and the store.  [default: .plainview]")]


@contextmanager
def asking(command: str, directory: Path | None, url: str | None) -> Iterator[Api]:
    """The server, and what goes wrong told as for people.

    Args:
        command: name of the command, for what is told when there is no server.
        directory: the option `--dir`.
        url: the option `--url`.
    """
    try:
        yield Api(load(dir=str(directory) if directory else None), url, command)
    except (SettingsError, Failed) as error:
        sys.stderr.write(f"plainview: {error}\n")
        raise typer.Exit(2 if isinstance(error, SettingsError) else 1) from None


def listed(api: Api, path: str, query: Mapping[str, Any], of: str, limit: int) -> tuple[list[dict[str, Any]], int]:
    """So many entries of a list, page by page, and how many there are in all.

    Args:
        api: the server.
        path: of the list.
        query: what is asked; None and empty values are left out.
        of: the member of the answer that holds the entries.
        limit: most of them.
    """
    given = {name: value for name, value in query.items() if value}
    found: list[dict[str, Any]] = []
    total, cursor = 0, None
    while len(found) < limit:
        more = {"limit": min(PAGE, limit - len(found))} | ({"cursor": cursor} if cursor else {})
        page = texts.loads(api.get(path, given | more))
        found += page[of]
        total, cursor = page["total"], page["next"]
        if cursor is None:
            break
    return found, total


def as_json(value: object) -> str:
    """JSON all in ASCII: nothing in it can act on a terminal."""
    return texts.dumps(value)


def plain_console() -> Console:
    """Where tables go: as wide as the terminal, and wide enough in a file."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDE
    return console


def local_time(text: str) -> str:
    """A moment as people here read it: to the second, in the zone of this machine."""
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"


def ago(text: str | None) -> str | None:
    """The option `--since` as the server takes it: ``2h`` is ``-2h``."""
    return f"-{text}" if text and text[:1].isdigit() and "-" not in text else text
