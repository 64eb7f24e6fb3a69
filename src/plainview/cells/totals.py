"""What the processes of a service have counted together: the living, and those that are gone."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import sys
import zlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.cells.form import NEGATIVE, OVERFLOW, POSITIVE, SCALE, ZERO, Metric
from plainview.exposition import Family, Histogram, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from plainview.cells.reading import Reading

    Values: TypeAlias = tuple[str, ...] | None

__all__ = ["AGGREGATIONS", "Totals", "begin_anew", "fold", "totals_of"]

FOLDER: Final = "metrics"


def _mean(found: list[tuple[float, float]]) -> float:
    return sum(value for value, _ in found) / len(found)


#: How the gauges of several processes become one: what to make of (value, time it was set).
AGGREGATIONS: Final[dict[str, Callable[[list[tuple[float, float]]], float]]] = {
    "sum": lambda found: sum(value for value, _ in found),
    "max": lambda found: max(value for value, _ in found),
    "min": lambda found: min(value for value, _ in found),
    "mean": _mean,
    "last": lambda found: max(found, key=lambda pair: pair[1])[0],
}


def _sum(parts: list[float]) -> float:
    """Their sum, rounded once: whatever their order, and however they were added up before.

    A counter of several processes must not fall by the last bit when one of them ends: Prometheus would take it for a
    new beginning, and all of its value for an increase.
    """
    try:
        return math.fsum(parts)
    except (OverflowError, ValueError):  # infinities, or nearly
        return sum(parts)


def _exact(parts: list[float]) -> list[float]:
    """The fewest numbers that have exactly the same sum."""
    found = [total := _sum(parts)]
    if not math.isfinite(total):
        return [math.copysign(sys.float_info.max, total)] * 2  # JSON has no infinity
    while rest := _sum([*parts, *(-each for each in found)]):
        found.append(rest)
    return found


class _Observed:
    """What a histogram's series has counted: parts of the sum, and observations by (classic bucket, sign, index)."""

    __slots__ = ("counts", "sums")

    def __init__(self) -> None:
        self.sums: list[float] = []
        self.counts: dict[tuple[int, str, int], float] = {}


class Totals:
    """Values of several processes, added up by series."""

    def __init__(self) -> None:
        #: (name, kind, labels, bounds) → the metric, and its series: of a counter what each process has, of a gauge
        #: that and when it was set, of a histogram `_Observed`.
        self._metrics: dict[tuple[object, ...], tuple[Metric, dict[Values, Any]]] = {}

    def add(self, reading: Reading, *, gauges: bool = True) -> None:
        """Add what a process has counted; its gauges too, if it lives."""
        for metric in reading.metrics.values():
            if metric.kind == "gauge" and not gauges:
                continue
            series = reading.series.get(metric.number)
            if not series:
                continue
            held = self._held(metric)
            if metric.kind == "counter":
                values = reading.values
                for slot, one in series.items():
                    held.setdefault(one.values, []).append(values[slot])
            elif metric.kind == "gauge":
                timed = metric.aggregation == "last"
                for slot, one in series.items():
                    value = reading.at(slot)
                    if value == value:  # noqa: PLR0124 - NaN: it was never set
                        pair = (value, reading.at(slot + 1) if timed else 0.0)
                        held.setdefault(one.values, []).append(pair)
            else:
                for slot, one in series.items():
                    counts = {
                        (each.classic, each.sign, each.index): reading.at(each.slot)
                        for each in reading.buckets.get(slot, ())
                    }
                    self._observe(held, one.values, [reading.at(slot)], counts)

    @staticmethod
    def _observe(
        held: dict[Values, Any], key: Values, sums: list[float], counts: dict[tuple[int, str, int], float]
    ) -> None:
        found = held.get(key)
        if not isinstance(found, _Observed):
            found = held[key] = _Observed()
        found.sums += sums
        for place, count in counts.items():
            if count:
                found.counts[place] = found.counts.get(place, 0.0) + count

    def _held(self, metric: Metric) -> dict[Values, Any]:
        key = (metric.name, metric.kind, metric.labels, metric.bounds)
        found = self._metrics.get(key)
        if found is None:
            found = self._metrics[key] = (metric, {})
        return found[1]

    def merge(self, other: Totals) -> None:
        """Add counters and histograms of others. Beyond a metric's cap they go to its series for the rest."""
        for metric, series in other._metrics.values():
            if metric.kind == "gauge":
                continue
            held = self._held(metric)
            for values, value in series.items():
                key = values if values in held or len(held) < metric.most else None
                if isinstance(value, _Observed):
                    self._observe(held, key, value.sums, value.counts)
                else:
                    held.setdefault(key, []).extend(value)

    def families(self) -> Iterator[Family]:
        """What was added up, ready to be shown."""
        for metric, series in self._metrics.values():
            family = Family(metric.name, metric.kind, metric.unit, metric.description, bounds=metric.bounds)
            of_gauges = AGGREGATIONS.get(metric.aggregation, AGGREGATIONS["sum"])
            names = metric.labels
            for values, value in series.items():
                labels = (OVERFLOW,) if values is None else tuple(zip(names, values, strict=False))
                if isinstance(value, _Observed):
                    family.histograms.append(_histogram(metric, labels, value))
                else:
                    together = of_gauges(value) if metric.kind == "gauge" else _sum(value)
                    family.samples.append(Sample(labels, together))
            yield family

    def stored(self) -> list[_Stored]:
        """For the file."""
        return [
            _Stored(
                metric,
                [
                    (values, _exact(value.sums), [(*place, count) for place, count in value.counts.items()])
                    if isinstance(value, _Observed)
                    else (values, _exact(value), [])
                    for values, value in series.items()
                ],
            )
            for metric, series in self._metrics.values()
            if metric.kind != "gauge"
        ]

    @classmethod
    def restored(cls, stored: list[_Stored]) -> Totals:
        """From the file."""
        made = cls()
        for one in stored:
            held = made._held(one.metric)
            for values, value, counts in one.series:
                if one.metric.kind == "histogram":
                    made._observe(held, values, value, {(place, sign, index): n for place, sign, index, n in counts})
                else:
                    held[values] = value
        return made


