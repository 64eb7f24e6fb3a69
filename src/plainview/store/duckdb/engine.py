"""The store on DuckDB."""

from __future__ import annotations

import heapq
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import duckdb
import numpy as np

from plainview.store.duckdb.dialect import DuckDBDialect
from plainview.store.interface import (
    Batch,
    Cancellation,
    QueryCancelled,
    QueryError,
    QueryTimeout,
    Result,
    StoreError,
)
from plainview.store.schema import TABLES, TYPES

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from plainview.store.rows import Rows

__all__ = ["DuckDBStore"]

_CASTS: Final = {column.name: TYPES[column.type]["duckdb"] for table in TABLES.values() for column in table.columns}


class DuckDBStore:
    """See :class:`plainview.store.interface.Store`."""

    dialect = DuckDBDialect()

    def __init__(self, directory: Path, *, memory_limit: str | None = None, threads: int | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        config: dict[str, Any] = {"wal_autocheckpoint": "1TB"}
        if memory_limit:
            config["memory_limit"] = memory_limit
        if threads:
            config["threads"] = threads
        self._database = duckdb.connect(str(directory / "plainview.duckdb"), config=config)
        self._writing = threading.Lock()
        self._create()
        self._offsets = self._load_offsets()
        self._last = {name: self._one(f"SELECT coalesce(max(id), 0) FROM {name}") for name in TABLES}
        self._watch = threading.Condition()
        self._running: dict[int, tuple[duckdb.DuckDBPyConnection, list[str]]] = {}
        self._deadlines: list[tuple[float, int]] = []
        self._next_query = 0
        self._closed = False
        self._watcher = threading.Thread(target=self._enforce, name="plainview-store-deadlines", daemon=True)
        self._watcher.start()

    def _one(self, sql: str) -> Any:  # noqa: ANN401 - whatever the column holds
        row = self._database.execute(sql).fetchone()
        return row[0] if row else None

    def _create(self) -> None:
        run = self._database.execute
        run("CREATE SCHEMA IF NOT EXISTS hot")
        for table in TABLES.values():
            columns = ", ".join(
                f"{column.name} {TYPES[column.type]['duckdb']}{'' if column.null else ' NOT NULL'}"
                for column in table.columns
            )
            run(f"CREATE TABLE IF NOT EXISTS hot.{table.name} ({columns})")
            run(f"CREATE OR REPLACE VIEW {table.name} AS SELECT * FROM hot.{table.name}")
        run(
            "CREATE TABLE IF NOT EXISTS hot.positions "
            '("commit" BIGINT, stream VARCHAR, kind VARCHAR, segment BIGINT, "offset" BIGINT)'
        )
        self._commit = self._one('SELECT coalesce(max("commit"), 0) FROM hot.positions')

    def _load_offsets(self) -> dict[tuple[str, str], tuple[int, int]]:
        rows = self._database.execute(
            'SELECT stream, kind, arg_max(segment, "commit"), arg_max("offset", "commit") FROM hot.positions GROUP BY ALL'
        ).fetchall()
        return {(stream, kind): (segment, offset) for stream, kind, segment, offset in rows}

    def write(self, batch: Batch) -> None:
        """Store a batch and its positions in one transaction."""
        with self._writing:
            last = dict(self._last)
            positions = batch.positions
            connection = self._database
            connection.begin()
            try:
                for rows in batch.rows:
                    if rows.count:
                        self._insert(rows, last[rows.table] + 1)
                        last[rows.table] += rows.count
                commit = self._commit + 1
                if positions:
                    connection.execute(
                        "INSERT INTO hot.positions VALUES " + ", ".join(["(?, ?, ?, ?, ?)"] * len(positions)),
                        [value for at in positions for value in (commit, at.stream, at.kind, at.segment, at.offset)],
                    )
                connection.commit()
            except duckdb.Error as error:
                connection.rollback()
                raise StoreError(str(error)) from error
            self._commit = commit
            self._last = last
            self._offsets |= {(at.stream, at.kind): (at.segment, at.offset) for at in positions}

    def _insert(self, rows: Rows, first: int) -> None:
        batch: dict[str, Any] = {"id": np.arange(first, first + rows.count)}
        select, parameters = ["id"], []
        for name, values in rows.columns.items():
            if isinstance(values, np.ndarray):
                batch[name] = values
                select.append(f"{name}::{_CASTS[name]} AS {name}")
            else:
                parameters.append(values)
                select.append(f"?::{_CASTS[name]} AS {name}")
        self._database.execute(
            f"INSERT INTO hot.{rows.table} BY NAME SELECT {', '.join(select)} FROM batch", parameters
        )

    def offsets(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Positions as of the last commit."""
        return dict(self._offsets)

    def forget(self, streams: Collection[str]) -> None:
        """Drop the positions of streams."""
        with self._writing:
            self._database.execute("DELETE FROM hot.positions WHERE stream IN (SELECT unnest(?))", [list(streams)])
            self._offsets = {key: value for key, value in self._offsets.items() if key[0] not in streams}

    def query(
        self,
        sql: str,
        parameters: Sequence[object] = (),
        *,
        timeout: float | None = 30,
        limit: int | None = None,
        cancellation: Cancellation | None = None,
    ) -> Result:
        """Run one statement that reads."""
        reason: list[str] = []
        cursor = self._database.cursor()
        with self._watch:
            if self._closed:
                msg = "the store is closed"
                raise QueryCancelled(msg)
            number = self._next_query = self._next_query + 1
            self._running[number] = (cursor, reason)
            if timeout is not None:
                heapq.heappush(self._deadlines, (time.monotonic() + timeout, number))
                self._watch.notify_all()
        if cancellation is not None:
            cancellation.bind(lambda: self._interrupt(number, "cancelled"))
        try:
            if cancellation is not None and cancellation.cancelled:
                msg = "the query was cancelled"
                raise QueryCancelled(msg)
            cursor.execute(sql, parameters)
            columns = [column[0] for column in cursor.description or ()]
            return Result(columns, cursor.fetchall() if limit is None else cursor.fetchmany(limit))
        except duckdb.InterruptException:
            if reason == ["timeout"]:
                msg = f"the query took longer than {timeout:g} s"
                raise QueryTimeout(msg) from None
            msg = "the query was cancelled"
            raise QueryCancelled(msg) from None
        except duckdb.Error as error:
            raise QueryError(str(error)) from error
        finally:
            if cancellation is not None:
                cancellation.bind(None)
            with self._watch:
                self._running.pop(number, None)
                self._watch.notify_all()
            cursor.close()

    def _interrupt(self, number: int, why: str) -> None:
        with self._watch:
            entry = self._running.get(number)
            if entry is not None:
                entry[1].append(why)
                entry[0].interrupt()

    def _enforce(self) -> None:
        with self._watch:
            while not self._closed:
                now = time.monotonic()
                while self._deadlines and self._deadlines[0][0] <= now:
                    self._interrupt_locked(heapq.heappop(self._deadlines)[1])
                self._watch.wait(self._deadlines[0][0] - now if self._deadlines else None)

    def _interrupt_locked(self, number: int) -> None:
        entry = self._running.get(number)
        if entry is not None:
            entry[1].append("timeout")
            entry[0].interrupt()

    def last_id(self, table: str) -> int:
        """The highest id given to a committed row."""
        return int(self._last[table])

    def interrupt_all(self) -> None:
        """End every running query."""
        with self._watch:
            for cursor, reason in self._running.values():
                reason.append("cancelled")
                cursor.interrupt()

    def checkpoint(self) -> None:
        """Move what was committed to its final place."""
        with self._writing:
            self._database.execute("CHECKPOINT")

    def retention(self, days: float) -> int:
        """Remove rows older than so many days."""
        removed = 0
        with self._writing:
            for table in TABLES.values():
                row = self._database.execute(
                    f"DELETE FROM hot.{table.name} WHERE {table.time} < ?",
                    [datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days)],
                ).fetchone()
                removed += row[0] if row else 0
        return removed

    def stats(self) -> dict[str, Any]:
        """Rows per table."""
        return {"rows": {name: self._one(f"SELECT count(*) FROM {name}") for name in TABLES}}

    def close(self) -> None:
        """End the running queries, wait for them, and close."""
        with self._watch:
            if self._closed:
                return
            self._closed = True
            self._watch.notify_all()
            while self._running:
                for cursor, reason in self._running.values():
                    reason.append("cancelled")
                    cursor.interrupt()
                self._watch.wait(0.05)
        self._watcher.join()
        with self._writing:
            self._database.close()
