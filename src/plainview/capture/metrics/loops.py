"""How late the event loops of this process are.

Each loop is handed a callback from outside, and asked how long it took to come to it. That keeps no loop alive, and a
loop that is stuck is seen at once: the callback it owes gets older. The ASGI middleware and `asyncio`, where that is
instrumented, make loops known: they call `notice` with the one that runs.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

__all__ = ["lag", "notice", "probe"]


class _Probe:
    """The callback that one loop owes, and how late it has been."""

    __slots__ = ("_longest", "_sent")

    def __init__(self) -> None:
        #: When the callback that is owed was handed over; 0: none is.
        self._sent = 0.0
        self._longest = 0.0

    def send(self, loop: AbstractEventLoop) -> None:
        """Hand the callback over, unless it is still owed. A loop that does not run owes nothing."""
        if not loop.is_running():
            self._sent = 0.0
        elif not self._sent:
            self._sent = time.monotonic()
            with contextlib.suppress(RuntimeError):  # the loop has been closed just now
                loop.call_soon_threadsafe(self._called, self._sent)

    def _called(self, sent: float) -> None:
        if sent == self._sent:
            self._longest = max(self._longest, time.monotonic() - sent)
            self._sent = 0.0

    def take(self) -> float:
        """The longest delay since the last call, that of a callback still owed included."""
        sent, longest = self._sent, self._longest
        self._longest = 0.0
        return max(longest, time.monotonic() - sent) if sent else longest


_probes: Final[WeakKeyDictionary[AbstractEventLoop, _Probe]] = WeakKeyDictionary()
_changing: Final = threading.Lock()


def notice(loop: AbstractEventLoop) -> None:
    """Watch a loop from now on, as long as it is there."""
    if loop not in _probes:
        with contextlib.suppress(TypeError), _changing:  # a loop that cannot be weakly referred to
            _probes[loop] = _Probe()


def probe() -> None:
    """Ask each loop."""
    for loop, owed in _known():
        owed.send(loop)


def lag() -> float | None:
    """The longest delay of any running loop since the last call, seconds; None where none runs."""
    return max((owed.take() for loop, owed in _known() if loop.is_running()), default=None)


def _known() -> list[tuple[AbstractEventLoop, _Probe]]:
    with _changing:
        return list(_probes.items())
