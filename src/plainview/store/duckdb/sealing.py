"""Past days leave the hot file as sealed ones: sorted, compressed Parquet that any tool can read.

A day is sealed when it is over and has rows enough. Its rows are copied to a file first; then one transaction removes
them from the hot table, lists the file and points the view at it. Whichever moment a crash picks, a row is in exactly
one of the two: a file that no transaction lists is a copy of rows that are still hot.
"""

# ruff: noqa: S608 - names come from the schema; whatever comes from outside is a parameter

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import duckdb

from plainview.store.duckdb import layout
from plainview.store.interface import StoreError
from plainview.store.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from plainview.store.schema import Table

__all__ = ["FOLDER", "Sealed", "Segment", "Stretch", "now"]

FOLDER: Final = "sealed"

#: A past day with fewer rows stays hot: many small files cost more than they save.
LEAST_ROWS: Final = 100_000
#: A day with more rows is sealed in several files, by the hour, so that sorting one never takes long.
MOST_ROWS: Final = 2_000_000
#: How long after its end a day is left alone, for lines that come late.
GRACE: Final = timedelta(hours=1)
#: Age of a sealed file of samples → the step, seconds, of which it keeps the last sample of each series.
STEPS: Final = {timedelta(days=7): 60, timedelta(days=60): 300}
_STEP: Final = re.compile(r"-(\d+)s\.parquet$")
#: Rows that a reader can skip at once by their least and greatest values.
_ROW_GROUP: Final = 61_440


