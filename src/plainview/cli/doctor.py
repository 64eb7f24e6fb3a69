"""`plainview doctor`: looks at the installation, the settings, the spool and the server, and says what to do."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from importlib import metadata, resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
import typer

from plainview import __version__, segments
from plainview.settings import SECRETS, SettingsError, descriptions, environment_name, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainview.settings import Settings

__all__ = ["Finding", "doctor", "examine"]

_SERVER_PARTS: Final = ("duckdb", "fastapi", "uvicorn", "numpy", "httpx", "zstandard")
_LOW_DISK_BYTES: Final = 512 << 20
_LARGE_BACKLOG_BYTES: Final = 256 << 20
_MARKS: Final = {"ok": "[green]✓[/]", "note": "[cyan]·[/]", "warning": "[yellow]![/]", "problem": "[red]✗[/]"}


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at. ``advice`` says what to do next, where there is something to do."""

    about: str
    state: Literal["ok", "note", "warning", "problem"]
    says: str
    advice: str = ""


def doctor(
    *,
    dir: Annotated[Path | None, typer.Option(help="Data directory; PLAINVIEW_DIR when left out.")] = None,  # noqa: A002 - the option's name
    settings: Annotated[bool, typer.Option("--settings", help="List every setting with its value in force.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check the installation, the settings, the spool and the server, and say what to do. Exit code 1: a problem."""
    if settings:
        _list_settings()
        return
    findings = list(examine(dir))
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(findings), indent=1))
    else:
        _show(findings)
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


def examine(directory: Path | None = None) -> Iterator[Finding]:
    """Look at everything, one after the other."""
    yield from _installation()
    try:
        settings = load(dir=None if directory is None else str(directory))
    except SettingsError as error:
        yield Finding("settings", "problem", str(error), "correct it; `plainview doctor --settings` lists them all")
        return
    yield Finding(
        "settings", "ok", f"environment {settings.environment}, level {settings.level}, service {settings.service}"
    )
    root = Path(settings.dir).absolute()
    yield from _disk(root)
    yield from _spool(root, settings)
    yield from _server(root, settings)


def _installation() -> Iterator[Finding]:
    python = sys.version.split()[0]
    if sys.platform != "linux":
        advice = "the spool needs mapped files and flock(2): it is tried on Linux"
        yield Finding("platform", "warning", f"{sys.platform} is not what Plainview is tested on", advice)
    yield Finding("installation", "ok", f"plainview {__version__} on Python {python}")
    missing = [name for name in _SERVER_PARTS if find_spec(name) is None]
    if missing:
        says = f"the server's parts are not installed ({', '.join(missing)} missing); capture works without"
        yield Finding(
            "server parts", "note", says, "to have the server and the screen: pip install 'plainview[server]'"
        )
    else:
        yield Finding(
            "server parts", "ok", f"DuckDB {metadata.version('duckdb')}, FastAPI {metadata.version('fastapi')}"
        )
        if not (resources.files("plainview") / "server" / "static" / "index.html").is_file():
            yield Finding(
                "screen", "warning", "the UI is not built", "in a checkout: make ui (or npm run build in web/)"
            )


def _disk(root: Path) -> Iterator[Finding]:
    place = root
    while not place.exists():
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        advice = f"let this user write to {place}, or set PLAINVIEW_DIR to a folder that it can write to"
        yield Finding("data directory", "problem", f"{root} cannot be written: {error.strerror}", advice)
        return
    free = shutil.disk_usage(place).free
    if free < _LOW_DISK_BYTES:
        yield Finding("disk", "warning", f"{_size(free)} left for {root}", "make room, or move PLAINVIEW_DIR")
    else:
        yield Finding("data directory", "ok", f"{root}, {_size(free)} free")
    if root.exists() and root.stat().st_mode & 0o077:
        yield Finding("permissions", "warning", f"{root} can be read by other users", f"chmod 700 {root}")


def _spool(root: Path, settings: Settings) -> Iterator[Finding]:
    streams = [path for path in (root / "spool").glob("*") if path.is_dir() and not path.name.startswith(".")]
    if not streams:
        yield Finding(
            "spool", "note", "no application has written here yet",
            "start one: plainview run -- uvicorn app:app, or call plainview.configure() in it",
        )  # fmt: skip
        return
    alive = [stream for stream in streams if segments.is_alive(stream)]
    waiting = sum(_waiting(stream) for stream in streams)
    yield Finding("spool", "ok", f"{len(alive)} processes write, {len(streams) - len(alive)} have ended")
    if waiting > _LARGE_BACKLOG_BYTES:
        yield Finding(
            "backlog", "warning", f"{_size(waiting)} are not collected",
            "start `plainview serve`" if not settings.endpoint else "does PLAINVIEW_ENDPOINT answer?",
        )  # fmt: skip
    for stream in streams:
        yield from _stream(stream)


def _stream(stream: Path) -> Iterator[Finding]:
    try:
        status: dict[str, Any] = msgspec.json.decode((stream / segments.STATUS).read_bytes())
    except (OSError, msgspec.DecodeError):
        return
    name = stream.name
    dropped = {kind: count for kind, count in status.get("dropped", {}).items() if count}
    if status.get("degraded_since"):
        yield Finding(
            name, "problem", f"cannot write files since {status['degraded_since']}: {status.get('dropped_reason')}",
            "make room on the disk, or make it writable; the application goes on by itself",
        )  # fmt: skip
    if dropped:
        counts = ", ".join(f"{count} {kind} records" for kind, count in dropped.items())
        yield Finding(name, "warning", f"dropped {counts}: {status.get('dropped_reason')}", "see docs: lost logs")
    if status.get("internal_errors"):
        says = f"{status['internal_errors']} errors of Plainview itself, the last: {status.get('dropped_reason')}"
        yield Finding(name, "warning", says, "please report it; the application was not affected")
    for sink, count in status.get("sink_dropped", {}).items():
        yield Finding(name, "warning", f"the sink {sink} missed {count} lines (they are in the store)", f"check {sink}")
    sampled = {reason: status.get(reason, 0) for reason in ("sampled", "rate_limited") if status.get(reason)}
    if sampled:
        counts = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in sampled.items())
        yield Finding(name, "note", f"left out as the settings say: {counts}")


