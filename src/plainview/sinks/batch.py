"""Sending a batch whose size the receiver may not like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from plainview.sinks.http import TooLarge
from plainview.sinks.interface import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["send_halving"]


def send_halving(send: Callable[[Sequence[bytes]], None], lines: Sequence[bytes]) -> None:
    """Send the lines; a batch that is too large, or has a line that is no record, goes in halves.

    Raises:
        Rejected: single lines that were too large or no record, counted; the others were sent.
        Exception: whatever else ``send`` raises. Halves already sent are sent again when the batch is.
    """
    refused, reason = 0, ""
    waiting = [lines]
    while waiting:
        part = waiting.pop()
        try:
            send(part)
        except (TooLarge, msgspec.DecodeError) as error:
            if len(part) > 1:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
            else:
                refused, reason = refused + len(part), str(error)
        except Rejected as error:
            refused, reason = refused + (len(part) if error.count is None else error.count), str(error)
    if refused:
        raise Rejected(reason, refused)
