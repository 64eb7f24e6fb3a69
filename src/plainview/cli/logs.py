"""``plainview logs``: search and follow on the terminal, through the API of a running server."""

from __future__ import annotations

import io
import re
import sys
import time
from datetime import datetime
from pathlib import Path  # noqa: TC003 - Typer looks at it
from typing import TYPE_CHECKING, Annotated, Any, Final

import httpx
import msgspec
import typer

from plainview.cli.api import Api, Failed, Gone, told
from plainview.settings import SettingsError, load
from plainview.sinks.text import Pretty, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["logs"]

_PAGE: Final = 1000
_RETRY: Final = 1.0
#: A stream gives a sign of life every 15 seconds.
_QUIET: Final = httpx.Timeout(40.0, connect=5.0)
_LENGTH: Final = re.compile(r"(?:\d+(?:\.\d+)?[a-zµ]+)+")
_CONTROL: Final = re.compile("[\x7f-\x9f]")
#: Services with longer names are not lined up.
_WIDEST: Final = 20


Option = typer.Option


def logs(  # noqa: PLR0913 - each is an option of the command
    query: Annotated[
        list[str] | None,
        typer.Argument(
            help='Terms that must all hold: `timeout level:error -logger:noisy.* duration:>500 "a phrase"`.'
        ),
    ] = None,
    *,
    since: Annotated[str | None, Option(help="From then on: 15m, 2h, 1d ago, or a time.")] = None,
    until: Annotated[str | None, Option(help="Up to then, as --since.")] = None,
    level: Annotated[str | None, Option(help="This level and above.")] = None,
    service: Annotated[list[str] | None, Option(help="This service; may be repeated.")] = None,
    environment: Annotated[list[str] | None, Option(help="This environment; may be repeated.")] = None,
    logger: Annotated[list[str] | None, Option(help="This logger, or `name.*`; may be repeated.")] = None,
    request: Annotated[list[str] | None, Option(help="The request of this id.")] = None,
    trace: Annotated[list[str] | None, Option(help="The trace of this id.")] = None,
    job: Annotated[list[str] | None, Option(help="The job of this id.")] = None,
    run: Annotated[list[str] | None, Option(help="The run of this id.")] = None,
    follow: Annotated[bool, Option("--follow", help="Go on with what comes.")] = False,
    json: Annotated[bool, Option("--json", help="A JSON object a line, for jq.")] = False,
    limit: Annotated[int, Option(min=0, help="Most lines: the newest.")] = 100,
    url: Annotated[str | None, Option(help="The server; that of the directory when left out.")] = None,
    directory: Annotated[
        Path | None, Option("--dir", help="Folder of the spool and the store.  [default: .plainview]")
    ] = None,
) -> None:
    """Show logs, oldest first; search them, follow them."""
    given = {
        "q": " ".join(query or []) or None,
        "start_time": _relative(since),
        "end_time": _relative(until),
        "level": level,
        "service": service,
        "environment": environment,
        "logger": logger,
        "request_id": request,
        "trace_id": trace,
        "job_id": job,
        "run_id": run,
    }
    wanted = {name: value for name, value in given.items() if value}
    try:
        settings = load(dir=str(directory) if directory else None)
        source = _Source(Api(settings, url, "logs"))
        show = _Show(json=json)
        page, last = source.search(wanted, limit)
        show(page)
        if follow:
            for entries in source.follow(wanted, last):
                show(entries)
    except (SettingsError, Failed) as error:
        sys.stderr.write(f"plainview: {error}\n")
        raise typer.Exit(2 if isinstance(error, SettingsError) else 1) from None


def _relative(text: str | None) -> str | None:
    """``15m`` means 15 minutes ago; what is a time already stays one."""
    return f"-{text}" if text and _LENGTH.fullmatch(text) else text


