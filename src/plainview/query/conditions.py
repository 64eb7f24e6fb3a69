"""From terms to SQL: what a condition on a field means.

Values are always parameters. The SQL is made of column names of the schema and the dialect's functions.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, assert_never

from plainview.query.errors import BadInput
from plainview.query.sql import Sql, any_of, one_of
from plainview.query.times import milliseconds, parse as parse_time
from plainview.records import level_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from plainview.query.fields import Field, Fields
    from plainview.query.language import Term, Value
    from plainview.store.interface import Dialect

__all__ = ["Condition", "Test", "check_text", "of_json", "of_term", "of_text", "sql"]

Test = Literal["is", "exists", "missing", "contains", "prefix", ">", ">=", "<", "<="]

_LARGEST: Final = (1 << 63) - 1
_EXACT: Final = 1 << 53
_LONGEST_VALUE: Final = 4096
_NUMBER: Final = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Condition:
    """At least one of the tests holds of the field; ``negated``, none does (a row without the field passes)."""

    field: Field
    tests: tuple[tuple[Test, Any], ...]
    negated: bool = False

    @property
    def heavy(self) -> bool:
        """Whether it looks into text or JSON."""
        return self.field.kind == "json" or any(test == "contains" for test, _ in self.tests)


def of_text(field: Field, text: str, *, negated: bool = False) -> Condition:
    """The text appears in the field, in any case."""
    return Condition(field, (("contains", text),), negated)


def of_term(term: Term, fields: Fields, text: Field, now: datetime, asked: str = "q") -> Condition:
    """What a term of the query language means.

    Args:
        term: the term.
        fields: the table's fields.
        text: the field that bare words are looked for in.
        now: for relative times, UTC without a zone.
        asked: the request's field, for errors.

    Raises:
        BadInput: with the position of the value that does not fit its field.
    """
    if term.field is None:
        return of_text(text, term.values[0].text, negated=term.negated)
    try:
        field = fields.guess(term.field, asked)
    except BadInput as error:
        raise BadInput(asked, error.message, term.position) from None
    several = len(term.values) > 1
    tests: list[tuple[Test, Any]] = []
    for value in term.values:
        try:
            tests.append(_test(field, value, now, asked, several=several))
        except BadInput as error:
            raise BadInput(asked, error.message, value.position) from None
    return Condition(field, tuple(tests), term.negated)


def _test(field: Field, value: Value, now: datetime, asked: str, *, several: bool) -> tuple[Test, Any]:
    text = value.text
    if value.operator in (">", ">=", "<", "<="):
        if field.kind in ("keyword", "text"):
            raise BadInput(asked, f"{field.name} is text and has no order: leave out {value.operator!r}")
        return value.operator, _typed(field, text, now, asked, ordered=True)
    test: Test = "is"
    if not value.operator:
        if "*" in text and not value.quoted:
            return ("exists", None) if text == "*" else _wildcard(field, text, asked)
        if field.kind == "text":
            test = "contains"
        elif field.kind == "level" and not several:
            test = ">="
    return test, _typed(field, text, now, asked)


def _wildcard(field: Field, text: str, asked: str) -> tuple[Test, Any]:
    inner = text.strip("*")
    if field.kind not in ("keyword", "text", "json"):
        raise BadInput(asked, f"{field.name} takes no '*' but alone")
    if "*" not in inner and inner and text == inner + "*":
        return "prefix", inner
    if "*" not in inner and inner and text == f"*{inner}*":
        return "contains", inner
    raise BadInput(asked, "'*' stands at the end (begins with) or on both sides (contains); quote it to mean itself")


def _typed(field: Field, text: str, now: datetime, asked: str, *, ordered: bool = False) -> Any:  # noqa: ANN401 - the type is the field's
    """The value that a person wrote, as the field's type."""
    match field.kind:
        case "keyword" | "text":
            return text
        case "level":
            return _level(int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else text, asked)  # noqa: PLR2004 - three digits are ample
        case "time":
            return parse_time(text, asked, now)
        case "integer":
            if not re.fullmatch(r"[+-]?\d{1,19}", text, re.ASCII) or abs(int(text)) > _LARGEST:
                raise BadInput(asked, f"{field.name} takes a whole number, not {text[:60]!r}")
            return int(text)
        case "number":
            return _number(field, text, asked)
        case "json":
            return _number(field, text, asked) if ordered else text
        case _:
            assert_never(field.kind)


def _level(value: str | int, asked: str) -> int:
    try:
        return level_number(value)
    except ValueError as error:
        raise BadInput(asked, str(error)) from None


def _number(field: Field, text: str, asked: str) -> float:
    length = milliseconds(text) if field.name == "duration_ms" else None
    if length is None:
        if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
            raise BadInput(asked, f"{field.name} is compared with a number here, not {text[:60]!r}")
        length = float(text)
    return _stored(field, length)


