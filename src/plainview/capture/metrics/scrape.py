"""What ``/metrics`` shows: this process, the others of its service, and what those that are gone had counted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from plainview import cells, segments
from plainview.capture.metrics import metering
from plainview.capture.metrics.instruments import Histogram
from plainview.capture.metrics.registry import REGISTRY
from plainview.capture.metrics.snapshot import streams_of
from plainview.cells import Totals

if TYPE_CHECKING:
    from plainview.exposition import Exemplar, Family, Labels

__all__ = ["families"]


def families() -> list[Family]:
    """All metrics of this service on this machine: sums over its processes, those that are gone included.

    Gauges are of the living, by their aggregation. Callbacks of this process are asked; what others take from elsewhere
    is as old as their last snapshot.
    """
    REGISTRY.collect(metering.failed)
    together = Totals()
    together.add(REGISTRY.reading())
    spool = REGISTRY.board.spool
    if spool is not None and spool.settings.enabled:
        directory, service = spool.directory, spool.settings.service
        found = []
        for stream in streams_of(directory, service, besides=spool.path):
            alive = segments.is_alive(stream)
            if not os.path.exists(os.path.join(stream, cells.DONE)):
                reading = cells.read(stream)
                if reading is not None:
                    found.append((os.path.basename(stream), reading, alive))
        # In this order: whoever was added to the dead meanwhile is among them now, and is counted there.
        dead, counted = cells.totals_of(directory, service)
        for name, reading, alive in found:
            if name not in counted:
                together.add(reading, gauges=alive)
        together.merge(dead)
    shown = list(together.families())
    _add_exemplars(shown)
    return shown


def _add_exemplars(shown: list[Family]) -> None:
    held: dict[tuple[str, Labels], dict[int, Exemplar]] = {}
    for instrument in list(REGISTRY.instruments.values()):
        if isinstance(instrument, Histogram) and instrument.exemplars:
            held.update(_of(instrument))
    if held:
        for family in shown:
            for histogram in family.histograms:
                histogram.exemplars = held.get((family.name, histogram.labels), {})


def _of(histogram: Histogram) -> dict[tuple[str, Labels], dict[int, Any]]:
    found = {}
    for series in histogram.all_series():
        if series.slot in histogram.exemplars and series.values is not None:
            labels = tuple(zip(histogram.entry.labels, series.values, strict=True))
            found[histogram.name, labels] = dict(histogram.exemplars[series.slot])
    return found
