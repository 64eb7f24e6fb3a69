"""What the tests of capture share."""

from __future__ import annotations

import pytest
from captured import Capture

import plainview
from plainview.capture.operations import shown


@pytest.fixture
def capture(tmp_path):
    made = Capture(tmp_path / "data")
    made.configure()
    yield made
    plainview.shutdown()
    shown._in_child()  # what a test left open is shown in no other
