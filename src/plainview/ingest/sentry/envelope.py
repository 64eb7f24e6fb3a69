"""The frame: a header of JSON, then items, each a header of JSON and a payload of a given length or up to a newline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

__all__ = ["MOST_ITEMS", "Envelope", "Item", "MalformedEnvelope", "parse", "single"]

#: Most items of an envelope that are looked at; sentry.io takes fewer.
MOST_ITEMS: Final = 1000
#: Longest header line, bytes.
_HEADER: Final = 64 << 10


class MalformedEnvelope(ValueError):  # noqa: N818 - it says what it is
    """These bytes are no envelope; the message says where they end to be one."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item: its type, the other members of its header, its payload."""

    type: str
    headers: dict[str, Any]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope that was taken apart."""

    headers: dict[str, Any]
    items: list[Item]


def _header(line: bytes, what: str) -> dict[str, Any]:
    if len(line) > _HEADER:
        msg = f"{what} is longer than {_HEADER >> 10} KiB"
        raise MalformedEnvelope(msg)
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{what} is no JSON: {error}"
        raise MalformedEnvelope(msg) from None
    if not isinstance(found, dict):
        msg = f"{what} is no JSON object"
        raise MalformedEnvelope(msg)
    return found


def parse(body: bytes) -> Envelope:
    """Take an envelope apart.

    Raises:
        MalformedEnvelope: it is none. Nothing of it is worth keeping: where an item ends cannot be told.
    """
    first, _, _ = body.partition(b"\n")
    headers = _header(first, "the envelope's header")
    at = len(first) + 1
    items: list[Item] = []
    while at < len(body) and len(items) < MOST_ITEMS:
        end = body.find(b"\n", at)
        end = len(body) if end < 0 else end
        line = body[at:end]
        if not line.strip():  # blank lines between items are let pass, as Relay does
            at = end + 1
            continue
        about = _header(line, f"the header of item {len(items) + 1}")
        at = end + 1
        length = about.get("length")
        if length is None:
            end = body.find(b"\n", at)
            end = len(body) if end < 0 else end
        elif type(length) is int and 0 <= length <= max(0, len(body) - at):
            end = at + length
            if body[end : end + 1] not in {b"", b"\n"}:
                msg = f"item {len(items) + 1} does not end after its length of {length} bytes"
                raise MalformedEnvelope(msg)
        else:
            msg = f"item {len(items) + 1} says that it is {str(length)[:40]} bytes long"
            raise MalformedEnvelope(msg)
        kind = about.get("type")
        items.append(Item(kind if isinstance(kind, str) else "", about, body[at:end]))
        at = end + 1
    return Envelope(headers, items)


def single(body: bytes) -> Envelope:
    """The body of the older endpoint ``store``: one event, as an envelope."""
    return Envelope({}, [Item("event", {}, body)])
