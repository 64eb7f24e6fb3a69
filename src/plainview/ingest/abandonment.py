"""Operations that a dead process left open: the server says of each, once, that it was abandoned.

An operation is in the hands of every stream that told something of it and has neither closed it nor handed it over
(``detach``). It is abandoned when the last of these streams has ended. Nothing is remembered for that: when a stream
has ended and all its lines are stored, the store is asked what it left open, and an operation that is said to be
abandoned is not open any more. So whatever is killed in between, the answer is the same afterwards.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.ingest.landing import PREFIX
from plainview.ingest.spool import BATCH
from plainview.records import CONTEXT_FIELDS, OperationRecord
from plainview.store.interface import Batch
from plainview.store.rows import RowError, microseconds, moment, of_operations, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from plainview.ingest.spool import Follower, Stream
    from plainview.store.interface import Store

__all__ = ["Abandonment", "is_a_process"]

#: Operations that are looked at together: a process may leave a hundred thousand open.
_PAGE: Final = 10_000
#: Seconds between two looks at operations that a dead process shares with a living one: it may hand them over yet.
_AGAIN: Final = 10.0
#: Most of these.
_MOST_SHARED: Final = 10_000

#: The operations of some streams that none of these has closed, page by page.
_OPEN: Final = """SELECT operation_id FROM operations WHERE {column} IN (SELECT unnest(?)) AND operation_id > ?
  GROUP BY operation_id
  HAVING max(CASE WHEN event = 'close' THEN 1 ELSE 0 END) = 0 AND max(CASE WHEN event = 'create' THEN 0 ELSE 1 END) = 1
  ORDER BY operation_id LIMIT ?"""
#: For each operation and stream, the last that was told.
_HANDS: Final = """SELECT operation_id, stream, arg_max(event, id), max(CASE WHEN event = 'close' THEN 1 ELSE 0 END)
  FROM operations WHERE operation_id IN (SELECT unnest(?)) AND event <> 'create' GROUP BY operation_id, stream"""
_SAME: Final = ("kind", "name", "key", "parent_id", "service", "environment", "version", "host", "pid", *CONTEXT_FIELDS)
_LAST: Final = ("cpu_ms", "memory_delta_bytes", "rows", "recovers")
#: What its events say of an operation, in the order of their ids.
_SAID: Final[Mapping[str, str]] = {
    **{name: f"arg_max({name}, id)" for name in (*_SAME, *_LAST)},
    "start_time_unix_nano": "min(start_ns)",
    "attempt": "max(attempt)",
    "memory_peak_bytes": "max(memory_peak_bytes)",
    # Together: a percentage is none of what was counted before.
    "progress": "arg_max(CASE WHEN done IS NOT NULL OR percent IS NOT NULL THEN [done, total, percent] END, id)",
    "step": "arg_max(step, CASE WHEN step <> '' THEN id END)",
    "checkpoint": "arg_max(data, CASE WHEN event = 'checkpoint' THEN id END)",
    "last": "max(timestamp)",
}
_TOLD: Final = (
    f"SELECT operation_id, {', '.join(f'{expression} AS {name}' for name, expression in _SAID.items())} "  # noqa: S608 - our own words
    "FROM operations WHERE operation_id IN (SELECT unnest(?)) GROUP BY operation_id"
)


def is_a_process(stream: str) -> bool:
    """Whether a stream ends when a process does; others hold what came over HTTP, whoever sent it."""
    return not stream.startswith((BATCH, PREFIX))


class Abandonment:
    """Finds what ended streams left open. It belongs to the ingest thread.

    Args:
        store: where the operations are.
        follower: knows which streams have ended.
    """

    def __init__(self, store: Store, follower: Follower) -> None:
        self._store: Final = store
        self._follower: Final = follower
        #: Streams that have ended, and left nothing open that is not said to be abandoned.
        self._settled: Final[set[str]] = set()
        #: Operations that a living process may still end, or hand over.
        self._shared: Final[dict[str, None]] = {}
        self._looked = 0.0

    def waiting(self) -> list[str]:
        """Streams that must stay until `due` is through with them.

        One from another machine is among them once its sender has said that it is over.
        """
        streams = self._follower.streams
        self._settled.intersection_update(name for name, stream in streams.items() if stream.is_over())
        return [
            name
            for name, stream in streams.items()
            if name not in self._settled and is_a_process(name) and (stream.is_over() or not stream.shipped)
        ]

    def due(self) -> Iterator[Batch]:
        """Batches that are to be stored now, when all lines that were read are. Each before the next is asked for."""
        read = self._follower.finished(self._follower.finished(self.waiting(), "operation"), "span")  # ends are in both
        ended = [name for name in read if not self._silent(name)]
        if ended:
            yield from self._left_open("stream", ended)
        self._settled.update(ended)
        if self._shared and time.monotonic() - self._looked >= _AGAIN:
            ids = list(self._shared)
            self._shared.clear()
            yield from self._left_open("operation_id", ids)

    def _silent(self, name: str) -> bool:
        """Whether it ended without a word of any operation: then it is settled."""
        silent = not self._follower.streams[name].lanes["operation"].has_begun()
        if silent:
            self._settled.add(name)
        return silent

    def _left_open(self, column: str, values: Sequence[str]) -> Iterator[Batch]:
        self._looked = time.monotonic()
        after = ""
        while True:
            page = self._store.query(_OPEN.format(column=column), [list(values), after, _PAGE], timeout=None).rows
            ids = [row[0] for row in page]
            lost = self._lost(ids) if ids else {}
            if lost:
                yield self._batch(lost)
            if len(ids) < _PAGE:
                return
            after = ids[-1]

    def _lost(self, ids: Sequence[str]) -> dict[str, str]:
        """Those of some operations that are in nobody's hands any more → the stream that had it."""
        hands: dict[str, dict[str, str]] = {}
        closed: set[str] = set()
        for id_, stream, last, closes in self._store.query(_HANDS, [list(ids)], timeout=None).rows:
            if closes:
                closed.add(id_)
            if last != "detach" and is_a_process(stream):
                hands.setdefault(id_, {})[stream] = last
        lost: dict[str, str] = {}
        for id_, streams in hands.items():
            if id_ in closed:
                continue
            if any(self._lives(stream) for stream in streams):
                if len(self._shared) < _MOST_SHARED:
                    self._shared[id_] = None
                continue
            dead = [stream for stream, last in streams.items() if last != "abandon"]
            if dead:
                lost[id_] = dead[-1]
        return lost

    def _lives(self, name: str) -> bool:
        return name in self._follower.streams and not self._follower.finished([name], "operation")

    def _batch(self, lost: Mapping[str, str]) -> Batch:
        """What is said of them, with how far they got."""
        found = self._store.query(_TOLD, [list(lost)], timeout=None)
        records, streams = [], []
        for row in found.rows:
            stream = lost[row[0]]
            records.append(_record(row[0], dict(zip(_SAID, row[1:], strict=True)), self._follower.streams.get(stream)))
            streams.append(stream)
        return Batch([of_operations(records, streams)])


