"""What a tick stores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plainview.store.samples import (
    Exemplar,
    NativeHistogram,
    SeriesRow,
    of_exemplars,
    of_histograms,
    of_samples,
    of_series,
    stale_marker,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainview.ingest.metrics.totals import Total
    from plainview.store.rows import Rows

__all__ = ["Tick"]


@dataclass(slots=True)
class Tick:
    """One sample of each series, and what there is to be told of them."""

    series: list[SeriesRow] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    natives: list[tuple[int, NativeHistogram]] = field(default_factory=list)
    exemplars: list[Exemplar] = field(default_factory=list)

    def add(self, total: Total) -> None:
        """The samples of a total as it stands."""
        for number, value in total.samples():
            self.sample(number, value)
        native = total.native()
        if native is not None:
            self.natives.append((total.id, native))
        if total.exemplars:
            self.exemplars.extend(total.exemplars)
            total.exemplars = []

    def end(self, total: Total) -> None:
        """The series of a total have ended."""
        native = total.native()
        for number in {row.series_id for row in total.rows()} - ({total.id} if native is not None else set()):
            self.sample(number, stale_marker())
        if native is not None:
            self.histogram(total.id, native, stale=True)

    def sample(self, number: int, value: float) -> None:
        """A sample of a series."""
        self.ids.append(number)
        self.values.append(value)

    def histogram(self, number: int, native: NativeHistogram, *, stale: bool) -> None:
        """A native histogram of a series, or its end."""
        if stale:
            native = NativeHistogram(native.count, native.sum, native.scale, stale=True)
        self.natives.append((number, native))

    def tables(self, moment: int) -> Iterator[Rows]:
        """Rows of all of it, at a time in milliseconds."""
        if self.series:
            yield of_series(self.series, moment)
        if self.ids:
            yield of_samples(self.ids, moment, self.values)
        if self.natives:
            yield of_histograms([number for number, _ in self.natives], moment, [one for _, one in self.natives])
        if self.exemplars:
            yield of_exemplars(self.exemplars)
