"""The operations that a run is made of: by name, the slowest first, and one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from plainview.query.operations import timeline as timelines
from plainview.query.operations.folding import ENDED, states
from plainview.query.runs.window import Window
from plainview.query.sql import Sql, all_of, any_of, one_of, select

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plainview.query.reader import Reader

__all__ = ["SPAN", "by_name", "timeline", "with_inner"]

#: Kind that spans have here, which are no operations.
SPAN: Final = "span"

#: Names of operations, and of spans, that are listed: those that took most.
_NAMES: Final = 300
#: Runs inside runs inside runs that are followed.
_DEEPEST: Final = 8
_FAILED: Final = "('failed', 'dead_lettered', 'abandoned')"
_MORE: Final = f"{timelines.MORE}, max(cpu_ms) AS cpu, max(memory_peak_bytes) AS peak, max(rows) AS worked"
_SUMS: Final = (
    f"count(*) AS count, CAST(sum(CASE WHEN status IN {_FAILED} THEN 1 ELSE 0 END) AS BIGINT) AS failed, "
    "sum(took) AS total, max(took) AS longest"
)


def by_name(reader: Reader, run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The operations of a run that have ended, and its spans, by kind and name; those that took most first.

    A span that is an operation counts as that. ``share`` is that of the run's time so far; the shares of what went on
    at once, or one inside the other, come to more than the whole.
    """
    ended = ", ".join(f"'{status}'" for status in ENDED)
    columns = f"kind, name, {_SUMS}, sum(cpu), max(peak), CAST(sum(worked) AS BIGINT)"
    rest = f"GROUP BY kind, name ORDER BY total DESC NULLS LAST, kind, name LIMIT {_NAMES}"
    found = reader.rows(select(columns, _operations(reader, run), Sql(f"status IN ({ended})"), rest))
    found += _spans(reader, run)
    whole = run["duration_ms"]
    named = [
        {
            "kind": kind,
            "name": name,
            "count": count,
            "failed": failed,
            "total_ms": round(total or 0.0, 3),
            "mean_ms": round((total or 0.0) / count, 3),
            "max_ms": round(longest or 0.0, 3),
            "share": round((total or 0.0) / whole, 4) if whole else None,
            "cpu_ms": cpu,
            "memory_peak_bytes": peak,
            "rows": rows,
        }
        for kind, name, count, failed, total, longest, cpu, peak, rows in found
    ]
    return sorted(named, key=lambda each: (-each["total_ms"], each["kind"], each["name"]))


def _spans(reader: Reader, run: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The same columns of the spans of a run that are no operations."""
    window = Window([run])
    operations = select("operation_id", "operations", window.rows())
    columns = (
        f"'{SPAN}', name, count(*), CAST(sum(CASE WHEN status = 'ERROR' THEN 1 ELSE 0 END) AS BIGINT), "
        "sum(duration_ns) / 1e6 AS total, max(duration_ns) / 1e6, NULL, NULL, NULL"
    )
    other = Sql(f"span_id NOT IN ({operations.text}) AND span_id <> ?", (*operations.parameters, run["operation_id"]))
    rest = f"GROUP BY name ORDER BY total DESC, name LIMIT {_NAMES}"
    return reader.rows(select(columns, "spans", all_of(window.rows("start_time"), other), rest))


def timeline(reader: Reader, run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The operations of a run in the order in which they began; of many, the 2,000 that took longest."""
    return timelines.timeline(reader, _operations(reader, run))[0]


def _operations(reader: Reader, run: Mapping[str, Any]) -> Sql:
    """What the operations of a run are now, itself left out; of a run inside it, that one alone."""
    inside = all_of(any_of(Window([run]).rows(), _inner_runs([run])), Sql("operation_id <> ?", (run["operation_id"],)))
    return states(reader.dialect, reader.store.last_id("operations"), inside, _MORE)


def with_inner(reader: Reader, run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A run and the runs inside it, whose records have ids of their own: what `Window` takes, of each."""
    found: dict[str, Mapping[str, Any]] = {run["run_id"]: run}
    latest = [run]
    for _ in range(_DEEPEST):
        where = all_of(_inner_runs(latest), Sql("key <> ''"))
        rows = reader.rows(select("DISTINCT key, operation_id", "operations", where, f"LIMIT {_NAMES}"))
        latest = [{**run, "run_id": key, "operation_id": id_} for key, id_ in rows if key not in found]
        if not latest:
            break
        found |= {each["run_id"]: each for each in latest}
    return list(found.values())


def _inner_runs(runs: Sequence[Mapping[str, Any]]) -> Sql:
    """The condition on rows that they are of a run that was begun inside one of these."""
    window = Window(runs)
    parts = select("operation_id", "operations", window.rows())
    inside = Sql(f"parent_id IN ({parts.text})", parts.parameters)
    outermost = one_of("parent_id", [run["operation_id"] for run in runs])
    return all_of(Sql("kind = 'run'"), any_of(inside, outermost))
