"""The standard `logging` with python-json-logger's formatter over orjson, and a file handler."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pythonjsonlogger.orjson import OrjsonFormatter

from bench.contenders import Logs, lines
from bench.contenders.bound import Bound
from bench.workload import CARRIERS, MESSAGE, NAME, WEIGHT

if TYPE_CHECKING:
    from pathlib import Path


def logs(folder: Path) -> Logs:
    file = folder / "logging.json"
    handler = logging.FileHandler(file)
    handler.setFormatter(OrjsonFormatter(["levelname", "name", "message"], timestamp=True))
    handler.addFilter(Bound())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    log = logging.getLogger(NAME)

    def write(numbers: range) -> None:
        for number in numbers:
            log.info(MESSAGE, extra={"order_id": number, "carrier": CARRIERS[number & 3], "weight_kg": WEIGHT})

    def off(count: int) -> None:
        for _ in range(count):
            log.debug("order shipped", extra={"order_id": 1, "carrier": "meridian", "weight_kg": 2.75})

    return Logs(write, off, logging.shutdown, lambda: lines(file))
