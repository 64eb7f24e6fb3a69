"""`plainview demo`: a content studio of several processes, with a server to look at it."""

from __future__ import annotations

import os
import signal
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

import plainview
from plainview.cli.children import Child, ending, free_port, stop
from plainview.server.presence import AlreadyRunning, held, running

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

__all__ = ["demo"]

_USUAL_PORT: Final = 7070
_READY_SECONDS: Final = 30.0
_SHORT_LIFE_SECONDS: Final = 5.0
_SHORT_LIVES: Final = 4
_PATIENCE_SECONDS: Final = 5.0
#: What to look at first where something answers.
_PAGES: Final = {"studio-api": ("/books", "/metrics"), "llm-provider": ("/health", "/metrics")}
_NEEDED: Final = ("fastapi", "httpx", "sqlalchemy", "uvicorn")


class _Unable(Exception):  # noqa: N818 - the reason is the message
    """The demo cannot go on."""


def demo(
    *,
    port: Annotated[
        int | None, typer.Option(help="Port of the server; 7070 when left out, or any that is free.")
    ] = None,
    directory: Annotated[Path, typer.Option("--dir", help="Folder for everything that the demo writes.")] = Path(
        ".plainview-demo"
    ),
    rate: Annotated[float, typer.Option(min=0.1, max=200, help="Mean of the traffic, requests a second.")] = 6.0,
    duration: Annotated[float | None, typer.Option(min=1, help="Stop after so many seconds.")] = None,
    no_load: Annotated[bool, typer.Option("--no-load", help="Start the studio without traffic.")] = False,
) -> None:
    """Start a content studio and watch it: API, worker, accounts, LLM provider, traffic, and faults now and then."""
    console = Console(highlight=False)
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        console.print(f"[red]The demo needs {', '.join(missing)}.[/] Install with: pip install 'plainview\\[demo]'")
        raise typer.Exit(1)
    signals = _Signals()
    try:
        studio = _Studio(console, directory.absolute(), port, 0.0 if no_load else rate)
    except (_Unable, OSError) as error:
        console.print(str(error), markup=False, style="red")
        raise typer.Exit(1) from None
    try:
        studio.open(signals.any)
        studio.watch(signals.any, None if duration is None else time.monotonic() + duration)
    except (_Unable, OSError) as error:
        console.print(str(error), markup=False, style="red")
        raise typer.Exit(1) from None
    finally:
        studio.close(signals.again)


class _Signals:
    """What was asked for with Ctrl-C and the like."""

    def __init__(self) -> None:
        self._count = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._take)

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1

    def any(self) -> bool:
        """Whether to stop."""
        return self._count > 0

    def again(self) -> bool:
        """Whether to stop at once."""
        return self._count > 1


