"""Increases of many processes become one history: at each tick, one sample for each series that lives."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from plainview.ingest.metrics.foreign import Foreign
from plainview.ingest.metrics.identity import labels_of
from plainview.ingest.metrics.recall import Memory, latest_times, recall
from plainview.ingest.metrics.shown import families
from plainview.ingest.metrics.tick import Tick
from plainview.ingest.metrics.totals import Gauge, Metric, make
from plainview.ingest.metrics.waiting import Waiting
from plainview.store.interface import Batch, Position
from plainview.store.samples import stale_marker

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from plainview.exposition import Family
    from plainview.ingest.lane import Piece
    from plainview.ingest.metrics.totals import Total
    from plainview.ingest.metrics.waiting import Entry
    from plainview.ingest.ndjson import Rejected
    from plainview.records import MetricPoint, MetricRecord
    from plainview.store.interface import Store

__all__ = ["Fold"]

#: Under this name the store keeps how far the ticks have come: as a stream of one line each.
_TICKS: Final = ("", "metric")
#: Ticks after which a process that says nothing is taken for gone: it tells all it has every eighth time.
_SILENT: Final = 10
#: Milliseconds for which the counters of processes that are gone still have samples.
_LINGER: Final = 300_000
#: Milliseconds that are waited after a tick for what belongs to it.
_GRACE: Final = 2000
#: Series that wait in memory, after which ticks are closed before their time.
_MOST_WAITING: Final = 200_000
#: Milliseconds that a tick goes on by while the clock is behind: it was set back.
_CREEP: Final = 1000
#: Counters that nobody has any more whose totals are remembered.
_MOST_STORED: Final = 500_000
_DAY: Final = 86_400_000


@dataclass(slots=True)
class _Process:
    """What a process has, by its stream."""

    told: int = 0
    full: bool = False
    totals: set[Total] = field(default_factory=set)


class Fold:
    """The totals of all series, and the ticks at which they are stored.

    Everything but :meth:`families` belongs to one thread.

    Args:
        store: where they go, and where the totals of before are found.
        interval: seconds between two ticks.
    """

    def __init__(self, store: Store, interval: float = 15.0) -> None:
        self._store = store
        self.interval = max(1, round(interval * 1000))
        self._lock = threading.Lock()
        #: Points that were left out, by the reason.
        self.refused: dict[str, int] = {}
        self._begin(0, Memory())

    def restore(self) -> None:
        """Forget what is not stored, and go on from what is. It comes before anything is added."""
        closed = self._store.offsets().get(_TICKS, (0, 0))[0]
        memory = recall(self._store, closed, 2 * self.interval) if closed else Memory()
        memory.times = latest_times(self._store)
        self._begin(closed, memory)

    def _begin(self, closed: int, memory: Memory) -> None:
        with self._lock:
            self.closed = closed
            self._stored, self._natives = memory.values, memory.natives
            #: Series that lived when the last tick was stored, and of which no process has spoken since.
            self._inherited = memory.alive
            self._restored = self.closed
            self._foreign = Foreign(memory.times, self._is_ours)
            self._waiting = Waiting(self.interval)
            self._metrics: dict[tuple[str, str, str, str], Metric] = {}
            self._by_id: dict[int, Total] = {}
            self._processes: dict[str, _Process] = {}
            self._held: list[Gauge] = []
            self._over: set[str] = set()
            self._crept = 0.0

    def _is_ours(self, number: int) -> bool:
        return number in self._by_id

    # -- what comes in ----------------------------------------------------------------------------------------------

    def add(self, piece: Piece, now: int) -> tuple[list[Rejected], int]:
        """Take in lines of kind ``metric``; they are stored with their tick.

        Args:
            piece: what was read.
            now: milliseconds since 1970.

        Returns:
            The lines that could not be understood, and how many lines there were.
        """
        return self._waiting.add(piece, now, self.closed)

    def end(self, streams: Collection[str]) -> None:
        """Processes are over, and all that they wrote was added."""
        self._over.update(name for name in streams if name in self._processes or self._waiting.holds(name))

    def processes(self) -> list[str]:
        """Streams that have series, or have something waiting."""
        return list(self._processes.keys() | self._waiting.streams())

    # -- what goes out ----------------------------------------------------------------------------------------------

    def due(self, now: int, *, caught_up: bool) -> Iterator[Batch]:
        """Batches that are to be stored now, in order. Each must be stored before the next is asked for.

        Args:
            now: milliseconds since 1970.
            caught_up: whether everything was added that there is.
        """
        if self._waiting.ready:
            entries, self._waiting.ready = self._waiting.ready, []
            yield self._foreign.batch(entries)
        if self.closed > now + 2 * self.interval:
            # The clock was set back. What is stored stays the past: ticks creep on until the clock has caught up.
            if time.monotonic() - self._crept >= self.interval / 1000:
                self._crept = time.monotonic()
                yield self._close(self.closed + _CREEP)
            return
        grace = min(_GRACE, self.interval // 4)
        while (tick := self._next()) is not None:
            if not (caught_up and now >= tick + grace) and self._waiting.size <= _MOST_WAITING:
                return
            yield self._close(tick)

    def _next(self) -> int | None:
        """The tick that comes next; None: there is nothing to store at any."""
        following = (self.closed // self.interval + 1) * self.interval
        first = self._waiting.first()
        if self._by_id or self._inherited:
            return following
        return None if first is None else max(following, -(-first // self.interval) * self.interval)

    def _close(self, tick: int) -> Batch:
        with self._lock:
            positions: dict[str, Position] = {"": Position(*_TICKS, tick, self.interval)}
            foreign: list[Entry] = []
            for entry in self._waiting.take(tick):
                positions[entry.stream] = entry.position
                if entry.record is None:
                    continue
                if entry.record.series:
                    foreign.append(entry)
                elif entry.record.name or entry.record.full:
                    self._apply(entry.stream, entry.record, entry.moment, tick)
            self._part(tick)
            rows = self._rows(tick)
            self.closed = tick
        tables = list(self._foreign.batch(foreign).rows) if foreign else []
        tables += rows.tables(tick)
        return Batch(tables, list(positions.values()))

    # -- one line ---------------------------------------------------------------------------------------------------

    def _apply(self, stream: str, record: MetricRecord, moment: int, tick: int) -> None:
        process = self._processes.get(stream)
        if process is None:
            process = self._processes[stream] = _Process()
        process.told = tick
        process.full = process.full or record.full
        if not record.name:
            return
        key = (record.service, record.environment, record.host, record.name)
        metric = self._metrics.get(key)
        if metric is None:
            metric = self._metrics[key] = Metric(record)
        elif metric.kind != record.kind:
            self._refuse(f"{record.name} is a {metric.kind} elsewhere", len(record.points))
            return
        else:
            metric.describe(record)
        for point in record.points:
            total = self._total(metric, record, point)
            if total is None:
                continue
            if total not in process.totals:
                process.totals.add(total)
                total.members += 1
                total.ended = 0
            total.take(stream, record, point, moment)
            if point.removed:
                process.totals.discard(total)
                total.leave(stream)

    def _total(self, metric: Metric, record: MetricRecord, point: MetricPoint) -> Total | None:
        """The series of a point. None: what it means is another series already."""
        own = tuple(sorted(point.labels.items()))
        total = metric.totals.get(own)
        if total is None:
            total = make(metric, labels_of(record, point.labels), record, self._stored, self._natives)
            if total.id in self._by_id:
                self._refuse(f"{record.name}: its labels mean another series", 1)
                return None
            metric.totals[own] = self._by_id[total.id] = total
            if isinstance(total, Gauge):
                if total.id in self._inherited:
                    self._held.append(total)
                else:
                    total.held = None
            self._inherited.difference_update([total.id], (number for number, _ in total.samples()))
        return total

    def _refuse(self, reason: str, points: int) -> None:
        if reason in self.refused or len(self.refused) < 100:  # noqa: PLR2004 - enough to see what it is
            self.refused[reason] = self.refused.get(reason, 0) + points

    # -- who is there -----------------------------------------------------------------------------------------------

    def _part(self, tick: int) -> None:
        """Let go of processes that are over, or silent for long."""
        for stream, process in list(self._processes.items()):
            # What it said last has a sample at least.
            over = stream in self._over and not self._waiting.holds(stream) and process.told < tick
            if over or tick - process.told > _SILENT * self.interval:
                for total in process.totals:
                    total.leave(stream)
                del self._processes[stream]
                self._over.discard(stream)
        since = tick - self._restored
        everybody = since > 2 * self.interval and all(process.full for process in self._processes.values())
        if everybody or since > _SILENT * self.interval:
            for gauge in self._held:
                gauge.held = None
            self._held.clear()

    def _rows(self, tick: int) -> Tick:
        rows = Tick()
        day = tick // _DAY
        for total in list(self._by_id.values()):
            if total.members <= 0 and self._has_ended(total, tick):
                self._drop(total, rows)
                continue
            if total.day != day:
                total.day = day
                rows.series.extend(total.rows())
            rows.add(total)
        self._inherit(tick, rows)
        return rows

    @staticmethod
    def _has_ended(total: Total, tick: int) -> bool:
        if not total.ended:
            total.ended = tick
        return isinstance(total, Gauge) or tick - total.ended >= _LINGER

    def _drop(self, total: Total, rows: Tick) -> None:
        """A series that nobody has any more says so."""
        del self._by_id[total.id]
        metric = total.metric
        for own in [own for own, one in metric.totals.items() if one is total]:
            del metric.totals[own]
        total.keep(self._stored, self._natives)
        while len(self._stored) > _MOST_STORED:
            del self._stored[next(iter(self._stored))]
        rows.end(total)

    def _inherit(self, tick: int, rows: Tick) -> None:
        """Series of before the start go on until the processes have spoken of them, or do not."""
        if not self._inherited:
            return
        over = tick - self._restored > _SILENT * self.interval
        for number in self._inherited:
            if number in self._natives:
                rows.histogram(number, self._natives[number], stale=over)
            elif number in self._stored:
                rows.sample(number, stale_marker() if over else self._stored[number])
        if over:
            self._inherited = set()

    # -- who asks ---------------------------------------------------------------------------------------------------

    def families(self) -> list[Family]:
        """All series of processes as they were at the last tick, for `plainview.exposition`. For any thread."""
        with self._lock:
            return families(self._metrics.values())

    def stats(self) -> dict[str, int]:
        """Series, processes, and what was left out."""
        with self._lock:
            return {
                "series": len(self._by_id),
                "processes": len(self._processes),
                "waiting": self._waiting.size,
                "refused": sum(self.refused.values()),
            }
