"""Selectors: stored samples become instant vectors and windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from plainview.query.promql.errors import BadQuery, ExecutionFailed
from plainview.query.promql.labels import label_set
from plainview.query.promql.regex import BadPattern
from plainview.query.promql.values import Vector
from plainview.query.promql.windows import Windows, bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plainview.query.promql.arrays import Bools, Floats, Integers
    from plainview.query.promql.labels import Labels
    from plainview.query.promql.native import Histograms
    from plainview.query.promql.series import Matcher, Series, Source

__all__ = ["LOOKBACK", "MAX_SAMPLES", "Selection"]

#: Milliseconds for which a sample stands until there is a newer one.
LOOKBACK: Final = 300_000
#: Samples that one query may touch: what it reads, and what it computes at each node.
MAX_SAMPLES: Final = 50_000_000
#: The NaN that says that a series has ended, apart from every other NaN.
STALE: Final = 0x7FF0000000000002


class Selection:
    """Reads series on behalf of one query, and counts what it touches.

    Args:
        source: where series come from.
        check: called now and then; raises when the question was cancelled or its time is up.
        max_samples: how many may be touched.
    """

    def __init__(self, source: Source, check: Callable[[], None], max_samples: int = MAX_SAMPLES) -> None:
        self.source = source
        self.check = check
        self.max_samples = max_samples
        self.touched = 0

    def touch(self, samples: int) -> None:
        """Count samples.

        Raises:
            ExecutionFailed: that is too many.
        """
        self.check()
        self.touched += samples
        if self.touched > self.max_samples:
            msg = (
                f"query processing would load too many samples into memory: more than {self.max_samples}; "
                "ask for a shorter time, a larger step, or fewer series"
            )
            raise ExecutionFailed(msg)

    def _read(self, matchers: Sequence[Matcher], start: int, end: int) -> list[Series]:
        self.check()
        try:
            found = self.source.select(matchers, start, end)
        except BadPattern as error:
            msg = f"{str(error)!r} is no regular expression"
            raise BadQuery(msg) from None
        self.touch(sum(len(series.times) for series in found))
        return found

    def instant(self, matchers: Sequence[Matcher], times: Integers) -> tuple[Vector, Floats]:
        """The newest sample at each time, unless it is old or the series has ended; and when that was, in seconds."""
        found = self._read(matchers, int(times.min()) - LOOKBACK, int(times.max()))
        labels = [label_set(series.labels) for series in found]
        self.touch(len(labels) * len(times))
        stamps = [series.times for series in found]
        flat = _joined(stamps, np.int64)
        low, high = bounds(stamps, times - LOOKBACK, times)
        present, newest = high > low, high - 1
        shape = (len(labels), len(times))
        values = np.zeros(shape)
        histograms: dict[int, Histograms] = {}
        offset = 0
        for row, series in enumerate(found):
            place = newest[row] - offset
            offset += len(series.times)
            if not len(series.times):
                continue
            if series.histograms is None:
                values[row] = series.values.take(place, mode="clip")
                present[row] &= ~stale(values[row])
            else:
                histograms[row] = series.histograms.rows(np.clip(place, 0, None))
                present[row] &= ~stale(histograms[row].data[:, 1])
        when = (flat.take(newest, mode="clip") if len(flat) else np.zeros(shape)) / 1000.0
        some = np.flatnonzero(present.any(axis=1))
        return Vector(labels, values, present, histograms or None).rows(some), when[some]

    def windows(self, matchers: Sequence[Matcher], width: int, steps: Integers, ends: Integers) -> Windows:
        """All samples in a window of ``width`` milliseconds before each end."""
        found = self._read(matchers, int(ends.min()) - width, int(ends.max()))
        rows: list[tuple[Labels, Integers, Floats, Histograms | None]] = []
        for series in found:
            times, values, histograms = series.times, series.values, series.histograms
            ended = stale(values if histograms is None else histograms.data[:, 1])
            if ended.any():
                times = times[~ended]
                values = values[~ended] if histograms is None else values
                histograms = None if histograms is None else histograms.rows(~ended)
            if len(times):
                rows.append((label_set(series.labels), times, values, histograms))
        return self.laid_out(rows, width, steps, ends)

    def laid_out(
        self,
        rows: Sequence[tuple[Labels, Integers, Floats, Histograms | None]],
        width: int,
        steps: Integers,
        ends: Integers,
    ) -> Windows:
        """Windows over series: labels, times, values, and histograms where those are the values."""
        self.touch(len(rows) * len(ends))
        stamps = [times for _, times, _, _ in rows]
        starts = np.cumsum([0, *map(len, stamps)])
        low, high = bounds(stamps, ends - width, ends)
        values = [np.zeros(len(times)) if native is not None else own for _, times, own, native in rows]
        natives = {row: native for row, (_, _, _, native) in enumerate(rows) if native is not None}
        return Windows(
            [labels for labels, _, _, _ in rows],
            _joined(stamps, np.int64),
            _joined(values, np.float64),
            starts,
            low,
            high,
            steps,
            ends,
            width,
            self.check,
            natives,
        )


def stale(values: Floats) -> Bools:
    """Which values are not values but say that the series has ended."""
    marks: Bools = np.ascontiguousarray(values).view(np.int64) == STALE
    return marks


def _joined(parts: Sequence[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0, kind)
