"""logfire, kept at home: nothing is sent, its spans go through a batch processor to a counting exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import logfire
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from bench.contenders import Logs, Spans, Web
from bench.contenders.counting import CountingSpans
from bench.workload import CARRIERS, CONTEXT, MESSAGE, SERVICE, SPAN, WEIGHT, application

if TYPE_CHECKING:
    from pathlib import Path

START = "import logfire; logfire.configure(send_to_logfire=False, console=False)"
FIRST = "logfire.info('ready', step=1)"


def _configure() -> CountingSpans:
    exporter = CountingSpans()
    logfire.configure(
        send_to_logfire=False,
        console=False,
        metrics=False,
        min_level="info",
        service_name=SERVICE,
        additional_span_processors=[BatchSpanProcessor(exporter)],
    )
    return exporter


def _finish() -> None:
    logfire.shutdown()


def logs(_folder: Path) -> Logs:
    exporter = _configure()
    bound = logfire.set_baggage(**CONTEXT)
    bound.__enter__()

    def write(numbers: range) -> None:
        for number in numbers:
            logfire.info(MESSAGE, order_id=number, carrier=CARRIERS[number & 3], weight_kg=WEIGHT)

    def off(count: int) -> None:
        for _ in range(count):
            logfire.debug("order shipped", order_id=1, carrier="meridian", weight_kg=2.75)

    def finish() -> None:
        bound.__exit__(None, None, None)
        _finish()

    return Logs(write, off, finish, lambda: exporter.count)


def spans(_folder: Path) -> Spans:
    exporter = _configure()

    def make(count: int) -> None:
        for _ in range(count):
            with logfire.span(SPAN, engine="pdf", pages=12, scale=1.5, cached=False):
                pass

    return Spans(make, _finish, lambda: exporter.count)


def web(_folder: Path) -> Web:
    _configure()

    def work(number: int) -> None:
        with logfire.set_baggage(user_id="u-118"), logfire.span(SPAN, engine="pdf", pages=12, scale=1.5, cached=False):
            logfire.info(MESSAGE, order_id=number, carrier=CARRIERS[number & 3], weight_kg=WEIGHT)

    app = application(work)
    logfire.instrument_fastapi(app)
    return Web(app, _finish)
