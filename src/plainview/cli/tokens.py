"""``plainview tokens``: the keys that Sentry's SDKs show, as DSNs."""

from __future__ import annotations

import json as texts
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit, urlunsplit

import typer

from plainview.settings import SettingsError, load
from plainview.sinks.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainview.settings import Settings
    from plainview.state import Database
    from plainview.state.keys import Key

__all__ = ["tokens"]

tokens = typer.Typer(no_args_is_help=True, help="Make, list, change and take back the DSNs of Sentry's SDKs.")

Url = Annotated[
    str | None, typer.Option(help="Where applications reach the server; that of the directory when left out.")
]
Dir = Annotated[Path | None, typer.Option("--dir", help="Folder of the spool and the store.  [default: .plainview]")]
Number = Annotated[int, typer.Argument(help="Number of the key, as `list` has it.")]


@contextmanager
def _state(directory: Path | None) -> Iterator[tuple[Settings, Database]]:
    """The state of a directory; what goes wrong is told as for people."""
    from plainview.state import StateError, open_state

    try:
        settings = load(dir=str(directory) if directory else None)
        database = open_state(Path(settings.dir), settings.state_url)
    except (SettingsError, StateError) as error:
        sys.stderr.write(f"plainview: {error}\n")
        raise typer.Exit(2 if isinstance(error, SettingsError) else 1) from None
    try:
        yield settings, database
    finally:
        database.close()


def _dsn(key: Key, settings: Settings, url: str | None) -> str:
    from plainview.server.presence import running

    found = None if url else running(Path(settings.dir).absolute())
    parts = urlsplit(url or (found.url if found else f"http://{settings.host}:{settings.port}"))
    return urlunsplit(
        (parts.scheme or "http", f"{key.public}@{parts.netloc}", f"{parts.path.rstrip('/')}/{key.project}", "", "")
    )


@tokens.command()
def create(
    name: Annotated[str, typer.Argument(help="What the application is called: its service on the screen.")],
    *,
    project: Annotated[
        int | None, typer.Option(min=1, max=(1 << 31) - 1, help="Number of its project.  [default: the next]")
    ] = None,
    url: Url = None,
    directory: Dir = None,
) -> None:
    """Make a DSN for an application, and print it."""
    from plainview.state import keys

    with _state(directory) as (settings, database):
        number = project or max((key.project for key in keys.every(database)), default=0) + 1
        key, _ = keys.create(database, kind="dsn", name=name, project=number, scopes=["ingest"])
        typer.echo(_dsn(key, settings, url))


@tokens.command("list")
def list_(
    *,
    json: Annotated[bool, typer.Option("--json", help="JSON, for jq.")] = False,
    url: Url = None,
    directory: Dir = None,
) -> None:
    """List the keys with their DSNs."""
    from rich.console import Console
    from rich.table import Table

    from plainview.state import keys

    with _state(directory) as (settings, database):
        found = [key for key in keys.every(database) if key.kind == "dsn"]
        rows = [
            {
                "number": key.id,
                "name": key.name,
                "project": key.project,
                "created": _day(key.created),
                "revoked": _day(key.revoked),
                "dsn": _dsn(key, settings, url) if key.revoked is None else None,
            }
            for key in found
        ]
    if json:
        typer.echo(texts.dumps(rows))
        return
    if not rows:
        typer.echo("There is no key. Make one:  plainview tokens create NAME")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("No.", "Name", "Project", "Created", "DSN"):
        table.add_column(title, overflow="fold")
    for row in rows:
        shown = row["dsn"] or f"revoked {row['revoked']}"
        table.add_row(
            *(visible(str(row[name])) for name in ("number", "name", "project", "created")), visible(str(shown))
        )
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _day(moment: int | None) -> str | None:
    return None if moment is None else f"{datetime.fromtimestamp(moment / 1e6, UTC):%Y-%m-%d}"


@tokens.command()
def rotate(number: Number, *, url: Url = None, directory: Dir = None) -> None:
    """Give a key another public part: the DSN that is printed takes the place of the old one, which is refused."""
    from plainview.state import keys

    with _state(directory) as (settings, database):
        found = keys.rotate(database, number)
        if found is None:
            _none(number)
        else:
            typer.echo(_dsn(found[0], settings, url))


@tokens.command()
def revoke(number: Number, *, directory: Dir = None) -> None:
    """Take a key back: what shows it is refused from now on."""
    from plainview.state import keys

    with _state(directory) as (_, database):
        if not keys.revoke(database, number):
            _none(number)
        typer.echo(f"key {number} is revoked")


def _none(number: int) -> None:
    sys.stderr.write(f"plainview: there is no key {number} that is not revoked: see `plainview tokens list`\n")
    raise typer.Exit(1)
