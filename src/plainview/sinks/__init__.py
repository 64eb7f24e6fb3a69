"""Places besides the spool that records go to. One table says which setting brings which sink."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from plainview.sinks.interface import Rejected, Sink, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.settings import Settings

__all__ = ["SINKS", "Rejected", "Sink", "Unavailable", "chosen"]


def _made_by(module: str, settings: Settings) -> Sink:
    # Imported when wanted: an application that only spools pays for no sink.
    return cast("Sink", import_module(f"plainview.sinks.{module}").from_settings(settings))


#: Setting → what makes its sink. A sink is wanted when its setting is neither empty nor ``off``.
SINKS: Final[dict[str, Callable[[Settings], Sink]]] = {
    "console": partial(_made_by, "console"),
    "file": partial(_made_by, "file"),
    "otlp_endpoint": partial(_made_by, "otlp"),
    "loki_url": partial(_made_by, "loki"),
    "webhook_url": partial(_made_by, "webhook"),
    "sentry_dsn": partial(_made_by, "sentry"),
}


def chosen(settings: Settings) -> list[Sink]:
    """The sinks that the settings ask for.

    Raises:
        ValueError: a URL among the settings is not one of http or https.
    """
    return [make(settings) for name, make in SINKS.items() if getattr(settings, name) not in ("", "off")]
