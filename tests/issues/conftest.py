"""A desk to work at: a store and a state of one's own."""

from __future__ import annotations

import pytest
from occurred import Desk


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.close()
