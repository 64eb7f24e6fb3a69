"""What is measured, who takes part, and what is to be reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["CASES", "FIGURES", "OURS", "Case", "Figure", "Goal"]

OURS: Final = "plainview"
_LOGGERS: Final = (
    OURS, "structlog", "python-json-logger", "loguru", "picologging", "logfire", "opentelemetry",
)  # fmt: skip

_METERS: Final = (OURS, "prometheus_client", "opentelemetry")

#: Two that do the same cannot be told apart any better by measuring them.
_TIE: Final = 1.05


@dataclass(frozen=True)
class Figure:
    """Something that is measured."""

    title: str
    unit: str
    digits: int = 1


FIGURES: Final = {
    "wall_us": Figure("time", "µs"),
    "cpu_us": Figure("CPU", "µs"),
    "added_us": Figure("added CPU", "µs"),
    "wall_ns": Figure("time", "ns", 0),
    "cpu_ns": Figure("CPU", "ns", 0),
    "median_us": Figure("median", "µs"),
    "mean_us": Figure("mean", "µs"),
    "p99_us": Figure("p99", "µs"),
    "p999_us": Figure("p99.9", "µs"),
    "kept": Figure("kept", "%", 0),
    "answer_ms": Figure("answer", "ms"),
    "memory_mb": Figure("memory", "MB"),
    "ready_ms": Figure("ready", "ms"),
    "cpu_ms": Figure("CPU", "ms"),
    "first_ms": Figure("first record", "ms"),
    "lines_per_second": Figure("lines a second", "1/s", 0),
    "precision": Figure("precision", "%"),
    "recall": Figure("recall", "%"),
    "known_us": Figure("CPU, seen before", "µs"),
    "searchable_s": Figure("searchable after", "s", 2),
}


@dataclass(frozen=True)
class Goal:
    """What one of our figures is to be: at most ``ratio`` of a peer's; or at most ``most``, at least ``least``."""

    figure: str
    #: Which contender; empty: the fastest of them.
    peer: str = ""
    ratio: float | None = None
    most: float | None = None
    least: float | None = None


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    name: str
    title: str
    contenders: tuple[str, ...]
    figures: tuple[str, ...]
    goals: tuple[Goal, ...]
    #: Function of the contender's module that sets it up, and function of `bench.measure` that measures it. Empty
    #: where the case is measured in a way of its own.
    makes: str = ""
    measure: str = ""
    #: Calls a round, and with ``--quick``.
    count: int = 0
    quick: int = 0
    #: Rounds; with ``--quick`` three.
    rounds: int = 7


def _at_most(ratio: float, peers: tuple[str, ...], *figures: str) -> tuple[Goal, ...]:
    return tuple(Goal(figure, peer, ratio) for peer in peers for figure in figures)