def _histogram(metric: Metric, labels: tuple[tuple[str, str], ...], observed: _Observed) -> Histogram:
    classic = [0] * (len(metric.bounds) + 1)
    halves: dict[str, dict[int, int]] = {}
    for (place, sign, index), count in observed.counts.items():
        classic[place] += int(count)
        half = halves.setdefault(sign, {})
        half[index] = half.get(index, 0) + int(count)
    return Histogram(
        labels,
        classic,
        _sum(observed.sums),
        scale=SCALE,
        zero=sum(halves.get(ZERO, {}).values()),
        positive=halves.get(POSITIVE, {}),
        negative=halves.get(NEGATIVE, {}),
    )


class _Stored(msgspec.Struct, array_like=True):
    metric: Metric
    #: Label values; parts of the value or the sum; and for a histogram (classic bucket, sign, index, observations).
    series: list[tuple[tuple[str, ...] | None, list[float], list[tuple[int, str, int, float]]]]


class _File(msgspec.Struct, omit_defaults=True):
    service: str
    #: Streams that are in it, or are not to be: those of before it began anew.
    streams: list[str] = []
    metrics: list[_Stored] = []


_decoder: Final = msgspec.json.Decoder(_File)


def _path(directory: str, service: str) -> str:
    data = service.encode("utf-8", "surrogatepass")
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in service).strip("-")[:48]
    return os.path.join(directory, FOLDER, f"{kept or 'app'}-{zlib.crc32(data):08x}.json")


def _load(path: str, service: str) -> _File:
    try:
        with open(path, "rb") as file:
            return _decoder.decode(file.read())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return _File(service)


def totals_of(directory: str, service: str) -> tuple[Totals, frozenset[str]]:
    """The totals of a service's dead, and the streams whose counts are in them (or are none of theirs)."""
    found = _load(_path(directory, service), service)
    return Totals.restored(found.metrics), frozenset(found.streams)


def _change(directory: str, service: str, change: Callable[[_File], _File | None]) -> bool:
    """Rewrite a service's file. False: another is at it.

    Raises:
        OSError: it cannot be written.
    """
    path = _path(directory, service)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    lock = os.open(path + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        changed = change(_load(path, service))
        if changed is not None:
            fresh = f"{path}.{os.getpid()}.new"
            try:
                with open(fresh, "wb") as file:
                    file.write(msgspec.json.encode(changed))
                os.replace(fresh, path)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(fresh)
                raise
    finally:
        os.close(lock)
    return True


def fold(directory: str, service: str, stream: str, counted: Totals) -> bool:
    """Add what a dead process has counted, once. False: another is at it, try again.

    Raises:
        OSError: it cannot be written.
    """

    def change(file: _File) -> _File | None:
        if stream in file.streams:
            return None
        together = Totals.restored(file.metrics)
        together.merge(counted)
        spool = os.path.join(directory, "spool")
        here = [name for name in file.streams if os.path.exists(os.path.join(spool, name))]
        return _File(service, [*here, stream], together.stored())

    return _change(directory, service, change)


def begin_anew(directory: str, service: str, dead: list[str]) -> bool:
    """Forget the dead of a service, of which none lives: its counters begin at nothing. False: try again.

    Args:
        directory: the data directory.
        service: its name.
        dead: its streams that are over but still there.

    Raises:
        OSError: it cannot be written.
    """

    def change(file: _File) -> _File | None:
        return _File(service, dead) if file.metrics or set(dead) - set(file.streams) else None

    return _change(directory, service, change)
