"""What the tests of capture share."""

from __future__ import annotations

import pytest
from captured import Capture

import plainview


@pytest.fixture
def capture(tmp_path):
    made = Capture(tmp_path / "data")
    made.configure()
    yield made
    plainview.shutdown()
