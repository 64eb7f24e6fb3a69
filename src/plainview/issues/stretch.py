"""What a stretch of occurrences comes to, group by group, as the store sums it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from plainview.query.sql import Sql, all_of, select
from plainview.state.tables import AFFECTED

if TYPE_CHECKING:
    from plainview.query.reader import Reader

__all__ = ["HOUR", "MINUTES", "Hit", "Newest", "Stretch", "Total", "sum_up"]

#: Widths of the buckets that are counted, seconds.
HOUR: Final = 3600
MINUTES: Final = 300

_NEWEST: Final = (
    *("id", "fingerprint", "type", "value", "message", "culprit", "component", "category", "platform"),
    *("handled", "error_id", "stack_trace", "context", "service", "environment", "version"),
)
#: Most of the stack and the context that is kept beyond the store's retention, characters.
_SAMPLE: Final = 16_000


class Total(NamedTuple):
    """A group in a stretch. Moments are microseconds since 1970."""

    fingerprint: str
    grouping: int
    weight: int
    first: int
    last: int
    level: int
    newest: int


class Newest(NamedTuple):
    """The last row of a group in a stretch."""

    id: int
    fingerprint: str
    type: str
    value: str
    message: str
    culprit: str
    component: str
    category: str
    platform: str
    handled: int
    error_id: str
    stack_trace: str
    context: str
    service: str
    environment: str
    version: str


class Hit(NamedTuple):
    """A value that a group touched: a job, a user."""

    kind: str
    fingerprint: str
    value: str
    weight: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Occurrences with ids above one number and up to another."""

    until: int
    totals: list[Total]
    newest: dict[str, Newest]
    #: Fingerprint, second since 1970 at which five minutes begin, occurrences.
    buckets: list[tuple[str, int, int]]
    hits: list[Hit]


def sum_up(reader: Reader, after: int, until: int) -> Stretch:
    """Sum up the occurrences with ``after < id <= until``."""
    where = Sql("id > ? AND id <= ?", (after, until))
    time = reader.dialect.epoch_us("timestamp")
    seen = f"CAST(sum(count) AS BIGINT), min({time}), max({time})"
    totals = [
        Total(*row)
        for row in reader.rows(
            select(
                f"fingerprint, max(grouping), {seen}, max(level), max(id)",
                "error_occurrences",
                where,
                "GROUP BY fingerprint ORDER BY min(id)",
            )
        )
    ]
    # The bounds too: by them the engine passes over the rest of the table.
    last = all_of(where, Sql("id IN (SELECT unnest(?))", ([total.newest for total in totals],)))
    columns = ", ".join(
        f"left({name}, {_SAMPLE}) AS {name}" if name in ("stack_trace", "context") else name for name in _NEWEST
    )
    newest = [Newest(*row) for row in reader.rows(select(columns, "error_occurrences", last))] if totals else []
    bucket = reader.dialect.time_bucket("timestamp", MINUTES * 1000)
    buckets = reader.rows(
        select(
            f"fingerprint, {bucket} * {MINUTES}, CAST(sum(count) AS BIGINT)",
            "error_occurrences",
            where,
            "GROUP BY ALL",
        )
    )
    parts = [
        select(f"'{kind}', fingerprint, {column}, {seen}", "error_occurrences", where, "").text
        + f" AND {column} <> '' GROUP BY ALL"
        for kind, column in AFFECTED.items()
    ]
    hits: list[Any] = reader.rows(Sql(" UNION ALL ".join(parts), where.parameters * len(parts)))
    return Stretch(
        until,
        totals,
        {row.fingerprint: row for row in newest},
        [(fingerprint, int(start), count) for fingerprint, start, count in buckets],
        [Hit(*row) for row in hits],
    )
