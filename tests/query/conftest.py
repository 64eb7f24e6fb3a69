"""A real store to ask, and an easy way to fill it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from query_fill import Fill

from plainview import store as stores
from plainview.query.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plainview.store.interface import Store


@pytest.fixture
def store(tmp_path) -> Iterator[Store]:
    """An empty store."""
    opened = stores.open(tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture
def fill(store: Store) -> Fill:
    """Fills the store."""
    return Fill(store)


@pytest.fixture
def reader(store: Store) -> Callable[[], Reader]:
    """Makes a way to the store, for one question each."""
    return lambda: Reader(store)
