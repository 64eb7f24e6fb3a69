"""An envelope's items as lines of our own, kind by kind."""

from __future__ import annotations

import json
import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.ingest.sentry import told
from plainview.ingest.sentry.events import attached, error
from plainview.ingest.sentry.traces import spans
from plainview.ingest.sentry.values import hexadecimal
from plainview.records import MetricPoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plainview.ingest.sentry.envelope import Envelope, Item
    from plainview.records import ErrorRecord

__all__ = ["REMEMBERED", "Seen", "Taken", "take"]

_decoder: Final = msgspec.json.Decoder()
_encode: Final = msgspec.json.Encoder().encode
#: Deepest nesting of a payload; msgspec's own limit is the interpreter's recursion.
_MOST_DEEP: Final = 200
#: Types that are passed over: there is nothing here that they could be a part of.
_PASSED: Final = frozenset({"profile", "profile_chunk", "replay_event", "replay_recording", "replay_video", "statsd"})
#: Transactions that are remembered, to know them when they come again.
REMEMBERED: Final = 50_000


class Seen:
    """Transactions that were taken lately, by the ids of trace and span: one that is sent again is not taken again.

    Methods may be called from any thread.

    Args:
        ids: those that were taken before, the latest last.
    """

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict.fromkeys(ids)
        self._lock = threading.Lock()

    def again(self, id_: str) -> bool:
        """Whether it was seen; from now on it was."""
        with self._lock:
            if id_ in self._ids:
                return True
            self._ids[id_] = None
            if len(self._ids) > REMEMBERED:
                self._ids.popitem(last=False)
            return False

    def forget(self, id_: str) -> None:
        """It could not be kept after all."""
        with self._lock:
            self._ids.pop(id_, None)


@dataclass(slots=True)
class Taken:
    """What an envelope came to.

    Attributes:
        id: of its event or transaction; empty: it has none.
        lines: kind → lines, without their newlines.
        skipped: type → items that were passed over.
        transactions: ids to forget if the lines cannot be kept.
    """

    id: str = ""
    lines: dict[str, list[bytes]] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    transactions: list[str] = field(default_factory=list)

    def add(self, kind: str, made: Any) -> None:  # noqa: ANN401 - a record, several, or None
        """Add what was made of an item."""
        records = made if isinstance(made, list) else [] if made is None else [made]
        if records:
            self.lines.setdefault(kind, []).extend(_encode(record) for record in records)


@dataclass(slots=True)
class _Reading:
    """An envelope that is being read."""

    taken: Taken
    service: str
    now: int
    seen: Seen
    events: list[ErrorRecord] = field(default_factory=list)

    def read(self, item: Item) -> None:
        """Take one item, or count it as passed over."""
        kind, make = _MADE.get(item.type, ("", None))
        known = make is not None or item.type in {"event", "transaction"}
        payload = _payload(item) if known else None
        if payload is None:
            self.taken.skipped[item.type if known or item.type in _PASSED else "unknown"] += 1
        elif make is not None:
            self.taken.add(kind, make(payload, self.service, self.now))
        elif item.type == "transaction" or payload.get("type") == "transaction":  # an older SDK's way of saying it
            self._transaction(payload)
        else:
            payload.setdefault("event_id", self.taken.id)
            self.events.append(error(payload, self.service, self.now))

    def _transaction(self, payload: dict[str, Any]) -> None:
        payload.setdefault("event_id", self.taken.id)
        made = spans(payload, self.service, self.now)
        id_ = made[0].trace_id + made[0].span_id
        if not self.seen.again(id_):
            self.taken.transactions.append(id_)
            self.taken.add("span", made)

    def attach(self, item: Item) -> None:
        """Note an attachment of the event."""
        if self.events:
            attached(self.events[0], item.headers, item.payload)
        else:
            self.taken.skipped["attachment"] += 1


def take(envelope: Envelope, service: str, now: int, seen: Seen) -> Taken:
    """Turn an envelope into lines. An item that makes no sense is passed over and counted, the others are kept.

    Args:
        envelope: taken apart.
        service: what the application is called.
        now: nanoseconds since 1970.
        seen: transactions that were taken before.
    """
    taken = Taken(hexadecimal(envelope.headers.get("event_id"), 32))
    reading = _Reading(taken, service, now, seen)
    for item in envelope.items:
        if item.type != "attachment":
            reading.read(item)
    for item in envelope.items:
        if item.type == "attachment":
            reading.attach(item)
    taken.add("error", reading.events)
    if reading.events and not taken.id:
        taken.id = reading.events[0].error_id
    if taken.skipped:
        points = [MetricPoint(labels={"type": name}, value=float(n)) for name, n in taken.skipped.items()]
        about = "Items of Sentry's envelopes that were passed over."
        taken.add("metric", told.count("sentry_skipped_items_total", about, points, service, now))
    return taken


def _payload(item: Item) -> dict[str, Any] | None:
    if item.payload.count(b"[") + item.payload.count(b"{") > _MOST_DEEP and _deep(item.payload):
        return None
    try:
        found = _decoder.decode(item.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = _lenient(item.payload)
    return found if isinstance(found, dict) else None


def _lenient(payload: bytes) -> Any:  # noqa: ANN401 - any JSON; None
    """What some writers take for JSON: with lone surrogates, with NaN, in another encoding."""
    try:
        found = json.loads(payload.decode("utf-8", "replace"), parse_constant=str)
        return _decoder.decode(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _deep(payload: bytes) -> bool:
    """Whether brackets are open so deep; those in strings are not told apart, and count."""
    depth = 0
    for letter in payload.translate(None, _NO_BRACKETS):
        depth += 1 if letter in b"[{" else -1
        if depth > _MOST_DEEP:
            return True
        depth = max(depth, 0)
    return False


_NO_BRACKETS: Final = bytes(sorted(set(range(256)) - set(b"[]{}")))


#: Type of item → kind of record, and what makes it.
_MADE: Final[dict[str, tuple[str, Callable[[dict[str, Any], str, int], Any]]]] = {
    "log": ("log", told.logs),
    "check_in": ("log", told.check_in),
    "feedback": ("log", told.feedback),
    "user_report": ("log", told.feedback),
    "session": ("metric", told.sessions),
    "sessions": ("metric", told.sessions),
    "client_report": ("metric", told.discarded),
}
