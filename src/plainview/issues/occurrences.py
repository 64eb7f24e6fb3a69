"""The occurrences of an issue: all of them, one whole, and what they have in common."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from plainview.grouping.fingerprint import group
from plainview.grouping.rules import NO_RULES, Rules
from plainview.issues.regrouping import as_mapping
from plainview.query import cursor as cursors
from plainview.query.entries import LOG_COLUMNS, log_entry
from plainview.query.sql import EVERY_ROW, Sql, all_of, one_of, select
from plainview.query.times import microseconds, moment, rfc3339
from plainview.records import CONTEXT_FIELDS, LEVEL_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from plainview.query.reader import Reader

__all__ = ["WHOLE", "Kept", "among", "distributions", "few", "page", "place", "read", "requests", "whole"]

_TABLE: Final = "error_occurrences"
_TEXTS: Final = (
    *("message", "logger", "service", "environment", "version", "host", "component", "category"),
    *("mechanism", "platform", "fingerprint", "culprit"),
)
_LISTED: Final = ("id", "timestamp", "error_id", "level", "count", "pid", "handled", "type", "value", *_TEXTS)
_COLUMNS: Final = (*_LISTED, *CONTEXT_FIELDS)
#: All that is stored of one.
WHOLE: Final = (*_COLUMNS, "stack_trace", "exceptions", "context", "given", "extra")
#: Log lines that are shown before an occurrence, and how long before it at the most.
_CRUMBS: Final = 50
_BEFORE: Final = timedelta(hours=1)
#: What an occurrence shares with the lines before it: the first of these that it has.
_SHARED: Final = ("request_id", "job_id", "trace_id", "run_id", "session_id")
#: Field → SQL of its value.
_FIELDS: Final = ("service", "version", "environment", "host", "user_id", "logger", "mechanism", "component")
_SHOWN_AS: Final = {"version": "release"}
_WEIGHT: Final = "CAST(sum(count) AS BIGINT) AS weight"
_VALUES: Final = 10
_TAGS: Final = 30
#: Occurrences whose tags are looked into, the latest.
_LOOKED_AT: Final = 5000
#: The same of requests; and how many of those are listed.
_REQUESTS: Final = 500
_REQUESTS_LISTED: Final = 100
#: What is counted of each.
_COUNTED: Final = (*_FIELDS, "handled")
#: So many are read at once, rather than asked about one question after the other: each takes longer than to read them.
_FEW: Final = 200
#: What is asked about them.
_ASKED: Final = ("id", "timestamp", "error_id", "request_id", "count", "context", *_COUNTED)

#: All occurrences of an issue that are kept, with the columns of `_ASKED`, the latest last.
Kept: TypeAlias = list[dict[str, Any]]


def among(fingerprints: Sequence[str]) -> Sql:
    """The occurrences with one of these fingerprints."""
    return one_of("fingerprint", fingerprints)


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "error_id": row["error_id"],
        "timestamp": rfc3339(row["timestamp"]),
        "level": LEVEL_NAMES.get(row["level"], "ERROR"),
        "error_type": row["type"],
        "error_message": row["value"],
        "count": row["count"],
        "handled": bool(row["handled"]),
        "component": row["component"],
        "mechanism": row["mechanism"],
        "message": row["message"] or row["value"],
    }
    return entry | {name: row[name] for name in ("pid", *_TEXTS, *CONTEXT_FIELDS) if row[name] and name not in entry}


def page(reader: Reader, fingerprints: Sequence[str], *, limit: int, cursor: str | None = None) -> dict[str, Any]:
    """A page of occurrences, the newest first; those of one list are those that were there when it began.

    Returns:
        ``occurrences``, ``total`` (rows of the whole list), ``next``.

    Raises:
        BadInput: the cursor is none.
    """
    given = cursors.read(cursor, "occurrences", cursors.LAST_MOMENT) if cursor else None
    until = given.until_id if given else reader.store.last_id(_TABLE)
    where = all_of(among(fingerprints), Sql("id <= ?", (until,)))
    total = given.total if given else int((reader.row(select("count(*)", _TABLE, where)) or (0,))[0])
    if given:
        at = moment(given.key)
        beyond = Sql("(timestamp < ? OR (timestamp = ? AND id < ?))", (at, at, cursors.row_id(given.id)))
        where = all_of(where, beyond)
    # The narrow columns first: the whole rows are then read of these only.
    rest = f"ORDER BY timestamp DESC, id DESC LIMIT {int(limit) + 1}"
    places = reader.rows(select("id, timestamp", _TABLE, where, rest))
    ids = [id_ for id_, _ in places[:limit]]
    found = {row["id"]: row for row in _rows(reader, _COLUMNS, ids)}
    more = None
    if len(places) > limit:
        id_, at = places[limit - 1]
        more = cursors.write(cursors.Cursor("occurrences", microseconds(at), str(id_), until, 0, total))
    return {"occurrences": [_entry(found[id_]) for id_ in ids if id_ in found], "total": total, "next": more}


def _rows(reader: Reader, columns: Sequence[str], ids: Sequence[int]) -> list[dict[str, Any]]:
    if not ids:
        return []
    bounds = (min(ids), max(ids))
    where = Sql("id BETWEEN ? AND ? AND id IN (SELECT unnest(?))", (*bounds, list(ids)))
    rows = reader.rows(select(", ".join(columns), _TABLE, where))
    return [dict(zip(columns, row, strict=True)) for row in rows]


def few(reader: Reader, fingerprints: Sequence[str], count: int) -> Kept | None:
    """All occurrences of an issue, as far as they are looked at; None: there are too many of them.

    Args:
        reader: the way to the store.
        fingerprints: of the issue's groups.
        count: how many occurrences the issue counts.
    """
    if count > _FEW:
        return None
    rows = reader.rows(select(", ".join(_ASKED), _TABLE, among(fingerprints), f"LIMIT {_FEW + 1}"))
    if len(rows) > _FEW:  # there are more by now
        return None
    found = [dict(zip(_ASKED, row, strict=True)) for row in rows]
    return sorted(found, key=lambda row: (row["timestamp"], row["id"]))


def requests(reader: Reader, fingerprints: Sequence[str], kept: Kept | None) -> list[str]:
    """The requests of the latest occurrences that are kept, the latest first.

    Args:
        reader: the way to the store.
        fingerprints: of the issue's groups.
        kept: as `few` has them.
    """
    if kept is None:
        where = all_of(among(fingerprints), Sql("request_id <> ''"))
        rest = f"ORDER BY timestamp DESC LIMIT {_REQUESTS}"
        told = [row[0] for row in reader.rows(select("request_id", _TABLE, where, rest))]
    else:
        told = [row["request_id"] for row in reversed(kept) if row["request_id"]]
    return list(dict.fromkeys(told))[:_REQUESTS_LISTED]


def read(reader: Reader, id_: int) -> dict[str, Any] | None:
    """The columns `WHOLE` of an occurrence."""
    found = reader.row(select(", ".join(WHOLE), _TABLE, Sql("id = ?", (id_,))))
    return dict(zip(WHOLE, found, strict=True)) if found else None


def place(reader: Reader, fingerprints: Sequence[str], error_id: str) -> int | None:
    """Id of the row of an occurrence; None: the issue has none such."""
    found = reader.row(select("id", _TABLE, all_of(among(fingerprints), Sql("error_id = ?", (error_id,))), "LIMIT 1"))
    return int(found[0]) if found else None


def whole(
    reader: Reader,
    fingerprints: Sequence[str],
    row: dict[str, Any],
    rules: Rules = NO_RULES,
    kept: Kept | None = None,
) -> dict[str, Any]:
    """An occurrence with its exceptions, the log lines before it, and its neighbours.

    Args:
        reader: the way to the store.
        fingerprints: of the issue's groups.
        row: as :func:`read` has it.
        rules: the user's, on which frames are the application's own.
        kept: as `few` has them.
    """
    exceptions = msgspec.json.decode(row["exceptions"])
    context = msgspec.json.decode(row["context"])
    _mark(row, exceptions, rules)
    newer, older = (_beside(row, kept) if kept else None) or _neighbours(reader, fingerprints, row)
    return {
        **_entry(row),
        "stack_trace": row["stack_trace"],
        "exceptions": exceptions,
        "context": context,
        "extra": msgspec.Raw(row["extra"].encode()),
        "breadcrumbs": _crumbs(reader, row),
        "log": _line(reader, row),
        "newer": newer,
        "older": older,
    }


def _mark(row: dict[str, Any], exceptions: list[dict[str, Any]], rules: Rules) -> None:
    """Say of each frame whether it is the application's own, as grouping sees it."""
    marks = group(as_mapping(row), rules=rules).in_app
    for exception, flags in zip(exceptions, marks, strict=False):
        for frame, own in zip(exception.get("frames", ()), flags, strict=False):
            frame["in_app"] = own