CASES: Final = (
    Case(
        "log", "A line: three fields, bound context, JSON, safe when the call returns",
        (*_LOGGERS, "plainview (file too)", "plainview (from logging)"),
        ("wall_us", "cpu_us", "kept"),
        _at_most(1 / 3, ("structlog",), "wall_us", "cpu_us"),
        "logs", "one_after_another", 50_000, 20_000,
    ),
    Case(
        "busy-thread", "The same beside a thread that computes: time of a call",
        _LOGGERS,
        ("median_us", "mean_us", "p99_us"),
        _at_most(1 / 100, ("structlog",), "median_us"),
        "logs", "beside_a_busy_thread", 300, 100, rounds=5,
    ),
    Case(
        "threads", "The same from four threads at once",
        _LOGGERS,
        ("wall_us", "cpu_us", "kept"),
        _at_most(1 / 4, ("structlog",), "wall_us", "cpu_us"),
        "logs", "four_threads", 50_000, 20_000,
    ),
    Case(
        "busy-disk", "The same while the disk is busy: time of a call",
        _LOGGERS,
        ("median_us", "p99_us", "p999_us"),
        _at_most(1 / 4, ("structlog",), "p999_us"),
        "logs", "busy_disk", 20_000, 10_000, rounds=5,
    ),
    Case(
        "off", "The same at a level that is off",
        _LOGGERS,
        ("wall_ns", "cpu_ns"),
        _at_most(_TIE, ("",), "wall_ns"),
        "logs", "level_off", 1_000_000, 300_000,
    ),
    Case(
        "span", "A span with four attributes",
        (OURS, "opentelemetry", "opentelemetry (encoding)", "logfire"),
        ("wall_us", "cpu_us", "kept"),
        _at_most(1 / 6, ("opentelemetry",), "wall_us", "cpu_us"),
        "spans", "spans", 30_000, 10_000,
    ),
    Case(
        "request", "A FastAPI request (context, span, line) over the bare application",
        ("bare", OURS, "logfire", "structlog + opentelemetry", "structlog + opentelemetry (lean)"),
        ("cpu_us", "added_us"),
        _at_most(1 / 4, ("logfire", "structlog + opentelemetry"), "added_us"),
        "web", "requests", 4_000, 1_500,
    ),
    Case(
        "exception", "An exception of 20 frames, captured, safe when the call returns",
        (OURS, "sentry-sdk", "sentry-sdk (no locals)"),
        ("wall_us", "cpu_us", "kept"),
        _at_most(1 / 5, ("sentry-sdk", "sentry-sdk (no locals)"), "wall_us", "cpu_us"),
        "errors", "exceptions", 2_000, 500, rounds=5,
    ),
    Case(
        "inc", "A counter of two labels, given once, is incremented",
        _METERS,
        ("wall_ns", "cpu_ns"),
        _at_most(1 / 2, ("prometheus_client",), "wall_ns", "cpu_ns"),
        "meters", "increments", 500_000, 100_000,
    ),
    Case(
        "labels", "The same, the labels given each time",
        _METERS,
        ("wall_ns", "cpu_ns"),
        _at_most(1 / 2, ("prometheus_client",), "wall_ns", "cpu_ns"),
        "meters", "labelled", 300_000, 100_000,
    ),
    Case(
        "observe", "A histogram of two labels observes a value",
        _METERS,
        ("wall_ns", "cpu_ns"),
        _at_most(1 / 2, ("prometheus_client",), "wall_ns", "cpu_ns"),
        "meters", "observations", 300_000, 100_000,
    ),
    Case(
        "series", "Memory of 10,000 series of a counter",
        _METERS,
        ("memory_mb",),
        _at_most(1 / 2, ("prometheus_client",), "memory_mb"),
        "meters", "series", 10_000, 10_000, rounds=3,
    ),
    Case(
        "exposition", "/metrics with 10,000 series, each in four processes",
        (OURS, "prometheus_client"),
        ("answer_ms",),
        _at_most(1 / 3, ("prometheus_client",), "answer_ms"),
        "processes", "exposition", 10_000, 10_000, rounds=5,
    ),
    Case(
        "start", "Import and configure, in a fresh process",
        (OURS, "logfire", "sentry-sdk"),
        ("ready_ms", "cpu_ms", "first_ms"),
        (Goal("ready_ms", OURS, most=50),),
        rounds=15,
    ),
    Case(
        "ingest", "From the spool to searchable",
        (OURS,),
        ("lines_per_second", "cpu_us", "searchable_s"),
        (Goal("lines_per_second", OURS, least=100_000), Goal("searchable_s", OURS, most=2)),
        rounds=1,
    ),
    Case(
        "grouping", "An error of 20 frames grouped and categorised; pairs of the corpus told rightly",
        (OURS,),
        ("cpu_us", "known_us", "precision", "recall"),
        (Goal("precision", OURS, least=0.97), Goal("recall", OURS, least=0.97), Goal("known_us", OURS, most=100)),
        rounds=1,
    ),
)  # fmt: skip
