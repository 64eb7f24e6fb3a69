"""A configuration of this process, and programs that run under Plainview, each in a folder of its own."""

from __future__ import annotations

import itertools

import pytest
from brokers import Queueing, redis_server
from harness import Programs, Spool

import plainview
from plainview.capture.metrics.registry import REGISTRY


@pytest.fixture
def spool(tmp_path):
    """This process, configured."""
    made = Spool(tmp_path / "data")
    plainview.configure(dir=str(made.directory), service="test", environment="production", file="", level="INFO")
    yield made
    plainview.shutdown()


@pytest.fixture
def programs(tmp_path):
    return Programs(tmp_path)


@pytest.fixture(scope="session")
def redis(tmp_path_factory):
    """A Redis for all tests of this process; a database of its own for each that asks."""
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield (f"{url}/{number}" for number in itertools.count())


@pytest.fixture
def queue(redis, monkeypatch):
    """A queue of its own for the programs of a test."""
    monkeypatch.setenv("REDIS_URL", next(redis))


@pytest.fixture(scope="module")
def queueing(tmp_path_factory, redis):
    """Programs with a queue of their own between them, for all tests of a module: workers take long to start."""
    return Queueing(Programs(tmp_path_factory.mktemp("queueing")), next(redis))


@pytest.fixture
def nothing_counted():
    """Metrics belong to the process, whatever is configured: here a test begins at nothing."""
    for instrument in list(REGISTRY.instruments.values()):
        instrument.clear()
