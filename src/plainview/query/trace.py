"""One trace: its spans as a tree, and its logs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.query.conditions import check_text
from plainview.query.entries import LOG_COLUMNS, log_entry
from plainview.query.sql import Sql, select
from plainview.query.times import microseconds, moment, rfc3339
from plainview.query.tree import build, critical_path
from plainview.records import CONTEXT_FIELDS, LEVEL_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plainview.query.reader import Reader
    from plainview.query.tree import Node

__all__ = ["MOST_LOGS", "MOST_SPANS", "trace"]

#: Most spans and logs of a trace that are shown: the earliest.
MOST_SPANS: Final = 10_000
MOST_LOGS: Final = 1000

_MS: Final = 1_000_000
_CONTEXT: Final = tuple(name for name in CONTEXT_FIELDS if name not in {"trace_id", "span_id"})
_PLAIN: Final = ("name", "kind", "status", "service")
_OPTIONAL: Final = ("status_message", "scope", "environment", "version", "host", "pid", *_CONTEXT)
_COLUMNS: Final = (
    *("span_id", "parent_span_id", "start_ns", "duration_ns"),
    *(*_PLAIN, *_OPTIONAL),
    *("attributes", "events", "links"),
)
_EVENTS: Final = msgspec.json.Decoder(list[dict[str, Any]])


def trace(reader: Reader, trace_id: str) -> dict[str, Any] | None:
    """A trace by its id, ``None`` when nothing of it is stored.

    Its spans come in pre-order, each with its depth, the ids of its children, its self time and whether it lies
    on the critical path; its logs oldest first. A trace of which only logs are stored has no spans.
    """
    trace_id = check_text(trace_id, "trace_id")
    mine = Sql("trace_id = ?", (trace_id,))
    rows = reader.rows(select(", ".join(_COLUMNS), "spans", mine, f"ORDER BY start_ns, id LIMIT {MOST_SPANS + 1}"))
    logs = reader.rows(select(LOG_COLUMNS, "logs", mine, f"ORDER BY timestamp, id LIMIT {MOST_LOGS}"))
    if not rows and not logs:
        return None
    counts = _counts(reader, mine) if logs else {}
    truncated, rows = len(rows) > MOST_SPANS, rows[:MOST_SPANS]
    nodes = build(row[:4] for row in rows)
    root = next((node for node in nodes if node.parent_span_id is None), nodes[0] if nodes else None)
    if root is not None:
        critical_path(root)
    start = min((node.start for node in nodes), default=microseconds(logs[0][1]) * 1000 if logs else 0)
    end = max((node.end for node in nodes), default=microseconds(logs[-1][1]) * 1000 if logs else start)
    spans = [_span(node, rows[node.index], start, counts) for node in nodes]
    return {
        "trace_id": trace_id,
        "name": rows[root.index][4] if root else "",
        "start_time": rfc3339(moment(start // 1000)),
        "duration_ms": (end - start) / _MS,
        "services": sorted({span["service"] for span in spans}),
        "span_count": len(spans),
        "error_count": sum(span["status"] == "ERROR" for span in spans),
        "truncated": truncated,
        "spans": spans,
        "logs": [log_entry(row) | {"offset_ms": (microseconds(row[1]) * 1000 - start) / _MS} for row in logs],
    }


def _counts(reader: Reader, mine: Sql) -> Mapping[str, Counter[str]]:
    """Span id → level → number of logs."""
    counts: dict[str, Counter[str]] = {}
    for span_id, level, count in reader.rows(
        select("span_id, level, count(*)", "logs", mine, "GROUP BY span_id, level")
    ):
        if span_id:
            counts.setdefault(span_id, Counter())[LEVEL_NAMES.get(level, "INFO")] += count
    return counts


def _span(node: Node, row: Sequence[Any], trace_start: int, counts: Mapping[str, Counter[str]]) -> dict[str, Any]:
    values = dict(zip(_COLUMNS, row, strict=True))
    span: dict[str, Any] = {
        "span_id": node.span_id,
        "parent_span_id": node.parent_span_id,
        "depth": node.depth,
        "children": [child.span_id for child in node.children],
        **{name: values[name] for name in _PLAIN},
        **{name: values[name] for name in _OPTIONAL if values[name]},
        "start_time": rfc3339(moment(node.start // 1000)),
        "start_ms": (node.start - trace_start) / _MS,
        "duration_ms": (node.end - node.start) / _MS,
        "self_ms": node.self_time / _MS,
        "critical": node.critical,
        "attributes": msgspec.Raw(values["attributes"].encode()),
        "events": [_event(event, trace_start) for event in _EVENTS.decode(values["events"])],
        "links": msgspec.Raw(values["links"].encode()),
    }
    if node.span_id in counts:
        span["log_counts"] = counts[node.span_id]
    return span


def _event(event: Mapping[str, Any], trace_start: int) -> dict[str, Any]:
    at = event.get("time_unix_nano")
    return {
        "name": str(event.get("name", "")),
        "offset_ms": (at - trace_start) / _MS if isinstance(at, int) else 0.0,
        "attributes": event.get("attributes") or {},
    }
