"""Why a run failed: what failed first, with what error, what was logged around it, and what had changed.

The operation that *brought the run down* is looked for from the run inwards: of the parts that failed the one that
carries the same error, and so on to the innermost. What failed before and was survived
(an attempt that was repeated, an item that was skipped) is listed beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.grouping.categories import categorise
from plainview.grouping.rules import NO_RULES, Rules
from plainview.query import ordered
from plainview.query.entries import LOG_COLUMNS, log_entry
from plainview.query.filters import now
from plainview.query.operations.folding import states
from plainview.query.operations.whole import operations
from plainview.query.runs.comparison import compare
from plainview.query.runs.parts import with_inner
from plainview.query.runs.whole import essence
from plainview.query.runs.window import Window
from plainview.query.sql import Sql, all_of, select
from plainview.query.times import microseconds, moment, parse, rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plainview.query.reader import Reader
    from plainview.query.runs.records import Issues

__all__ = ["FAILED", "analyse"]

#: Statuses of what went wrong.
FAILED: Final = ("failed", "dead_lettered", "abandoned")
#: Operations that failed that are looked at, the first ones and the last ones; and those that are listed.
_MOST, _LISTED = 500, 50
#: Lines before the failure, and after it.
_SIDES: Final[tuple[tuple[ordered.Order, int], ...]] = (("desc", 20), ("asc", 10))
#: What had changed since the last good run, of all that a comparison tells.
_CHANGED: Final = ("parameters", "environment", "operations", "patterns", "errors")
#: Greater than the id of any row.
_LAST_ID: Final = (1 << 63) - 1
#: Columns of an occurrence by which it is categorised.
_CATEGORISED_BY: Final = ("message", "stack_trace", "platform", "logger", "service", "component")


def analyse(reader: Reader, run_id: str, issues: Issues, rules: Rules = NO_RULES) -> dict[str, Any] | None:
    """What is known of why a run failed; None: there is no run of this id.

    Of a run that did not fail: the operations that failed and were survived, and what has changed.

    Args:
        reader: the way to the store.
        run_id: its id, in full.
        issues: says which issues errors belong to.
        rules: the user's, for what kind of trouble an error is.
    """
    found = essence(reader, run_id, issues)
    if found is None:
        return None
    run = found["run"]
    failed = run["status"] in FAILED
    failures = _failures(reader, run)
    first = _innermost(run, failures) if failed else None
    error = _error(reader, first, issues, rules) if first else None
    good = _last_good(reader, run)
    before = essence(reader, good["run_id"], issues) if good else None
    changed = compare(reader, before, found) if before else None
    return {
        "run_id": run["run_id"],
        "failed": failed,
        "first_failure": {"operation": first, "error": error} if first else None,
        "failures": failures[:_LISTED],
        **_around(reader, run, first, error),
        "errors": found["errors"],
        "last_good": good,
        "changed": {name: changed[name] for name in _CHANGED} if changed else None,
    }


def _failures(reader: Reader, run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Operations of the run, and of runs inside it, that failed, itself left out, in the order in which they did."""
    inside = all_of(Window(with_inner(reader, run)).rows(), Sql("operation_id <> ?", (run["operation_id"],)))
    until = reader.store.last_id("operations")
    all_states = states(reader.dialect, until, inside)
    named = ", ".join(f"'{status}'" for status in FAILED)
    ids: dict[str, None] = {}
    for order in ("ASC", "DESC"):
        rest = f"ORDER BY ended {order}, operation_id LIMIT {_MOST}"
        rows = reader.rows(select("operation_id", all_states, Sql(f"status IN ({named})"), rest))
        ids |= dict.fromkeys(row[0] for row in rows)
        if len(rows) < _MOST:
            break
    found = operations(reader, list(ids), until_id=until, at=now())
    return sorted(found, key=lambda each: (each["ended_at"] or "", each["started_at"]))


