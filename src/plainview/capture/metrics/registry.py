"""All metrics of this process: declared once, listed, read."""

from __future__ import annotations

import contextlib
import os
import sys
from _thread import RLock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from plainview.capture.metrics.board import Board
from plainview.cells import Reading
from plainview.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plainview.capture.metrics.instruments import Instrument
    from plainview.cells.form import Entry, Removed

__all__ = ["REGISTRY", "MetricInfo", "Registry", "metrics"]


class MetricInfo(NamedTuple):
    """What is known of a metric of this process."""

    name: str
    #: ``counter``, ``gauge`` or ``histogram``.
    kind: str
    unit: str
    description: str
    labels: tuple[str, ...]
    #: How many series it has here.
    series: int


class Registry:
    """The instruments of this process, and their cells."""

    def __init__(self) -> None:
        self.instruments: Final[dict[str, Instrument[Any]]] = {}
        #: Most series of one metric, as the settings have it.
        self.most = Settings().metrics_max_series
        self.board: Final = Board(self.entries, self._unset)
        self.lock = RLock()
        #: Called before values are read: callback gauges, and what is taken over from elsewhere.
        self._collectors: Final[list[Callable[[], None]]] = []
        #: Series that were removed, until a snapshot has told of it.
        self.gone: list[tuple[list[Entry], Removed]] = []
        os.register_at_fork(before=self._before_fork, after_in_child=self._in_child)

    def _before_fork(self) -> None:
        if "prometheus_client" in sys.modules:
            with contextlib.suppress(Exception):
                from plainview.capture.metrics import mirror  # noqa: PLC0415 - for those who use that library

                mirror.before_fork()

    def _in_child(self) -> None:
        self.lock = RLock()
        self.gone = []
        self.board.after_fork()

    def cap(self, most: int) -> None:
        """Change how many series a metric may have. What is there stays."""
        with self.lock:
            self.most = most
            for instrument in self.instruments.values():
                instrument.entry = msgspec.structs.replace(instrument.entry, most=most)

    def before_collect(self, look: Callable[[], None]) -> None:
        """Have something called each time before values are read, in the order in which it was asked for; once each."""
        if look not in self._collectors:
            self._collectors.append(look)

    def collect(self, failed: Callable[[BaseException], object]) -> None:
        """Have everything looked at whose values are not given but taken. What fails is left as it was."""
        looks = [*self._collectors, *(each.look for each in list(self.instruments.values()) if each.callbacks)]
        if "prometheus_client" in sys.modules:
            from plainview.capture.metrics import mirror  # noqa: PLC0415 - for those who use that library

            looks.append(mirror.look)
        for look in looks:
            try:
                look()
            except Exception as error:  # noqa: BLE001 - the others are looked at all the same
                failed(error)

    def entries(self) -> Iterator[Entry]:
        """Everything that the slots are."""
        for instrument in list(self.instruments.values()):
            yield instrument.entry
            for series in instrument.all_series():
                yield from series.entries()
        for entries, removed in list(self.gone):
            yield from entries
            yield removed

    def _unset(self) -> Iterator[int]:
        for instrument in list(self.instruments.values()):
            if instrument.starts_unset:
                for series in instrument.all_series():
                    yield series.slot

    def reading(self, *, full: bool = False) -> Reading:
        """What everything holds now; ``full``: tell of those that are gone as well."""
        entries = list(self.entries())
        used, view = self.board.used, self.board.view  # in this order: every entry's slot is among them
        values = view[:used].tolist() if len(view) else [0.0] * used
        return Reading(entries, values, tell_gone=full)


REGISTRY: Final = Registry()


def metrics() -> list[MetricInfo]:
    """All metrics that this process knows, by name: those it declared, and those taken over from other libraries."""
    found: dict[str, MetricInfo] = {}
    for _, each in sorted(REGISTRY.instruments.items()):
        entry, known = each.entry, found.get(each.name)
        info = MetricInfo(each.name, each.kind, entry.unit, entry.description, entry.labels, each.series_count())
        if known is not None:  # one of OpenTelemetry's, with attributes of several names
            labels = known.labels + tuple(label for label in entry.labels if label not in known.labels)
            info = known._replace(labels=labels, series=known.series + info.series)
        found[each.name] = info
    return list(found.values())
