"""Which operations are meant: the filter of a request, as SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, get_args

from plainview.query import language
from plainview.query.conditions import check_text
from plainview.query.errors import BadInput
from plainview.query.filters import now, span_of_time
from plainview.query.operations.expected import REGISTRY
from plainview.query.operations.folding import STATUSES, Status, states
from plainview.query.operations.unended import EVERYTHING, of_range
from plainview.query.sql import Sql, all_of, any_of, one_of, select
from plainview.query.times import microseconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from plainview.query.language import Term
    from plainview.query.operations.unended import Part
    from plainview.query.reader import Reader
    from plainview.store.interface import Dialect

__all__ = ["OperationFilter", "of_operations"]

#: Filters that hold of every event of an operation, if of any.
_SAME: Final = ("kind", "name", "key")
#: Filters that may hold of some of its events: it can go on in another process.
_SOME: Final = ("service", "environment", "run_id", "job_id", "batch_id", "parent_id", "trace_id")
#: Where words are looked for.
_SEARCHED: Final = ("name", "key", "reason", "step")
_MOST_VALUES: Final = 1000


@dataclass(frozen=True, slots=True)
class OperationFilter:
    """What is asked of operations. One is of a range of time when it began before its end and did not end before it."""

    start: datetime | None = None
    end: datetime | None = None
    statuses: tuple[str, ...] = ()
    #: Conditions that hold of every event of an operation, or of none.
    same: tuple[Sql, ...] = ()
    #: Conditions that hold of an operation when they hold of one of its events.
    some: tuple[Sql, ...] = ()
    #: Texts that an operation speaks of, and those of which it must not (True).
    words: tuple[tuple[str, bool], ...] = ()
    #: Kinds that are asked for, which are among the conditions that hold of every event; none: all.
    kinds: tuple[str, ...] = ()

    def rows(self, dialect: Dialect, until_id: int) -> Sql:
        """The condition on rows that leaves whole operations, as far as it can be told row by row."""
        pieces = [*self.same, *self._began()]
        pieces += [_among(condition, until_id) for condition in self.some]
        for word, negated in self.words:
            places = any_of(*(Sql(dialect.contains(name), (word,)) for name in _SEARCHED))
            pieces.append(_among(places, until_id, negated=negated))
        return all_of(*pieces)

    def part(self, reader: Reader, until_id: int) -> Part:
        """The operations among which are all that are meant, see `unended.of_range`."""
        if self.start is None:
            return EVERYTHING
        alike = all_of(*self.same, *self._began())
        return of_range(reader, until_id, self.start, where=alike, kinds=self.kinds)

    def states(self, reader: Reader, until_id: int, more: str = "", part: Part | None = None) -> Sql:
        """The operations that are meant, as `folding.states` gives them.

        Args:
            reader: the way to the store.
            until_id: the last row that counts.
            more: further aggregates, see there.
            part: what `part` says, where that is known already.
        """
        part = part or self.part(reader, until_id)
        pieces = []
        if self.statuses:
            pieces.append(one_of("status", self.statuses))
        if self.start is not None:
            pieces.append(Sql("(ended IS NULL OR ended >= ?)", (microseconds(self.start),)))
        if self.end is not None:
            pieces.append(Sql("started < ?", (microseconds(self.end),)))
        queued = not self.statuses or "queued" in self.statuses
        among = all_of(part.where, self.rows(reader.dialect, until_id))
        folded = states(reader.dialect, until_id, among, more, queued=queued, since=part.since)
        return select("*", folded, all_of(*pieces)) if pieces else folded

    def _began(self) -> tuple[Sql, ...]:
        return () if self.end is None else (Sql("start_time < ?", (self.end,)),)


def _among(condition: Sql, until_id: int, *, negated: bool = False) -> Sql:
    """The condition holds of a row of the operation."""
    inner = select("operation_id", "operations", all_of(Sql("id <= ?", (until_id,)), condition))
    return Sql(f"operation_id {'NOT ' if negated else ''}IN ({inner.text})", inner.parameters)


def of_operations(given: Mapping[str, Any], at: datetime | None = None) -> OperationFilter:
    """The filter of a request about operations.

    Args:
        given: ``kind``, ``name``, ``key``, ``status``, ``service``, ``environment``, ``run_id``, ``job_id``,
            ``batch_id``, ``parent_id``, ``trace_id`` (a text, or several of which any will do), ``q``,
            ``start_time``, ``end_time``; ``None`` is as good as absent.
        at: what "now" means; the present when left out.

    Raises:
        BadInput: naming the first thing that is wrong.
    """
    start, end = span_of_time(given, at or now())
    statuses = _values(given.get("status"), "status")
    for status in statuses:
        if status not in STATUSES:
            raise BadInput(field="status", message=f"{status[:60]!r} is none: one of {', '.join(get_args(Status))}")
    same, some = (
        tuple(one_of(name, values) for name in names if (values := _values(given.get(name), name)))
        for names in (_SAME, _SOME)
    )
    if not given.get("kind"):
        same = (Sql("kind <> ?", (REGISTRY,)), *same)
    words = tuple((_text(term), term.negated) for term in language.parse(given.get("q") or ""))
    return OperationFilter(start, end, statuses, same, some, words, _values(given.get("kind"), "kind"))


def _text(term: Term) -> str:
    """What is looked for: keys may have the form of a field and its value."""
    values = ",".join(value.operator + value.text for value in term.values)
    return values if term.field is None else f"{term.field}:{values}"


def _values(given: str | Sequence[str] | None, asked: str) -> tuple[str, ...]:
    values = (given,) if isinstance(given, str) else tuple(given or ())
    if len(values) > _MOST_VALUES:
        raise BadInput(asked, f"takes at most {_MOST_VALUES} values")
    return tuple(check_text(value, asked) for value in values)
