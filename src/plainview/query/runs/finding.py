"""Which run is meant: by its id, the beginning of its id, or its place among the last ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from plainview.query.conditions import check_text
from plainview.query.sql import Sql, all_of, select

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plainview.query.reader import Reader

__all__ = ["UnknownRun", "find"]

_LAST: Final = re.compile(r"last(?P<good>-good)?|-(?P<back>[1-9]\d{0,5})", re.ASCII)
_FEW: Final = 5


class UnknownRun(LookupError):  # noqa: N818 - it says how things stand
    """No run is meant by this, or several; the message says what there is, for a person."""


def find(reader: Reader, text: str, given: Mapping[str, str | None] | None = None) -> str:
    """The ``run_id`` that is meant.

    Args:
        reader: the way to the store.
        text: a ``run_id``; the beginning of one; ``last``, ``last-good`` (the last that completed), ``-1`` (the last),
            ``-2`` (the one before it) …
        given: ``name``, ``service``, ``environment``: among which runs it is looked for by its place.

    Raises:
        UnknownRun: there is none, or there are several.
        BadInput: no id looks like this.
    """
    text = check_text(text.strip(), "run_id")
    place = _LAST.fullmatch(text)
    if place:
        return _by_place(reader, place, given or {})
    whole = reader.row(select("key", "operations", all_of(_RUN, Sql("key = ?", (text,))), "LIMIT 1"))
    if whole:
        return text
    begun = all_of(_RUN, Sql(reader.dialect.starts_with("key"), (text,)))
    found = [row[0] for row in reader.rows(_newest(begun, _FEW + 1))] if text else []
    if len(found) == 1:
        return str(found[0])
    if found:
        more = ", …" if len(found) > _FEW else ""
        msg = f"Several runs begin with {text[:100]!r}: {', '.join(found[:_FEW])}{more}"
        raise UnknownRun(msg)
    raise UnknownRun(_none(reader, text))


_RUN: Final = Sql("kind = 'run' AND key <> ''")


def _by_place(reader: Reader, place: re.Match[str], given: Mapping[str, str | None]) -> str:
    among = [Sql(f"{name} = ?", (value,)) for name, value in given.items() if value]
    if place["good"]:
        among.append(Sql("event = 'close' AND status = 'completed'"))
    back = int(place["back"] or 1)
    rows = reader.rows(_newest(all_of(_RUN, *among), back))
    if len(rows) == back:
        return str(rows[-1][0])
    which = " that completed" if place["good"] else ""
    name = given.get("name")
    of = f" of {name[:100]!r}" if name else ""
    there = f"there are {len(rows)}" if rows else "there is none"
    msg = f"No run {place[0]!r}: of the runs{which}{of} {there}"
    raise UnknownRun(msg)


def _none(reader: Reader, text: str) -> str:
    last = [row[0] for row in reader.rows(_newest(_RUN, _FEW))]
    if not last:
        return f"There is no run {text[:100]!r}: no run has been recorded yet"
    return f"There is no run {text[:100]!r}. The last ones: {', '.join(last)}"


def _newest(where: Sql, limit: int) -> Sql:
    rest = f"GROUP BY key ORDER BY max(start_time) DESC, key LIMIT {limit}"
    return select("key", "operations", where, rest)
