"""Plainview: lines and spans in the spool, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.contenders import Errors, Logs, Meters, Spans, Web, lines
from bench.workload import (
    ATTRIBUTES,
    CARRIERS,
    CONTEXT,
    LABELS,
    MESSAGE,
    NAME,
    SERVICE,
    SPAN,
    WEIGHT,
    application,
    fail,
)

if TYPE_CHECKING:
    from pathlib import Path

    from plainview import Logger

START = "import plainview; plainview.configure()"
FIRST = "plainview.get_logger('start').info('ready', step=1)"


def configure(folder: Path, **settings: Any) -> Logger:  # noqa: ANN401 - as configure's own
    import plainview

    given = {"environment": "production", "file": "", **settings}
    plainview.configure(service=SERVICE, version="1.0", dir=str(folder), **given)
    plainview.bind(**CONTEXT)
    return plainview.get_logger(NAME)


def logs(folder: Path, **settings: Any) -> Logs:  # noqa: ANN401 - as configure's own
    import plainview

    log = configure(folder, **settings)

    def write(numbers: range) -> None:
        for number in numbers:
            log.info(MESSAGE, order_id=number, carrier=CARRIERS[number & 3], weight_kg=WEIGHT)

    def off(count: int) -> None:
        for _ in range(count):
            log.debug("order shipped", order_id=1, carrier="meridian", weight_kg=2.75)

    return Logs(write, off, plainview.shutdown, lambda: lines(*folder.glob("spool/*/log-*.ndjson")))


def spans(folder: Path) -> Spans:
    import plainview

    configure(folder)
    span = plainview.span

    def make(count: int) -> None:
        for _ in range(count):
            with span(SPAN, engine="pdf", pages=12, scale=1.5, cached=False):
                pass

    return Spans(make, plainview.shutdown, lambda: lines(*folder.glob("spool/*/span-*.ndjson")))


def errors(folder: Path) -> Errors:
    import plainview

    configure(folder, error_burst=0)  # each is written, as by everybody else

    def capture(count: int) -> None:
        for number in range(count):
            try:
                fail(number)
            except LookupError:
                plainview.capture_exception()

    return Errors(capture, plainview.shutdown, lambda: lines(*folder.glob("spool/*/error-*.ndjson")))


def web(folder: Path) -> Web:
    import plainview

    log = configure(folder)

    def work(number: int) -> None:
        with plainview.context(user_id="u-118"), plainview.span(SPAN, **ATTRIBUTES):
            log.info(MESSAGE, order_id=number, carrier=CARRIERS[number & 3], weight_kg=WEIGHT)

    plainview.unbind(*CONTEXT)
    app = application(work)
    plainview.instrument(app)
    return Web(app, plainview.shutdown)


def meters(folder: Path) -> Meters:
    import plainview
    from plainview import exposition
    from plainview.capture.metrics.scrape import families

    configure(folder, metrics_max_series=20_000)
    orders = plainview.counter("orders", "Orders.", LABELS)
    seconds = plainview.histogram("seconds", "Time.", LABELS)
    return Meters(
        orders.labels("a", "b").inc,
        lambda kind, status: orders.labels(kind, status).inc(),
        seconds.labels("a", "b").observe,
        lambda: exposition.render(families()),
    )


processes = meters
