"""Operations as the API shows them: everything that is known of each, from all of its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.query.operations.folding import states
from plainview.query.sql import Sql, all_of, one_of, select
from plainview.query.times import microseconds, moment, rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from plainview.query.reader import Reader

__all__ = ["operations"]

#: Columns whose latest value counts, and those whose first one does.
_LATEST: Final = (
    *("service", "environment", "version", "host", "pid"),
    *("cpu_ms", "memory_delta_bytes", "rows", "recovers"),
)
_FIRST: Final = (
    *("parent_id", "trace_id", "span_id", "request_id"),
    *("job_id", "batch_id", "run_id", "project_id", "user_id"),
)
_FAILURE: Final = ("error_type", "error_id", "failed_in")
#: Events that tell why an operation is what it is; the first of these that has a reason counts.
_REASONS: Final = ("close", "dead_letter", "abandon", "retry")
#: What is shown → how it comes from the events of an operation, numbered by time: ``n``.
_COLUMNS: Final[dict[str, str]] = {
    "key": "arg_max(key, CASE WHEN key <> '' THEN n END)",
    **{name: f"arg_max({name}, n)" for name in _LATEST},
    **{name: f"arg_min({name}, n)" for name in _FIRST},
    **{name: f"arg_max({name}, CASE WHEN event IN ('close', 'dead_letter') THEN n END)" for name in _FAILURE},
    "attempt": "max(attempt)",
    "memory_peak_bytes": "max(memory_peak_bytes)",
    "items_failed": "count(CASE WHEN event = 'item' THEN 1 END)",
    # Together: a percentage is none of what was counted before.
    "progress": "arg_max(CASE WHEN done IS NOT NULL OR percent IS NOT NULL THEN [done, total, percent] END, n)",
    "step": "arg_max(step, CASE WHEN step <> '' THEN n END)",
    **{
        f"reason_{event}": f"arg_max(reason, CASE WHEN event = '{event}' AND reason <> '' THEN n END)"
        for event in _REASONS
    },
    "checkpoint": "arg_max(data, CASE WHEN event = 'checkpoint' THEN n END)",
}
_HEAD: Final = ("operation_id", "kind", "name", "status", "started", "seen", "ended", "took")


def operations(
    reader: Reader, ids: Sequence[str], *, until_id: int, at: datetime, began: tuple[int, int] | None = None
) -> list[dict[str, Any]]:
    """Operations as they are, in the order of their ids; one of which nothing is known, or not any more, is left out.

    Args:
        reader: the way to the store.
        ids: of the operations, not too many at once.
        until_id: the last row that counts.
        at: what "now" means, for how long those that run have run.
        began: when the first and the last of them began, microseconds since 1970; None: nobody knows.
    """
    if not ids:
        return []
    mine = one_of("operation_id", ids)
    if began:
        # Every event says when its operation began: rows of other times need not be looked at.
        mine = all_of(Sql("start_time >= ? AND start_time <= ?", tuple(map(moment, began))), mine)
    numbered = select(
        "*, row_number() OVER (PARTITION BY operation_id ORDER BY timestamp, id) AS n",
        "operations",
        all_of(Sql("id <= ?", (until_id,)), mine),
    )
    columns = ", ".join(f"{expression} AS {name}" for name, expression in _COLUMNS.items())
    details = {
        row[0]: dict(zip(_COLUMNS, row[1:], strict=True))
        for row in reader.rows(select(f"operation_id, {columns}", numbered, rest="GROUP BY operation_id"))
    }
    heads = {
        row[0]: dict(zip(_HEAD, row, strict=True))
        for row in reader.rows(select(", ".join(_HEAD), states(reader.dialect, until_id, mine)))
    }
    tries = _tries(reader, until_id, {(heads[id_]["kind"], details[id_]["key"]) for id_ in heads})
    return [_shown(heads[id_], details[id_], tries, at) for id_ in ids if id_ in heads]


def _tries(reader: Reader, until_id: int, keys: set[tuple[str, str | None]]) -> dict[tuple[str, str], int]:
    """Kind and key → how many operations have them that have begun."""
    asked = sorted({key for _, key in keys if key})
    if not asked:
        return {}
    where = all_of(Sql("id <= ? AND event <> 'create'", (until_id,)), one_of("key", asked))
    counted = select("kind, key, count(DISTINCT operation_id)", "operations", where, "GROUP BY kind, key")
    return {(kind, key): count for kind, key, count in reader.rows(counted)}


def _shown(
    head: Mapping[str, Any], detail: Mapping[str, Any], tries: Mapping[tuple[str, str], int], at: datetime
) -> dict[str, Any]:
    status, key = head["status"], detail["key"]
    done, total, percent = detail["progress"] or (None, None, None)
    if done is not None and total:
        percent = max(0.0, min(100.0, 100 * done / total))
    return {
        "operation_id": head["operation_id"],
        "kind": head["kind"],
        "name": head["name"],
        "key": key,
        "status": status,
        **{name: detail[name] for name in _LATEST},
        **{name: detail[name] or None for name in (*_FIRST, *_FAILURE)},
        "started_at": rfc3339(moment(head["started"])),
        "ended_at": None if head["ended"] is None else rfc3339(moment(head["ended"])),
        "last_seen": rfc3339(moment(head["seen"])),
        "duration_ms": duration_ms(head, at),
        "attempt": detail["attempt"],
        "attempts": max(detail["attempt"], tries.get((head["kind"], key or ""), 0)),
        "done": done,
        "total": total,
        "percent": percent,
        "step": detail["step"],
        "memory_peak_bytes": detail["memory_peak_bytes"],
        "items_failed": detail["items_failed"],
        "reason": _reason(status, detail),
        "checkpoint": None if detail["checkpoint"] is None else msgspec.Raw(detail["checkpoint"].encode()),
    }


def duration_ms(head: Mapping[str, Any], at: datetime) -> float | None:
    """Milliseconds that an operation took, or has taken so far; None: it waits."""
    if head["status"] == "queued":
        return None
    if head["took"] is not None:
        return float(head["took"])
    end: int = microseconds(at) if head["ended"] is None else head["ended"]
    return max(0, end - int(head["started"])) / 1000


def _reason(status: str, detail: Mapping[str, Any]) -> str | None:
    """Why it is what it is: of one that ended well, what it says itself; of one that still runs, why it tries again."""
    asked = {"completed": _REASONS[:1], "running": _REASONS[3:], "queued": _REASONS[3:]}.get(status, _REASONS)
    return next((detail[f"reason_{event}"] for event in asked if detail[f"reason_{event}"]), None)
