"""What a sink is: a place besides the spool that records go to.

A sink is driven from a thread of its own behind a bounded queue, so it may block. It must not write to the
application's standard output, and it need not catch anything: what it raises is counted and, once, reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Rejected", "Sink", "Unavailable"]


@runtime_checkable
class Sink(Protocol):
    """A place that takes batches of JSON lines."""

    #: Short and constant: it names the sink in counters and in the one report of an error.
    name: str
    #: The kinds of record it takes: ``log``, ``span``, ``error``.
    kinds: frozenset[str]

    def write(self, kind: str, lines: Sequence[bytes]) -> None:
        """Take a batch of whole JSON lines, each without its newline. Returns when they have been handed over.

        Raises:
            Rejected: lines that will never be taken; the caller counts them and goes on.
            Exception: anything else means that the whole batch may be tried again later.
        """

    def close(self) -> None:
        """Let go of files and connections. A later ``write`` may open them again."""


class Rejected(Exception):  # noqa: N818 - it says what happened to the lines, as http.HTTPStatus does
    """The receiver refused lines for good: trying again is useless.

    Attributes:
        count: how many lines of the batch were refused; ``None`` means all. The others were taken.
    """

    def __init__(self, reason: str, count: int | None = None) -> None:
        super().__init__(reason)
        self.count = count


class Unavailable(Exception):  # noqa: N818 - as above
    """The receiver cannot take the batch now; the same batch may be tried again.

    Attributes:
        retry_after: seconds that the receiver asked to be left alone, if it said so.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
