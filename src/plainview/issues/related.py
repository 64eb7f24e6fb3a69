"""From any record to all that belongs to it: its log line, trace, request, job, run and error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote as percent

from sqlalchemy import select

from plainview.query.conditions import check_text
from plainview.query.filters import now
from plainview.query.language import quote
from plainview.query.operations.detail import find
from plainview.query.operations.whole import operations
from plainview.query.sql import Sql, any_of, select as query
from plainview.query.times import rfc3339
from plainview.state.tables import groups

if TYPE_CHECKING:
    from plainview.query.reader import Reader
    from plainview.state.database import Database

__all__ = ["KINDS", "issues_of", "occurrence", "related"]

#: Kind of id → column.
KINDS: Final = {
    "log": "id",
    "error": "error_id",
    "trace": "trace_id",
    "request": "request_id",
    "job": "job_id",
    "batch": "batch_id",
    "run": "run_id",
    "operation": "operation_id",
}
#: Field of a record → the kind of operation that it is the key of; the innermost first.
_OPERATIONS: Final = {"job_id": "job", "batch_id": "batch", "run_id": "run"}
_CONTEXT: Final = ("trace_id", "request_id", "job_id", "batch_id", "run_id", "user_id", "session_id")
#: Ids that make records belong together; a user or a session has too many.
_TYING: Final = ("trace_id", "request_id", "job_id")
_MOST: Final = 50
_LARGEST: Final = 18


def related(database: Database, reader: Reader, kind: str, id_: str) -> dict[str, Any] | None:
    """What belongs to the record of an id; None when nothing has it.

    Args:
        database: the state.
        reader: the way to the store.
        kind: one of `KINDS`.
        id_: the id.

    Raises:
        BadInput: no id looks like this.
    """
    id_ = check_text(id_.strip(), kind)
    start = _start(reader, kind, id_)
    if start is None:
        return None
    ids, error_id = start
    tying = [Sql(f"{name} = ?", (ids[name],)) for name in _TYING if ids.get(name)]
    own = [Sql("error_id = ?", (error_id,))] if error_id else []
    errors = []
    if tying or own:
        columns = "error_id, fingerprint, timestamp, type, value"
        rest = f"ORDER BY timestamp LIMIT {_MOST}"
        errors = reader.rows(query(columns, "error_occurrences", any_of(*own, *tying), rest))
    logs: int | None = None
    spans: int | None = None
    if tying:
        logs = _count(reader, "logs", any_of(*tying))
    if ids.get("trace_id"):
        spans = _count(reader, "spans", Sql("trace_id = ?", (ids["trace_id"],)))
    of = issues_of(database, {row[1] for row in errors})
    return {
        "kind": kind,
        "id": id_,
        "ids": ids,
        "logs": {"count": logs, "url": _logs_url(ids)} if logs else None,
        "trace": {"trace_id": ids["trace_id"], "spans": spans, "url": f"/traces/{percent(ids['trace_id'], safe='')}"}
        if spans
        else None,
        "errors": [
            occurrence(
                {"error_id": error_id, "timestamp": rfc3339(at), "error_type": name, "error_message": value},
                of.get(fingerprint),
            )
            for error_id, fingerprint, at, name, value in errors
        ],
        "job": ids.get("job_id"),
        "run": ids.get("run_id"),
        "operation": _operation(reader, kind, id_, ids),
    }


def _operation(reader: Reader, kind: str, id_: str, ids: dict[str, str]) -> dict[str, Any] | None:
    """The operation that is meant, or the one that the record was made in."""
    found = find(reader, id_) if kind == "operation" else None
    keys = ((of, ids[name]) for name, of in _OPERATIONS.items() if ids.get(name))
    found = found or next((known for of, key in keys if (known := find(reader, key, of))), None)
    if found is None:
        return None
    (one,) = operations(reader, [found], until_id=reader.store.last_id("operations"), at=now())
    shown = {name: one[name] for name in ("operation_id", "kind", "name", "key", "status")}
    run = one["kind"] == "run" and one["key"]
    return shown | {"url": f"/runs/{percent(one['key'], safe='')}" if run else f"/operations/{found}"}


def _start(reader: Reader, kind: str, id_: str) -> tuple[dict[str, str], str | None] | None:
    """The context ids of the record that is meant, and its error."""
    columns = ", ".join(_CONTEXT)
    if kind == "log":
        if not (id_.isascii() and id_.isdecimal() and len(id_) <= _LARGEST):
            return None
        row = reader.row(query(f"{columns}, exception_error_id", "logs", Sql("id = ?", (int(id_),)), "LIMIT 1"))
        return (_named(row), row[-1]) if row else None
    where = Sql(f"{KINDS[kind]} = ?", (id_,))
    if kind == "operation":
        several = ", ".join(f"min({name})" for name in _CONTEXT)
        row = reader.row(query(f"{several}, count(*)", "operations", where))
        return (_named(row), None) if row and row[-1] else None
    if kind == "error":
        row = reader.row(query(columns, "error_occurrences", where, "LIMIT 1"))
        return (_named(row), id_) if row else None
    several = ", ".join(f"CASE WHEN count(DISTINCT {name}) = 1 THEN min({name}) END" for name in _CONTEXT)
    for table in ("spans", "error_occurrences", "logs"):
        row = reader.row(query(f"{several}, count(*)", table, where))
        if row and row[-1]:
            return _named(row) | {KINDS[kind]: id_}, None
    return None


def _named(row: tuple[Any, ...]) -> dict[str, str]:
    return {name: value for name, value in zip(_CONTEXT, row, strict=False) if value}


def _count(reader: Reader, table: str, where: Sql) -> int:
    row = reader.row(query("count(*)", table, where))
    return int(row[0]) if row else 0


def _logs_url(ids: dict[str, str]) -> str:
    name = next(name for name in _TYING if ids.get(name))
    return f"/logs?q={percent(f'{name}:{quote(ids[name])}', safe='')}"


def occurrence(error: dict[str, Any], issue: str | None) -> dict[str, Any]:
    """An occurrence as others refer to it: with its issue, where that is known yet, and the address of its page."""
    error_id = error["error_id"]
    return error | {"issue": issue, "url": f"/errors/{issue or error_id}?occurrence={percent(error_id, safe='')}"}


def issues_of(database: Database, fingerprints: set[str]) -> dict[str, str]:
    """Fingerprint → id of its issue, of those that have one."""
    if not fingerprints:
        return {}
    with database.read() as connection:
        rows = connection.execute(
            select(groups.c.fingerprint, groups.c.issue).where(groups.c.fingerprint.in_(fingerprints))
        )
        return {row[0]: f"E{row[1]}" for row in rows}
