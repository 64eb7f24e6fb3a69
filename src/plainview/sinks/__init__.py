"""Places besides the spool that records go to. One table says which setting brings which sink."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from plainview.sinks.interface import Rejected, Sink, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.settings import Settings

__all__ = ["SINKS", "Rejected", "Sink", "Unavailable", "chosen"]


def _console(settings: Settings) -> Sink:
    from plainview.sinks.console import Console  # noqa: PLC0415 - only what is used is imported, here and below

    return Console(settings.console)


def _file(settings: Settings) -> Sink:
    from plainview.sinks.file import RotatingFile, filled_in  # noqa: PLC0415

    path = filled_in(settings.file, directory=settings.dir, service=settings.service)
    return RotatingFile(path, max_bytes=settings.file_max_bytes, backups=settings.file_backups)


def _otlp(settings: Settings) -> Sink:
    from plainview.sinks.otlp import Otlp  # noqa: PLC0415

    return Otlp(settings.otlp_endpoint)


def _loki(settings: Settings) -> Sink:
    from plainview.sinks.loki import Loki  # noqa: PLC0415

    return Loki(settings.loki_url)


def _webhook(settings: Settings) -> Sink:
    from plainview.sinks.webhook import Webhook  # noqa: PLC0415

    return Webhook(settings.webhook_url)


#: Setting → what makes its sink. A sink is wanted when its setting is neither empty nor ``off``.
SINKS: Final[dict[str, Callable[[Settings], Sink]]] = {
    "console": _console,
    "file": _file,
    "otlp_endpoint": _otlp,
    "loki_url": _loki,
    "webhook_url": _webhook,
}


def chosen(settings: Settings) -> list[Sink]:
    """The sinks that the settings ask for.

    Raises:
        ValueError: a URL among the settings is not one of http or https.
    """
    return [make(settings) for name, make in SINKS.items() if getattr(settings, name) not in ("", "off")]
