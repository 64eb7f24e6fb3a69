"""All metrics of this process: declared once, listed, read."""

from __future__ import annotations

import os
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
        #: Series that were removed, until a snapshot has told of it: metric, what it was.
        self.gone: list[tuple[Instrument[Any], list[Entry], Removed]] = []
        os.register_at_fork(after_in_child=self._in_child)

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
        for look in [*self._collectors, *(each.look for each in list(self.instruments.values()) if each.callbacks)]:
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
        for instrument, entries, removed in list(self.gone):
            if instrument.name in self.instruments:
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
    return [
        MetricInfo(name, each.kind, each.entry.unit, each.entry.description, each.entry.labels, each.series_count())
        for name, each in sorted(REGISTRY.instruments.items())
    ]