class _Source:
    """Log lines of a running server.

    Args:
        api: the server's.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    def search(self, wanted: dict[str, Any], limit: int) -> tuple[list[bytes], str]:
        """The newest entries as JSON, oldest first, and where to follow on from."""
        entries: list[bytes] = []
        cursor, last = None, "0"
        while limit > len(entries) or cursor is None:
            body = wanted | {"limit": max(1, min(_PAGE, limit - len(entries))), "cursor": cursor}
            given = {name: value for name, value in body.items() if value is not None}
            answer = msgspec.json.decode(self._api.post("/v1/logs/search", given), type=_Page)
            entries += [bytes(entry) for entry in answer.logs]
            cursor, last = answer.next, answer.last_id
            if cursor is None:
                break
        return entries[:limit][::-1], last

    def follow(self, wanted: dict[str, Any], last: str) -> Iterator[list[bytes]]:
        """What comes after an id, without end; when the server goes away, it is waited for.

        Raises:
            Failed: the server refuses.
        """
        query = {name: value for name, value in wanted.items() if name not in ("start_time", "end_time")}
        said = False
        while True:
            try:
                for name, number, data in self._stream(query, last):
                    said, last = False, number or last
                    if name == "logs":
                        yield [bytes(entry) for entry in msgspec.json.decode(data, type=_Logs).logs]
                    elif name == "skipped":
                        count = msgspec.json.decode(data, type=_Skipped).count
                        sys.stderr.write(f"plainview: {count} lines came too fast and were left out\n")
            except (httpx.HTTPError, Gone):
                pass
            if not said:
                sys.stderr.write("plainview: the server is gone; waiting for it\n")
                said = True
            time.sleep(_RETRY)

    def _stream(self, query: dict[str, Any], last: str) -> Iterator[tuple[str, str, str]]:
        headers = {"Last-Event-ID": last, "Accept": "text/event-stream"}
        url = f"{self._api.url}/v1/logs/tail"
        with self._api.client.stream("GET", url, params=query, headers=headers, timeout=_QUIET) as response:
            if not response.is_success:
                response.read()
                raise Failed(told(response, str(query.get("q", ""))))
            yield from _events(response.iter_lines())


class _Page(msgspec.Struct):
    logs: list[msgspec.Raw]
    last_id: str
    next: str | None = None


class _Logs(msgspec.Struct):
    logs: list[msgspec.Raw]


class _Skipped(msgspec.Struct):
    count: int


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str, str]]:
    """Name, id and data of each event of a stream (HTML Living Standard, 9.2, as far as our server uses it)."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield fields.get("event", ""), fields.get("id", ""), fields.get("data", "")
            fields = {}


class _Head(msgspec.Struct):
    timestamp: str = ""
    service: str = ""


class _Show:
    """Writes entries: as text for people, or as JSON. Nothing in them can act on the terminal.

    Raises:
        BrokenPipeError: nobody reads any more.
    """

    def __init__(self, *, json: bool) -> None:
        self._pretty: Callable[[bytes], str] | None = None
        self._service, self._end = "", ""
        if not json:
            from rich.console import Console

            colour = Console(file=sys.stdout).color_system is not None
            self._pretty = Pretty(colour=colour)
            self._service, self._end = ("\x1b[36m", "\x1b[0m") if colour else ("", "")
        self._width = 0
        if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal that knows less than Unicode ends nothing
            sys.stdout.reconfigure(encoding="utf-8" if json else None, errors="replace")

    def __call__(self, entries: Sequence[bytes]) -> None:
        """Write entries, and see that they are out."""
        sys.stdout.writelines(map(self._text if self._pretty else _json, entries))
        sys.stdout.flush()

    def _text(self, entry: bytes) -> str:
        head = msgspec.json.decode(entry, type=_Head)
        service = visible(head.service)
        self._width = max(self._width, min(len(service), _WIDEST))
        day = datetime.fromisoformat(head.timestamp).astimezone().date()
        shown = "" if day == datetime.now().astimezone().date() else f"{day:%m-%d} "
        text = self._pretty(entry) if self._pretty else ""
        return f"{self._service}{service:<{self._width}}{self._end} {shown}{text}"


def _json(entry: bytes) -> str:
    # JSON need not escape these, and some terminals obey them.
    return _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", entry.decode()) + "\n"
