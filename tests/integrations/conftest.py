"""A configuration of this process, and programs that run under Plainview, each in a folder of its own."""

from __future__ import annotations

import pytest
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


@pytest.fixture
def nothing_counted():
    """Metrics belong to the process, whatever is configured: here a test begins at nothing."""
    for instrument in list(REGISTRY.instruments.values()):
        instrument.clear()
