"""The services that were heard of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from plainview.query.sql import Sql, select
from plainview.query.times import rfc3339
from plainview.store.schema import TABLES

if TYPE_CHECKING:
    from plainview.query.reader import Reader

__all__ = ["services"]

#: The records that are counted.
_COUNTED: Final = ("logs", "spans")


def services(reader: Reader) -> dict[str, Any]:
    """Every service with its environments, when it was last heard of, and how many records it has."""
    parts = (
        select(
            f"'{name}' AS kind, service, environment, max({TABLES[name].time}) AS last, count(*) AS n",
            name,
            rest="GROUP BY service, environment",
        ).text
        for name in _COUNTED
    )
    found: dict[str, dict[str, Any]] = {}
    for kind, service, environment, last, count in reader.rows(Sql(" UNION ALL ".join(parts))):
        known = found.setdefault(
            service, {"service": service, "environments": set(), "last_seen": last, **dict.fromkeys(_COUNTED, 0)}
        )
        known[kind] += count
        known["last_seen"] = max(known["last_seen"], last)
        if environment:
            known["environments"].add(environment)
    return {
        "services": [
            known | {"environments": sorted(known["environments"]), "last_seen": rfc3339(known["last_seen"])}
            for _, known in sorted(found.items())
        ]
    }
