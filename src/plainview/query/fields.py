"""The names that can be asked for, and where each lies in the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from plainview.query.errors import BadInput
from plainview.records import CONTEXT_FIELDS
from plainview.store.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from plainview.store.interface import Dialect

__all__ = ["ALIASES", "LOGS", "SPANS", "Field", "Fields", "Kind"]

#: What a field holds: ``keyword`` is compared as a whole, ``text`` is searched in.
Kind = Literal["keyword", "text", "integer", "number", "level", "time", "json"]

#: Short and dotted names for the columns.
ALIASES: Final[Mapping[str, str]] = {
    "duration": "duration_ms",
    "env": "environment",
    "msg": "message",
    **{name.removesuffix("_id"): name for name in CONTEXT_FIELDS},
    "parent": "parent_span_id",
    "file": "source_file",
    "function": "source_function",
    "line": "source_line",
    "error": "exception_type",
    "source.file": "source_file",
    "source.function": "source_function",
    "source.line": "source_line",
    "exception.type": "exception_type",
    "exception.message": "exception_message",
    "exception.stack_trace": "exception_stack_trace",
    "exception.fingerprint": "exception_fingerprint",
    "exception.error_id": "exception_error_id",
}

_KIND_OF_TYPE: Final[Mapping[str, Kind]] = {
    "id": "integer",
    "time": "time",
    "level": "level",
    "integer": "integer",
    "milliseconds": "number",
    "text": "keyword",
    "name": "keyword",
}
_SEARCHED: Final = frozenset({"message", "exception_message", "exception_stack_trace", "status_message"})
_LONGEST_NAME: Final = 256
_NANOSECONDS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that can be asked for. ``name`` is the API's name of it, in full."""

    name: str
    kind: Kind
    #: The column, or the JSON column for a field of the record's own.
    column: str
    #: Whether a row may be without it.
    null: bool = False
    #: How many of the store's units make one of the API's (nanoseconds in a millisecond).
    scale: float = 1
    #: Where in the JSON column: the paths that may hold it, most likely first.
    paths: tuple[tuple[str, ...], ...] = ()

    @property
    def always(self) -> bool:
        """Whether every row has it, an empty text standing for nothing."""
        return self.kind in ("keyword", "text") and not self.null

    def text(self, dialect: Dialect) -> str:
        """SQL of the value; as text for a field of the record's own."""
        return self._sql([dialect.attribute(self.column, path) for path in self.paths])

    def number(self, dialect: Dialect) -> str:
        """SQL of the value as a number, where it can be one."""
        return self._sql([dialect.attribute_number(self.column, path) for path in self.paths])

    def _sql(self, places: list[str]) -> str:
        if not places:
            return self.column
        return places[0] if len(places) == 1 else f"coalesce({', '.join(places)})"


class Fields:
    """The fields of one table.

    Args:
        columns: the fields that are columns.
        json: the column that holds a record's own fields, which is also the prefix of their names.
    """

    def __init__(self, columns: Iterable[Field], json: str) -> None:
        self.columns: dict[str, Field] = {field.name: field for field in columns}
        self.json = json

    def find(self, name: str, asked: str) -> Field:
        """The field of this name: a column, an alias, or ``<json>.path``.

        Raises:
            BadInput: there is none; ``asked`` is the request's field that names it.
        """
        field = self.columns.get(ALIASES.get(name, name)) or self.columns.get(name)
        if field is not None:
            return field
        prefix, separator, path = name.partition(".")
        if separator and prefix == self.json:
            return self.own(path, asked)
        hint = f"{self.json}.{name}"
        raise BadInput(asked, f"there is no field {name[:60]!r}; a field of the records' own is {hint[:80]!r}")

    def guess(self, name: str, asked: str) -> Field:
        """As :meth:`find`, but a name that is not known is taken for one of the record's own fields."""
        if ALIASES.get(name, name) in self.columns or name in self.columns or name.startswith(f"{self.json}."):
            return self.find(name, asked)
        return self.own(name, asked)

    def own(self, path: str, asked: str) -> Field:
        """The record's own field at a path: ``a.b`` is the key ``a.b``, or else ``b`` inside ``a``."""
        if not path or len(path) > _LONGEST_NAME or "\0" in path:
            raise BadInput(asked, f"the name after '{self.json}.' has 1 to {_LONGEST_NAME} characters, and no NUL")
        parts = tuple(path.split("."))
        paths = ((path,), parts) if len(parts) > 1 and all(parts) else ((path,),)
        return Field(f"{self.json}.{path}", "json", self.json, null=True, paths=paths)


def _columns(table: str, leave_out: frozenset[str]) -> list[Field]:
    return [
        Field(
            column.name,
            "text" if column.name in _SEARCHED else _KIND_OF_TYPE[column.type],
            column.name,
            null=column.null,
        )
        for column in TABLES[table].columns
        if column.name not in leave_out
    ]


#: What can be asked of logs.
LOGS: Final = Fields(_columns("logs", frozenset({"extra"})), "extra")
#: What can be asked of spans.
SPANS: Final = Fields(
    [
        *_columns("spans", frozenset({"attributes", "events", "links", "start_ns", "duration_ns"})),
        Field("duration_ms", "number", "duration_ns", scale=_NANOSECONDS),
    ],
    "attributes",
)
