"""Everybody who takes part: one module each, set up as its documentation recommends for production.

A module has a function for each thing it can do: ``logs``, ``spans``, ``web``; and ``START``, the code that starts it.
What it writes goes into the folder it is given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.workload import ASGIApp

__all__ = ["MODULES", "Errors", "Logs", "Meters", "Spans", "Web", "lines"]

#: Contender → the module that sets it up.
MODULES: Final = {
    "plainview": "bench.contenders.plainview_spool",
    "plainview (file too)": "bench.contenders.plainview_production",
    "plainview (from logging)": "bench.contenders.plainview_logging",
    "structlog": "bench.contenders.structlog_orjson",
    "python-json-logger": "bench.contenders.json_logger",
    "loguru": "bench.contenders.loguru_serialize",
    "picologging": "bench.contenders.picologging_orjson",
    "logfire": "bench.contenders.logfire_local",
    "opentelemetry": "bench.contenders.opentelemetry_sdk",
    "opentelemetry (encoding)": "bench.contenders.opentelemetry_encoding",
    "structlog + opentelemetry": "bench.contenders.structlog_opentelemetry",
    "structlog + opentelemetry (lean)": "bench.contenders.structlog_opentelemetry_lean",
    "sentry-sdk": "bench.contenders.sentry",
    "sentry-sdk (no locals)": "bench.contenders.sentry_lean",
    "prometheus_client": "bench.contenders.prometheus",
    "bare": "bench.contenders.bare",
}


@dataclass(frozen=True)
class Logs:
    """A logger that has been set up, with the context bound."""

    #: Write the lines of these numbers.
    write: Callable[[range], None]
    #: Call the logger this many times at a level that is off.
    off: Callable[[int], None]
    #: Write out what waits in memory.
    finish: Callable[[], None]
    #: How many lines arrived where they should, after `finish`.
    kept: Callable[[], int]


@dataclass(frozen=True)
class Spans:
    """A tracer that has been set up."""

    #: Open a span with the four attributes and close it, this many times.
    make: Callable[[int], None]
    finish: Callable[[], None]
    kept: Callable[[], int]


@dataclass(frozen=True)
class Errors:
    """Something that captures exceptions, set up."""

    #: Raise an exception, catch and capture it, this many times.
    capture: Callable[[int], None]
    finish: Callable[[], None]
    kept: Callable[[], int]


@dataclass(frozen=True)
class Meters:
    """A counter and a histogram of two labels."""

    #: Of the series whose labels were given once.
    inc: Callable[[], None]
    #: Give the labels, then increment.
    labelled: Callable[[str, str], None]
    observe: Callable[[float], None]
    #: What ``/metrics`` answers.
    answer: Callable[[], bytes]


@dataclass(frozen=True)
class Web:
    """An instrumented application."""

    app: ASGIApp
    finish: Callable[[], None] = field(default=lambda: None)


def lines(*files: Path) -> int:
    """How many lines files have."""
    total = 0
    for file in files:
        with file.open("rb") as stream:
            total += sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(1 << 20), b""))
    return total
