"""What goes wrong for a while, and when: a schedule that every process reads from the same clock.

What goes wrong at random all the time stands where it happens (`studio.provider`, `studio.load`). `ERRORS` has an error
of each category, and where the studio raises it.
"""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from studio.settings import EPOCH

__all__ = ["ERRORS", "SCHEDULE", "Fault", "active"]


class Fault(NamedTuple):
    """A trouble that comes back. All times are in seconds."""

    first: float
    every: float
    lasts: float


SCHEDULE: Final = {
    #: A node of the provider has no memory left, another does not answer.
    "sick nodes": Fault(first=2, every=150, lasts=18),
    #: The provider lets hardly anybody through (429).
    "rate limit": Fault(first=9, every=170, lasts=8),
    #: The worker is killed in the middle of a job, as if it had run out of memory.
    "worker crash": Fault(first=16, every=260, lasts=6),
    #: Whatever the search reads comes slowly.
    "slow disk": Fault(first=30, every=200, lasts=15),
    #: The provider answers nothing but 503.
    "provider outage": Fault(first=50, every=240, lasts=14),
}

#: Category → type of an exception of it that the studio raises, and where.
ERRORS: Final = {
    "transient": ("httpx.ReadTimeout", "studio.api: the provider does not answer in time"),
    "configuration": ("ModuleNotFoundError", "studio.exports: the plugin that makes e-books is not installed"),
    "resource": ("MemoryError", "studio.provider: a node has no memory left"),
    "bug": ("KeyError", "studio.catalogue: a currency was forgotten"),
    "external": ("httpx.HTTPStatusError", "studio.api: the provider answers 500"),
    "user": ("pydantic_core._pydantic_core.ValidationError", "studio.api: a manuscript of the wrong form"),
}


def active(name: str, now: float | None = None) -> bool:
    """Whether a trouble is on at ``now`` (seconds since 1970; the present when left out)."""
    fault = SCHEDULE[name]
    since = (time.time() if now is None else now) - EPOCH - fault.first
    return since >= 0 and since % fault.every < fault.lasts
