"""An error that comes in masses: most of it is counted, some of it written.

The rule: of one type, raised at one place (the innermost frames), the first so many a minute are written whole. After
that one a second is, and says by its ``count`` how many it stands for. The counts add up to what happened: what has
not been told when a second is over, or at exit, is told by a copy of the last one.
"""

from __future__ import annotations

import time
from _thread import RLock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["Storm"]

_MINUTE, _SECOND = 60.0, 1.0
_MAX_PLACES: Final = 512


class _Raised:
    """What came from one place."""

    __slots__ = ("began", "last", "untold", "whole", "written")

    def __init__(self) -> None:
        self.began = self.last = float("-inf")
        self.whole = 0
        #: One item per occurrence that no line stands for yet.
        self.untold: list[None] = []
        #: The last line that was written, without what is its own.
        self.written: bytes | None = None


class Storm:
    """Decides which occurrences are written.

    Args:
        burst: how many a minute of one place are written whole; 0: all of them.
    """

    def __init__(self, burst: int) -> None:
        self._burst: Final = burst
        self.after_fork()

    def after_fork(self) -> None:
        """What the parent has not told is the parent's to tell."""
        self._places: dict[Hashable, _Raised] = {}
        self._lock = RLock()
        self._busy = False
        #: Places of occurrences that came while another was being decided on.
        self._strays: list[Hashable] = []

    def weight(self, place: Hashable) -> int:
        """How many occurrences the one that has just come from a place is to be written for; 0: it is only counted."""
        if not self._burst:
            return 1
        with self._lock:
            if self._busy:  # a signal handler, or a finaliser, within the block below
                self._strays.append(place)
                return 0
            self._busy = True
            try:
                while self._strays:
                    self._at(self._strays.pop()).untold.append(None)
                raised, now = self._at(place), time.monotonic()
                if now - raised.began >= _MINUTE:
                    raised.began, raised.whole = now, 0
                if raised.whole < self._burst:
                    raised.whole += 1
                elif now - raised.last < _SECOND:
                    raised.untold.append(None)
                    return 0
                raised.last = now
                untold = len(raised.untold)
                del raised.untold[:untold]
                return 1 + untold
            finally:
                self._busy = False

    def wrote(self, place: Hashable, line: bytes) -> None:
        """Remember what was written for a place, in case it has to speak for others."""
        raised = self._places.get(place) or self._places.get(None)
        if raised is not None and raised.whole >= self._burst:
            raised.written = line

    def overdue(self, *, everything: bool = False) -> list[tuple[bytes, int]]:
        """The lines to be written again, each with how many occurrences it stands for.

        Args:
            everything: not only what has waited for a second.
        """
        found: list[tuple[bytes, int]] = []
        with self._lock:
            if self._busy:
                return found
            self._busy = True
            try:
                while self._strays:
                    self._at(self._strays.pop()).untold.append(None)
                now = time.monotonic()
                for raised in self._places.values():
                    untold = len(raised.untold)
                    if untold and raised.written is not None and (everything or now - raised.last >= _SECOND):
                        del raised.untold[:untold]
                        raised.last = now
                        found.append((raised.written, untold))
            finally:
                self._busy = False
        return found

    def _at(self, place: Hashable) -> _Raised:
        raised = self._places.get(place)
        if raised is None:
            if len(self._places) >= _MAX_PLACES:
                old = time.monotonic() - _MINUTE
                for key in [key for key, one in self._places.items() if one.began < old and not one.untold]:
                    del self._places[key]
                if len(self._places) >= _MAX_PLACES:
                    place = None  # all that there is no room for, together
            raised = self._places.setdefault(place, _Raised())
        return raised
