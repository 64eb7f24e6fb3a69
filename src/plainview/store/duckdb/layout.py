"""What is inside the file: tables, the version of their layout, and how an older layout becomes this one."""

# ruff: noqa: S608 - names come from the schema; whatever comes from outside is a parameter

from __future__ import annotations

import contextlib
import json
import os
import re
from typing import TYPE_CHECKING, Any, Final

import duckdb

from plainview.store.interface import StoreTooNew
from plainview.store.schema import SCHEMA_VERSION, TABLES, TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["FORMAT", "MIGRATIONS", "check_format", "create", "transaction", "view", "write_format"]

#: Says in plain JSON who wrote the directory, so that it can be read before the engine touches anything.
FORMAT: Final = "format.json"


def _complete(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the tables and columns that the schema has and the file has not."""
    for name, table in TABLES.items():
        connection.execute(f"CREATE TABLE IF NOT EXISTS hot.{name} ({_columns(name)})")
        rows = connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'hot' AND table_name = ?", [name]
        ).fetchall()
        there = {column for (column,) in rows}
        for column in table.columns:
            if column.name not in there:
                connection.execute(f"ALTER TABLE hot.{name} ADD COLUMN {column.name} {TYPES[column.type]['duckdb']}")
        view(connection, name, sorted(viewed(connection, name)))


#: Version → what turns a store of that version into the next one, inside a transaction.
MIGRATIONS: Final[dict[int, Callable[[duckdb.DuckDBPyConnection], None]]] = {1: _complete, 2: _complete}

#: Tables of our own beside those of the schema. ``positions`` and ``ids`` grow by a few rows a commit (an update
#: in place would leave far more behind) and are condensed at each checkpoint.
_OWN: Final = (
    "CREATE TABLE hot.meta (key VARCHAR, value VARCHAR)",
    'CREATE TABLE hot.positions ("commit" BIGINT, stream VARCHAR, kind VARCHAR, segment BIGINT, "offset" BIGINT)',
    'CREATE TABLE hot.ids ("commit" BIGINT, "table" VARCHAR, last BIGINT)',
    (
        'CREATE TABLE hot.sealed ("table" VARCHAR, file VARCHAR, "rows" BIGINT, bytes BIGINT, first TIMESTAMP, '
        "last TIMESTAMP, last_id BIGINT)"
    ),
)


def _engine_version(text: str) -> tuple[int, ...]:
    """Major and minor: a patch version never changes what is on disk."""
    return tuple(int(part) for part in text.split(".")[:2])


def check_format(directory: Path) -> None:
    """Refuse a directory that something newer wrote, before the engine has touched it.

    Raises:
        StoreTooNew: a newer Plainview or a newer engine wrote it.
    """
    try:
        written: dict[str, Any] = json.loads((directory / FORMAT).read_bytes())
        schema, engine = int(written["schema"]), str(written["engine_version"])
        newer = _engine_version(engine) > _engine_version(duckdb.__version__)
    except (OSError, ValueError, KeyError, TypeError):
        return
    if schema > SCHEMA_VERSION:
        msg = (
            f"{directory} was written by a newer Plainview (layout {schema}, this one knows {SCHEMA_VERSION}): "
            "upgrade Plainview, or choose another directory"
        )
        raise StoreTooNew(msg)
    if newer:
        msg = (
            f"{directory} was written by DuckDB {engine}, this is DuckDB {duckdb.__version__}: "
            f"install duckdb>={engine}, or choose another directory"
        )
        raise StoreTooNew(msg)


def write_format(directory: Path) -> None:
    """Leave word of who writes this directory."""
    content = {"schema": SCHEMA_VERSION, "engine": "duckdb", "engine_version": duckdb.__version__}
    data = json.dumps(content).encode() + b"\n"
    path = directory / FORMAT
    try:
        if path.read_bytes() == data:
            return
    except OSError:
        pass
    draft = path.with_suffix(".partial")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _columns(name: str) -> str:
    return ", ".join(
        f"{column.name} {TYPES[column.type]['duckdb']}{'' if column.null else ' NOT NULL'}"
        for column in TABLES[name].columns
    )


def create(connection: duckdb.DuckDBPyConnection) -> bool:
    """Make the tables, or bring those of an older version up to date. Gives whether the file was new.

    Raises:
        StoreTooNew: the file says that a newer Plainview wrote it.
    """
    known = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'hot'").fetchone()
    with transaction(connection):
        if known == (0,):
            connection.execute("CREATE SCHEMA hot")
            for name in TABLES:
                connection.execute(f"CREATE TABLE hot.{name} ({_columns(name)})")
                view(connection, name, ())
            for statement in _OWN:
                connection.execute(statement)
            connection.execute("INSERT INTO hot.meta VALUES ('schema', ?)", [str(SCHEMA_VERSION)])
        else:
            _migrate(connection)
    return known == (0,)


def _migrate(connection: duckdb.DuckDBPyConnection) -> None:
    row = connection.execute("SELECT value FROM hot.meta WHERE key = 'schema'").fetchone()
    version = int(row[0]) if row else SCHEMA_VERSION
    if version > SCHEMA_VERSION:
        msg = f"the store has layout {version}, this Plainview knows {SCHEMA_VERSION}: upgrade Plainview"
        raise StoreTooNew(msg)
    for step in range(version, SCHEMA_VERSION):
        MIGRATIONS[step](connection)
    if version < SCHEMA_VERSION:
        connection.execute("UPDATE hot.meta SET value = ? WHERE key = 'schema'", [str(SCHEMA_VERSION)])


@contextlib.contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what happens inside, or none of it."""
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        # A failed commit has ended the transaction already.
        with contextlib.suppress(duckdb.Error):
            connection.rollback()
        raise


def viewed(connection: duckdb.DuckDBPyConnection, name: str) -> set[str]:
    """The sealed files that a view reads."""
    row = connection.execute(
        "SELECT sql FROM duckdb_views() WHERE schema_name = 'main' AND view_name = ?", [name]
    ).fetchone()
    return {path.replace("''", "'") for path in re.findall("'((?:[^']|'')*)'", row[0])} if row else set()


def view(connection: duckdb.DuckDBPyConnection, name: str, files: Sequence[str]) -> None:
    """Make the view that a query sees: the hot rows and those of the sealed files."""
    columns = ", ".join(TABLES[name].names)
    select = f"SELECT {columns} FROM hot.{name}"
    if files:
        paths = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        # By name: a file that an older version sealed lacks the columns that came later.
        every = f"SELECT * FROM hot.{name} UNION ALL BY NAME SELECT * FROM read_parquet([{paths}], union_by_name=true)"
        select = f"SELECT {columns} FROM ({every})"
    connection.execute(f"CREATE OR REPLACE VIEW main.{name} AS {select}")
