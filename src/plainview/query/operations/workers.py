"""Workers: which there are, whether they live, and what they do."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from plainview.query.filters import now
from plainview.query.operations.filtering import of_operations
from plainview.query.operations.folding import states
from plainview.query.operations.whole import operations
from plainview.query.sql import Sql, all_of, any_of, one_of, select
from plainview.query.times import microseconds, parse, rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from plainview.query.reader import Reader

__all__ = ["INTERVAL", "LATE", "LOST", "workers"]

#: Seconds between two heartbeats of a worker that does not say.
INTERVAL: Final = 15.0
#: Intervals without a heartbeat after which a worker is late, and lost.
LATE: Final = 2
LOST: Final = 4
#: Workers that ended or were lost are told of for so long.
_REMEMBERED: Final = timedelta(days=1)
_MOST: Final = 500
_MOST_CURRENT: Final = 10
_COUNTED: Final = ("completed", "failed")


def workers(reader: Reader, given: Mapping[str, Any]) -> dict[str, Any]:
    """Workers that live, and those that ended or were lost within a day; the newest first.

    A worker is ``late`` when no heartbeat came for more than `LATE` intervals, ``lost`` after `LOST`, or when its
    process died; ``ended`` when it said so.

    Args:
        reader: the way to the store.
        given: ``service``, ``environment``: a text, or several of which any will do.

    Raises:
        BadInput: the filter is wrong.
    """
    at = now()
    until = reader.store.last_id("operations")
    told = {name: reader.dialect.attribute_number("data", [name]) for name in ("interval_seconds", *_COUNTED)}
    more = ", max(CASE WHEN event IN ('open', 'heartbeat', 'resume') THEN timestamp END) AS beat" + "".join(
        f", max(CASE WHEN event IN ('open', 'heartbeat', 'close') THEN {number} END) AS {name}"
        for name, number in told.items()
    )
    wanted = of_operations({**given, "kind": "worker"}, at).states(reader, until, more)
    recent = Sql("seen >= ?", (microseconds(at - _REMEMBERED),))
    rest = f"ORDER BY started DESC, operation_id DESC LIMIT {_MOST}"
    columns = ", ".join(("operation_id", "beat", "interval_seconds", *_COUNTED))
    heads = {row[0]: row[1:] for row in reader.rows(select(columns, wanted, recent, rest))}
    found = operations(reader, list(heads), until_id=until, at=at)
    works = _works(reader, found, until, at)
    shown = []
    for one in found:
        beat, pace, *counted = heads[one["operation_id"]]
        work = works[one["operation_id"]]
        # What it counts itself may be no operations, and what its children do it may not count.
        own = {name: max(int(told or 0), work[name]) for name, told in zip(_COUNTED, counted, strict=True)}
        shown.append(one | _life(one, beat, pace, at) | work | own)
    return {"workers": shown}


def _life(one: Mapping[str, Any], beat: datetime | None, pace: float | None, at: datetime) -> dict[str, Any]:
    interval = pace if pace and pace > 0 else INTERVAL
    age = None if beat is None else max(0.0, (at - beat).total_seconds())
    state = "ended"
    if one["status"] == "abandoned":
        state = "lost"
    elif one["ended_at"] is None:
        overdue = (age or 0.0) / interval
        state = "lost" if overdue > LOST else "late" if overdue > LATE else "alive"
    return {
        "state": state,
        "last_heartbeat": None if beat is None else rfc3339(beat),
        "heartbeat_age_seconds": age,
        "interval_seconds": interval,
    }


def _within(one: Mapping[str, Any], at: datetime) -> Sql:
    """What a worker's process told, as part of nothing else, while the worker lived."""
    bounds = [
        Sql("parent_id IS NULL AND host = ? AND pid = ?", (one["host"], one["pid"])),
        Sql("timestamp >= ?", (parse(one["started_at"], "started_at", at),)),
    ]
    if one["ended_at"] is not None and one["status"] != "abandoned":  # of a dead one the end is not known that well
        bounds.append(Sql("timestamp <= ?", (parse(one["ended_at"], "ended_at", at),)))
    return all_of(*bounds)


def _works(reader: Reader, found: list[dict[str, Any]], until: int, at: datetime) -> dict[str, dict[str, Any]]:
    """Operation id of each worker → what it works on, and how much of its work went well and ill.

    What a worker does is a part of it, or the outermost of what its process did while it lived.
    """
    works: dict[str, dict[str, Any]] = {
        one["operation_id"]: {"current": [], "completed": 0, "failed": 0} for one in found
    }
    if not found:
        return works
    pieces = [one_of("parent_id", works)]
    pieces += [_within(one, at) for one in found]
    inner = select(
        "operation_id", "operations", all_of(Sql("id <= ?", (until,)), Sql("kind <> 'worker'"), any_of(*pieces))
    )
    more = ", any_value(host) AS host, max(pid) AS pid, max(parent_id) AS parent"
    mine = states(reader.dialect, until, Sql(f"operation_id IN ({inner.text})", inner.parameters), more)
    of = {(one["host"], one["pid"]): one["operation_id"] for one in reversed(found)}
    ended = Sql("status IN ('completed', 'failed')")
    groups = select("parent, host, pid, status, count(*)", mine, ended, "GROUP BY parent, host, pid, status")
    for parent, host, pid, status, count in reader.rows(groups):
        worker = works.get(parent or of.get((host, pid), ""))
        if worker is not None:
            worker[status] += count
    running: defaultdict[str, list[str]] = defaultdict(list)
    newest = f"ORDER BY started DESC, operation_id DESC LIMIT {_MOST}"
    now_running = select("operation_id, parent, host, pid", mine, Sql("status = 'running'"), newest)
    for id_, parent, host, pid in reader.rows(now_running):
        of_worker = running[parent or of.get((host, pid), "")]
        if len(of_worker) < _MOST_CURRENT:
            of_worker.append(id_)
    those = [id_ for ids in running.values() for id_ in ids]
    shown = {one["operation_id"]: one for one in operations(reader, those, until_id=until, at=at)}
    for worker_id, ids in running.items():
        if worker_id in works:
            works[worker_id]["current"] = [shown[id_] for id_ in ids if id_ in shown]
    return works