@dataclass(frozen=True, slots=True)
class Stretch:
    """Hot rows to be sealed: those of a table from a time to another (exclusive), up to an id."""

    table: Table
    start: datetime
    end: datetime
    last_id: int

    @property
    def condition(self) -> str:
        """What is true of those rows; takes :attr:`parameters`."""
        return f"{self.table.time} >= ? AND {self.table.time} < ? AND id <= ?"

    @property
    def parameters(self) -> list[object]:
        """Values of the condition's placeholders."""
        return [self.start, self.end, self.last_id]


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed file: its name, what is in it, and the times of its first and last row (UTC)."""

    table: str
    file: str
    rows: int
    bytes: int
    first: datetime
    last: datetime
    last_id: int


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Sealed:
    """The sealed files of a store."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / FOLDER
        self.directory.mkdir(exist_ok=True)
        self.segments: list[Segment] = []
        self._expired: list[Segment] = []

    def load(self, connection: duckdb.DuckDBPyConnection, *, adopt: bool) -> list[str]:
        """Bring the list, the views and the folder into line.

        Args:
            connection: the writer's.
            adopt: the file is new: sealed files found in the folder are all that is left, so they are taken over.

        Returns:
            What was found amiss, in words for a person.
        """
        notes = []
        columns = ", ".join(f'"{name}"' for name in Segment.__dataclass_fields__)
        rows = connection.execute(f"SELECT {columns} FROM hot.sealed").fetchall()
        listed = [Segment(*row) for row in rows]
        present = {path.relative_to(self.directory).as_posix() for path in self.directory.glob("*/*.parquet")}
        for path in self.directory.glob("*/*.partial"):
            path.unlink()
        self.segments = [segment for segment in listed if segment.file in present]
        missing = {segment.file for segment in listed} - present
        if missing:
            connection.execute("DELETE FROM hot.sealed WHERE file IN (SELECT unnest(?))", [sorted(missing)])
            notes.append(f"sealed files are gone from {self.directory}: {', '.join(sorted(missing))}")
        unlisted = present - {segment.file for segment in listed}
        for file in sorted(unlisted):
            if not adopt:
                (self.directory / file).unlink()  # its rows are still hot: see above
                continue
            try:
                self._list(connection, self._measure(connection, file.partition("/")[0], file))
            except (duckdb.Error, KeyError) as error:
                notes.append(f"{self.directory / file} cannot be read and was left alone: {error}")
        for name in TABLES:
            if layout.viewed(connection, name) != set(self._files(name)):
                self._point(connection, name)
        return notes

    def _measure(self, connection: duckdb.DuckDBPyConnection, table: str, file: str) -> Segment:
        path = self.directory / file
        time = TABLES[table].time
        last = "max(id)" if "id" in TABLES[table].sealed_names else "0"
        row = connection.execute(
            f"SELECT count(*), min({time}), max({time}), {last} FROM read_parquet(?)", [str(path)]
        ).fetchone()
        count, first, last, last_id = row or (0, None, None, 0)
        return Segment(table, file, count, path.stat().st_size, first, last, last_id)

    def _list(self, connection: duckdb.DuckDBPyConnection, segment: Segment) -> None:
        values = [getattr(segment, name) for name in Segment.__dataclass_fields__]
        connection.execute("INSERT INTO hot.sealed VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        self.segments = [*self.segments, segment]

    def _point(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        layout.view(connection, table, self._files(table))

    def _files(self, table: str) -> list[str]:
        return sorted(str(self.directory / segment.file) for segment in self.segments if segment.table == table)

    def due(self, cursor: duckdb.DuckDBPyConnection, last: Mapping[str, int], now: datetime) -> Iterator[Stretch]:
        """What there is to seal: days, or some hours of one. ``last`` holds the highest id of each table."""
        horizon = (now - GRACE).replace(hour=0, minute=0, second=0, microsecond=0)
        for table in TABLES.values():
            hours = cursor.execute(
                f"SELECT date_trunc('hour', {table.time}) AS hour, count(*) FROM hot.{table.name} "
                f"WHERE {table.time} < ? GROUP BY hour ORDER BY hour",
                [horizon],
            ).fetchall()
            days: dict[datetime, list[tuple[datetime, int]]] = {}
            for hour, count in hours:
                days.setdefault(hour.replace(hour=0), []).append((hour, count))
            for day, counts in days.items():
                if sum(count for _, count in counts) < LEAST_ROWS:
                    continue
                start, held = day, 0
                for hour, count in counts:
                    if held and held + count > MOST_ROWS:
                        yield Stretch(table, start, hour, last[table.name])
                        start, held = hour, 0
                    held += count
                yield Stretch(table, start, day + timedelta(days=1), last[table.name])

    def copy(self, cursor: duckdb.DuckDBPyConnection, stretch: Stretch) -> Segment:
        """Write rows to a file. Nothing refers to it yet."""
        table = stretch.table
        columns = ", ".join(table.sealed_names)
        select = f"SELECT {columns} FROM hot.{table.name} WHERE {stretch.condition}"
        return self._write(cursor, table, f"{stretch.start:%Y-%m-%dT%H}", "", (select, stretch.parameters))

    def _write(
        self, cursor: duckdb.DuckDBPyConnection, table: Table, stem: str, end: str, rows: tuple[str, list[object]]
    ) -> Segment:
        """Write the rows of a SELECT to a new file; ``stem`` and ``end`` are the beginning and the end of its name."""
        folder = self.directory / table.name
        folder.mkdir(exist_ok=True)
        number = 1
        while (folder / f"{stem}-{number:03d}{end}.parquet").exists():
            number += 1
        path = folder / f"{stem}-{number:03d}{end}.parquet"
        draft = path.with_suffix(".partial")
        target = str(draft).replace("'", "''")
        order, options = f"{table.time}, id", f"COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP}"
        if table.sorted_by:
            # Numbers that follow one another: the differences of neighbours take less room than a dictionary of them.
            order = ", ".join(table.sorted_by)
            options += ", PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 1"
        select, parameters = rows
        try:
            cursor.execute(f"COPY ({select} ORDER BY {order}) TO '{target}' (FORMAT parquet, {options})", parameters)
            _sync(draft)
            segment = self._measure(cursor, table.name, draft.relative_to(self.directory).as_posix())
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        draft.rename(path)
        _sync(folder)
        return replace(segment, file=path.relative_to(self.directory).as_posix())

    def coarse(self, now: datetime) -> list[tuple[Segment, int]]:
        """Files of samples that are old enough for a coarser step, and that step, seconds."""
        found = []
        for segment in self.segments:
            if segment.table == "metric_samples":
                held = _STEP.search(segment.file)
                step = max((step for age, step in STEPS.items() if segment.last < now - age), default=0)
                if step > (int(held[1]) if held else 0):
                    found.append((segment, step))
        return found

    def thin(self, cursor: duckdb.DuckDBPyConnection, segment: Segment, step: int) -> Segment:
        """Write a file with the last sample of each step, seconds, of each series. Nothing refers to it yet."""
        table = TABLES[segment.table]
        columns = ", ".join(table.sealed_names)
        select = (
            f"SELECT {columns} FROM read_parquet(?) QUALIFY {table.time} = max({table.time}) OVER "
            f"(PARTITION BY series_id, (epoch_us({table.time}) - 1) // {step * 1_000_000})"
        )
        stem = f"{segment.first:%Y-%m-%dT%H}"
        return self._write(cursor, table, stem, f"-{step}s", (select, [str(self.directory / segment.file)]))

    def exchange(self, connection: duckdb.DuckDBPyConnection, old: Segment, new: Segment) -> None:
        """Let a file take the place of another, in one transaction. The other goes with :meth:`unlink_expired`."""
        before = self.segments
        try:
            with layout.transaction(connection):
                connection.execute("DELETE FROM hot.sealed WHERE file = ?", [old.file])
                self.segments = [segment for segment in self.segments if segment != old]
                self._list(connection, new)
                self._point(connection, new.table)
        except BaseException:
            self.segments = before
            raise
        self._expired.append(old)

    def swap(self, connection: duckdb.DuckDBPyConnection, segment: Segment, stretch: Stretch) -> None:
        """Let a file take the place of its rows, in one transaction.

        Raises:
            StoreError: the file does not hold just those rows; nothing was changed.
        """
        before = self.segments
        try:
            with layout.transaction(connection):
                _remove(connection, stretch, segment.rows)
                self._list(connection, segment)
                self._point(connection, segment.table)
        except BaseException:
            self.segments = before
            raise

    def expire(self, connection: duckdb.DuckDBPyConnection, cutoffs: Mapping[str, datetime]) -> list[Segment]:
        """Take the files out of the list whose last row is older than their table's cutoff, inside a transaction.

        The files themselves go with :meth:`unlink_expired`, when the transaction is on the disk.
        """
        old = [segment for segment in self.segments if segment.last < cutoffs.get(segment.table, segment.last)]
        if old:
            names = [segment.file for segment in old]
            connection.execute("DELETE FROM hot.sealed WHERE file IN (SELECT unnest(?))", [names])
            self.segments = [segment for segment in self.segments if segment not in old]
            for name in {segment.table for segment in old}:
                self._point(connection, name)
        self._expired += old
        return old

    def unlink_expired(self) -> None:
        """Remove the files that nothing lists any more."""
        listed = {segment.file for segment in self.segments}
        for segment in self._expired:
            if segment.file not in listed:
                (self.directory / segment.file).unlink(missing_ok=True)
        self._expired = []


def _remove(connection: duckdb.DuckDBPyConnection, stretch: Stretch, rows: int) -> None:
    """Delete hot rows, which must be so many."""
    name = stretch.table.name
    removed = connection.execute(f"DELETE FROM hot.{name} WHERE {stretch.condition}", stretch.parameters).fetchone()
    if removed != (rows,):
        msg = f"{rows} rows of {name} were copied to a sealed file, but {removed} are there to remove"
        raise StoreError(msg)


def now() -> datetime:
    """The time, as the store keeps it: naive, UTC."""
    return datetime.now(UTC).replace(tzinfo=None)
