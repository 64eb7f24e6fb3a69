"""`plainview agent`: ships the spool of this machine to a server on another."""

from __future__ import annotations

import signal
import threading
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from plainview.capture.shipping import Shipper
    from plainview.settings import Settings

__all__ = ["agent"]

_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0


def agent(
    *,
    endpoint: Annotated[str | None, typer.Option(help="URL of the server; PLAINVIEW_ENDPOINT when left out.")] = None,
    dir: Annotated[Path | None, typer.Option(help="Data directory; PLAINVIEW_DIR when left out.")] = None,  # noqa: A002 - the option's name
    once: Annotated[bool, typer.Option("--once", help="Send what there is, then end.")] = False,
) -> None:
    """Send what applications on this machine have recorded to a Plainview server elsewhere.

    The token is read from PLAINVIEW_TOKEN. What the server has acknowledged is deleted here; nothing is sent twice.
    """
    from plainview.capture.shipping import Refused, Shipper
    from plainview.settings import SettingsError, load

    try:
        settings = load(endpoint=endpoint, dir=None if dir is None else str(dir))
        if not settings.endpoint:
            typer.echo("no server to send to: give --endpoint URL or set PLAINVIEW_ENDPOINT", err=True)
            raise typer.Exit(2)
        shipper = Shipper(settings)
    except (SettingsError, Refused) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    _ship_until(stopping, shipper, settings, once=once)


def _ship_until(stopping: threading.Event, shipper: Shipper, settings: Settings, *, once: bool) -> None:
    from plainview.capture.shipping import Refused

    pause, told = _PAUSE_SECONDS, ""
    while not stopping.is_set():
        try:
            with shipper.only_one() as allowed:
                while allowed and not stopping.is_set():
                    sent = shipper.ship()
                    told = _tell(f"sending to {settings.endpoint}", told)
                    if once and not sent:
                        return
                    pause = _PAUSE_SECONDS
                    stopping.wait(0 if sent else pause)
            if not stopping.is_set():
                told = _tell(f"another process ships {settings.dir} already; waiting for it to end", told)
        except (OSError, Refused) as error:
            told = _tell(f"not sent, will try again: {error}", told)
            shipper.disconnect()
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        if once:
            raise typer.Exit(1)
        stopping.wait(pause)


def _tell(message: str, told: str) -> str:
    """Say something, unless it was the last thing said."""
    if message != told:
        typer.echo(f"plainview agent: {message}", err=True)
    return message
