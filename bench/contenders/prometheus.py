"""prometheus_client as it comes; with several processes, in its multiprocess mode."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench.contenders import Meters
from bench.workload import LABELS

if TYPE_CHECKING:
    from pathlib import Path


def meters(_folder: Path) -> Meters:
    from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

    registry = CollectorRegistry()
    orders = Counter("orders", "Orders.", LABELS, registry=registry)
    seconds = Histogram("seconds", "Time.", LABELS, registry=registry)
    return Meters(
        orders.labels("a", "b").inc,
        lambda kind, status: orders.labels(kind, status).inc(),
        seconds.labels("a", "b").observe,
        lambda: generate_latest(registry),
    )


def processes(folder: Path) -> Meters:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    from prometheus_client import CollectorRegistry, Counter, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    orders = Counter("orders", "Orders.", LABELS, registry=None)
    return Meters(
        orders.labels("a", "b").inc,
        lambda kind, status: orders.labels(kind, status).inc(),
        lambda _: None,
        lambda: generate_latest(registry),
    )
