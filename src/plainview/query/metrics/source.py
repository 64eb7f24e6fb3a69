"""Samples out of the store, series by series, as arrays."""

# ruff: noqa: S608 - the statements are made of our own words; whatever comes from outside is a parameter

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from plainview.query.metrics.index import index_of
from plainview.query.promql.native import Histograms
from plainview.query.promql.series import Series
from plainview.query.sql import Sql
from plainview.store.samples import STALE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from plainview.query.metrics.index import Indexed
    from plainview.query.promql.series import Matcher
    from plainview.query.reader import Reader

__all__ = ["EVER", "StoredMetrics"]

#: Milliseconds beyond every sample: for questions without a range of time.
EVER: Final = 1 << 52
#: Times that the engine can hold, milliseconds since 1970.
_LEAST, _MOST = 0, 7_258_118_400_000
#: Stretches of rows that are put together one by one.
_MOST_STRETCHES: Final = 200_000

#: Each row's series as its place in the list of ids, so that rows can be put in order by small numbers.
_WANTED: Final = "(SELECT unnest(?::BIGINT[]) AS series_id, unnest(range(?)) AS place) AS wanted"
_RANGE: Final = "timestamp >= make_timestamp_ms(?) AND timestamp <= make_timestamp_ms(?)"
_SAMPLES: Final = (
    "SELECT wanted.place::UINTEGER AS place, timestamp AS time, value "
    f"FROM metric_samples JOIN {_WANTED} USING (series_id) WHERE {_RANGE}"
)
_ENDS: Final = (
    "SELECT wanted.place::UINTEGER AS place, timestamp AS time "
    f"FROM metric_samples JOIN {_WANTED} USING (series_id) WHERE {_RANGE} AND stale <> 0"
)
_HISTOGRAMS: Final = (
    'SELECT wanted.place::UINTEGER AS place, timestamp AS time, "count", "sum", zero, zero_threshold, '
    "scale, positive, positive_counts, negative, negative_counts, stale "
    f"FROM metric_histograms JOIN {_WANTED} USING (series_id) WHERE {_RANGE}"
)
_EXEMPLARS: Final = (
    "SELECT wanted.place, epoch_ms(timestamp), value, labels "
    f"FROM metric_exemplars JOIN {_WANTED} USING (series_id) WHERE {_RANGE} ORDER BY 1, 2"
)


