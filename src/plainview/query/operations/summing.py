"""Operations summed up: how many, how fast, how long, and why they failed; in all, by name and over time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from plainview.grouping.messages import normalise
from plainview.query.buckets import Buckets, cut, range_of
from plainview.query.filters import now
from plainview.query.operations.expected import engines
from plainview.query.operations.filtering import of_operations
from plainview.query.operations.folding import ENDED, STATUSES
from plainview.query.sql import Sql, all_of, select
from plainview.query.times import microseconds, moment, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from plainview.query.reader import Reader

__all__ = ["summary"]

#: Most names that are told of, those with most operations first; most reasons of each; most texts that are looked at.
_MOST_NAMES: Final = 500
_MOST_REASONS: Final = 5
_MOST_TEXTS: Final = 5000
_LONGEST_REASON: Final = 500
_HOUR_US: Final = 3_600_000_000
_MS: Final = 1000
#: What the bars of a chart tell apart; every other end is ``other``.
_BARS: Final = {"completed": "completed", "failed": "failed", "dead_lettered": "failed"}
#: Further aggregates of an operation's rows.
_MORE: Final = (
    ", sum(CASE WHEN event = 'retry' THEN 1 ELSE 0 END) AS retries, max(cpu_ms) AS cpu_ms, "
    "max(memory_peak_bytes) AS memory_peak_bytes, max(rows) AS worked_through"
)
#: Why operations did not end well. Few do, so it is looked up for those alone.
_WHYS: Final = "operation_id, " + ", ".join(
    f"max({name}) AS {name}" for name in ("reason", "error_type", "error_id", "failed_in")
)
_UNHAPPY: Final = "event IN ('close', 'dead_letter', 'abandon') AND status <> 'completed'"
#: Of all operations of a name: what is told → how it comes from them.
_OF_NAME: Final[Mapping[str, str]] = {
    "count": "count(*)",
    **{status: f"sum(CASE WHEN status = '{status}' THEN 1 ELSE 0 END)" for status in STATUSES},
    "p50_ms": "quantile_cont(took, 0.5)",
    "p95_ms": "quantile_cont(took, 0.95)",
    "p99_ms": "quantile_cont(took, 0.99)",
    "max_ms": "max(took)",
    "mean_ms": "avg(took)",
    "retries": "sum(retries)",
    "cpu_ms": "sum(cpu_ms)",
    "memory_peak_bytes": "max(memory_peak_bytes)",
    "rows": "sum(worked_through)",
    "last_started": "max(started)",
    "last_status": "arg_max(status, started)",
}
#: An engine that nobody has used.
_UNUSED: Final = {**dict.fromkeys(_OF_NAME), **dict.fromkeys(("count", *STATUSES, "retries"), 0)}
#: Filters with which it is worth telling of engines that are missing.
_OF_PLACES: Final = frozenset({"kind", "service", "environment", "start_time", "end_time"})


def summary(reader: Reader, given: Mapping[str, Any], *, buckets: int = 60) -> dict[str, Any]:
    """The operations that a filter lets through, summed up.

    Args:
        reader: the way to the store.
        given: the request's filter, see `filtering.of_operations`; without a range, that of everything stored.
        buckets: most stretches of time that the range is cut into.

    Returns:
        ``by_status``, ``running``, ``throughput_per_hour`` (of those that ended in the range), ``over_time``,
        ``names`` (those with most operations first; last, engines that are expected and were not used), ``kinds``.
        Durations are exact, as the operations told them.

    Raises:
        BadInput: the filter is wrong.
    """
    at = now()
    wanted = of_operations(given, at)
    until = reader.store.last_id("operations")
    found = None
    if wanted.start is None or wanted.end is None:
        rows = wanted.rows(reader.dialect, until)
        found = reader.row(select("min(start_time), max(timestamp)", "operations", rows))
    start, end = range_of(wanted.start, wanted.end, found, at)
    cuts = cut(start, end, buckets)
    part = wanted.part(reader, until)
    states = replace(wanted, start=start, end=end).states(reader, until, _MORE, part)
    unhappy = all_of(Sql(f"id <= {int(until)} AND {_UNHAPPY}"), *part.began())
    parts = _parts(reader, states, unhappy, cuts, microseconds(end))
    hours = max(1, microseconds(end) - microseconds(start)) / _HOUR_US
    ended: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in parts["ended"]:
        ended[row["kind"], row["name"]].append(row)
    reasons = _reasons(parts["failures"])
    names = [_name(row, ended[row["kind"], row["name"]], cuts, hours, reasons) for row in parts["names"]]
    kinds = given.get("kind") or ["engine"]
    if given.keys() <= _OF_PLACES and "engine" in ([kinds] if isinstance(kinds, str) else kinds):
        expected = engines(reader, all_of(*wanted.some), until_id=until, end=end)
        there = {one["name"]: one for one in names if one["kind"] == "engine"}
        for one in there.values():
            one["expected"] = one["name"] in expected if expected else None
        missing = [{**_UNUSED, "kind": "engine", "name": name} for name in sorted(expected - there.keys())]
        names += [_name(row, [], cuts, hours, {}) | {"expected": True} for row in missing]
    by_status = {row["status"]: row["count"] for row in parts["statuses"]}
    return {
        "by_status": {status: by_status[status] for status in STATUSES if status in by_status},
        "running": by_status.get("running", 0),
        "throughput_per_hour": sum(row["count"] for row in parts["ended"]) / hours,
        "over_time": _over_time(parts["ended"], parts["started"], cuts),
        "names": names,
        "kinds": parts["kinds"],
    }


def _parts(reader: Reader, states: Sql, unhappy: Sql, cuts: Buckets, end: int) -> dict[str, list[dict[str, Any]]]:
    """All that is asked of the operations, which are folded once; ``unhappy`` are the rows that say why one failed."""

    def bucket(time: str) -> str:
        return f"({time} - {cuts.origin_us}) // {cuts.width_ms * _MS} AS bucket"

    def inside(time: str) -> Sql:
        return Sql(f"{time} >= {cuts.origin_us} AND {time} < {end}")

    of_name = ", ".join(f"{expression} AS {name}" for name, expression in _OF_NAME.items())
    failed = f"status IN ({', '.join(repr(status) for status in ENDED if status not in ('completed', 'cancelled'))})"
    whys = select(_WHYS, "operations", unhappy, "GROUP BY operation_id")
    asked = {
        "statuses": select("status, count(*) AS count", "states", rest="GROUP BY status"),
        "kinds": select("kind, count(*) AS count", "states", rest="GROUP BY kind ORDER BY count DESC, kind LIMIT 500"),
        "names": select(
            f"kind, name, {of_name}",
            "states",
            rest=f"GROUP BY kind, name ORDER BY count DESC, name LIMIT {_MOST_NAMES}",
        ),
        "started": select(f"{bucket('started')}, count(*) AS count", "states", inside("started"), "GROUP BY bucket"),
        "ended": select(
            f"kind, name, status, {bucket('ended')}, count(*) AS count",
            "states",
            inside("ended"),
            "GROUP BY kind, name, status, bucket",
        ),
        "failures": select(
            f"kind, name, substr(coalesce(reason, ''), 1, {_LONGEST_REASON}) AS reason, error_type, failed_in, "
            "count(*) AS count, max(error_id) AS error_id",
            f"states JOIN ({whys.text}) AS whys USING (operation_id)",
            Sql(failed),
            f"GROUP BY ALL ORDER BY count DESC, reason LIMIT {_MOST_TEXTS}",
        ),
    }
    lists = ", ".join(f"(SELECT list(part) FROM ({part.text}) AS part)" for part in asked.values())  # noqa: S608 - our own words
    row = reader.row(
        Sql(f"WITH states AS MATERIALIZED ({states.text}) SELECT {lists}", (*states.parameters, *whys.parameters))
    )
    return {name: part or [] for name, part in zip(asked, row or [None] * len(asked), strict=True)}


def _name(
    row: Mapping[str, Any],
    ended: Sequence[Mapping[str, Any]],
    cuts: Buckets,
    hours: float,
    reasons: Mapping[tuple[str, str], list[dict[str, Any]]],
) -> dict[str, Any]:
    by_status = {status: row[status] for status in STATUSES if row[status]}
    done = sum(by_status.get(status, 0) for status in ENDED)
    over_time = [0] * cuts.count
    for part in ended:
        over_time[part["bucket"]] += part["count"]
    return {
        "kind": row["kind"],
        "name": row["name"],
        "count": row["count"],
        "by_status": by_status,
        "running": row["running"],
        "success_rate": row["completed"] / done if done else None,
        "throughput_per_hour": sum(over_time) / hours,
        **{name: row[name] for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms", "mean_ms")},
        **{name: row[name] for name in ("retries", "cpu_ms", "memory_peak_bytes", "rows", "last_status")},
        "last_started_at": None if row["last_started"] is None else rfc3339(moment(row["last_started"])),
        "expected": None,
        "over_time": over_time,
        "reasons": reasons.get((row["kind"], row["name"]), [])[:_MOST_REASONS],
    }


def _reasons(failures: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Kind and name → why those failed, most frequent first; texts that differ in their variable parts are one."""
    found: dict[tuple[str, str], dict[tuple[str, ...], dict[str, Any]]] = {}
    for row in failures:
        of = found.setdefault((row["kind"], row["name"]), {})
        error_type, failed_in = row["error_type"] or "", row["failed_in"] or ""
        alike = of.setdefault(
            (normalise(row["reason"]), error_type, failed_in),
            {"reason": row["reason"], "error_type": error_type or None, "failed_in": failed_in or None, "count": 0}
            | {"error_id": row["error_id"]},
        )
        alike["count"] += row["count"]
        alike["error_id"] = alike["error_id"] or row["error_id"]
    return {
        key: sorted(those.values(), key=lambda reason: (-reason["count"], reason["reason"]))
        for key, those in found.items()
    }


def _over_time(
    ended: Iterable[Mapping[str, Any]], started: Iterable[Mapping[str, Any]], cuts: Buckets
) -> list[dict[str, Any]]:
    times = Buckets(cuts.origin_us, cuts.width_ms, cuts.count + 1).times()
    bars: list[dict[str, Any]] = [
        {"start": times[place], "end": times[place + 1], "completed": 0, "failed": 0, "other": 0, "started": 0}
        for place in range(cuts.count)
    ]
    for row in ended:
        bars[row["bucket"]][_BARS.get(row["status"], "other")] += row["count"]
    for row in started:
        bars[row["bucket"]]["started"] += row["count"]
    return bars
