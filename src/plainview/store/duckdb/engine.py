"""The store on DuckDB."""

# ruff: noqa: S608 - names come from the schema; whatever comes from outside is a parameter

from __future__ import annotations

import atexit
import contextlib
import errno
import shutil
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import duckdb

from plainview.store.duckdb import incoming, layout, machine
from plainview.store.duckdb.dialect import DuckDBDialect
from plainview.store.duckdb.opening import DATABASE, is_full, open_database
from plainview.store.duckdb.queries import Queries
from plainview.store.duckdb.sealing import Sealed, now
from plainview.store.interface import (
    Batch,
    Cancellation,
    QueryError,
    Result,
    StoreError,
    StoreFull,
)
from plainview.store.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from plainview.store.rows import Rows

__all__ = ["DuckDBStore"]

T = TypeVar("T")

#: Room that must be left on the disk, beside what is to be moved, before a checkpoint is begun: one that runs out of
#: room takes the engine down.
_ROOM: Final = 16 << 20


class DuckDBStore:
    """See :class:`plainview.store.interface.Store`; :func:`plainview.store.open` opens one."""

    dialect = DuckDBDialect()

    def __init__(self, directory: Path, *, memory_limit: str | None = None, threads: int | None = None) -> None:
        self.directory = directory.absolute()
        layout.check_format(self.directory)
        self._config = {
            "memory_limit": memory_limit or machine.memory_limit(),
            "threads": str(threads or machine.cores()),
            # Checkpoints come when the store says so, not in the middle of a write.
            "wal_autocheckpoint": "1TB",
            "temp_directory": str(self.directory / "tmp"),
        }
        self._writing = threading.Lock()
        self._notes: list[str] = []
        self._database: duckdb.DuckDBPyConnection | None = None
        self._commit = 0
        self._offsets: dict[tuple[str, str], tuple[int, int]] = {}
        self._last: dict[str, int] = {}
        self._closed = False
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sealed = Sealed(self.directory)
            self._connect()
        except OSError as error:
            msg = f"{self.directory} cannot be used: {error.strerror}"
            raise (StoreFull if error.errno == errno.ENOSPC else StoreError)(msg) from error
        self._queries = Queries(self._cursor)
        # No thread may be inside the engine when the interpreter goes: that would abort the process.
        atexit.register(self.close)
        if self.pending_bytes():
            # Left by a process that was killed. What was replayed once need not be replayed again.
            with contextlib.suppress(StoreError):
                self.checkpoint()

    # -- opening ----------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        connection, notes = open_database(self.directory, self._config, self._begin)
        layout.write_format(self.directory)
        self._notes += notes
        self._database = connection

    def _begin(self, connection: duckdb.DuckDBPyConnection) -> list[str]:
        new = layout.create(connection)
        notes = self._sealed.load(connection, adopt=new)
        self._settle(connection)
        self._load(connection)
        return notes

    def _settle(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Settings that an open database takes."""
        folder = str(self.directory).replace("'", "''")
        for setting in (
            # Object columns are text: do not look at samples to find out.
            "pandas_analyze_sample = 0",
            # A name that is no table is an error, not a variable of this program.
            "python_enable_replacements = false",
            # A query reads the store and nothing else on this machine.
            f"allowed_directories = ['{folder}']",
            "enable_external_access = false",
        ):
            connection.execute(f"SET {setting}")

    def _load(self, connection: duckdb.DuckDBPyConnection) -> None:
        rows = connection.execute(
            'SELECT stream, kind, arg_max(segment, "commit"), arg_max("offset", "commit") '
            "FROM hot.positions GROUP BY ALL"
        ).fetchall()
        self._offsets = {(stream, kind): (segment, offset) for stream, kind, segment, offset in rows}
        known = connection.execute('SELECT "table", max(last), max("commit") FROM hot.ids GROUP BY ALL').fetchall()
        self._last = dict.fromkeys(TABLES, 0) | {table: last for table, last, _ in known}
        for segment in self._sealed.segments:
            self._last[segment.table] = max(self._last[segment.table], segment.last_id)
        self._commit = max((commit for _, _, commit in known), default=0)

    def _writer(self) -> duckdb.DuckDBPyConnection:
        """The writer's connection; whoever asks holds the writer's lock."""
        if self._closed:
            msg = "the store is closed"
            raise StoreError(msg)
        if self._database is None:
            self._connect()
        assert self._database is not None  # noqa: S101 - _connect made it, or raised
        return self._database

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        if self._database is None:
            msg = "the store is not open: see its status"
            raise QueryError(msg)
        return self._database.cursor()

    def _reopen(self) -> None:
        """Open the file again after an error that the engine does not go on from. The writer's lock is held."""
        self._queries.pause()
        try:
            if self._database is not None:
                self._database.close()
                self._database = None
            self._connect()
        finally:
            self._queries.resume()

    def _recover(self, error: duckdb.Error) -> StoreError:
        """What an error of the engine means to who called; opens the file again where needed."""
        if isinstance(error, duckdb.FatalException):
            self._reopen()
        kind = StoreFull if is_full(error) else StoreError
        return kind(str(error))

    # -- writing ----------------------------------------------------------------------------------------------------

    def write(self, batch: Batch) -> None:
        """Store a batch and its positions in one transaction."""
        reached = {(at.stream, at.kind): (at.segment, at.offset) for at in batch.positions}
        with self._writing:
            connection = self._writer()
            last = dict(self._last)
            commit = self._commit + 1
            try:
                with layout.transaction(connection):
                    for rows in batch.rows:
                        incoming.insert(connection, rows, last[rows.table])
                        last[rows.table] += rows.count
                    incoming.record(connection, commit, reached, last)
            except duckdb.Error as error:
                failure = self._recover(error)
                if reached and reached.items() <= self._offsets.items():
                    return  # the commit had reached the disk before the engine gave up
                raise failure from error
            self._commit, self._last = commit, last
            self._offsets |= reached

    def accepts(self, rows: Rows) -> bool:
        """Whether the engine takes these rows. Nothing is stored."""
        with self._writing:
            connection = self._writer()
            connection.begin()
            try:
                incoming.insert(connection, rows, 0)
            except duckdb.Error as error:
                self._recover(error)
                return False
            else:
                return True
            finally:
                if self._database is connection:
                    connection.rollback()

    def offsets(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Positions as of the last commit."""
        return dict(self._offsets)

    def forget(self, streams: Collection[str]) -> None:
        """Drop the positions of streams."""
        gone = {stream for stream, _ in self._offsets}.intersection(streams)
        if not gone:
            return
        with self._writing:
            connection = self._writer()
            try:
                connection.execute("DELETE FROM hot.positions WHERE stream IN (SELECT unnest(?))", [sorted(gone)])
            except duckdb.Error as error:
                raise self._recover(error) from error
            self._offsets = {key: at for key, at in self._offsets.items() if key[0] not in gone}

    def last_id(self, table: str) -> int:
        """The highest id given to a committed row."""
        return self._last[table]

    # -- reading ----------------------------------------------------------------------------------------------------

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
        return self._read(
            lambda: self._queries.run(sql, parameters, timeout=timeout, limit=limit, cancellation=cancellation)
        )

    def arrays(
        self,
        sql: str,
        parameters: Sequence[object] = (),
        *,
        timeout: float | None = 30,
        cancellation: Cancellation | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Run one statement that reads, and give each column whole."""
        return self._read(lambda: self._queries.arrays(sql, parameters, timeout=timeout, cancellation=cancellation))

    def _read(self, run: Callable[[], T]) -> T:
        for last_try in (False, True):
            try:
                return run()
            except duckdb.FatalException as error:
                if last_try:
                    raise QueryError(str(error)) from error
                with self._writing:
                    self._recover(error)
            except duckdb.IOException as error:
                # A sealed file that retention removed between the planning of the query and its opening.
                if last_try or "No such file" not in str(error):
                    raise QueryError(str(error)) from error
            except (duckdb.Error, ValueError, OverflowError) as error:
                raise QueryError(str(error)) from error
        raise AssertionError  # the second try returned or raised

    def interrupt_all(self) -> None:
        """End every running query."""
        self._queries.interrupt_all()

    # -- upkeep -----------------------------------------------------------------------------------------------------

    def pending_bytes(self) -> int:
        """Size of the write-ahead log, bytes."""
        return _size(self.directory / f"{DATABASE}.wal")

    def checkpoint(self) -> bool:
        """Move what was committed from the write-ahead log to its final place."""
        with self._writing:
            return self._checkpoint()

    def _checkpoint(self) -> bool:
        connection = self._writer()
        pending, free = self.pending_bytes(), shutil.disk_usage(self.directory).free
        if free < pending + _ROOM:
            msg = f"{free >> 20} MB free in {self.directory}: too little to move {pending >> 20} MB of new rows"
            raise StoreFull(msg)
        try:
            with layout.transaction(connection):
                connection.execute("DELETE FROM hot.positions")
                connection.execute("DELETE FROM hot.ids")
                incoming.record(connection, self._commit, self._offsets, self._last)
            connection.execute("CHECKPOINT")
        except duckdb.Error as error:
            if "Cannot CHECKPOINT" in str(error):
                return False  # a query still looks at a view as it was before the last sealing
            raise self._recover(error) from error
        # A lost log must not list files that are gone: they go when the list without them has its final place.
        self._sealed.unlink_expired()
        return True

    def seal(self, cancellation: Cancellation | None = None) -> int:
        """Move the rows of past days to sealed files, and thin out old samples. Gives the number moved."""
        moved = 0
        try:
            with self._queries.borrow(cancellation=cancellation) as cursor:
                due = list(self._sealed.due(cursor, self._last, now()))
            for stretch in due:
                # Copied while others write; only the swap holds them up.
                with self._queries.borrow(cancellation=cancellation) as cursor:
                    segment = self._sealed.copy(cursor, stretch)
                with self._writing:
                    self._sealed.swap(self._writer(), segment, stretch)
                    self._checkpoint()
                moved += segment.rows
            self._thin(cancellation)
        except duckdb.Error as error:
            with self._writing:
                raise self._recover(error) from error
        return moved

    def _thin(self, cancellation: Cancellation | None) -> None:
        """Keep fewer of the samples that are old."""
        for segment, step in self._sealed.coarse(now()):
            with self._queries.borrow(cancellation=cancellation) as cursor:
                thinned = self._sealed.thin(cursor, segment, step)
            with self._writing:
                if segment in self._sealed.segments:  # retention may have come before
                    self._sealed.exchange(self._writer(), segment, thinned)
                self._checkpoint()

    def retention(self, days: float | None, metrics_days: float | None = None) -> int:
        """Remove rows older than so many days. A sealed file goes when its last row is that old."""
        ages = {name: metrics_days if table.is_metric else days for name, table in TABLES.items()}
        if metrics_days is not None:
            # Told once a day: those of the oldest samples are up to a day older.
            ages["metric_series"] = metrics_days + 1
        cutoffs = {name: now() - timedelta(days=age) for name, age in ages.items() if age is not None}
        removed = 0
        with self._writing:
            connection = self._writer()
            before = self._sealed.segments
            try:
                with layout.transaction(connection):
                    for name, cutoff in cutoffs.items():
                        row = connection.execute(
                            f"DELETE FROM hot.{name} WHERE {TABLES[name].time} < ?", [cutoff]
                        ).fetchone()
                        removed += row[0] if row else 0
                    expired = self._sealed.expire(connection, cutoffs)
            except duckdb.Error as error:
                self._sealed.segments = before
                raise self._recover(error) from error
            if removed or expired:
                self._checkpoint()
        return removed + sum(segment.rows for segment in expired)

    def stats(self) -> dict[str, Any]:
        """Rows, bytes, oldest and newest time, sealed files, and what was set aside when the store was opened."""
        tables: dict[str, Any] = {}
        for table in TABLES.values():
            count, oldest, newest = self.query(
                f"SELECT count(*), min({table.time}), max({table.time}) FROM hot.{table.name}"
            ).rows[0]
            segments = [segment for segment in self._sealed.segments if segment.table == table.name]
            times = [time for time in (oldest, *(segment.first for segment in segments)) if time]
            latest = [time for time in (newest, *(segment.last for segment in segments)) if time]
            tables[table.name] = {
                "rows": count + sum(segment.rows for segment in segments),
                "oldest": min(times, default=None),
                "newest": max(latest, default=None),
                "last_id": self._last[table.name],
            }
        sealed = self._sealed.segments
        hot, pending = _size(self.directory / DATABASE), self.pending_bytes()
        sealed_bytes = sum(segment.bytes for segment in sealed)
        return {
            "engine": f"duckdb {duckdb.__version__}",
            "directory": str(self.directory),
            "tables": tables,
            "rows": {name: table["rows"] for name, table in tables.items()},
            "bytes": hot + pending + sealed_bytes,
            "hot_bytes": hot,
            "pending_bytes": pending,
            "sealed_bytes": sealed_bytes,
            "sealed_files": len(sealed),
            "free_bytes": shutil.disk_usage(self.directory).free,
            "notes": list(self._notes),
        }

    def close(self) -> None:
        """End the running queries, wait for them, and close."""
        self._queries.close()
        with self._writing:
            self._closed = True
            if self._database is not None:
                self._database.close()
                self._database = None
        atexit.unregister(self.close)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
