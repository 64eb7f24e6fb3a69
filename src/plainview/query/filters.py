"""A filter as it comes in a request, understood: a range of time and conditions that must all hold."""

from __future__ import annotations

from dataclasses import dataclass, field as dataclass_field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from plainview.query import language, times
from plainview.query.conditions import Condition, check_text, of_json, of_term, of_text, sql
from plainview.query.errors import BadInput
from plainview.query.fields import LOGS
from plainview.query.sql import Sql, all_of
from plainview.records import CONTEXT_FIELDS, level_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plainview.query.fields import Fields
    from plainview.store.interface import Dialect

__all__ = ["NAMED", "Filter", "now", "of_logs", "pairs", "query", "span_of_time"]

#: Fields of a log filter that stand beside ``filters``, because everybody asks for them.
NAMED: Final = ("logger", "service", "environment", *CONTEXT_FIELDS)
_MOST_PAIRS: Final = 100


def now() -> datetime:
    """The present moment, UTC without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Filter:
    """``start <= time < end`` where given, and every condition."""

    start: datetime | None = None
    end: datetime | None = None
    conditions: tuple[Condition, ...] = dataclass_field(default=())

    @property
    def heavy(self) -> bool:
        """Whether deciding on a row costs more than reading a few columns of it."""
        return any(condition.heavy for condition in self.conditions)

    def sql(self, dialect: Dialect, time: str = "timestamp") -> Sql:
        """The filter as SQL; ``TRUE`` when it lets everything through."""
        pieces = [sql(condition, dialect) for condition in self.conditions]
        if self.end is not None:
            pieces.insert(0, Sql(f"{time} < ?", (self.end,)))
        if self.start is not None:
            pieces.insert(0, Sql(f"{time} >= ?", (self.start,)))
        return all_of(*pieces)


def of_logs(given: Mapping[str, Any], moment: datetime | None = None) -> Filter:
    """The filter of a request about logs.

    Args:
        given: ``start_time``, ``end_time``, ``level``, ``levels``, ``message_contains``, :data:`NAMED`,
            ``filters``, ``exclude``, ``q``; ``None`` is as good as absent.
        moment: what "now" means; the present when left out.

    Raises:
        BadInput: naming the first thing that is wrong.
    """
    moment = moment or now()
    given = {name: value for name, value in given.items() if value is not None}
    known: dict[str, Callable[[Any], list[Condition]]] = {
        "level": lambda level: [Condition(LOGS.columns["level"], ((">=", _level(level, "level")),))],
        "levels": lambda levels: [of_json(LOGS.columns["level"], levels, moment, "levels")],
        "message_contains": lambda text: [of_text(LOGS.columns["message"], _text(text, "message_contains"))],
        **{name: _named(name, moment) for name in NAMED},
        "filters": lambda wanted: pairs(LOGS, wanted, "filters", moment),
        "exclude": lambda unwanted: pairs(LOGS, unwanted, "exclude", moment),
        "q": lambda text: query(LOGS, "message", text, moment),
    }
    unknown = set(given) - set(known) - {"start_time", "end_time"}
    if unknown:
        raise BadInput(min(unknown), "is not a field of this filter")
    start, end = span_of_time(given, moment)
    conditions = [condition for name, read in known.items() if name in given for condition in read(given[name])]
    return Filter(start, end, tuple(conditions))


def _named(name: str, moment: datetime) -> Callable[[Any], list[Condition]]:
    return lambda value: [of_json(LOGS.columns[name], value, moment, name)]


def _text(text: object, asked: str) -> str:
    if not isinstance(text, str):
        raise BadInput(asked, "takes a text")
    return check_text(text, asked)


def _level(level: object, asked: str) -> int:
    if not isinstance(level, str | int) or isinstance(level, bool):
        raise BadInput(asked, "takes the name of a level")
    try:
        return level_number(level)
    except ValueError as error:
        raise BadInput(asked, str(error)) from None


def span_of_time(given: Mapping[str, Any], moment: datetime) -> tuple[datetime | None, datetime | None]:
    """``start_time`` and ``end_time`` of a request.

    Raises:
        BadInput: one is no time, or the start comes after the end.
    """
    start, end = (
        times.parse(_text(given[name], name), name, moment) if given.get(name) is not None else None
        for name in ("start_time", "end_time")
    )
    if start is not None and end is not None and start > end:
        raise BadInput(
            field="start_time", message=f"comes after end_time ({times.rfc3339(start)} > {times.rfc3339(end)})"
        )
    return start, end


def pairs(fields: Fields, wanted: object, asked: str, moment: datetime) -> list[Condition]:
    """Conditions of ``filters`` or ``exclude``: field name → value, or list of values."""
    if not isinstance(wanted, dict):
        raise BadInput(asked, "takes an object of field names and values")
    if len(wanted) > _MOST_PAIRS:
        raise BadInput(asked, f"takes at most {_MOST_PAIRS} fields")
    conditions = []
    for name, value in wanted.items():
        place = f"{asked}.{check_text(name, asked)}"
        conditions.append(of_json(fields.find(name, place), value, moment, place, negated=asked == "exclude"))
    return conditions


def query(fields: Fields, text_field: str, text: object, moment: datetime) -> list[Condition]:
    """Conditions of the query text ``q``; bare words are looked for in ``text_field``."""
    if not isinstance(text, str):
        raise BadInput(field="q", message="takes a text")
    return [of_term(term, fields, fields.columns[text_field], moment) for term in language.parse(text)]
