"""What all tests share."""

from __future__ import annotations

from asyncio import events

import pytest
from hypothesis import settings

# How long an example takes tells of the machine, not of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def no_loop_of_another_test(request):
    """Playwright's event loop counts as running in its thread while the browser is open: not for other tests."""
    running = events._get_running_loop()
    if running is None or request.node.get_closest_marker("browser"):
        yield
        return
    events._set_running_loop(None)
    yield
    events._set_running_loop(running)
