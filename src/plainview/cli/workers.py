"""``plainview workers``: which workers of a running server live, and what they do."""

from __future__ import annotations

import json as texts
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from plainview.cli.asking import Dir, Json, Url, as_json, asking, plain_console
from plainview.cli.jobs import lasted
from plainview.sinks.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

__all__ = ["workers"]

_COLOURS: Final = {"alive": "green", "late": "yellow", "lost": "red", "ended": "dim"}

Option = typer.Option


def workers(
    *,
    service: Annotated[list[str] | None, Option(help="Of this service; may be repeated.")] = None,
    environment: Annotated[list[str] | None, Option(help="Of this environment; may be repeated.")] = None,
    json: Json = False,
    url: Url = None,
    directory: Dir = None,
) -> None:
    """List workers: those that live, and those that ended or were lost within a day."""
    given = {name: value for name, value in (("service", service), ("environment", environment)) if value}
    with asking("workers", directory, url) as api:
        found: list[dict[str, Any]] = texts.loads(api.get("/v1/workers", given))["workers"]
    if json:
        sys.stdout.writelines(as_json(one) + "\n" for one in found)
        return
    plain_console().print(_table(found) if found else "no workers")


def _table(found: list[dict[str, Any]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading, right in (("state", False), ("heartbeat", True), ("up", True), ("done", True), ("failed", True)):
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    for heading, ratio in (("worker", 2), ("process", 2), ("works on", 3)):
        table.add_column(heading, ratio=ratio, overflow="ellipsis", no_wrap=True)
    for one in found:
        age = one["heartbeat_age_seconds"]
        table.add_row(
            Text(one["state"], _COLOURS[one["state"]]),
            Text("" if age is None else f"{lasted(age * 1000)} ago"),
            Text(lasted(one["duration_ms"])),
            Text(str(one["completed"])),
            Text(str(one["failed"]), "red" if one["failed"] else ""),
            Text(visible(f"{one['service']} {one['name']}".strip())),
            Text(visible(f"{one['pid']} on {one['host']}")),
            Text(visible(", ".join(map(_work, one["current"])))),
        )
    return table


def _work(one: Mapping[str, Any]) -> str:
    percent = "" if one["percent"] is None else f" {one['percent']:.0f}%"
    return f"{one['kind']} {one['name']} {one['key'] or ''}".rstrip() + percent
