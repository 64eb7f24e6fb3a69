"""Plainview: a Python application in plain view.

Everything public is here; each name is imported when first used, so that ``import plainview`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# At once, not when first used: the module of the same name would take its place otherwise.
from plainview.context import context as context

if TYPE_CHECKING:
    from plainview.capture.errors.reporting import (
        capture_exception as capture_exception,
        capture_message as capture_message,
    )
    from plainview.capture.logger import Logger as Logger
    from plainview.capture.metrics.families import metric as metric
    from plainview.capture.metrics.guards import MetricError as MetricError
    from plainview.capture.metrics.instruments import (
        counter as counter,
        gauge as gauge,
        histogram as histogram,
        timer as timer,
    )
    from plainview.capture.metrics.registry import metrics as metrics
    from plainview.capture.operations.agents import Agent as Agent, agent as agent
    from plainview.capture.operations.engines import Engine as Engine, engines as engines
    from plainview.capture.operations.handover import resume as resume
    from plainview.capture.operations.operation import (
        Operation as Operation,
        batch as batch,
        engine as engine,
        job as job,
        operation as operation,
        stage as stage,
        task as task,
    )
    from plainview.capture.operations.progress import progress as progress
    from plainview.capture.operations.workers import Worker as Worker, worker as worker
    from plainview.capture.processor import SpanProcessor as SpanProcessor
    from plainview.capture.propagation import inject as inject
    from plainview.capture.runs.ongoing import current_run as current_run
    from plainview.capture.runs.run import Run as Run, run as run
    from plainview.capture.runtime import (
        configure as configure,
        get_logger as get_logger,
        set_level as set_level,
        shutdown as shutdown,
        span as span,
    )
    from plainview.capture.spans import Span as Span
    from plainview.capture.traced import traced as traced
    from plainview.context import bind as bind, fields as fields, unbind as unbind
    from plainview.integrations import instrument as instrument
    from plainview.integrations.mounting import mount as mount
    from plainview.settings import Settings as Settings, SettingsError as SettingsError

__version__ = "0.1.0"

#: Public name → the module it lives in.
_HOMES = {
    "Agent": "capture.operations.agents",
    "Engine": "capture.operations.engines",
    "Logger": "capture.logger",
    "MetricError": "capture.metrics.guards",
    "Operation": "capture.operations.operation",
    "Run": "capture.runs.run",
    "Settings": "settings",
    "SettingsError": "settings",
    "Span": "capture.spans",
    "SpanProcessor": "capture.processor",
    "Worker": "capture.operations.workers",
    "agent": "capture.operations.agents",
    "batch": "capture.operations.operation",
    "bind": "context",
    "capture_exception": "capture.errors.reporting",
    "capture_message": "capture.errors.reporting",
    "configure": "capture.runtime",
    "counter": "capture.metrics.instruments",
    "current_run": "capture.runs.ongoing",
    "engine": "capture.operations.operation",
    "engines": "capture.operations.engines",
    "fields": "context",
    "gauge": "capture.metrics.instruments",
    "get_logger": "capture.runtime",
    "histogram": "capture.metrics.instruments",
    "inject": "capture.propagation",
    "instrument": "integrations",
    "job": "capture.operations.operation",
    "metric": "capture.metrics.families",
    "metrics": "capture.metrics.registry",
    "mount": "integrations.mounting",
    "operation": "capture.operations.operation",
    "progress": "capture.operations.progress",
    "resume": "capture.operations.handover",
    "run": "capture.runs.run",
    "set_level": "capture.runtime",
    "shutdown": "capture.runtime",
    "span": "capture.runtime",
    "stage": "capture.operations.operation",
    "task": "capture.operations.operation",
    "timer": "capture.metrics.instruments",
    "traced": "capture.traced",
    "unbind": "context",
    "worker": "capture.operations.workers",
}

__all__ = [
    "Agent",
    "Engine",
    "Logger",
    "MetricError",
    "Operation",
    "Run",
    "Settings",
    "SettingsError",
    "Span",
    "SpanProcessor",
    "Worker",
    "__version__",
    "agent",
    "batch",
    "bind",
    "capture_exception",
    "capture_message",
    "configure",
    "context",
    "counter",
    "current_run",
    "engine",
    "engines",
    "fields",
    "gauge",
    "get_logger",
    "histogram",
    "inject",
    "instrument",
    "job",
    "metric",
    "metrics",
    "mount",
    "operation",
    "progress",
    "resume",
    "run",
    "set_level",
    "shutdown",
    "span",
    "stage",
    "task",
    "timer",
    "traced",
    "unbind",
    "worker",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    home = _HOMES.get(name)
    if home is None:
        msg = f"module 'plainview' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"plainview.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
