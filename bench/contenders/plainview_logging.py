"""Plainview capturing the calls of an application that uses the standard `logging`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bench.contenders import Logs, lines, plainview_spool
from bench.workload import CARRIERS, MESSAGE, NAME, WEIGHT

if TYPE_CHECKING:
    from pathlib import Path


def logs(folder: Path) -> Logs:
    import plainview

    logging.getLogger().addHandler(logging.NullHandler())
    plainview_spool.configure(folder)
    log = logging.getLogger(NAME)

    def write(numbers: range) -> None:
        for number in numbers:
            log.info(MESSAGE, extra={"order_id": number, "carrier": CARRIERS[number & 3], "weight_kg": WEIGHT})

    def off(count: int) -> None:
        for _ in range(count):
            log.debug("order shipped", extra={"order_id": 1, "carrier": "meridian", "weight_kg": 2.75})

    return Logs(write, off, plainview.shutdown, lambda: lines(*folder.glob("spool/*/log-*.ndjson")))
