"""Traces as a list and over time.

A trace belongs to the range of time in which its first span starts. A condition holds of a trace when it holds
of one of its spans; a negated one, when it holds of none. Traces longer than a day are judged by the spans
within a day of the range.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from plainview.query import cursor as cursors, language
from plainview.query.buckets import cut, range_of
from plainview.query.conditions import Condition, of_json, of_term, sql
from plainview.query.errors import BadInput
from plainview.query.fields import SPANS
from plainview.query.filters import now, pairs, span_of_time
from plainview.query.sql import EVERY_ROW, Sql, all_of, one_of, select
from plainview.query.times import beside, microseconds, moment, rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from plainview.query.reader import Reader
    from plainview.store.interface import Dialect

__all__ = ["OrderBy", "TraceFilter", "histogram", "of_traces", "search"]

OrderBy = Literal["start_time", "duration_ms"]

_SLACK: Final = timedelta(days=1)
_MS: Final = 1_000_000
_LONGEST_MS: Final = 9e12  # nanoseconds of it still fit 64 bits
#: A span that a trace is entered by: its root, or where a request or message came in.
_ENTRY: Final = "(parent_span_id IS NULL OR kind IN ('SERVER', 'CONSUMER'))"


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """What is asked of traces. Durations are in nanoseconds."""

    start: datetime | None = None
    end: datetime | None = None
    #: Conditions on any span of a trace.
    spans: tuple[Condition, ...] = ()
    #: Conditions on a span that the trace is entered by.
    entries: tuple[Condition, ...] = ()
    failed: bool | None = None
    shortest: int | None = None
    longest: int | None = None

    def grouped(self, dialect: Dialect, until_id: int) -> Sql:
        """The matching traces: ``trace_id``, ``first`` (ns), ``first_time``, ``length`` (ns), ``errors``."""
        window = [Sql("id <= ?", (until_id,))]
        starts = []
        if self.start is not None:
            window.append(Sql("start_time >= ?", (beside(self.start, -_SLACK),)))
            starts.append(Sql("start_time >= ?", (self.start,)))
        if self.end is not None:
            window.append(Sql("start_time < ?", (beside(self.end, _SLACK),)))
            starts.append(Sql("start_time < ?", (self.end,)))
        where = list(window)
        # Of a short range, most spans within a day of it belong to other traces.
        if starts and (self.start is None or self.end is None or self.end - self.start < _SLACK):
            where.append(_in_traces(*window, *starts))
        for conditions, place in ((self.spans, ()), (self.entries, (Sql(_ENTRY),))):
            for condition in conditions:
                wanted = sql(replace(condition, negated=False), dialect)
                where.append(_in_traces(*window, *place, wanted, negated=condition.negated))
        having = [Sql(start.text.replace("start_time", "min(start_time)"), start.parameters) for start in starts]
        if self.failed is not None:
            having.append(Sql("errors > 0" if self.failed else "errors = 0"))
        if self.shortest is not None:
            having.append(Sql("length >= ?", (self.shortest,)))
        if self.longest is not None:
            having.append(Sql("length <= ?", (self.longest,)))
        groups = all_of(*having)
        rows = select(
            "trace_id, min(start_ns) AS first, min(start_time) AS first_time, "
            "max(start_ns + duration_ns) - min(start_ns) AS length, "
            "sum(CASE WHEN status = 'ERROR' THEN 1 ELSE 0 END) AS errors",
            "spans",
            all_of(*where),
            f"GROUP BY trace_id HAVING {groups.text}",
        )
        return Sql(rows.text, rows.parameters + groups.parameters)


def _in_traces(*where: Sql, negated: bool = False) -> Sql:
    inner = select("trace_id", "spans", all_of(*where))
    return Sql(f"trace_id {'NOT ' if negated else ''}IN ({inner.text})", inner.parameters)


def of_traces(given: Mapping[str, Any], at: datetime | None = None) -> TraceFilter:
    """The filter of a request about traces.

    Args:
        given: ``start_time``, ``end_time``, ``service``, ``environment``, ``name`` (of the entry), ``q``,
            ``status`` (``OK`` or ``ERROR``), ``min_duration_ms``, ``max_duration_ms``, ``filters``, ``exclude``;
            ``None`` is as good as absent.
        at: what "now" means; the present when left out.

    Raises:
        BadInput: naming the first thing that is wrong.
    """
    at = at or now()
    start, end = span_of_time(given, at)
    beside = [name for name in ("service", "environment") if given.get(name) is not None]
    spans = [of_json(SPANS.columns[name], given[name], at, name) for name in beside]
    entries: list[Condition] = []
    if given.get("name") is not None:
        entries.append(of_json(SPANS.columns["name"], given["name"], at, "name"))
    for name in ("filters", "exclude"):
        if given.get(name) is not None:
            spans += pairs(SPANS, given[name], name, at)
    for term in language.parse(given.get("q") or ""):
        (entries if term.field is None else spans).append(of_term(term, SPANS, SPANS.columns["name"], at))
    shortest, longest = _duration(given, "min_duration_ms"), _duration(given, "max_duration_ms")
    if shortest is not None and longest is not None and shortest > longest:
        raise BadInput(field="min_duration_ms", message="is greater than max_duration_ms")
    status = given.get("status")
    if status not in (None, "OK", "ERROR"):
        raise BadInput(field="status", message="takes OK or ERROR")
    failed = None if status is None else status == "ERROR"
    return TraceFilter(start, end, tuple(spans), tuple(entries), failed, shortest, longest)


def _duration(given: Mapping[str, Any], name: str) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST_MS:
        raise BadInput(name, f"takes milliseconds from 0 to {_LONGEST_MS:.0f}")
    return round(value * _MS)


def search(
    reader: Reader,
    given: Mapping[str, Any],
    *,
    limit: int = 50,
    cursor: str | None = None,
    order_by: OrderBy = "start_time",
) -> dict[str, Any]:
    """One page of the traces that a filter lets through: newest first, or longest first.

    Args:
        reader: the way to the store.
        given: the request's filter, see :func:`of_traces`.
        limit: most traces of the page.
        cursor: ``next`` of the page before.
        order_by: what to sort by, greatest first.

    Raises:
        BadInput: the filter or the cursor is wrong.
    """
    of = f"traces.{order_by}"
    place = cursors.read(cursor, of) if cursor else None
    asked_at = moment(place.now) if place else now()
    until = place.until_id if place else reader.store.last_id("spans")
    grouped = of_traces(given, asked_at).grouped(reader.dialect, until)
    key = "first" if order_by == "start_time" else "length"
    columns, rest = "trace_id, first, length, errors", EVERY_ROW
    if place:
        rest = Sql(f"({key} < ? OR ({key} = ? AND trace_id < ?))", (place.key, place.key, place.id))
    else:
        columns += ", count(*) OVER ()"
    order = f"ORDER BY {key} DESC, trace_id DESC LIMIT {int(limit) + 1}"
    rows = reader.rows(select(columns, grouped, rest, order))
    total = place.total if place else int(rows[0][4]) if rows else 0
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        at = last[1 if order_by == "start_time" else 2]
        more = cursors.write(cursors.Cursor(of, at, last[0], until, microseconds(asked_at), total))
    return {"traces": _details(reader, [row[:4] for row in rows[:limit]]), "total": total, "next": more}


def _details(reader: Reader, found: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """What a list shows of the traces that were found: (trace_id, first, length, errors) of each."""
    if not found:
        return []
    ids = tuple(row[0] for row in found)
    begin, end = min(row[1] for row in found), max(row[1] + row[2] for row in found)
    stretch = (moment(begin // 1000), beside(moment(end // 1000), _SLACK))
    where = all_of(Sql("start_time >= ? AND start_time <= ?", stretch), one_of("trace_id", ids))
    columns = "trace_id, name, service, kind, request_id"
    ranked = select(
        f"{columns}, row_number() OVER "
        "(PARTITION BY trace_id ORDER BY parent_span_id IS NOT NULL, start_ns, id) AS rank",
        "spans",
        where,
    )
    entry_of = {row[0]: row[1:] for row in reader.rows(select(columns, ranked, Sql("rank = 1")))}
    counts: dict[str, dict[str, int]] = {}
    for trace_id, service, count in reader.rows(
        select("trace_id, service, count(*)", "spans", where, "GROUP BY trace_id, service")
    ):
        counts.setdefault(trace_id, {})[service] = count
    return [_item(row, entry_of[row[0]], counts[row[0]]) for row in found if row[0] in entry_of]


def _item(found: tuple[Any, ...], entry: tuple[Any, ...], spans_of: Mapping[str, int]) -> dict[str, Any]:
    trace_id, first, length, errors = found
    name, service, kind, request_id = entry
    item = {
        "trace_id": trace_id,
        "name": name,
        "service": service,
        "services": sorted(spans_of),
        "start_time": rfc3339(moment(first // 1000)),
        "duration_ms": length / _MS,
        "span_count": sum(spans_of.values()),
        "error_count": int(errors),
        "status": "ERROR" if errors else "OK",
        "kind": kind,
    }
    return item | ({"request_id": request_id} if request_id else {})


def histogram(reader: Reader, given: Mapping[str, Any], *, buckets: int = 60) -> dict[str, Any]:
    """Traces over time: how many began, how many failed, how long they took.

    Args:
        reader: the way to the store.
        given: the request's filter, see :func:`of_traces`.
        buckets: most buckets.

    Where no range is asked for, it is that of everything stored.

    Returns:
        ``start``, ``end``, ``width_ms``, and ``buckets`` of ``time``, ``count``, ``errors``, ``p50_ms`` and
        ``p95_ms`` (``None`` where there was nothing), none left out.
    """
    at = now()
    wanted = of_traces(given, at)
    until = reader.store.last_id("spans")
    found = None
    if wanted.start is None or wanted.end is None:
        found = reader.row(select("min(start_time), max(start_time)", "spans"))
    start, end = range_of(wanted.start, wanted.end, found, at)
    cuts = cut(start, end, buckets)
    grouped = replace(wanted, start=start, end=end).grouped(reader.dialect, until)
    number = reader.dialect.time_bucket("first_time", cuts.width_ms, cuts.origin_us)
    quantiles = ", ".join(reader.dialect.quantile("length", q) for q in (0.5, 0.95))
    columns = f"{number} AS bucket, count(*), sum(CASE WHEN errors > 0 THEN 1 ELSE 0 END), {quantiles}"
    counted = {row[0]: row[1:] for row in reader.rows(select(columns, grouped, rest="GROUP BY bucket"))}
    return {
        "start": rfc3339(start),
        "end": rfc3339(end),
        "width_ms": cuts.width_ms,
        "buckets": [_bucket(time, counted.get(n)) for n, time in enumerate(cuts.times())],
    }


def _bucket(time: str, found: tuple[Any, ...] | None) -> dict[str, Any]:
    count, errors, p50, p95 = found or (0, 0, None, None)
    return {
        "time": time,
        "count": count,
        "errors": int(errors),
        "p50_ms": None if p50 is None else p50 / _MS,
        "p95_ms": None if p95 is None else p95 / _MS,
    }
