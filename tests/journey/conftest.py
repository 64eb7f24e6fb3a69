"""A server for the length of a test."""

from __future__ import annotations

import pytest
from served import Server


@pytest.fixture
def serve(tmp_path):
    started: list[Server] = []

    def start(name: str = "data", **variables: str) -> Server:
        server = Server(tmp_path / name, **variables)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.stop()
