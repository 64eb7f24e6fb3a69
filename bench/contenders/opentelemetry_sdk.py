"""OpenTelemetry's SDK: its `LoggingHandler` and its tracer, each with a batch processor and a counting exporter."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from bench.contenders import Logs, Meters, Spans
from bench.contenders.bound import Bound
from bench.contenders.counting import CountingLogs, CountingSpans
from bench.workload import ATTRIBUTES, CARRIERS, MESSAGE, NAME, SERVICE, SPAN, WEIGHT

if TYPE_CHECKING:
    from pathlib import Path


def logs(_folder: Path) -> Logs:
    provider = LoggerProvider(Resource.create({"service.name": SERVICE}))
    exporter = CountingLogs()
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # it has moved to another package
        handler = LoggingHandler(logger_provider=provider)
    handler.addFilter(Bound())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    log = logging.getLogger(NAME)

    def write(numbers: range) -> None:
        for number in numbers:
            log.info(MESSAGE, extra={"order_id": number, "carrier": CARRIERS[number & 3], "weight_kg": WEIGHT})

    def off(count: int) -> None:
        for _ in range(count):
            log.debug("order shipped", extra={"order_id": 1, "carrier": "meridian", "weight_kg": 2.75})

    return Logs(write, off, provider.shutdown, lambda: exporter.count)


def tracing(exporter: CountingSpans) -> TracerProvider:
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def spans(_folder: Path, exporter: CountingSpans | None = None) -> Spans:
    exporter = exporter or CountingSpans()
    provider = tracing(exporter)
    tracer = provider.get_tracer(NAME)

    def make(count: int) -> None:
        for _ in range(count):
            with tracer.start_as_current_span(SPAN, attributes=ATTRIBUTES):
                pass

    return Spans(make, provider.shutdown, lambda: exporter.count)


def meters(_folder: Path) -> Meters:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter(NAME)
    orders, seconds = meter.create_counter("orders"), meter.create_histogram("seconds")
    given = {"kind": "a", "status": "b"}  # there is nothing that is bound
    return Meters(
        lambda: orders.add(1, given),
        lambda kind, status: orders.add(1, {"kind": kind, "status": status}),
        lambda value: seconds.record(value, given),
        lambda: str(reader.get_metrics_data()).encode(),
    )