def _innermost(run: dict[str, Any], failures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The operation that brought the run down."""
    parts: dict[str, list[dict[str, Any]]] = {}
    known = {each["operation_id"] for each in failures} | {run["operation_id"]}
    for each in failures:
        # What hangs on an operation that did not fail hangs on the run, as far as failures go.
        parent = each["parent_id"] if each["parent_id"] in known else run["operation_id"]
        parts.setdefault(parent, []).append(each)
    place, seen = run, {run["operation_id"]}
    while True:
        own = [each for each in parts.get(place["operation_id"], ()) if each["operation_id"] not in seen]
        tied = max(own, key=lambda each: (_tie(run, place, each), each["ended_at"] or ""), default=None)
        if tied is None or not _tie(run, place, tied):
            return place
        place = tied
        seen.add(place["operation_id"])


def _tie(run: Mapping[str, Any], whole_: Mapping[str, Any], part: Mapping[str, Any]) -> int:
    """How surely a part that failed is why its whole did; 0: it does not seem so."""
    if whole_["error_id"] and whole_["error_id"] == part["error_id"]:
        return 3
    ended_alike = whole_["status"] == part["status"] == "abandoned"
    other = whole_["error_id"] and part["error_id"]
    if ended_alike or (not other and part["error_type"] and part["error_type"] == whole_["error_type"]):
        return 2
    # What the run itself says of it: an exception may have become another one on its way out.
    return int(run["failed_in"] == f"{part['kind']} {part['name']}")


def _error(reader: Reader, first: Mapping[str, Any], issues: Issues, rules: Rules) -> dict[str, Any] | None:
    """The error that an operation failed with, what kind of trouble it is, and what to do about it."""
    columns = ("error_id", "fingerprint", "type", "value", "category", "exceptions", *_CATEGORISED_BY)
    where = Sql("error_id = ?", (first["error_id"],))
    row = reader.row(select(", ".join(columns), "error_occurrences", where, "LIMIT 1")) if first["error_id"] else None
    if row is None:
        if not first["error_type"]:  # nothing was raised: its process ended, or it was given up
            return None
        # The occurrence is not stored, or not any more: what the operation says of it is known.
        reason = first["reason"] or ""
        name, message = first["error_type"], reason.removeprefix(f"{first['error_type']}: ")
        kind = categorise({"exceptions": [{"type": name, "message": message}]}, rules=rules)
        return _told(first["error_id"], None, name, message, kind.name, kind.action)
    found = dict(zip(columns, row, strict=True))
    kind = categorise(found | {"exceptions": msgspec.json.decode(found["exceptions"])}, rules=rules)
    issue = issues({found["fingerprint"]}).get(found["fingerprint"])
    return _told(found["error_id"], issue, found["type"], found["value"], kind.name, kind.action)


def _told(*values: str | None) -> dict[str, str | None]:
    return dict(zip(("error_id", "issue", "type", "message", "category", "action"), values, strict=True))


def _around(
    reader: Reader, run: Mapping[str, Any], first: Mapping[str, Any] | None, error: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Lines of the run before and after the one that tells of the failure, and the ``id`` of that one.

    Without such a line: those before and after the moment when the operation ended.
    """
    if first is None:
        return {"log": None, "logs_around": []}
    rows = Window([run]).rows()
    line = None
    if error and error["error_id"]:
        told = all_of(rows, Sql("exception_error_id = ?", (error["error_id"],)))
        line = reader.row(select("id, timestamp", "logs", told, "ORDER BY timestamp, id LIMIT 1"))
    # Of one moment, all lines come before it.
    at = parse(first["ended_at"] or first["last_seen"], "ended_at", now())
    number, key = (int(line[0]), microseconds(line[1])) if line else (_LAST_ID, microseconds(at))
    own = Sql("id <> ?", (number,))
    sides = []
    for order, most in _SIDES:
        beyond = all_of(rows, ordered.after_place(order, key, number), own)
        sides.append(ordered.rows(reader, LOG_COLUMNS, beyond, order, most, start=key))
    middle = reader.rows(select(LOG_COLUMNS, "logs", Sql("id = ?", (number,)))) if line else []
    lines = [*reversed(sides[0]), *middle, *sides[1]]
    return {"log": str(number) if line else None, "logs_around": [log_entry(row) for row in lines]}


def _last_good(reader: Reader, run: Mapping[str, Any]) -> dict[str, str] | None:
    """The run like it that completed last before it began."""
    of_name = Sql("kind = 'run' AND name = ? AND operation_id <> ?", (run["name"], run["operation_id"]))
    more = ", any_value(service) AS service, any_value(environment) AS environment, any_value(key) AS key"
    where = Sql(
        "status = 'completed' AND service = ? AND environment = ? AND started <= ?",
        (run["service"], run["environment"], microseconds(parse(run["started_at"], "started_at", now()))),
    )
    folded = states(reader.dialect, reader.store.last_id("operations"), of_name, more)
    rest = "ORDER BY started DESC, operation_id LIMIT 1"
    row = reader.row(select("key, started", folded, where, rest))
    return {"run_id": row[0], "started_at": rfc3339(moment(row[1]))} if row else None
