"""One question's way to the store: one deadline and one cancellation for all its statements."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from plainview.store.interface import Cancellation, QueryCancelled, QueryTimeout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plainview.query.sql import Sql
    from plainview.store.interface import Dialect, Store

__all__ = ["Reader"]


@dataclass(slots=True)
class Reader:
    """Asks the store on behalf of one question.

    Args:
        store: the store.
        timeout: seconds for all the statements together; ``None`` waits for ever.
        cancellation: ends the statement under way, and any after it.
    """

    store: Store
    timeout: float | None = 30.0
    cancellation: Cancellation = field(default_factory=Cancellation)
    _deadline: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._deadline = time.monotonic() + (self.timeout or 0.0)

    @property
    def dialect(self) -> Dialect:
        """The engine's SQL."""
        return self.store.dialect

    def rows(self, statement: Sql) -> list[tuple[Any, ...]]:
        """All rows of a statement.

        Raises:
            QueryTimeout: the question's time is up.
            QueryCancelled: it was cancelled, or the store is being closed.
        """
        left = self.left()
        return self.store.query(statement.text, statement.parameters, timeout=left, cancellation=self.cancellation).rows

    def arrays(self, statement: Sql) -> dict[str, NDArray[Any]]:
        """All columns of a statement, whole: for many numbers. NULL is masked. Errors are those of :meth:`rows`."""
        left = self.left()
        return self.store.arrays(statement.text, statement.parameters, timeout=left, cancellation=self.cancellation)

    def left(self) -> float | None:
        """Seconds that are left for the question; None: as many as it likes.

        Raises:
            QueryTimeout: the question's time is up.
            QueryCancelled: it was cancelled.
        """
        if self.cancellation.cancelled:
            msg = "the query was cancelled"
            raise QueryCancelled(msg)
        if self.timeout is None:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0:
            msg = f"the query took longer than {self.timeout:g} s"
            raise QueryTimeout(msg)
        return left

    def row(self, statement: Sql) -> tuple[Any, ...] | None:
        """The first row of a statement, if there is one."""
        rows = self.rows(statement)
        return rows[0] if rows else None
