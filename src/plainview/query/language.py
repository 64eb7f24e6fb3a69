"""The query language: what people type into the search box.

Terms are separated by white space and all must hold::

    timeout "connection reset"      both texts appear in the message, in any case
    service:api,worker              the field is one of these
    service:"my app"                quotes keep spaces, commas and signs
    logger:studio.*  file:*api*     `*` stands for any text
    job:*                           the field is present
    duration:>500  duration:>=1.5s  greater, less (`>`, `>=`, `<`, `<=`)
    level:error                     this level and above (`level:=error`: this level alone)
    extra.step:3                    a field of the record's own
    -logger:noisy  -"health check"  not

This module knows the grammar only; what a field means is said in :mod:`plainview.query.conditions`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from plainview.query.errors import BadInput

__all__ = ["MAX_LENGTH", "MAX_TERMS", "Operator", "Term", "Value", "parse", "quote"]

#: Longest query, characters.
MAX_LENGTH: Final = 4096
#: Most terms of a query, and most values of a term.
MAX_TERMS: Final = 100

Operator = Literal["", "=", ">", ">=", "<", "<="]

_NAME: Final = re.compile(r"[A-Za-z_][\w.-]*:(?!//)")
_OPERATOR: Final = re.compile(r">=|<=|>|<|=|")
_WORD: Final = re.compile(r'[^\s"]+')
_BARE: Final = re.compile(r'[^\s",]+')
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE: Final = re.compile(r'\\(["\\*])')
_UNFIT: Final = re.compile("[\0\ud800-\udfff]")
_SPACE: Final = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a term: what was written, with which operator, and where it starts in the query."""

    text: str
    operator: Operator = ""
    #: A quoted value is taken to the letter: no ``*``, no operator.
    quoted: bool = False
    position: int = 0


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. Without a field, its only value is a text looked for in the message."""

    field: str | None
    values: tuple[Value, ...]
    negated: bool = False
    position: int = 0


def parse(text: str, field: str = "q") -> tuple[Term, ...]:
    """The terms of a query, in the order in which they were written.

    Args:
        text: the query; may be empty.
        field: name of the request's field, for the error.

    Raises:
        BadInput: with the position of the first thing that cannot be understood.
    """
    if len(text) > MAX_LENGTH:
        raise BadInput(field, f"longer than {MAX_LENGTH} characters", MAX_LENGTH)
    unfit = _UNFIT.search(text)
    if unfit:
        raise BadInput(field, "contains a NUL character or half of a surrogate pair", unfit.start())
    terms: list[Term] = []
    position = _skip(text, 0)
    while position < len(text):
        if len(terms) == MAX_TERMS:
            raise BadInput(field, f"more than {MAX_TERMS} terms", position)
        term, position = _term(text, position, field)
        terms.append(term)
        position = _skip(text, position)
    return tuple(terms)


def quote(value: str) -> str:
    """``value`` as a term's value that means exactly itself."""
    if re.fullmatch(r"[\w./@%+][\w./@%+:-]*", value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _term(text: str, start: int, field: str) -> tuple[Term, int]:
    position = start
    negated = text[position] == "-" and position + 1 < len(text) and not text[position + 1].isspace()
    if negated:
        position += 1
    if text[position] == '"':
        value, position = _quoted(text, position, field)
        return Term(None, (value,), negated, start), position
    name = _NAME.match(text, position)
    if name:
        values, position = _values(text, name.end(), field, name.group())
        return Term(name.group()[:-1], values, negated, start), position
    word = _WORD.match(text, position)
    if word is None:  # unreachable: white space was skipped, and a quote is handled above
        raise BadInput(field, "not understood", position)
    return Term(None, (Value(word.group(), position=position),), negated, start), word.end()


def _values(text: str, position: int, field: str, name: str) -> tuple[tuple[Value, ...], int]:
    values: list[Value] = []
    while True:
        if len(values) == MAX_TERMS:
            raise BadInput(field, f"more than {MAX_TERMS} values after {name!r}", position)
        value, position = _value(text, position, field, name)
        values.append(value)
        if position >= len(text) or text[position] != ",":
            break
        position += 1
    if position < len(text) and not text[position].isspace():
        raise BadInput(field, "a space is missing after the closing quote", position)
    return tuple(values), position


def _value(text: str, start: int, field: str, name: str) -> tuple[Value, int]:
    found = _OPERATOR.match(text, start)
    operator: Operator = found.group() if found else ""  # type: ignore[assignment] # the pattern lists them
    position = start + len(operator)
    if position < len(text) and text[position] == '"':
        value, position = _quoted(text, position, field)
        return Value(value.text, operator, quoted=True, position=start), position
    bare = _BARE.match(text, position)
    if bare is None:
        hint = f"a value is missing after '{name}{operator}'; to look for that text, put it in double quotes"
        raise BadInput(field, hint, position)
    if bare.end() < len(text) and text[bare.end()] == '"':
        raise BadInput(field, "a quote inside a value: quote the whole value", bare.end())
    return Value(bare.group(), operator, position=start), bare.end()


def _quoted(text: str, start: int, field: str) -> tuple[Value, int]:
    found = _QUOTED.match(text, start)
    if found is None:
        raise BadInput(field, "this quote is never closed", start)
    return Value(_ESCAPE.sub(r"\1", found.group(1)), quoted=True, position=start), found.end()