def _beside(row: dict[str, Any], kept: Kept) -> tuple[str | None, str | None] | None:
    """The next one and the one before, out of all; None: it came after they were read."""
    places = [place for place, each in enumerate(kept) if each["id"] == row["id"]]
    if not places:
        return None
    newer, older = kept[places[0] + 1 : places[0] + 2], kept[max(0, places[0] - 1) : places[0]]
    return newer[0]["error_id"] if newer else None, older[0]["error_id"] if older else None


def _neighbours(reader: Reader, fingerprints: Sequence[str], row: dict[str, Any]) -> tuple[str | None, str | None]:
    newer, older = (_neighbour(reader, fingerprints, row, newer=newer) for newer in (True, False))
    return newer, older


def _neighbour(reader: Reader, fingerprints: Sequence[str], row: dict[str, Any], *, newer: bool) -> str | None:
    at, order = (">", "ASC") if newer else ("<", "DESC")
    beyond = Sql(
        f"(timestamp {at} ? OR (timestamp = ? AND id {at} ?))", (row["timestamp"], row["timestamp"], row["id"])
    )
    rest = f"ORDER BY timestamp {order}, id {order} LIMIT 1"
    found = reader.row(select("error_id", _TABLE, all_of(among(fingerprints), beyond), rest))
    return found[0] if found else None