def _server(root: Path, settings: Settings) -> Iterator[Finding]:
    if settings.endpoint:
        yield _remote(settings)
        return
    if any(find_spec(name) is None for name in _SERVER_PARTS):
        return
    import httpx

    from plainview.server.presence import running

    found = running(root)
    if found is None:
        yield Finding(
            "server", "note", "no server runs for this directory; nothing is lost meanwhile", "plainview serve"
        )
        return
    try:
        answer = httpx.get(f"{found.url}/v1/status", headers=_authorization(settings), timeout=5)
        answer.raise_for_status()
        status = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        yield Finding(
            "server", "problem", f"{found.url} does not answer as it should: {error}", f"see {root}/server.log"
        )
        return
    yield Finding("server", "ok", f"{found.url}, version {status.get('version')}")
    ingest = status.get("ingest", {})
    if ingest.get("garbage_lines"):
        says = f"{ingest['garbage_lines']} lines could not be understood"
        yield Finding("ingest", "warning", says, f"they are kept in {root / 'aside'}")
    if ingest.get("lag_bytes", 0) > _LARGE_BACKLOG_BYTES:
        yield Finding(
            "ingest", "warning", f"{_size(ingest['lag_bytes'])} behind", "it catches up, or the machine is too small"
        )


def _remote(settings: Settings) -> Finding:
    import http.client
    from urllib.parse import urlsplit

    url = urlsplit(settings.endpoint)
    maker = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    try:
        connection = maker(url.hostname or "", url.port, timeout=5)
        connection.request("GET", f"{url.path.rstrip('/')}/v1/health", headers=_authorization(settings))
        answer = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        advice = "records wait in the spool; check PLAINVIEW_ENDPOINT and the network"
        return Finding("remote server", "problem", f"{settings.endpoint} cannot be reached: {error}", advice)
    if answer in {401, 403}:
        return Finding("remote server", "problem", f"{settings.endpoint} refuses us ({answer})", "set PLAINVIEW_TOKEN")
    return Finding("remote server", "ok", f"{settings.endpoint} answers ({answer})")


def _authorization(settings: Settings) -> dict[str, str]:
    return {"Authorization": f"Bearer {settings.token}"} if settings.token else {}


def _waiting(stream: Path) -> int:
    total = 0
    for name in segments.listing(stream):
        try:
            total += segments.content_end(stream / str(name))
        except OSError:
            continue
    return total


def _size(count: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":  # noqa: PLR2004 - binary units
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError


def _show(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for finding in findings:
        text = escape(finding.says) + (f"\n[dim]→ {escape(finding.advice)}[/]" if finding.advice else "")
        table.add_row(_MARKS[finding.state], escape(finding.about), text)
    Console(highlight=False).print(table)


def _list_settings() -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("setting", "environment variable", "value", "what it does", box=None, padding=(0, 2))
    values = load()
    for name, description in descriptions().items():
        value = getattr(values, name)
        shown = "(set)" if name in SECRETS and value else str(value)
        table.add_row(name, environment_name(name), escape(shown), escape(description))
    Console(highlight=False).print(table)
