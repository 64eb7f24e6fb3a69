"""One operation: what it is, all that it told, what it is a part of, and where to read on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote as percent, urlencode

import msgspec

from plainview.query.conditions import check_text
from plainview.query.filters import now
from plainview.query.language import quote
from plainview.query.operations import timeline
from plainview.query.operations.folding import states
from plainview.query.operations.whole import operations
from plainview.query.sql import Sql, all_of, any_of, one_of, select
from plainview.query.times import parse, rfc3339
from plainview.records import CONTEXT_FIELDS
from plainview.store.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from plainview.query.reader import Reader

__all__ = ["MOST_EVENTS", "find", "operation"]

#: Most events that are shown, the latest; of those that come again and again, by their kind.
MOST_EVENTS: Final = 2000
_MOST_FREQUENT: Final = 500
_FREQUENT: Final = "('progress', 'heartbeat', 'sample')"
_MOST_OF_A_KIND: Final = 100
_MOST_CHILDREN: Final = 500
_DEEPEST: Final = 32
_MOST_ERRORS: Final = 50
#: Logs that belong to an operation may be a little older and younger than it.
_MARGIN: Final = timedelta(seconds=1)
#: Kinds whose key is a context field of everything inside.
_CONTEXT_OF_KIND: Final = {"job": "job_id", "batch": "batch_id", "run": "run_id"}
#: What is left out of an event: it is the operation's, or the store's.
_OF_OPERATION: Final = frozenset(
    {"id", "operation_id", "kind", "name", "key", "stream", "start_time", "start_ns", "data", "parent_id"}
    | {"service", "environment", "version"}
    | set(CONTEXT_FIELDS)
)
_COLUMNS: Final = tuple(name for name in TABLES["operations"].names if name not in _OF_OPERATION)


def find(reader: Reader, id_: str, kind: str | None = None) -> str | None:
    """The ``operation_id`` that is meant by one, or by a key: of all that have it, the one that began last.

    Args:
        reader: the way to the store.
        id_: ``operation_id`` or key.
        kind: which kind has the key; left out: any.

    Raises:
        BadInput: no id looks like this.
    """
    id_ = check_text(id_, "id")
    until = reader.store.last_id("operations")
    known = reader.row(select("kind, key", "operations", Sql("operation_id = ?", (id_,)), "LIMIT 1"))
    if known is not None and kind in (None, known[0]):
        if reader.row(select("operation_id", states(reader.dialect, until, Sql("operation_id = ?", (id_,))))):
            return id_
        # It was created only, and another one took its place.
        kind, id_ = known
    where = Sql("key = ?", (id_,)) if kind is None else Sql("key = ? AND kind = ?", (id_, kind))
    newest = "ORDER BY started DESC, operation_id DESC LIMIT 1"
    row = reader.row(select("operation_id", states(reader.dialect, until, where), rest=newest)) if id_ else None
    return None if row is None else str(row[0])


def operation(reader: Reader, id_: str, kind: str | None = None) -> dict[str, Any] | None:
    """One operation whole; None when there is none of this id or key.

    Its errors come with their ``fingerprint``: which issue each belongs to is not known here.

    Args:
        reader: the way to the store.
        id_: ``operation_id`` or key.
        kind: which kind has the key; left out: any.

    Raises:
        BadInput: no id looks like this.
    """
    found = find(reader, id_, kind)
    if found is None:
        return None
    until, at = reader.store.last_id("operations"), now()
    shown = operations(reader, [found], until_id=until, at=at)
    if not shown:
        return None
    one = shown[0]
    events = _events(reader, one, until)
    same = Sql("kind = ? AND key = ? AND event <> 'create'", (one["kind"], one["key"]))
    attempts = _those(reader, same, until, at, _MOST_OF_A_KIND) if one["key"] else [one]
    first, last = _span_of_time(one, at)
    beneath, more = timeline.beneath(reader, found, until_id=until, began=parse(one["started_at"], "started_at", at))
    return {
        "operation": one,
        "inputs": _data(events, ("open", "create")),
        "results": _data(events, ("close",)),
        "configuration": _configuration(events),
        "events": events,
        "attempts": attempts,
        "children": _those(reader, Sql("parent_id = ?", (found,)), until, at, _MOST_CHILDREN),
        "timeline": beneath,
        "timeline_more": more,
        "ancestors": _ancestors(reader, one["parent_id"]),
        "items_failed": [event for event in events if event["event"] == "item"],
        "logs": _logs(reader, one, first, last),
        "trace": _trace(reader, one["trace_id"]),
        "errors": _errors(reader, one, events, first, last),
    }


def _events(reader: Reader, one: Mapping[str, Any], until: int) -> list[dict[str, Any]]:
    """What it told, oldest first, and that it was created where another one of its key told that."""
    mine = [Sql("operation_id = ?", (one["operation_id"],))]
    if one["key"]:
        created = Sql(
            "(kind = ? AND key = ? AND event = 'create' AND timestamp <= ?)",
            (one["kind"], one["key"], parse(one["last_seen"], "last_seen", now())),
        )
        mine.append(created)
    columns = ", ".join((*_COLUMNS, "data"))
    rows: list[tuple[Any, ...]] = []
    for frequent, most in (("NOT IN", MOST_EVENTS), ("IN", _MOST_FREQUENT)):
        where = all_of(Sql("id <= ?", (until,)), Sql(f"event {frequent} {_FREQUENT}"), any_of(*mine))
        rows += reader.rows(
            select(f"{columns}, id", "operations", where, f"ORDER BY timestamp DESC, id DESC LIMIT {most}")
        )
    rows.sort(key=lambda row: (row[0], row[-1]))
    return [_event(row) for row in rows]


def _event(row: Sequence[Any]) -> dict[str, Any]:
    values = dict(zip(_COLUMNS, row, strict=False))
    event = {"timestamp": rfc3339(values.pop("timestamp"))}
    event |= {name: value for name, value in values.items() if value not in (None, "")}
    return event | {"data": msgspec.Raw(row[-2].encode())}


def _data(events: Iterable[Mapping[str, Any]], of: Sequence[str]) -> msgspec.Raw | None:
    """The data of the latest of some events, the first of which counts most."""
    found = {event["event"]: event["data"] for event in events}
    return next((found[event] for event in of if event in found and bytes(found[event]) != b"{}"), None)


def _configuration(events: Sequence[Mapping[str, Any]]) -> object:
    data = _data(events, ("lock",))
    return None if data is None else msgspec.json.decode(data).get("configuration")


def _those(reader: Reader, where: Sql, until: int, at: datetime, most: int) -> list[dict[str, Any]]:
    """Operations of which a row is like this, oldest first."""
    inner = select("operation_id", "operations", all_of(Sql("id <= ?", (until,)), where))
    mine = Sql(f"operation_id IN ({inner.text})", inner.parameters)
    order = f"ORDER BY started, operation_id LIMIT {most}"
    rows = reader.rows(select("operation_id", states(reader.dialect, until, mine), rest=order))
    return operations(reader, [row[0] for row in rows], until_id=until, at=at)


def _ancestors(reader: Reader, parent: str | None) -> list[dict[str, Any]]:
    """What it is a part of, the outermost first."""
    found: dict[str, dict[str, Any]] = {}
    while parent and parent not in found and len(found) < _DEEPEST:
        columns = "any_value(kind), any_value(name), max(parent_id), count(*)"
        row = reader.row(select(columns, "operations", Sql("operation_id = ?", (parent,))))
        if row is None or not row[3]:
            break
        found[parent] = {"operation_id": parent, "kind": row[0], "name": row[1]}
        parent = row[2]
    return list(found.values())[::-1]


def _span_of_time(one: Mapping[str, Any], at: datetime) -> tuple[datetime, datetime]:
    first = parse(one["started_at"], "started_at", at) - _MARGIN
    return first, (parse(one["ended_at"], "ended_at", at) if one["ended_at"] else at) + _MARGIN


def _belonging(one: Mapping[str, Any]) -> tuple[str, str] | None:
    """The field that records of its inside have in common, and its value."""
    field = _CONTEXT_OF_KIND.get(one["kind"])
    if field and one["key"]:
        return field, one["key"]
    return ("trace_id", one["trace_id"]) if one["trace_id"] else None


def _logs(reader: Reader, one: Mapping[str, Any], first: datetime, last: datetime) -> dict[str, Any]:
    belonging = _belonging(one)
    if belonging is None:
        return {"count": 0, "url": "/logs"}
    field, value = belonging
    where = Sql(f"timestamp >= ? AND timestamp < ? AND {field} = ?", (first, last, value))
    row = reader.row(select("count(*)", "logs", where))
    asked = {"q": f"{field.removesuffix('_id')}:{quote(value)}", "from": rfc3339(first), "to": rfc3339(last)}
    return {"count": int(row[0]) if row else 0, "url": f"/logs?{urlencode(asked)}"}


def _trace(reader: Reader, trace_id: str | None) -> dict[str, str] | None:
    if not trace_id or not reader.row(select("1", "spans", Sql("trace_id = ?", (trace_id,)), "LIMIT 1")):
        return None
    return {"trace_id": trace_id, "url": f"/traces/{percent(trace_id, safe='')}"}


def _errors(
    reader: Reader, one: Mapping[str, Any], events: Iterable[Mapping[str, Any]], first: datetime, last: datetime
) -> list[dict[str, Any]]:
    """Errors that its events speak of, and those that occurred inside; the latest."""
    ids = list(dict.fromkeys(event["error_id"] for event in events if event.get("error_id")))[-_MOST_ERRORS:]
    pieces = [one_of("error_id", ids)] if ids else []
    belonging = _belonging(one)
    if belonging is not None:
        field, value = belonging
        pieces.append(Sql(f"(timestamp >= ? AND timestamp < ? AND {field} = ?)", (first, last, value)))
    if not pieces:
        return []
    columns = "error_id, fingerprint, timestamp, type, value"
    order = f"ORDER BY timestamp DESC, id DESC LIMIT {_MOST_ERRORS}"
    return [
        {
            "error_id": error_id,
            "fingerprint": fingerprint,
            "timestamp": rfc3339(at),
            "error_type": name,
            "error_message": value,
        }
        for error_id, fingerprint, at, name, value in reader.rows(
            select(columns, "error_occurrences", any_of(*pieces), order)
        )
    ]
