"""Which values the fields of the logs have, and how often."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.query import ordered
from plainview.query.errors import BadInput
from plainview.query.fields import LOGS
from plainview.query.filters import of_logs
from plainview.query.sql import EVERY_ROW, Sql, select
from plainview.records import CONTEXT_FIELDS, LEVEL_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plainview.query.reader import Reader

__all__ = ["DEFAULT", "MOST_FIELDS", "facets", "fields"]

#: Most fields of one question.
MOST_FIELDS: Final = 32
#: Fields when none are named. Ids that are new with every request say nothing as a facet.
DEFAULT: Final = (
    *("level", "service", "logger", "environment", "host"),
    *(name for name in CONTEXT_FIELDS if name not in {"request_id", "trace_id", "span_id"}),
)
_ALWAYS: Final = frozenset({"level", "service", "logger", "environment", "host"})
#: How many of the newest rows are looked into for the records' own fields, and how many names are kept.
_LOOKED_INTO: Final = 5000
_MOST_NAMES: Final = 500
_DECODER: Final = msgspec.json.Decoder(dict[str, Any])


def facets(
    reader: Reader, given: Mapping[str, Any], *, fields: Sequence[str] | None = None, limit: int = 10
) -> dict[str, Any]:
    """The most frequent values of each field among the logs that a filter lets through.

    Args:
        reader: the way to the store.
        given: the request's filter, see :func:`plainview.query.filters.of_logs`.
        fields: names of fields, ``extra.*`` among them; :data:`DEFAULT` when left out, and then context fields
            without a value are left out.
        limit: most values of a field.

    Raises:
        BadInput: the filter or a field is wrong.
    """
    if fields is not None and len(fields) > MOST_FIELDS:
        raise BadInput(field="fields", message=f"takes at most {MOST_FIELDS}")
    chosen = [LOGS.find(name, f"fields.{place}") for place, name in enumerate(DEFAULT if fields is None else fields)]
    found: dict[str, list[tuple[str, int]]] = {field.name: [] for field in chosen}
    names = list(found)
    for place, value, count in reader.rows(_statement(reader, given, names, limit)) if names else []:
        found[names[place]].append((value, count))
    result = []
    for name, values in found.items():
        values.sort(key=lambda pair: (-pair[1], pair[0]))
        if values or fields is not None or name in _ALWAYS:
            kept = [{"value": _shown(name, value), "count": count} for value, count in values[:limit]]
            result.append({"field": name, "values": kept, "more": len(values) > limit})
    return {"facets": result}


def _statement(reader: Reader, given: Mapping[str, Any], names: Sequence[str], limit: int) -> Sql:
    wanted = of_logs(given)
    where = wanted.sql(reader.dialect)
    chosen = [LOGS.find(name, "fields") for name in names]
    columns = ", ".join(f"{field.text(reader.dialect)} AS f{n}" for n, field in enumerate(chosen))
    # A filter that is costly to decide is decided once, and the few columns kept; a cheap one is cheaper again.
    heavy = wanted.heavy or any(field.kind == "json" for field in chosen)
    picked = select(columns, "logs", where)
    parts = (
        select(
            f"{n} AS field, CAST(f{n} AS VARCHAR) AS value, count(*) AS n",
            "picked",
            Sql(f"f{n} IS NOT NULL AND CAST(f{n} AS VARCHAR) <> ''"),
            f"GROUP BY value ORDER BY n DESC, value LIMIT {int(limit) + 1}",
        ).text
        for n in range(len(chosen))
    )
    kept = "MATERIALIZED" if heavy else "NOT MATERIALIZED"
    return Sql(f"WITH picked AS {kept} ({picked.text}) ({') UNION ALL ('.join(parts)})", picked.parameters)


def _shown(name: str, value: str) -> str:
    return LEVEL_NAMES.get(int(value), value) if name == "level" else value


def fields(reader: Reader) -> dict[str, Any]:
    """The names that can be asked for, with their types: the columns, and the records' own fields seen lately.

    Names of the records' own fields come from the newest rows, most frequent first.
    """
    columns = [
        {"field": field.name, "type": field.kind}
        for field in LOGS.columns.values()
        if field.name not in {"id", "stream"}
    ]
    extent = ordered.measure(reader, EVERY_ROW)
    rows = ordered.rows(reader, "extra", Sql("extra <> '{}'"), "desc", _LOOKED_INTO, extent=extent)
    seen: Counter[str] = Counter()
    types: dict[str, str] = {}
    for (text,) in rows:
        for name, value in _DECODER.decode(text).items():
            seen[name] += 1
            types[name] = "number" if isinstance(value, int | float) and not isinstance(value, bool) else "keyword"
    own = [{"field": f"{LOGS.json}.{name}", "type": types[name]} for name, _ in seen.most_common(_MOST_NAMES)]
    return {"fields": columns + own}