def _stored(field: Field, value: float) -> float:
    """A number in the store's unit; whole where that is a small one, so that the engine compares like with like."""
    return value if field.scale == 1 else max(-_LARGEST, min(_LARGEST, round(min(1e300, value) * field.scale)))


def of_json(field: Field, given: object, now: datetime, asked: str, *, negated: bool = False) -> Condition:
    """What a JSON value in a request means: equality; a list is any of; ``null`` is absence.

    A trailing ``*`` of a logger's or a span's name stands for any text.

    Raises:
        BadInput: a value does not fit the field.
    """
    values = given if isinstance(given, list) else [given]
    if not values or len(values) > _LONGEST_VALUE:
        raise BadInput(asked, f"a list of values holds 1 to {_LONGEST_VALUE}")
    return Condition(field, tuple(_json_test(field, value, now, asked) for value in values), negated)


def _json_test(field: Field, value: object, now: datetime, asked: str) -> tuple[Test, Any]:
    if value is None:
        return "missing", None
    if isinstance(value, str):
        check_text(value, asked)
        if field.name in ("logger", "name") and value.endswith("*"):
            return "prefix", value[:-1]
        return "is", _typed(field, value, now, asked) if field.kind != "json" else _Exact(value)
    if isinstance(value, bool) and field.kind == "json":
        return "is", _Exact("true" if value else "false")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value) or abs(value) > _LARGEST:
            raise BadInput(asked, "the number is out of range")
        if field.kind == "level" and isinstance(value, int):
            return "is", _level(value, asked)
        if field.kind in ("number", "json") or (field.kind == "integer" and isinstance(value, int)):
            return "is", _stored(field, value)
    expected = {"time": "a time", "level": "a level", "integer": "a whole number", "number": "a number"}
    raise BadInput(asked, f"{field.name} takes {expected.get(field.kind, 'a text')}, or a list of them")


class _Exact(str):
    """Text that is compared as it stands, even when it looks like a number."""

    __slots__ = ()


def check_text(text: str, asked: str) -> str:
    """The text, when it can be asked for: of bounded length, no NUL, no half of a surrogate pair.

    Raises:
        BadInput: it cannot.
    """
    if len(text) > _LONGEST_VALUE:
        raise BadInput(asked, f"longer than {_LONGEST_VALUE} characters")
    if "\0" in text:
        raise BadInput(asked, "contains a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise BadInput(asked, "contains half of a surrogate pair")
    return text


def sql(condition: Condition, dialect: Dialect) -> Sql:
    """The condition as SQL that is true or not; NULL counts as not."""
    field = condition.field
    equal = [value for test, value in condition.tests if test == "is"]
    pieces = _equality(field, equal, dialect) if equal else []
    pieces += [_comparison(field, test, value, dialect) for test, value in condition.tests if test != "is"]
    either = any_of(*pieces)
    return Sql(f"NOT coalesce({either.text}, FALSE)", either.parameters) if condition.negated else either


def _equality(field: Field, values: Sequence[Any], dialect: Dialect) -> list[Sql]:
    if field.kind != "json":
        return [one_of(field.column, values)]
    texts: dict[str, None] = {}
    numbers: list[float] = []
    for value in values:
        if isinstance(value, _Exact) or (isinstance(value, str) and not _NUMBER.fullmatch(value)):
            texts[str(value)] = None
            continue
        number = float(value)
        texts |= {str(value): None} if isinstance(value, str) else {}
        texts |= dict.fromkeys(_spellings(number))
        if not isinstance(value, str) and not _spellings(number):
            numbers.append(number)
    pieces = [one_of(field.text(dialect), tuple(texts))] if texts else []
    return pieces + ([one_of(field.number(dialect), numbers)] if numbers else [])


def _spellings(number: float) -> tuple[str, ...]:
    """How a JSON writer may have put a whole number; none for others."""
    if math.isfinite(number) and abs(number) < _EXACT and number == int(number):
        return str(int(number)), f"{int(number)}.0"
    return ()


def _comparison(field: Field, test: Test, value: Any, dialect: Dialect) -> Sql:  # noqa: ANN401 - the type is the field's
    match test:
        case "exists" | "missing":
            # Of a field that every record has, the empty text means that it was not given.
            there, gone = ("<> ''", "= ''") if field.always else ("IS NOT NULL", "IS NULL")
            return Sql(f"{field.text(dialect)} {there if test == 'exists' else gone}")
        case "contains":
            return Sql(dialect.contains(field.text(dialect)), (value,))
        case "prefix":
            return Sql(dialect.starts_with(field.text(dialect)), (value,))
        case _:
            place = field.number(dialect) if field.kind == "json" else field.column
            return Sql(f"{place} {test} ?", (value,))