def _record(id_: str, said: dict[str, Any], stream: Stream | None) -> OperationRecord:
    done, total, percent = said.pop("progress") or (None, None, None)
    checkpoint, last = said.pop("checkpoint"), said.pop("last").replace(tzinfo=UTC)
    # It lived at least until its process last said so; that is told with whole lines, so it may be before its last one.
    at = max(last, _updated(stream) or last)
    kept = {name: value for name, value in said.items() if value is not None}
    took = (at - moment(said["start_time_unix_nano"] // 1000)) // timedelta(microseconds=1)
    return OperationRecord(
        timestamp=rfc3339(at),
        operation_id=id_,
        event="abandon",
        status="abandoned",
        duration_ms=max(0, took) / 1000,
        done=done,
        total=total,
        percent=percent,
        reason=f"process {said['pid']}{' on ' * bool(said['host'])}{said['host']} ended without ending it",
        data=msgspec.Raw(b'{"checkpoint":%b}' % checkpoint.encode()) if checkpoint else msgspec.Raw(b"{}"),
        **kept,
    )


def _updated(stream: Stream | None) -> datetime | None:
    """When the process of a stream last said how it does."""
    told = None if stream is None else stream.status.get("updated")
    try:
        return None if not isinstance(told, str) else moment(microseconds(told))
    except RowError:
        return None