class _Studio:
    """The processes."""

    def __init__(self, console: Console, directory: Path, port: int | None, rate: float) -> None:
        self._console: Final = console
        self._directory: Final = directory
        if held(directory):
            raise _Unable(f"{AlreadyRunning(directory, running(directory))}. Take another folder: --dir FOLDER")  # noqa: TRY003, EM102 - said once
        output = directory / "output"
        output.mkdir(parents=True, exist_ok=True)
        (directory / ".gitignore").write_text("*\n")
        server_port = free_port(_USUAL_PORT) if port is None else port or free_port()
        api_port, provider_port = free_port(), free_port()
        #: Service → its port for metrics, where it has no other.
        self._ports: Final = {"studio-worker": free_port()}
        self._url: Final = f"http://127.0.0.1:{server_port}"
        self._rate: Final = rate
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("PLAINVIEW_", "STUDIO_"))}
        environ |= {
            "PLAINVIEW_DIR": str(directory),
            "PLAINVIEW_CONSOLE": "off",
            "PLAINVIEW_SERVER": "off",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(_studio_home()), os.environ.get("PYTHONPATH")))),
            "PYTHONUNBUFFERED": "1",
            "STUDIO_API_URL": f"http://127.0.0.1:{api_port}",
            "STUDIO_DATABASE": str(directory / "studio.db"),
            "STUDIO_EPOCH": str(time.time()),
            "STUDIO_PROVIDER_URL": f"http://127.0.0.1:{provider_port}",
            "STUDIO_RATE": str(rate),
        }
        uvicorn = f"uvicorn studio.provider:app --port {provider_port} --no-access-log --log-level warning"
        own = {name: {"PLAINVIEW_METRICS_PORT": str(port)} for name, port in self._ports.items()}
        run = "run --service llm-provider --metrics-path /metrics"
        commands: dict[str, tuple[int | None, list[str]]] = {
            "server": (None, ["plainview.cli", "serve", "--port", str(server_port)]),
            "llm-provider": (
                provider_port,
                ["plainview.cli", *run.split(), "--", sys.executable, "-m", *uvicorn.split()],
            ),
            "studio-api": (api_port, ["studio.api"]),
            "studio-worker": (None, ["studio.worker"]),
            "studio-accounts": (None, ["studio.accounts"]),
            "traffic": (None, ["studio.load"]),
        }
        self._server, provider, api, worker, accounts, load = (
            Child(
                name,
                [sys.executable, "-m", *command],
                environ=environ | own.get(name, {}),
                output=output / f"{name}.txt",
                port=port,
            )
            for name, (port, command) in commands.items()
        )
        self._services: Final = [api, worker, accounts, provider]
        self._load: Final = [load] if rate else []
        #: Child → how often in a row it lived for a moment only.
        self._short_lives: Final[dict[Child, int]] = {}

    def open(self, stopping: Callable[[], bool]) -> None:
        """Start everything, and say where to look.

        Raises:
            _Unable: something does not start.
        """
        self._console.print("[bold]Plainview demo[/]  a content studio: API, worker, LLM provider, readers\n")
        for child in (self._server, *self._services):
            child.start()
        self._await([self._server], stopping, lambda _: self._answering())
        if not stopping():
            self._show_links()
        self._await(self._services, stopping, lambda child: child.ready)
        if stopping():
            return
        for child in self._load:
            child.start()
        self._show_services()

    def watch(self, stopping: Callable[[], bool], until: float | None) -> None:
        """Start again what ends, until told to stop, or until a moment of the monotonic clock.

        Raises:
            _Unable: something ends again and again.
        """
        while not stopping() and (until is None or time.monotonic() < until):
            time.sleep(0.1)
            for child in (self._server, *self._services, *self._load):
                child.trim_output()
                code = child.exit_code
                if code is not None:
                    self._revive(child, code)

    def close(self, hurry: Callable[[], bool]) -> None:
        """Stop everything: first who asks, then who answers, then who looks on."""
        self._console.print("[dim]Stopping …[/]")
        for group in ([*self._load, *self._services[:-1]], self._services[-1:], [self._server]):
            stop(group, patience=_PATIENCE_SECONDS, hurry=hurry)
        self._console.print(f"[dim]Stopped. What was recorded is in[/] {self._shown_directory}")

    def _answering(self) -> bool:
        found = running(self._directory)
        return found is not None and found.pid == self._server.pid

    def _await(self, children: Sequence[Child], stopping: Callable[[], bool], ready: Callable[[Child], bool]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        waiting = list(children)
        while waiting and not stopping():
            for child in waiting:
                code = child.exit_code
                if code is not None:
                    raise _Unable(_why(child, f"{child.name} did not start: it {ending(code)}."))
            waiting = [child for child in waiting if not ready(child)]
            if waiting and time.monotonic() > deadline:
                names = ", ".join(child.name for child in waiting)
                raise _Unable(_why(waiting[0], f"Not ready after {_READY_SECONDS:g} s: {names}."))
            time.sleep(0.05)

    def _revive(self, child: Child, code: int) -> None:
        short = time.monotonic() - child.started < _SHORT_LIFE_SECONDS
        self._short_lives[child] = self._short_lives.get(child, 0) + 1 if short else 0
        if self._short_lives[child] >= _SHORT_LIVES:
            raise _Unable(_why(child, f"{child.name} {ending(code)}, {_SHORT_LIVES} times in a row."))
        clock = time.strftime("%H:%M:%S")
        planned = " (this is the demo's doing)" if child.name == "studio-worker" and code == -signal.SIGKILL else ""
        self._console.print(f"[dim]{clock}[/]  {child.name} {ending(code)}{planned}, started again")
        child.start()

    def _show_links(self) -> None:
        table = Table.grid(padding=(0, 2))
        table.add_row("  Logs", f"[bold cyan]{self._url}/logs[/]")
        for page in ("Traces", "Errors", "Metrics", "Jobs", "Runs"):
            table.add_row(f"  {page}", f"[bold cyan]{self._url}/{page.lower()}[/]")
        self._console.print(table)

    def _show_services(self) -> None:
        table = Table.grid(padding=(0, 2))
        table.add_row()
        for child in self._services:
            port = child.port or self._ports.get(child.name)
            pages = _PAGES.get(child.name, ("/metrics",)) if port else ()
            table.add_row(f"  [green]●[/] {child.name}", *(f"http://127.0.0.1:{port}{page}" for page in pages))
        table.add_row("  [green]●[/] traffic", f"about {self._rate:g} requests/s") if self._rate else table.add_row(
            "  ○ traffic", "none (--no-load)"
        )
        self._console.print(table)
        self._console.print(f"\n[dim]Everything is kept in[/] {self._shown_directory}[dim]. Ctrl-C stops it all.[/]\n")

    @property
    def _shown_directory(self) -> str:
        return os.path.relpath(self._directory) if self._directory.is_relative_to(Path.cwd()) else str(self._directory)


def _why(child: Child, message: str) -> str:
    """A message with the last that a process printed."""
    lines = child.last_lines()
    said = "\n".join(f"  │ {line}" for line in lines) if lines else "  It printed nothing."
    return f"{message} Its last words ({child.output}):\n{said}"


def _studio_home() -> Path:
    """The folder of the package `studio`: within Plainview where that was installed, else in the repository."""
    package = Path(plainview.__file__).parent
    for home in (package / "_examples", package.parents[1] / "examples"):
        if (home / "studio" / "__init__.py").is_file():
            return home
    msg = f"the studio's code is not in {package}: install Plainview again"
    raise FileNotFoundError(msg)
