"""What an id is the id of."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote as percent, urlencode

from plainview.query.conditions import check_text
from plainview.query.language import quote
from plainview.query.logs import entry
from plainview.query.operations.detail import find
from plainview.query.sql import Sql, select
from plainview.query.times import rfc3339
from plainview.store.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from plainview.query.reader import Reader

__all__ = ["resolve"]

#: Columns that hold an id, in the order in which a match counts → what it is an id of.
_KINDS: Final[Mapping[str, str]] = {
    "trace_id": "trace",
    "request_id": "request",
    "job_id": "job",
    "run_id": "run",
    "batch_id": "batch",
    "span_id": "span",
    "session_id": "session",
    "project_id": "project",
    "tenant_id": "tenant",
    "user_id": "user",
}
#: Shown before the first and after the last record of an id.
_MARGIN: Final = timedelta(minutes=1)


def resolve(reader: Reader, id_: str) -> dict[str, Any] | None:
    """What the id names, where the screen shows it, and when it was first and last seen.

    ``None`` when nothing has this id.

    Raises:
        BadInput: no id looks like this.
    """
    id_ = check_text(id_.strip(), "id")
    if not id_:
        return None
    operation = _operation(reader, id_)
    if operation is not None:
        return operation
    spans, logs = _seen(reader, "spans", "start_time", id_), _seen(reader, "logs", "timestamp", id_)
    for column, kind in _KINDS.items():
        times = [seen[column] for seen in (spans, logs) if column in seen]
        if times:
            first, last = min(first for first, _ in times), max(last for _, last in times)
            trace = _trace(reader, column, id_) if column in spans else None
            url = f"/traces/{percent(trace, safe='')}" if trace else _search(f"{kind}:{quote(id_)}", first, last)
            return {"kind": kind, "url": url, "first": rfc3339(first), "last": rfc3339(last)}
    found = entry(reader, id_)
    if found is None:
        return None
    at = found["timestamp"]
    return {"kind": "log", "url": f"/logs?log={found['id']}", "first": at, "last": at}


def _operation(reader: Reader, id_: str) -> dict[str, Any] | None:
    """The operation of an id, or the latest that has it for its key: a job, a batch, a run."""
    where = Sql("operation_id = ? OR key = ?", (id_, id_))
    columns = "operation_id = ? AS own, kind, key, min(start_time), max(timestamp)"
    known = select(
        columns, "operations", where, "GROUP BY own, kind, key ORDER BY own DESC, max(timestamp) DESC LIMIT 1"
    )
    row = reader.row(Sql(known.text, (id_, *known.parameters)))
    if row is None:
        return None
    own, kind, key, first, last = row
    if kind == "run" and key:
        url = f"/runs/{percent(key, safe='')}"
    else:
        url = f"/operations/{percent((None if own else find(reader, id_, kind)) or id_, safe='')}"
    return {"kind": "operation" if own else kind, "url": url, "first": rfc3339(first), "last": rfc3339(last)}


def _seen(reader: Reader, table: str, time: str, id_: str) -> dict[str, tuple[datetime, datetime]]:
    """Column → first and last time, of the columns of the table that hold this id."""
    columns = [column for column in _KINDS if column in TABLES[table].names]
    parts = (
        select(f"{n} AS place, min({time}) AS first, max({time}) AS last", table, Sql(f"{column} = ?")).text
        for n, column in enumerate(columns)
    )
    rows = reader.rows(Sql(" UNION ALL ".join(parts), (id_,) * len(columns)))
    return {columns[place]: (first, last) for place, first, last in rows if first is not None}


def _trace(reader: Reader, column: str, id_: str) -> str | None:
    """The trace that a trace's or a span's id leads to."""
    if column == "trace_id":
        return id_
    if column != "span_id":
        return None
    row = reader.row(select("trace_id", "spans", Sql("span_id = ?", (id_,)), "LIMIT 1"))
    return str(row[0]) if row else None


def _search(query: str, first: datetime, last: datetime) -> str:
    begin, end = rfc3339(first - _MARGIN), rfc3339(last + _MARGIN)
    return "/logs?" + urlencode({"q": query, "from": begin, "to": end})
