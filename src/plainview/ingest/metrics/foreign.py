"""Samples that others took: by remote write, or scraped. They are stored as they are, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from plainview.ingest.metrics.identity import series_id
from plainview.store.interface import Batch
from plainview.store.samples import (
    Exemplar,
    NativeHistogram,
    SeriesRow,
    of_exemplars,
    of_histograms,
    of_samples,
    of_series,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from plainview.ingest.metrics.waiting import Entry
    from plainview.records import SampledHistogram, SampledSeries
    from plainview.store.rows import Rows

__all__ = ["Foreign"]

_DAY: Final = 86_400_000


class Foreign:
    """Turns them into rows. A sample that is not newer than the last of its series was taken before: it is left out.

    Args:
        last: when each series had its last sample, milliseconds.
        is_ours: whether a series is one of the processes'.
    """

    def __init__(self, last: dict[int, int], is_ours: Callable[[int], bool]) -> None:
        self._last = last
        self._is_ours = is_ours
        self._days: dict[int, int] = {}
        #: Samples that were left out.
        self.repeated = 0

    def batch(self, entries: Sequence[Entry]) -> Batch:
        """What is to be stored of some lines, and the positions that are reached with them."""
        told: dict[int, list[SeriesRow]] = {}
        ids: list[NDArray[np.int64]] = []
        times: list[NDArray[Any]] = []
        values: list[NDArray[Any]] = []
        natives: list[tuple[int, int, NativeHistogram]] = []
        exemplars: list[Exemplar] = []
        for entry in entries:
            for series in entry.record.series if entry.record is not None else ():
                labels = {name: value for name, value in series.labels.items() if value}
                name = labels.pop("__name__", "")
                number = series_id(name, labels)
                if self._is_ours(number):
                    continue
                own, those = self._samples(number, series)
                histograms = self._histograms(number, series.histograms)
                newest = max([int(own[-1])] if len(own) else [0], default=0)
                newest = max(newest, max((moment for _, moment, _ in histograms), default=0))
                if newest:
                    self._last[number] = max(newest, self._last.get(number, 0))
                    day = newest // _DAY
                    if self._days.get(number) != day:
                        self._days[number] = day
                        first = int(own[0]) if len(own) else newest
                        words = (series.family or name, series.kind, series.unit, series.description, "remote")
                        row = SeriesRow(number, name, labels, *words)
                        for moment in {first // _DAY, day}:
                            told.setdefault(moment * _DAY, []).append(row)
                ids.append(np.full(len(own), number, np.int64))
                times.append(own)
                values.append(those)
                natives += histograms
                exemplars += [Exemplar(number, moment, value, own_) for moment, value, own_ in series.exemplars]
        tables: list[Rows] = [of_series(rows, moment) for moment, rows in told.items()]
        if any(map(len, ids)):
            tables.append(of_samples(np.concatenate(ids), np.concatenate(times), np.concatenate(values)))
        if natives:
            numbers, moments, those_ = zip(*natives, strict=True)
            tables.append(of_histograms(numbers, moments, those_))
        if exemplars:
            tables.append(of_exemplars(exemplars))
        positions = {entry.stream: entry.position for entry in entries}
        return Batch(tables, list(positions.values()))

    def _samples(self, number: int, series: SampledSeries) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        times, values = np.frombuffer(series.times, "<i8"), np.frombuffer(series.values, "<f8")
        count = min(len(times), len(values))
        times, values = times[:count], values[:count]
        if count:
            before = np.maximum.accumulate(np.concatenate([[self._last.get(number, -1)], times[:-1]]))
            new = times > before
            self.repeated += count - int(new.sum())
            times, values = times[new], values[new]
        return times, values

    def _histograms(self, number: int, given: Sequence[SampledHistogram]) -> list[tuple[int, int, NativeHistogram]]:
        last, found = self._last.get(number, -1), []
        for one in given:
            if one.time <= last:
                self.repeated += 1
                continue
            last = one.time
            count, total, zero, threshold = np.frombuffer(one.numbers, "<f8").tolist()
            native = NativeHistogram(
                count, total, one.scale, zero, threshold, dict(one.positive), dict(one.negative), one.stale
            )
            found.append((number, one.time, native))
        return found
