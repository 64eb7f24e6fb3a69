"""What every store can do, whichever engine it stands on."""

# ruff: noqa: N818 - the names say what happened: "query timeout" reads better than "query timeout error"

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from numpy.typing import NDArray

    from plainview.store.rows import Rows

__all__ = [
    "Batch",
    "Cancellation",
    "Dialect",
    "Position",
    "QueryCancelled",
    "QueryError",
    "QueryTimeout",
    "Result",
    "Store",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreTooNew",
]


class StoreError(Exception):
    """The store cannot do what was asked; the message says why and what to do."""


class StoreTooNew(StoreError):
    """The directory was written by a newer Plainview or a newer engine."""


class StoreBusy(StoreError):
    """Another process has the store open."""


class StoreFull(StoreError):
    """There is no room on the disk. Nothing of the batch was stored; try again later."""


class QueryError(StoreError):
    """The engine refused or failed the query."""


class QueryTimeout(QueryError):
    """The query took longer than it was given."""


class QueryCancelled(QueryError):
    """The query was cancelled, or the store is being closed."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a stream has been read: the number of the segment and the byte offset in it."""

    stream: str
    kind: str
    segment: int
    offset: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What is written in one transaction: rows, and the positions that are reached with them."""

    rows: Sequence[Rows]
    positions: Sequence[Position] = ()

    @property
    def count(self) -> int:
        """Number of rows."""
        return sum(rows.count for rows in self.rows)


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to a query."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(slots=True)
class Cancellation:
    """Hand one to :meth:`Store.query` and call :meth:`cancel` from any thread to end that query."""

    cancelled: bool = False
    _interrupt: Callable[[], None] | None = field(default=None, repr=False)

    def bind(self, interrupt: Callable[[], None] | None) -> None:
        """Say what ends the query; for the engine."""
        self._interrupt = interrupt

    def cancel(self) -> None:
        """End the query, now or as soon as it starts. It raises :class:`QueryCancelled`."""
        self.cancelled = True
        interrupt = self._interrupt
        if interrupt is not None:
            interrupt()


class Dialect(Protocol):
    """The few things that engines spell differently. Each gives a piece of SQL.

    ``column`` is SQL (a column's name or an expression) and must come from the program, never from a user;
    a *parameter* is the SQL of a placeholder, ``?`` as a rule. Paths and numbers are quoted here.
    """

    #: Name of the engine.
    name: str

    def time_bucket(self, column: str, width_ms: int, origin_us: int = 0) -> str:
        """Number (integer, from 0) of the bucket of ``width_ms`` that a time falls in, counted from ``origin_us``.

        ``origin_us`` is in microseconds since 1970, UTC. Times before it give negative numbers.
        """

    def epoch_us(self, column: str) -> str:
        """A time as microseconds since 1970 (integer)."""

    def attribute(self, column: str, path: Sequence[str]) -> str:
        """The value at ``path`` in a JSON column, as text (a string without its quotes); NULL where there is none."""

    def attribute_number(self, column: str, path: Sequence[str]) -> str:
        """The value at ``path`` as a double; NULL where there is none or it is no number."""

    def attribute_keys(self, column: str) -> str:
        """The top-level keys of a JSON column, as a list of text."""

    def quantile(self, column: str, q: float) -> str:
        """Aggregate: the exact quantile, interpolated, ``0 <= q <= 1``."""

    def contains(self, column: str, parameter: str = "?") -> str:
        """Whether text contains the parameter as a substring, without regard to case."""

    def starts_with(self, column: str, parameter: str = "?") -> str:
        """Whether text begins with the parameter, with regard to case."""


class Store(Protocol):
    """A store of logs and spans. One process opens it; every method may be called from any thread."""

    @property
    def dialect(self) -> Dialect:
        """The engine's SQL."""

    def write(self, batch: Batch) -> None:
        """Store a batch and its positions in one transaction. It is on the disk when this returns.

        Raises:
            StoreFull: no room on the disk.
            StoreError: anything else; nothing of the batch was stored.
        """

    def accepts(self, rows: Rows) -> bool:
        """Whether the engine takes these rows; to find the row that spoils a batch. Nothing is stored."""

    def offsets(self) -> dict[tuple[str, str], tuple[int, int]]:
        """``(stream, kind)`` → ``(segment number, byte offset)`` as of the last commit."""

    def forget(self, streams: Collection[str]) -> None:
        """Drop the positions of streams that are gone for good."""

    def query(
        self,
        sql: str,
        parameters: Sequence[object] = (),
        *,
        timeout: float | None = 30,
        limit: int | None = None,
        cancellation: Cancellation | None = None,
    ) -> Result:
        """Run one statement that reads. ``logs`` and ``spans`` are the tables; ``?`` are the parameters.

        Times are naive ``datetime`` in UTC, as parameters and in rows.

        Args:
            sql: the statement.
            parameters: values of the ``?``.
            timeout: seconds; ``None`` waits for ever.
            limit: stop after so many rows.
            cancellation: lets another thread end the query.

        Raises:
            QueryTimeout: it took longer than ``timeout``.
            QueryCancelled: it was cancelled, or the store was closed.
            QueryError: the engine refused it.
        """

    def arrays(
        self,
        sql: str,
        parameters: Sequence[object] = (),
        *,
        timeout: float | None = 30,
        cancellation: Cancellation | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Run one statement that reads, and give each column whole: for many numbers. NULL is masked.

        The arguments and errors are those of :meth:`query`.
        """

    def last_id(self, table: str) -> int:
        """The highest id given to a committed row of the table; 0 when there was none."""

    def interrupt_all(self) -> None:
        """End every running query with :class:`QueryCancelled`."""

    def pending_bytes(self) -> int:
        """Bytes that were committed but not yet moved to their final place by a checkpoint."""

    def checkpoint(self) -> bool:
        """Move what was committed from the write-ahead log to its final place. Blocks writers, not readers.

        Returns:
            Whether it was done; a query that has run since before the last sealing can hold it up. Try again later.

        Raises:
            StoreFull: too little room on the disk for it.
        """

    def seal(self, cancellation: Cancellation | None = None) -> int:
        """Move the rows of past days to sealed files, sorted and compressed. Gives the number of rows moved.

        Raises:
            QueryCancelled: it was cancelled, or the store was closed; what was sealed till then is.
        """

    def retention(self, days: float | None, metrics_days: float | None = None) -> int:
        """Remove rows older than so many days. Gives the number removed.

        Args:
            days: of logs, spans and errors; None: they are kept.
            metrics_days: of metrics; None: they are kept.
        """

    def stats(self) -> dict[str, Any]:
        """Rows, bytes, oldest and newest time, and the like, for the status page."""

    def close(self) -> None:
        """End the running queries, wait for them, and close. Calling it again does nothing."""