class StoredMetrics:
    """The metrics of a store, as one question sees them. It is a `plainview.query.promql.series.Source`.

    Args:
        reader: the question's way to the store.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._index = index_of(reader.store)
        self._index.refresh(reader)

    def series(self, matchers: Sequence[Matcher], start_ms: int = 0, end_ms: int = EVER) -> list[Indexed]:
        """The series that every matcher holds of and that may have samples in a range of time: it is known by the day.

        Raises:
            BadPattern: a regular expression is none.
        """
        return self._index.select(matchers, start_ms, end_ms)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[Series]:
        """All series that every matcher holds of, with their samples from ``start_ms`` to ``end_ms``, both included.

        Series without a sample in that time are left out.

        Raises:
            BadPattern: a regular expression is none.
            QueryTimeout: the question's time is up.
        """
        found = self.series(matchers, start_ms, end_ms)
        if not found or end_ms < _LEAST or start_ms > _MOST or end_ms < start_ms:
            return []
        start_ms, end_ms = max(start_ms, _LEAST), min(end_ms, _MOST)
        result = self._samples(found, start_ms, end_ms)
        # Native histograms are kept under the name of their metric, as nothing else of it is.
        natives = [one for one in found if one.kind == "histogram" and one.labels["__name__"] == one.family]
        return result + (self._histograms(natives, start_ms, end_ms) if natives else [])

    def _ask(self, statement: str, found: list[Indexed], start_ms: int, end_ms: int) -> dict[str, NDArray[Any]]:
        ids = [one.series_id for one in found]
        columns = self._reader.arrays(Sql(statement, (ids, len(ids), start_ms, end_ms)))
        columns["time"] = np.asarray(columns["time"]).astype("M8[ms]", copy=False).view(np.int64)
        return columns

    def _samples(self, found: list[Indexed], start_ms: int, end_ms: int) -> list[Series]:
        columns = self._ask(_SAMPLES, found, start_ms, end_ms)
        order = _grouped(columns["place"], columns["time"], len(found))
        times, values = order.of(columns["time"]), order.of(np.ma.filled(columns["value"], np.nan))
        if np.ma.is_masked(columns["value"]):
            values = np.array(values)
            ends = self._ask(_ENDS, found, start_ms, end_ms)
            for place, at in zip(ends["place"].tolist(), ends["time"].tolist(), strict=True):
                low, high = order.starts[place : place + 2]
                row = low + np.searchsorted(times[low:high], at)
                if row < high and times[row] == at:  # it may have come in the meantime
                    values.view(np.int64)[row] = STALE
        return [
            Series(dict(one.labels), times[low:high], values[low:high])
            for one, low, high in zip(found, order.starts[:-1].tolist(), order.starts[1:].tolist(), strict=True)
            if high > low
        ]

    def _histograms(self, found: list[Indexed], start_ms: int, end_ms: int) -> list[Series]:
        columns = self._ask(_HISTOGRAMS, found, start_ms, end_ms)
        order = _grouped(columns["place"], columns["time"], len(found))
        columns = {name: order.of(values) for name, values in columns.items()}
        result = []
        for one, low, high in zip(found, order.starts[:-1].tolist(), order.starts[1:].tolist(), strict=True):
            if high > low:
                part = {name: values[low:high] for name, values in columns.items()}
                times = np.ascontiguousarray(part["time"], np.int64)
                result.append(Series(dict(one.labels), times, np.empty(0), _native(part)))
        return result

    def exemplars(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int
    ) -> list[tuple[Indexed, list[tuple[int, float, str]]]]:
        """Series with their exemplars: time (ms), value, labels as JSON."""
        found = self.series(matchers, start_ms, end_ms)
        if not found:
            return []
        ids = [one.series_id for one in found]
        range_ = (max(start_ms, _LEAST), min(end_ms, _MOST))
        rows = self._reader.rows(Sql(_EXEMPLARS, (ids, len(ids), *range_)))
        together: dict[int, list[tuple[int, float, str]]] = {}
        for place, moment, value, labels in rows:
            together.setdefault(place, []).append((moment, float("nan") if value is None else value, labels))
        return [(found[place], those) for place, those in together.items()]


class _Order(NamedTuple):
    """The order by series and time, and where each series begins in it."""

    starts: NDArray[np.intp]
    #: Row by row; or stretches of rows that are in order, one after the other.
    rows: NDArray[np.intp] | None = None
    stretches: Sequence[tuple[int, int]] = ()

    def of(self, column: NDArray[Any]) -> NDArray[Any]:
        """A column in this order."""
        if self.rows is not None:
            return column[self.rows]
        if len(self.stretches) > 1:
            return np.concatenate([column[low:high] for low, high in self.stretches])
        return column


def _grouped(place: NDArray[Any], times: NDArray[np.int64], count: int) -> _Order:
    """The order by series and time, each time of a series once.

    Args:
        place: number of each row's series.
        times: of each row.
        count: number of series.
    """
    # Of 16 bits, they are put in order by counting.
    small = np.asarray(place).astype(np.uint16 if count <= 1 << 16 else np.uint32)
    order = _runs(small, count) or _Order(
        np.concatenate([[0], np.cumsum(np.bincount(small, minlength=count))]), _order(small, count)
    )
    if _rising(order.of(small), order.of(times)).all():
        return order
    rows = np.lexsort((times, small))  # rows of sealed files came after the hot ones
    rows = rows[np.concatenate([[True], _rising(small[rows], times[rows])])]
    return _Order(np.searchsorted(small[rows], np.arange(count + 1).astype(np.uint32)), rows)


def _runs(place: NDArray[Any], count: int) -> _Order | None:
    """Of rows that are by series in a few runs, as they come out of sealed files: without a look at each. None else."""
    ends = np.flatnonzero(place[1:] < place[:-1]) + 1
    if (len(ends) + 1) * count > _MOST_STRETCHES:
        return None
    edges = [0, *ends.tolist(), len(place)]
    wanted = np.arange(count + 1)
    runs = [low + np.searchsorted(place[low:high], wanted) for low, high in itertools.pairwise(edges)]
    stretches = np.stack([[run[:-1], run[1:]] for run in runs])  # run, low or high, series
    starts = np.concatenate([[0], np.cumsum((stretches[:, 1] - stretches[:, 0]).sum(axis=0))])
    if len(runs) == 1:
        return _Order(starts)
    lows, highs = stretches.transpose(1, 2, 0).reshape(2, -1).tolist()
    return _Order(starts, None, [pair for pair in zip(lows, highs, strict=True) if pair[0] < pair[1]])


def _order(place: NDArray[Any], count: int) -> NDArray[np.intp]:
    """The order by series, rows of one series as they came."""
    ticks, rest = divmod(len(place), count)
    if not rest and (place.reshape(ticks, count) == place[:count]).all():  # every tick has all of them, in one order
        first: NDArray[np.intp] = np.argsort(place[:count], kind="stable")
        return (np.arange(ticks) * count + first[:, None]).ravel()
    return np.argsort(place, kind="stable")


def _rising(place: NDArray[Any], times: NDArray[Any]) -> NDArray[np.bool_]:
    """For each row but the first: whether it is later than the one before, or of another series."""
    result: NDArray[np.bool_] = (times[1:] > times[:-1]) | (place[1:] != place[:-1])
    return result


def _native(rows: dict[str, NDArray[Any]]) -> Histograms:
    """Rows of one series, in the buckets of the coarsest of them."""
    sides = {
        side: [
            (np.frombuffer(bytes(indexes), "<i4").astype(np.int64), np.frombuffer(bytes(counts), "<f8"))
            for indexes, counts in zip(rows[side], rows[f"{side}_counts"], strict=True)
        ]
        for side in ("negative", "positive")
    }
    scales = np.asarray(rows["scale"])
    scale = int(scales.min())
    threshold = float(np.asarray(rows["zero_threshold"]).max())
    unions: list[NDArray[np.int64]] = []
    columns = [np.ma.filled(rows[name].astype(np.float64), np.nan) for name in ("count", "sum", "zero")]
    parts = [np.stack(columns, axis=1)]
    for side in ("negative", "positive"):
        coarse = [
            (((indexes - 1) >> (own - scale)) + 1, counts)
            for (indexes, counts), own in zip(sides[side], scales.tolist(), strict=True)
        ]
        union = np.unique(np.concatenate([indexes for indexes, _ in coarse]))
        data = np.zeros((len(coarse), len(union)))
        for row, (indexes, counts) in enumerate(coarse):
            np.add.at(data[row], np.searchsorted(union, indexes), counts)
        unions.append(union)
        parts.append(data)
    data = np.concatenate(parts, axis=1)
    ended = np.asarray(rows["stale"]) != 0
    data.view(np.int64)[ended, 1] = STALE
    return Histograms(scale, threshold, unions[0], unions[1], data)
