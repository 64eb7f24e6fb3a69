"""What goes wrong for a while, and when: a schedule that every process reads from the same clock.

What goes wrong at random all the time stands where it happens (`studio.provider`, `studio.load`).
"""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from studio.settings import EPOCH

__all__ = ["SCHEDULE", "Fault", "active"]


class Fault(NamedTuple):
    """A trouble that comes back. All times are in seconds."""

    first: float
    every: float
    lasts: float


SCHEDULE: Final = {
    #: The provider lets hardly anybody through (429).
    "rate limit": Fault(first=9, every=170, lasts=8),
    #: The worker is killed in the middle of a job, as if it had run out of memory.
    "worker crash": Fault(first=16, every=260, lasts=6),
    #: Whatever the search reads comes slowly.
    "slow disk": Fault(first=30, every=200, lasts=15),
    #: The provider answers nothing but 503.
    "provider outage": Fault(first=50, every=240, lasts=14),
}


def active(name: str, now: float | None = None) -> bool:
    """Whether a trouble is on at ``now`` (seconds since 1970; the present when left out)."""
    fault = SCHEDULE[name]
    since = (time.time() if now is None else now) - EPOCH - fault.first
    return since >= 0 and since % fault.every < fault.lasts
