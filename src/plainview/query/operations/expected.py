"""Engines that an application should have: its processes say so now and then, see `plainview.engines`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from plainview.query.sql import Sql, all_of, select

if TYPE_CHECKING:
    from datetime import datetime

    from plainview.query.reader import Reader

__all__ = ["REGISTRY", "engines"]

#: Kind of the operations that tell it. They are no work, and stand in no list that does not ask for them.
REGISTRY: Final = "registry"
#: It is told once an hour, and whenever it changes.
_KEPT: Final = timedelta(hours=2)
_MOST_PROCESSES: Final = 1000


class _Told(msgspec.Struct):
    expected: list[str] = []


def engines(reader: Reader, where: Sql, *, until_id: int, end: datetime) -> set[str]:
    """Names of the engines that processes expect; none: nothing was said.

    Args:
        reader: the way to the store.
        where: whose processes: a condition on rows.
        until_id: the last row that counts.
        end: as of when.
    """
    told = Sql("id <= ? AND kind = ? AND timestamp >= ? AND timestamp < ?", (until_id, REGISTRY, end - _KEPT, end))
    latest = f"GROUP BY stream ORDER BY max(timestamp) DESC LIMIT {_MOST_PROCESSES}"
    names: set[str] = set()
    for (data,) in reader.rows(select("arg_max(data, timestamp)", "operations", all_of(told, where), latest)):
        try:
            names.update(msgspec.json.decode(data, type=_Told).expected)
        except msgspec.MsgspecError:  # somebody else's
            continue
    return names
