"""A real server on a real port, with a real store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from live_server import TOKEN, run_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_server import Running


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Running]:
    """A server that the tests of a module share."""
    with run_server(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory) -> Iterator[Running]:
    """A server with a token."""
    with run_server(tmp_path_factory.mktemp("guarded"), TOKEN) as running:
        yield running
