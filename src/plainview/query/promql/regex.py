"""Regular expressions by RE2, whose time is bounded whatever the pattern: the engine under the store has it.

Python's own would take for ever over a pattern that is made for it, and spells some things differently.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Final

import duckdb

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BadPattern", "expanded", "groups", "matching"]

_lock: Final = threading.Lock()
_engines: list[duckdb.DuckDBPyConnection] = []

_ESCAPED_OR_CLASS: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_GROUP: Final = re.compile(r"\((?:(?!\?)|\?P?<(\w+)>)")
_REFERENCE: Final = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})", re.ASCII)


class BadPattern(ValueError):  # noqa: N818 - it is the pattern that is bad
    """The pattern is no regular expression."""


def _cursor() -> duckdb.DuckDBPyConnection:
    with _lock:
        if not _engines:
            _engines.append(duckdb.connect(":memory:", config={"threads": 1}))
        return _engines[0].cursor()


def matching(pattern: str, values: Sequence[str]) -> list[bool]:
    """Whether the pattern matches each whole value.

    Raises:
        BadPattern: it is no regular expression.
    """
    return [groups_ is not None for groups_ in groups(pattern, values, ())]


def groups(pattern: str, values: Sequence[str], wanted: Sequence[int]) -> list[list[str] | None]:
    """What groups of the pattern match in each value; ``None`` where it does not match the whole value.

    Raises:
        BadPattern: it is no regular expression.
    """
    whole = f"^(?:{pattern})$"
    picked = ", ".join(f"regexp_extract(v, $whole, {int(number)})" for number in wanted)
    statement = (
        f"SELECT CASE WHEN regexp_full_match(v, $whole) THEN [{picked}]::VARCHAR[] END "  # noqa: S608 - numbers
        "FROM (SELECT unnest($values) AS v)"
    )
    try:
        with _cursor() as cursor:
            rows = cursor.execute(statement, {"whole": whole, "values": list(values)}).fetchall()
    except duckdb.Error as error:
        raise BadPattern(pattern) from error
    return [row[0] for row in rows]


def expanded(pattern: str, template: str, values: Sequence[str]) -> list[str | None]:
    """The template with ``$1``, ``${1}``, ``$name`` and ``${name}`` filled in from each value, as Go's ``Expand``.

    ``None`` where the pattern does not match the whole value.

    Raises:
        BadPattern: the pattern is no regular expression.
    """
    names = _GROUP.findall(_ESCAPED_OR_CLASS.sub("", pattern))
    numbers = {"0": 0} | {str(number): number for number in range(1, len(names) + 1)}
    numbers |= {name: number for number, name in enumerate(names, 1) if name}
    used = {
        name: numbers[name] for _, bare, braced in _REFERENCE.findall(template) if (name := bare or braced) in numbers
    }
    found: list[str | None] = []
    for matched in groups(pattern, values, list(used.values())):
        if matched is None:
            found.append(None)
            continue
        texts = dict(zip(used, matched, strict=True))
        found.append(
            _REFERENCE.sub(lambda hit, texts=texts: hit[1] or texts.get(hit[2] or hit[3], ""), template)  # type: ignore[misc]
        )
    return found
