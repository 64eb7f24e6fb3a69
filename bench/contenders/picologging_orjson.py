"""picologging with a file handler. It has no JSON formatter: this is the least one there can be, over orjson.

Version 0.9.3 drops what ``extra=`` is given, so the fields travel as the dictionary of the message's arguments.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import picologging

from bench.contenders import Logs, lines
from bench.contenders.bound import bound
from bench.workload import CARRIERS, MESSAGE, NAME, WEIGHT

if TYPE_CHECKING:
    from pathlib import Path


class _Formatter(picologging.Formatter):
    def format(self, record: picologging.LogRecord) -> str:
        members: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **bound.get(),
        }
        fields: Any = record.args
        members.update(fields)
        return orjson.dumps(members).decode()


def logs(folder: Path) -> Logs:
    file = folder / "picologging.json"
    handler = picologging.FileHandler(str(file))
    handler.setFormatter(_Formatter())
    picologging.basicConfig(level=picologging.INFO, handlers=[handler])
    log = picologging.getLogger(NAME)

    def write(numbers: range) -> None:
        for number in numbers:
            log.info(MESSAGE, {"order_id": number, "carrier": CARRIERS[number & 3], "weight_kg": WEIGHT})

    def off(count: int) -> None:
        for _ in range(count):
            log.debug("order shipped", {"order_id": 1, "carrier": "meridian", "weight_kg": 2.75})  # noqa: PLE1205 - see the module

    return Logs(write, off, handler.flush, lambda: lines(file))
