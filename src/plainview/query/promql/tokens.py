"""The words of a query with their places: to bound what the parser is given, and to say where a fault is.

The parser itself tells no place and recurses as deep as the query is nested; both are seen here beforehand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from plainview.query.promql.errors import BadQuery

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_CHARACTERS", "MAX_DEPTH", "MAX_WORDS", "Word", "fault", "words"]

#: Characters of one query.
MAX_CHARACTERS: Final = 65_536
#: Brackets within brackets.
MAX_DEPTH: Final = 100
#: Names, numbers, strings and signs of one query, without what stands between braces.
MAX_WORDS: Final = 2_000

_WORD: Final = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
      | (?P<number>0[xX][0-9a-fA-F]+|(?:\d+(?:ms|[smhdwy]))+|\d*\.?\d+(?:[eE][+-]?\d+)?|\d+\.)
      | (?P<name>[a-zA-Z_:][a-zA-Z0-9_:.]*)
      | (?P<sign>==|!=|=~|!~|>=|<=|[-+*/%^<>=@,:(){}\[\]])
    """,
    re.VERBOSE,
)
_CLOSES: Final = {")": "(", "]": "[", "}": "{"}
_SIGNS: Final = frozenset(
    ["+", "-", "*", "/", "%", "^", "==", "!=", ">", "<", ">=", "<=", "=", "=~", "!~", "@", ",", ":"]
)
_BETWEEN: Final = frozenset(["and", "or", "unless", "atan2"])
#: Words that something in brackets or an expression may follow.
_LEADS: Final = frozenset(
    [
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "bool",
        "offset",
        "fill",
        "fill_left",
        "fill_right",
    ]
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word: what it is, as it is written, and where."""

    kind: str
    text: str
    place: int


def words(query: str) -> list[Word]:
    """The words of a query.

    Raises:
        BadQuery: too long, too deep, a sign that PromQL has not, a string or bracket that does not end.
    """
    if len(query) > MAX_CHARACTERS:
        msg = f"the query has {len(query)} characters; at most {MAX_CHARACTERS} are taken"
        raise BadQuery(msg)
    found = list(_scan(query))
    if not found:
        msg = "no expression found in input"
        raise BadQuery(msg, 0)
    _demand_brackets(found)
    return found


def _scan(query: str) -> Iterator[Word]:
    place = 0
    while place < len(query):
        match = _WORD.match(query, place)
        if match is None:
            raise BadQuery(_unknown(query, place), place)
        if match.lastgroup != "space":
            yield Word(str(match.lastgroup), match[0], place)
        place = match.end()


def _demand_brackets(found: list[Word]) -> None:
    """Brackets match each other, and neither they nor the query grow beyond bounds."""
    open_: list[Word] = []
    counted = 0
    for word in found:
        if word.text in ("(", "[", "{"):
            open_.append(word)
        elif word.text in _CLOSES and (not open_ or open_.pop().text != _CLOSES[word.text]):
            msg = f"unexpected {word.text!r}"
            raise BadQuery(msg, word.place)
        counted += not (open_ and open_[-1].text == "{")
        if len(open_) > MAX_DEPTH or counted > MAX_WORDS:
            what = f"more than {MAX_WORDS} words" if counted > MAX_WORDS else f"brackets more than {MAX_DEPTH} deep"
            msg = f"the query is too large: {what}"
            raise BadQuery(msg, word.place)
    if open_:
        msg = f"{open_[-1].text!r} is never closed"
        raise BadQuery(msg, open_[-1].place)


def _unknown(query: str, place: int) -> str:
    if query[place] in "\"'`":
        return "unterminated quoted string"
    return f"unexpected character: {query[place]!r}"


def fault(found: list[Word], message: str) -> int | None:
    """Where the parser most likely stopped.

    Args:
        found: the words of a query that the parser refused.
        message: what it said; a name in quotes there is looked for.
    """
    for quoted in re.findall(r"'([^']+)'|illegal regex for (.+)", message):
        for word in found:
            if any(quoted) and word.text.strip("\"'`") in quoted:
                return word.place
    before: Word | None = None
    for word in found:
        if before is not None and _clash(before, word):
            return word.place
        before = word
    if before is not None and (before.text in _SIGNS or before.text.lower() in _BETWEEN):
        return before.place + len(before.text)  # something is missing at the end
    return None


def _ends_operand(word: Word) -> bool:
    if word.kind == "name":
        return word.text.lower() not in _BETWEEN | _LEADS
    return word.kind in ("text", "number") or word.text in (")", "}", "]")


def _clash(before: Word, word: Word) -> bool:
    """Whether the second word cannot follow the first."""
    if _ends_operand(before):
        return word.kind in ("text", "number") or (
            word.kind == "name"
            and word.text.lower() not in _BETWEEN | _LEADS
            and before.text != ")"  # `sum by (x) rate(…)` may follow a list of labels
        )
    if before.text in _SIGNS or before.text in ("(", "["):
        return word.text in _SIGNS - {"+", "-", ":"} or (word.text == ")" and before.text in _SIGNS - {","})
    return False
