"""Notices as log lines of the logger ``plainview.errors``, each written once, whatever crashes."""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select, update

from plainview.records import LEVEL_NAMES
from plainview.state.tables import notices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plainview.state.database import Database

__all__ = ["LOGGER", "SERVICE", "tell"]

LOGGER: Final = "plainview.errors"
SERVICE: Final = "plainview"
_MOST: Final = 2000


def tell(database: Database, take: Callable[[bytes, str], object]) -> int:
    """Hand on what was noticed. Gives how many lines.

    Args:
        database: the state.
        take: takes lines of JSON and an id; lines with an id that it has seen before it takes no second time.

    Raises:
        OSError: they could not be taken; they are handed on the next time.
    """
    told = 0
    while True:
        with database.read() as connection:
            batch = connection.scalar(select(func.min(notices.c.batch)).where(notices.c.told == 0))
        if batch is None:
            batch = _gather(database)
        if batch is None:
            return told
        with database.read() as connection:
            rows = connection.execute(select(notices).where(notices.c.batch == batch).order_by(notices.c.id)).mappings()
            lines = [_line(row) for row in rows]
        take(b"".join(lines), f"plainview-errors-{database.name}-{batch}")
        with database.write() as connection:
            connection.execute(update(notices).where(notices.c.batch == batch).values(told=1))
        told += len(lines)


def _gather(database: Database) -> int | None:
    """Put together those that have no batch yet; what a batch holds never changes after that."""
    with database.write() as connection:
        waiting = select(notices.c.id).where(notices.c.batch.is_(None)).order_by(notices.c.id).limit(_MOST)
        ids = list(connection.scalars(waiting))
        if not ids:
            return None
        batch = (connection.scalar(select(func.max(notices.c.batch))) or 0) + 1
        connection.execute(
            update(notices).where(notices.c.batch.is_(None), notices.c.id <= ids[-1]).values(batch=batch)
        )
        return int(batch)


def _line(row: Mapping[Any, Any]) -> bytes:
    at = datetime.fromtimestamp(row["time"] / 10**6, UTC).isoformat(timespec="microseconds")
    record = {
        "timestamp": at.replace("+00:00", "Z"),
        "level": LEVEL_NAMES[row["level"]],
        "message": row["message"],
        "logger": LOGGER,
        "service": SERVICE,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "extra": json.loads(row["details"]),
    }
    return json.dumps(record).encode() + b"\n"
