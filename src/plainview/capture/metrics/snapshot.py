"""Snapshots: what has changed since the last one, as lines of kind ``metric``; and the last words of dead processes."""

from __future__ import annotations

import os
import threading
import time
from array import array
from typing import TYPE_CHECKING, Any, Final

from plainview import cells, segments
from plainview.capture.spool import now
from plainview.cells import Increase, closing, lines
from plainview.records import MetricRecord

if TYPE_CHECKING:
    from plainview.capture.metrics.instruments import Instrument
    from plainview.capture.metrics.registry import Registry
    from plainview.capture.spool import Spool
    from plainview.cells import Reading
    from plainview.exposition import Exemplar

__all__ = ["Snapshots", "streams_of"]

#: Every so many snapshots, all series are told of.
_FULL: Final = 8
#: Seconds between two looks at the streams of this service, and at our own file.
_LOOK_SECONDS: Final = 2.0
_SETTLE_SECONDS: Final = 1.0
#: Services that this process has begun, or found begun: (data directory, service).
_begun: Final[set[tuple[str, str]]] = set()


class Snapshots:
    """Takes them, in the keeper's thread and once at the end.

    Args:
        registry: what is told of.
        spool: the stream that it is told to.
    """

    def __init__(self, registry: Registry, spool: Spool) -> None:
        self._registry: Final = registry
        self._spool: Final = spool
        #: What was told so far: of each slot, and in which snapshot.
        self._told = array("d")
        self._number = self._first = 0
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._taken = time.monotonic()
        self._settled = self._looked = 0.0

    def after_fork(self) -> None:
        """A forked child has told nothing."""
        self._told, self._number, self._first = array("d"), 0, 0
        self._reset()

    def take_over(self, other: Snapshots) -> None:
        """Go on where another one ended: the process is the same."""
        self._told, self._number, self._first = other._told, other._number, other._number

    def tick(self) -> None:
        """What is due."""
        clock = time.monotonic()
        if clock - self._settled >= _SETTLE_SECONDS:
            self._settled = clock
            if self._registry.board.used > 1 and len(self._registry.board.view):
                self._registry.board.settle()
        if clock - self._taken >= self._spool.settings.metrics_interval:
            self._taken = clock
            self.take()
        if clock - self._looked >= _LOOK_SECONDS:
            self._looked = clock
            self._look_after_dead()

    def finish(self, timeout: float) -> None:
        """The last one of this process."""
        self.take(timeout)

    def settled(self, stream: str) -> None:
        """The cells have come into a stream: note there what was told of them before."""
        if self._number:
            try:
                cells.write_bank(stream, self._number, self._told, told=True)
            except OSError as error:
                self._spool.failed(error)
        self._begin(stream)

    def _begin(self, stream: str) -> None:
        """Where no other process of the service lives, its counters begin at nothing."""
        settings = self._spool.settings
        key = self._spool.directory, settings.service
        if key in _begun:
            return
        others = streams_of(self._spool.directory, settings.service, besides=stream)
        try:
            dead = [os.path.basename(other) for other in others if not segments.is_alive(other)]
            if len(dead) < len(others) or cells.begin_anew(*key, dead):
                _begun.add(key)
        except OSError:
            return  # the next to come may

    def take(self, timeout: float = 10.0) -> None:
        """Take a snapshot. Nothing is lost where it cannot be written: the next one tells of it."""
        if not self._lock.acquire(timeout=timeout):
            return
        try:
            self._take()
        except Exception as error:  # noqa: BLE001 - never into the application
            self._spool.failed(error)
        finally:
            self._lock.release()

    def _take(self) -> None:
        registry, spool = self._registry, self._spool
        registry.collect(spool.failed)
        gone = list(registry.gone)
        reading = registry.reading(full=True)
        if not len(registry.board.view):
            return  # nothing was ever written
        stream, values = registry.board.stream, array("d", reading.values)
        number = self._number + 1
        if stream:
            try:
                cells.write_bank(stream, number, values)
            except OSError as error:
                spool.degrade(error)
                return
        full = (number - self._first) % _FULL == 1
        record = MetricRecord(timestamp=now(), number=number, full=full, **self._static())
        dropped = self._tell(reading, record, values)
        if dropped and stream:
            cells.write_bank(stream, number, values)
        self._put(closing(record))
        if stream:
            cells.mark_told(stream, number, len(values))
        self._told, self._number = values, number
        if not dropped:
            registry.gone = [each for each in registry.gone if each not in gone]

    def _tell(self, reading: Reading, record: MetricRecord, values: array[float]) -> bool:
        """Write what has changed. Whether something was dropped: ``values`` then has what was told of that before."""
        increase = Increase(reading, self._told, full=record.full, exemplars=self._exemplars())
        dropped = False
        for metric in reading.metrics.values():
            for line, told in lines(metric, increase.of(metric), record, self._spool.settings.max_line):
                if self._put(line):
                    continue
                dropped = True
                for series in told:
                    for slot in reading.slots(series):
                        values[slot] = self._told[slot] if slot < len(self._told) else 0.0
        return dropped

    def _put(self, line: bytes) -> bool:
        """Write a line. False: it was dropped."""
        channel, counters = self._spool.channels["metric"], self._spool.counters
        before = counters.dropped["metric"]
        try:
            channel.write(line)
        except ValueError:
            channel.overflow(line)
        return counters.dropped["metric"] == before

    def _static(self) -> dict[str, Any]:
        settings = self._spool.settings
        return {
            "service": settings.service,
            "environment": settings.environment,
            "version": settings.version,
            "host": os.uname().nodename,
            "pid": os.getpid(),
        }

    def _exemplars(self) -> dict[int, list[Exemplar]]:
        found: dict[int, list[Exemplar]] = {}
        for instrument in list(self._registry.instruments.values()):
            found.update(_untold(instrument))
        return found

    def _look_after_dead(self) -> None:
        spool = self._spool
        if not spool.opened:
            return
        for stream in streams_of(spool.directory, spool.settings.service, besides=spool.path):
            cells.finalise(stream)


def _untold(instrument: Instrument[Any]) -> dict[int, list[Exemplar]]:
    untold = getattr(instrument, "untold", None)
    if not untold:
        return {}
    instrument.untold = {}  # type: ignore[attr-defined] # it is a histogram
    return {slot: list(places.values()) for slot, places in untold.items()}


def streams_of(directory: str, service: str, besides: str = "") -> list[str]:
    """Streams of a service with cells in them, but one."""
    found = []
    try:
        with os.scandir(os.path.join(directory, "spool")) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.path == besides:
                    continue
                if os.path.exists(os.path.join(entry.path, cells.CELLS)) and _service(entry.path) == service:
                    found.append(entry.path)
    except OSError:
        return found
    return found


def _service(stream: str) -> str | None:
    service = cells.process_of(stream).get("service")
    return service if isinstance(service, str) else None
