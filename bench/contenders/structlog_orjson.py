"""structlog, as its page on performance says: https://www.structlog.org/en/stable/performance.html."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import orjson
import structlog

from bench.contenders import Logs, lines
from bench.workload import CARRIERS, CONTEXT, MESSAGE, WEIGHT

if TYPE_CHECKING:
    from pathlib import Path


def configure(file: Path) -> structlog.typing.FilteringBoundLogger:
    structlog.configure(
        cache_logger_on_first_use=True,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        logger_factory=structlog.BytesLoggerFactory(file.open("ab", buffering=0)),
    )
    # A bound logger is quicker than the proxy of get_logger(); the page says so too.
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger().bind()
    return log


def logs(folder: Path) -> Logs:
    file = folder / "structlog.json"
    log = configure(file)
    structlog.contextvars.bind_contextvars(**CONTEXT)

    def write(numbers: range) -> None:
        for number in numbers:
            log.info(MESSAGE, order_id=number, carrier=CARRIERS[number & 3], weight_kg=WEIGHT)

    def off(count: int) -> None:
        for _ in range(count):
            log.debug("order shipped", order_id=1, carrier="meridian", weight_kg=2.75)

    return Logs(write, off, lambda: None, lambda: lines(file))
