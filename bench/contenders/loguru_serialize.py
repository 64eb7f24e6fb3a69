"""loguru with ``serialize=True`` into a file; ``diagnose`` off, as its documentation asks for in production."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loguru import logger

from bench.contenders import Logs, lines
from bench.workload import CARRIERS, CONTEXT, MESSAGE, WEIGHT

if TYPE_CHECKING:
    from pathlib import Path


def logs(folder: Path) -> Logs:
    file = folder / "loguru.json"
    logger.remove()
    logger.add(file, level="INFO", serialize=True, diagnose=False)
    bound = logger.contextualize(**CONTEXT)
    bound.__enter__()

    def write(numbers: range) -> None:
        for number in numbers:
            logger.info(MESSAGE, order_id=number, carrier=CARRIERS[number & 3], weight_kg=WEIGHT)

    def off(count: int) -> None:
        for _ in range(count):
            logger.debug("order shipped", order_id=1, carrier="meridian", weight_kg=2.75)

    def finish() -> None:
        bound.__exit__(None, None, None)
        logger.remove()

    return Logs(write, off, finish, lambda: lines(file))
