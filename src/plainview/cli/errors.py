"""``plainview errors``: the errors of a running server, listed, shown, and worked off."""

from __future__ import annotations

import getpass
import json as texts
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import typer

from plainview.cli.asking import Dir, Json, Url, ago, as_json, asking, listed, plain_console
from plainview.sinks.text import visible

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["errors"]

errors = typer.Typer(no_args_is_help=True, help="List errors, look at one, work them off.")

_BARS: Final = " ▁▂▃▄▅▆▇█"
_COLOURS: Final = {"new": "red", "regressed": "red", "acknowledged": "yellow", "resolved": "green", "ignored": "dim"}
#: What is listed without `--status`: what wants a person.
_OPEN: Final = ("new", "regressed", "acknowledged")
_FRAMES: Final = 30
#: Width of a terminal that has room for the last 24 hours.
_NARROW: Final = 110

Option = typer.Option
Ids = Annotated[list[str], typer.Argument(help="Ids of errors (E12), fingerprints, or ids of occurrences.")]
Notes = Annotated[str | None, Option(help="Kept in its history.")]


@errors.command("list")
def list_(  # noqa: PLR0913 - each is an option of the command
    text: Annotated[list[str] | None, typer.Argument(help="Words that all stand in title, place or component.")] = None,
    *,
    status: Annotated[
        list[str] | None,
        Option(
            help="new, acknowledged, resolved, regressed, ignored, or all; may be repeated. Open ones when left out."
        ),
    ] = None,
    category: Annotated[
        list[str] | None, Option(help="transient, configuration, resource, bug, external, user.")
    ] = None,
    service: Annotated[list[str] | None, Option(help="Occurred in this service; may be repeated.")] = None,
    release: Annotated[list[str] | None, Option(help="Occurred in this release; may be repeated.")] = None,
    job: Annotated[list[str] | None, Option(help="Hit this job; may be repeated.")] = None,
    run: Annotated[list[str] | None, Option(help="Hit this run; may be repeated.")] = None,
    level: Annotated[str | None, Option(help="This level and above.")] = None,
    since: Annotated[str | None, Option(help="Seen since then: 15m, 2h, 1d ago, or a time.")] = None,
    sort: Annotated[str, Option(help="last_seen, first_seen, count, users, jobs or level.")] = "last_seen",
    limit: Annotated[int, Option(min=1, help="Most errors.")] = 50,
    json: Json = False,
    url: Url = None,
    directory: Dir = None,
) -> None:
    """List errors, those that were seen last first."""
    wanted = [each for each in status or _OPEN if each != "all"] if "all" not in (status or ()) else []
    given = {
        "text": " ".join(text or []),
        "status": wanted,
        "category": category,
        "service": service,
        "release": release,
        "job_id": job,
        "run_id": run,
        "level": level,
        "last_seen_after": ago(since),
        "sort": sort,
    }
    with asking("errors", directory, url) as api:
        found, total = listed(api, "/v1/errors", given, "errors", limit)
    if json:
        sys.stdout.writelines(as_json(issue) + "\n" for issue in found)
        return
    _table(found, total)


@errors.command()
def show(
    id: Annotated[str, typer.Argument(help="Id of an error (E12), a fingerprint, or id of an occurrence.")],  # noqa: A002 - the argument's name
    *,
    json: Json = False,
    url: Url = None,
    directory: Dir = None,
) -> None:
    """Show one error: what it is, whom it hit, its latest stack, its history."""
    path = f"/v1/errors/{quote(id, safe='')}"
    with asking("errors", directory, url) as api:
        issue = texts.loads(api.get(path))
        history = texts.loads(api.get(f"{path}/history"))["history"]
    if json:
        sys.stdout.write(as_json(issue | {"history": history}) + "\n")
        return
    _whole(issue, history)


@errors.command()
def ack(ids: Ids, *, notes: Notes = None, url: Url = None, directory: Dir = None) -> None:
    """Say that somebody looks into it."""
    _decide("acknowledge", ids, {"notes": notes}, url, directory)


@errors.command()
def resolve(  # noqa: PLR0913 - each is an option of the command
    ids: Ids,
    *,
    notes: Annotated[str | None, Option(help="How it was mended.")] = None,
    release: Annotated[str | None, Option(help="The release that mends it; earlier ones may still have it.")] = None,
    next_release: Annotated[bool, Option("--next-release", help="A release that is not known yet mends it.")] = False,
    url: Url = None,
    directory: Dir = None,
) -> None:
    """Say that it is mended. When it occurs again, it is a regression."""
    more = {"notes": notes, "in_release": release, "in_next_release": next_release or None}
    _decide("resolve", ids, more, url, directory)