def _crumbs(reader: Reader, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Log lines before an occurrence, of the same request, job, trace or process, the latest last."""
    at: datetime = row["timestamp"]
    own = Sql("coalesce(exception_error_id, '') <> ?", (row["error_id"],))
    when = Sql("timestamp <= ? AND timestamp >= ?", (at, at - _BEFORE))
    rest = f"ORDER BY timestamp DESC, id DESC LIMIT {_CRUMBS}"
    rows = reader.rows(select(LOG_COLUMNS, "logs", all_of(when, own, _shared(row)), rest))
    return [log_entry(each) for each in reversed(rows)]


def _shared(row: dict[str, Any]) -> Sql:
    for name in _SHARED:
        if row[name]:
            return Sql(f"{name} = ?", (row[name],))
    if row["pid"]:
        return Sql("service = ? AND host = ? AND pid = ?", (row["service"], row["host"], row["pid"]))
    return Sql("FALSE")


def _line(reader: Reader, row: dict[str, Any]) -> str | None:
    """Id of the log line that it was logged with."""
    margin = timedelta(minutes=10)
    where = Sql(
        "exception_error_id = ? AND timestamp BETWEEN ? AND ?",
        (row["error_id"], row["timestamp"] - margin, row["timestamp"] + margin),
    )
    found = reader.row(select("min(id)", "logs", where))
    return str(found[0]) if found and found[0] is not None else None


def distributions(reader: Reader, fingerprints: Sequence[str], kept: Kept | None = None) -> list[dict[str, Any]]:
    """For each field and tag its most frequent values, weighted; fields that none has are left out.

    Columns are counted over all occurrences that are kept, routes and tags over the latest 5,000.

    Args:
        reader: the way to the store.
        fingerprints: of the issue's groups.
        kept: as `few` has them.
    """
    found: dict[str, Counter[str]] = {}
    if kept is None:
        told, contexts = _counted(reader, among(fingerprints))
    else:
        told = [(name, row[name], row["count"]) for row in kept for name in _COUNTED]
        contexts = [(row["context"], row["count"]) for row in kept]
    for name, value, count in told:
        if value is not None and value != "":
            shown = ("yes" if value else "no") if name == "handled" else str(value)
            found.setdefault(_SHOWN_AS.get(name, name), Counter())[shown] += count
    for text, count in contexts:
        for name, value in _told(msgspec.json.decode(text)):
            found.setdefault(name, Counter())[value] += count
    order = [_SHOWN_AS.get(name, name) for name in _COUNTED]
    names_found = [name for name in (*order, "route") if name in found]
    names_found += sorted(name for name in found if name.startswith("tags."))[:_TAGS]
    return [
        {
            "field": name,
            "values": [
                {"value": value, "count": count}
                for value, count in sorted(found[name].items(), key=lambda pair: (-pair[1], pair[0]))[:_VALUES]
            ],
        }
        for name in names_found
    ]


def _counted(reader: Reader, where: Sql) -> tuple[list[tuple[str, Any, int]], list[tuple[Any, ...]]]:
    """How often each value of a column is there; and each context, of the latest."""
    # What few of them tell apart is counted together; there are nearly as many users as occurrences.
    together = [name for name in _COUNTED if name != "user_id"]
    names = ", ".join(together)
    rows = reader.rows(select(f"{names}, {_WEIGHT}", _TABLE, where, f"GROUP BY {names}"))
    told = [(name, value, row[-1]) for row in rows for name, value in zip(together, row[:-1], strict=True)]
    rest = f"GROUP BY user_id ORDER BY weight DESC, user_id LIMIT {_VALUES}"
    users = reader.rows(select(f"user_id, {_WEIGHT}", _TABLE, all_of(where, Sql("user_id <> ''")), rest))
    told += [("user_id", value, count) for value, count in users]
    newest = select("context, count", _TABLE, where, f"ORDER BY id DESC LIMIT {_LOOKED_AT}")
    return told, reader.rows(select("context, CAST(sum(count) AS BIGINT)", newest, EVERY_ROW, "GROUP BY context"))


def _told(context: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - any JSON
    if not isinstance(context, dict):
        return []
    request, tags = context.get("request"), context.get("tags")
    told = []
    route = context.get("transaction") or (request.get("route") if isinstance(request, dict) else None)
    if isinstance(route, str):
        told.append(("route", route[:200]))
    if isinstance(tags, dict):
        told += [
            (f"tags.{name}", str(value)[:200])
            for name, value in list(tags.items())[:_TAGS]
            if isinstance(value, (str, int, float))
        ]
    return told
