"""Queries that are running: who may end them, and when their time is up."""

from __future__ import annotations

import contextlib
import heapq
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import duckdb

from plainview.store.interface import Cancellation, QueryCancelled, QueryError, QueryTimeout, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["Queries"]

T = TypeVar("T")


#: Seconds after which a query that should have ended is interrupted again: the engine forgets an interrupt that
#: comes between two of its statements.
_AGAIN: Final = 0.05
_CANCELLED: Final = "the query was cancelled"


@dataclass(slots=True)
class _Running:
    cursor: duckdb.DuckDBPyConnection | None
    #: Why it is to end; None while it may run.
    reason: type[QueryError] | None = None


class Queries:
    """Runs queries, each on a cursor of its own, and ends those that are cancelled or take too long.

    Everything about a running query happens under one lock, so an interrupt never hits the wrong one.
    """

    def __init__(self, cursor: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self._cursor = cursor
        self._changed = threading.Condition(threading.Lock())
        self._running: dict[int, _Running] = {}
        self._deadlines: list[tuple[float, int]] = []
        self._number = 0
        self._open = True
        self._closed = False
        self._watcher = threading.Thread(target=self._watch, name="plainview-query-deadlines", daemon=True)
        self._watcher.start()

    def run(
        self,
        sql: str,
        parameters: Sequence[object],
        *,
        timeout: float | None,
        limit: int | None,
        cancellation: Cancellation | None,
    ) -> Result:
        """Run one statement in a read-only transaction; see :meth:`plainview.store.interface.Store.query`."""

        def fetch(cursor: duckdb.DuckDBPyConnection) -> Result:
            columns = [column[0] for column in cursor.description or ()]
            return Result(columns, cursor.fetchall() if limit is None else cursor.fetchmany(limit))

        return self._fetched(fetch, sql, parameters, timeout, cancellation)

    def arrays(
        self, sql: str, parameters: Sequence[object], *, timeout: float | None, cancellation: Cancellation | None
    ) -> dict[str, NDArray[Any]]:
        """Run one statement in a read-only transaction; see :meth:`plainview.store.interface.Store.arrays`."""
        return self._fetched(lambda cursor: cursor.fetchnumpy(), sql, parameters, timeout, cancellation)

    def _fetched(
        self,
        fetch: Callable[[duckdb.DuckDBPyConnection], T],
        sql: str,
        parameters: Sequence[object],
        timeout: float | None,
        cancellation: Cancellation | None,
    ) -> T:
        with self.borrow(timeout, cancellation) as cursor:
            try:
                cursor.execute("BEGIN TRANSACTION READ ONLY")
                cursor.execute(sql, parameters)
                return fetch(cursor)
            finally:
                # An exception keeps its frames alive, but the engine's object must go while it is known to run here:
                # a thread that the interpreter ends inside it takes the process down.
                del cursor

    @contextlib.contextmanager
    def borrow(
        self, timeout: float | None = None, cancellation: Cancellation | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor whose statements end when the time is up, when they are cancelled, or when the store closes.

        Raises:
            QueryTimeout: the time was up.
            QueryCancelled: it was cancelled, or the store is closed.
        """
        if cancellation is not None and cancellation.cancelled:
            raise QueryCancelled(_CANCELLED)
        number, running = self._start(timeout)
        if cancellation is not None:
            cancellation.bind(lambda: self._end(number, QueryCancelled))
            if cancellation.cancelled:
                self._end(number, QueryCancelled)
        try:
            yield running.cursor  # type: ignore[misc]  # there till the end of this
        except duckdb.InterruptException:
            if running.reason is QueryTimeout:
                msg = f"the query took longer than {timeout:g} s"
                raise QueryTimeout(msg) from None
            raise QueryCancelled(_CANCELLED) from None
        finally:
            if cancellation is not None:
                cancellation.bind(None)
            with self._changed:
                cursor, running.cursor = running.cursor, None  # nobody interrupts it from here on
            assert cursor is not None  # noqa: S101 - it is taken away here only
            # Closed, and gone, before it is forgotten: who waits for the queries waits for that too.
            cursor.close()
            del cursor
            with self._changed:
                del self._running[number]
                self._changed.notify_all()

    def _start(self, timeout: float | None) -> tuple[int, _Running]:
        with self._changed:
            self._changed.wait_for(lambda: self._open or self._closed)
            if self._closed:
                msg = "the store is closed"
                raise QueryCancelled(msg)
            running = _Running(self._cursor())
            self._number += 1
            self._running[self._number] = running
            if timeout is not None:
                heapq.heappush(self._deadlines, (time.monotonic() + timeout, self._number))
                self._changed.notify_all()
            return self._number, running

    def _end(self, number: int, reason: type[QueryError]) -> None:
        with self._changed:
            self._end_locked(number, reason)

    def _end_locked(self, number: int, reason: type[QueryError]) -> None:
        running = self._running.get(number)
        if running is not None and running.cursor is not None:
            running.reason = running.reason or reason
            running.cursor.interrupt()
            heapq.heappush(self._deadlines, (time.monotonic() + _AGAIN, number))
            self._changed.notify_all()

    def _watch(self) -> None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                while self._deadlines and (self._deadlines[0][0] <= now or self._deadlines[0][1] not in self._running):
                    self._end_locked(heapq.heappop(self._deadlines)[1], QueryTimeout)
                self._changed.wait(self._deadlines[0][0] - now if self._deadlines else None)

    def interrupt_all(self) -> None:
        """End every running query with :class:`QueryCancelled`."""
        with self._changed:
            for number in self._running:
                self._end_locked(number, QueryCancelled)

    def pause(self) -> None:
        """End every running query, wait for them, and hold new ones back until :meth:`resume`."""
        with self._changed:
            self._open = False
            for number in self._running:
                self._end_locked(number, QueryCancelled)
            self._changed.wait_for(lambda: not self._running)

    def resume(self) -> None:
        """Let queries run again."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def close(self) -> None:
        """End every running query, wait for them, and refuse new ones."""
        self.pause()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._watcher.join()