@errors.command()
def ignore(  # noqa: PLR0913 - each is an option of the command
    ids: Ids,
    *,
    until: Annotated[str | None, Option(help="Until then: 7d from now, or a time.")] = None,
    count: Annotated[int | None, Option(min=1, help="Until it has occurred so many more times.")] = None,
    notes: Notes = None,
    url: Url = None,
    directory: Dir = None,
) -> None:
    """Let it be: for ever, until a time, or until it has occurred so many more times."""
    _decide("ignore", ids, {"until": until, "count": count, "notes": notes}, url, directory)


def _decide(action: str, ids: list[str], more: dict[str, Any], url: str | None, directory: Path | None) -> None:
    body = {"action": action, "ids": ids, "actor": _actor()} | {
        name: value for name, value in more.items() if value is not None
    }
    with asking("errors", directory, url) as api:
        done = texts.loads(api.post("/v1/errors/update", body))
    for id_ in done["updated"]:
        sys.stdout.write(f"{visible(id_)}: {action}\n")
    for failed in done["failed"]:
        sys.stderr.write(f"plainview: {visible(failed['detail'])}\n")
    if done["failed"]:
        raise typer.Exit(1)


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return "somebody"


def _table(found: list[dict[str, Any]], total: int) -> None:
    from rich.table import Table
    from rich.text import Text

    console = plain_console()
    wide = console.width >= _NARROW
    if not found:
        console.print("no such errors")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("id", min_width=4)
    table.add_column("status", min_width=12)
    table.add_column("times", justify="right", min_width=5)
    table.add_column("users", justify="right", min_width=5)
    table.add_column("last seen", min_width=16)
    if wide:
        table.add_column("24 hours", min_width=24)
    table.add_column("error", ratio=1, overflow="ellipsis", no_wrap=True)
    for issue in found:
        table.add_row(
            Text(issue["id"]),
            Text(issue["status"], _COLOURS.get(issue["status"], "")),
            Text(str(issue["occurrence_count"])),
            Text(str(issue["users"])),
            Text(_moment(issue["last_seen"])),
            *([Text(_sparkline(issue["sparkline"]))] if wide else []),
            Text(visible(f"{issue['title']}  ({issue['culprit']})" if issue["culprit"] else issue["title"])),
        )
    console.print(table)
    if total > len(found):
        console.print(f"{total - len(found)} more: --limit {total}", style="dim")


def _sparkline(values: list[int]) -> str:
    most = max(values) or 1
    return "".join(_BARS[-(-value * (len(_BARS) - 1) // most)] for value in values)


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M}"


def _whole(issue: dict[str, Any], history: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(f"{issue['id']}  {visible(issue['title'])}", "bold"))
    console.print(Text(issue["status"], _COLOURS.get(issue["status"], "")), Text(visible(issue["culprit"])))
    facts = {
        "category": f"{issue['category']}: {issue['action']}",
        "occurrences": str(issue["occurrence_count"]),
        "first seen": _moment(issue["first_seen"]),
        "last seen": _moment(issue["last_seen"]),
        **{f"{kind}s": ", ".join(issue[f"affected_{kind}s"][:10]) for kind in ("service", "job", "run", "user")},
        "batches": ", ".join(issue["affected_batches"][:10]),
        "releases": ", ".join(issue["releases"][:10]),
        "assigned to": issue["assignee"],
        "resolution": issue["resolution_notes"],
        "fingerprints": ", ".join(group["fingerprint"] for group in issue["groups"]),
    }
    for name, value in facts.items():
        if value:
            console.print(Text(f"  {name:<13}", "dim"), Text(visible(str(value))), sep="")
    if issue["stack_trace"]:
        console.print()
        for line in issue["stack_trace"].splitlines()[-_FRAMES:]:
            console.print(Text("  " + visible(line)), soft_wrap=True)
    if history:
        console.print()
    for change in reversed(history):
        moved = f" {change['before'] or ''} → {change['after']}" if change["after"] else ""
        said = f": {change['note']}" if change["note"] else ""
        told = f"{change['actor']} {change['action']}{moved}{said}"
        console.print(Text(f"  {_moment(change['time'])}  ", "dim"), Text(visible(told)), sep="")
