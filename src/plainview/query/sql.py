"""Pieces of SQL with the values that belong to them.

The text of a piece is made of the program's own words: keywords, names of the schema, the dialect's functions.
Whatever comes from a person or a record is a parameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["EVERY_ROW", "Sql", "all_of", "any_of", "one_of", "select"]


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and the values of its ``?``, in order."""

    text: str
    parameters: tuple[Any, ...] = ()


#: The condition that always holds.
EVERY_ROW: Final = Sql("TRUE")


def all_of(*pieces: Sql) -> Sql:
    """All the conditions at once; of none, :data:`EVERY_ROW`."""
    return _joined(" AND ", pieces) if pieces else EVERY_ROW


def any_of(*pieces: Sql) -> Sql:
    """At least one of the conditions, of which there must be one."""
    return _joined(" OR ", pieces)


def one_of(place: str, values: Collection[Any]) -> Sql:
    """The condition that a column, or what else stands there, is one of some values; of none, one that never holds."""
    # One by one: a list that is a parameter would be joined, and every row looked at.
    return Sql(f"{place} IN ({', '.join('?' * len(values))})", tuple(values)) if values else Sql("FALSE")


def _joined(word: str, pieces: tuple[Sql, ...]) -> Sql:
    text = word.join(piece.text for piece in pieces)
    return Sql(f"({text})", tuple(value for piece in pieces for value in piece.parameters))


def select(what: str, source: str | Sql, where: Sql = EVERY_ROW, rest: str = "") -> Sql:
    """A SELECT.

    Args:
        what: the columns.
        source: a table of the schema, or another SELECT.
        where: which rows.
        rest: grouping, order and limit.
    """
    place, parameters = (source, ()) if isinstance(source, str) else (f"({source.text}) AS rows", source.parameters)
    text = f"SELECT {what} FROM {place} WHERE {where.text} {rest}"  # noqa: S608 - our own words, see the module
    return Sql(text.rstrip(), (*parameters, *where.parameters))
