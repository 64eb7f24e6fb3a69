"""A configuration of this process, and programs that run under Plainview, each in a folder of its own."""

from __future__ import annotations

import pytest
from harness import Programs, Spool

import plainview


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
