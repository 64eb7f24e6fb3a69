"""Rows, positions and ids on their way into the hot tables."""

# ruff: noqa: S608 - names come from the schema; whatever comes from outside is a parameter

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from plainview.store.schema import TABLES, TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from plainview.store.rows import Rows

__all__ = ["insert", "record"]

#: Table → column → SQL that makes its value of what is handed in: bytes come as hexadecimal text.
_CASTS: Final = {
    table.name: {
        column.name: "unhex({})" if column.type == "bytes" else "{}::" + TYPES[column.type]["duckdb"]
        for column in table.columns
    }
    for table in TABLES.values()
}


def insert(connection: duckdb.DuckDBPyConnection, rows: Rows, last: int) -> None:
    """Insert rows; their ids go on from ``last``."""
    incoming: dict[str, Any] = {"id": np.arange(last + 1, last + 1 + rows.count)}
    select, parameters = ["id"], []
    casts = _CASTS[rows.table]
    for name, values in rows.columns.items():
        if isinstance(values, np.ndarray):
            incoming[name] = values
            select.append(f"{casts[name].format(name)} AS {name}")
        elif values is not None:
            parameters.append(values)
            select.append(f"{casts[name].format('?')} AS {name}")
    connection.register("incoming", incoming)
    try:
        connection.execute(f"INSERT INTO hot.{rows.table} BY NAME SELECT {', '.join(select)} FROM incoming", parameters)
    finally:
        connection.unregister("incoming")


def record(
    connection: duckdb.DuckDBPyConnection,
    commit: int,
    positions: Mapping[tuple[str, str], tuple[int, int]],
    last: Mapping[str, int],
) -> None:
    """Write down, under the number of a commit, positions and the highest id of each table."""
    places = [value for (stream, kind), at in positions.items() for value in (commit, stream, kind, *at)]
    if places:
        connection.execute(f"INSERT INTO hot.positions VALUES {_marks(len(positions), 5)}", places)
    ids = [value for table, number in last.items() for value in (commit, table, number)]
    connection.execute(f"INSERT INTO hot.ids VALUES {_marks(len(last), 3)}", ids)


def _marks(rows: int, values: int) -> str:
    return ", ".join(["(" + ", ".join("?" * values) + ")"] * rows)
