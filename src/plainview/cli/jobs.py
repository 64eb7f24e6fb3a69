"""``plainview jobs``: the jobs of a running server, and other operations: listed, and followed while they run."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from plainview.cli.api import Failed, Gone
from plainview.cli.asking import Dir, Json, Url, ago, as_json, asking, listed, plain_console
from plainview.sinks.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import RenderableType

    from plainview.cli.api import Api

__all__ = ["COLOURS", "jobs", "lasted", "reached"]

#: Status → colour.
COLOURS: Final = {
    "queued": "dim",
    "running": "cyan",
    "completed": "green",
    "failed": "red",
    "cancelled": "yellow",
    "dead_lettered": "red",
    "abandoned": "magenta",
}
#: Seconds between two looks.
_TURN: Final = 1.0
_BAR: Final = 12
_MINUTE, _HOUR, _DAY = 60, 3600, 86400

Option = typer.Option


def jobs(  # noqa: PLR0913 - each is an option of the command
    text: Annotated[list[str] | None, typer.Argument(help="Words that stand in name, id, reason or step.")] = None,
    *,
    status: Annotated[
        list[str] | None,
        Option(help="queued, running, completed, failed, cancelled, dead_lettered, abandoned; may be repeated."),
    ] = None,
    name: Annotated[list[str] | None, Option(help="Of this type; may be repeated.")] = None,
    kind: Annotated[list[str] | None, Option(help="Of this kind, or `all`; may be repeated.  [default: job]")] = None,
    service: Annotated[list[str] | None, Option(help="Of this service; may be repeated.")] = None,
    since: Annotated[str | None, Option(help="Not ended before then: 15m, 2h, 1d ago, or a time.")] = None,
    sort: Annotated[str, Option(help="started_at, duration_ms or last_seen.")] = "started_at",
    follow: Annotated[bool, Option("--follow", help="Go on: a table that lives, or a line for each change.")] = False,
    limit: Annotated[int, Option(min=1, help="Most jobs.")] = 50,
    json: Json = False,
    url: Url = None,
    directory: Dir = None,
) -> None:
    """List jobs, the newest first, with how far they are."""
    given = {
        "q": " ".join(text or []),
        "status": status,
        "name": name,
        "kind": [] if "all" in (kind or ()) else kind or ["job"],
        "service": service,
        "start_time": ago(since),
        "order_by": sort,
    }
    with asking("jobs", directory, url) as api:
        if follow:
            _follow(api, given, limit, json=json)
        else:
            found, total = listed(api, "/v1/operations", given, "operations", limit)
            if json:
                sys.stdout.writelines(as_json(one) + "\n" for one in found)
            else:
                plain_console().print(_table(found, total))


def _follow(api: Api, given: Mapping[str, Any], limit: int, *, json: bool) -> None:
    """Look again and again, until Ctrl-C. A server that went away is waited for.

    Raises:
        Failed: the server refuses.
    """
    console = plain_console()
    if console.is_terminal and not json:
        from rich.live import Live

        with Live(console=console, auto_refresh=False, screen=False) as live:
            _again(api, given, limit, lambda found, total: live.update(_table(found, total), refresh=True))
    shown: dict[str, str] = {}

    def changes(found: list[dict[str, Any]], _: int) -> None:
        for one in reversed(found):
            text = as_json(one) if json else _line(one)
            # While one runs, its duration grows; that alone is no news.
            news = as_json({name: value for name, value in one.items() if name != "duration_ms"})
            if shown.get(one["operation_id"]) != news:
                shown[one["operation_id"]] = news
                sys.stdout.write(text + "\n")
        sys.stdout.flush()

    _again(api, given, limit, changes)


def _again(api: Api, given: Mapping[str, Any], limit: int, show: Callable[[list[dict[str, Any]], int], None]) -> None:
    answered = False
    while True:
        try:
            show(*listed(api, "/v1/operations", given, "operations", limit))
            answered = True
        except Gone:
            if not answered:
                raise
        except Failed as error:
            if not answered or "does not answer" not in str(error):
                raise
        time.sleep(_TURN)


def _table(found: list[dict[str, Any]], total: int) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    if not found:
        return Text("no such jobs")
    table = Table(box=None, pad_edge=False)
    for heading, width, right in (("started", 11, False), ("status", 13, False), ("took", 7, True)):
        table.add_column(heading, min_width=width, justify="right" if right else "left", no_wrap=True)
    table.add_column("try", justify="right", no_wrap=True)
    for heading, ratio in (("job", 3), ("id", 2), ("progress", 4)):
        table.add_column(heading, ratio=ratio, overflow="ellipsis", no_wrap=True)
    several = len({one["kind"] for one in found}) > 1
    for one in found:
        table.add_row(
            Text(f"{datetime.fromisoformat(one['started_at']).astimezone():%m-%d %H:%M}"),
            Text(one["status"], COLOURS[one["status"]]),
            Text(lasted(one["duration_ms"])),
            Text(str(one["attempt"]) if one["attempts"] <= 1 else f"{one['attempt']}/{one['attempts']}"),
            Text(visible(f"{one['kind']} {one['name']}" if several else one["name"])),
            Text(visible(one["key"] or one["operation_id"])),
            Text(visible(reached(one))),
        )
    if total <= len(found):
        return table
    return Group(table, Text(f"{total - len(found)} more: --limit {total}", "dim"))


def _line(one: Mapping[str, Any]) -> str:
    """What one is now, as a line of a log."""
    at = f"{datetime.fromisoformat(one['last_seen']).astimezone():%H:%M:%S}"
    parts = [at, f"{one['status']:<13}", f"{lasted(one['duration_ms']):>7}", f"{one['kind']} {one['name']}"]
    return visible("  ".join([*parts, one["key"] or one["operation_id"], reached(one)]).rstrip())


def reached(one: Mapping[str, Any]) -> str:
    """How far it is, and what it does or why it failed."""
    said = one["reason"] if one["status"] not in ("queued", "running", "completed") else one["step"] or one["reason"]
    parts = [_bar(one)] if one["status"] in ("running", "abandoned", "failed") and one["percent"] is not None else []
    if one["failed_in"]:
        parts.append(f"in {one['failed_in']}:")
    return " ".join(parts + [said] * bool(said))


def _bar(one: Mapping[str, Any]) -> str:
    full = min(_BAR, max(0, round(one["percent"] / 100 * _BAR)))
    counted = f" {one['done']:g}/{one['total']:g}" if one["done"] is not None and one["total"] else ""
    return f"{'█' * full}{'░' * (_BAR - full)} {one['percent']:3.0f}%{counted}"


def lasted(milliseconds: float | None) -> str:
    """A length of time in the two units that matter."""
    if milliseconds is None:
        return ""
    seconds = milliseconds / 1000
    if seconds < 1:
        return f"{milliseconds:.0f}ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    for unit, part, names in ((_HOUR, _MINUTE, "ms"), (_DAY, _HOUR, "hm")):
        if whole < unit:
            return f"{whole // part}{names[0]}{whole % part // (1 if part == _MINUTE else _MINUTE):02d}{names[1]}"
    return f"{whole // _DAY}d{whole % _DAY // _HOUR:02d}h"
