"""Where a reader of a list has got to, as an opaque text.

A cursor pins the question as it was first understood: the moment that relative times count from, the last
row that existed, the total. So the pages of a list are the pages of one list, whatever arrives meanwhile.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from plainview.query.errors import BadInput

__all__ = ["LAST_MOMENT", "Cursor", "read", "row_id", "write"]

_LARGEST: Final = (1 << 63) - 1
#: Microseconds to the end of the year 9999.
LAST_MOMENT: Final = 253_402_300_799_000_000


class Cursor(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The place after the last row that was handed out. Moments are microseconds since 1970."""

    #: Which list this is a place in, and its order; a cursor of another list is refused.
    of: str
    #: The last row's place in the order, and its id to tell it from its equals.
    key: int
    id: str
    #: The last row id that existed when the list was first asked for.
    until_id: int
    #: What "now" meant then.
    now: int
    total: int
    #: Times of the first and the last row of the whole list, where that matters.
    low: int = 0
    high: int = 0


def write(cursor: Cursor) -> str:
    """The cursor as text."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def read(text: str, of: str, greatest: int = _LARGEST) -> Cursor:
    """The cursor that :func:`write` made.

    Args:
        text: the cursor.
        of: the list and order that it must be of.
        greatest: greatest key that the list can have.

    Raises:
        BadInput: it is none, or one of another list or order.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = msgspec.json.decode(raw, type=Cursor)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise BadInput(
            field="cursor", message="is not a cursor of this server: pass `next` of the page before, unchanged"
        ) from None
    numbers = (cursor.key, cursor.until_id, cursor.total)
    moments = (cursor.now, cursor.low, cursor.high)
    unfit = any(abs(number) > _LARGEST for number in numbers) or max(map(abs, moments)) > LAST_MOMENT
    unfit = unfit or abs(cursor.key) > greatest or cursor.total < 0 or "\0" in cursor.id
    if unfit:
        raise BadInput(
            field="cursor", message="is not a cursor of this server: pass `next` of the page before, unchanged"
        )
    if cursor.of != of:
        raise BadInput(field="cursor", message="belongs to another list or order: start again without it")
    return cursor


def row_id(text: str) -> int:
    """A row's id. No row has an id that is not a small number, so anything else finds nothing."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1  # noqa: PLR2004 - 64 bits
