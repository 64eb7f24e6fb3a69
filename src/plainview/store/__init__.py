"""The store: what was captured, on disk, ready to be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from plainview.store.interface import Store

__all__ = ["open"]


def open(directory: Path, *, memory_limit: str | None = None, threads: int | None = None) -> Store:  # noqa: A001 - as gzip.open, shelve.open
    """Open the store in a directory, making it when there is none. One process at a time.

    Args:
        directory: where it lives, e.g. ``.plainview/store``.
        memory_limit: most memory the engine may use, e.g. ``"2GB"``; sized to the machine when left out.
        threads: threads for queries; the machine's cores when left out.

    Raises:
        StoreTooNew: a newer Plainview or engine wrote it.
        StoreBusy: another process has it open.
        StoreError: it cannot be opened; the message says why.
    """
    from plainview.store.duckdb.engine import DuckDBStore  # noqa: PLC0415 - the engine is loaded when it is used

    return DuckDBStore(directory, memory_limit=memory_limit, threads=threads)
