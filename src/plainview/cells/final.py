"""The last word of a process that is gone: what it had counted and told nobody."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from array import array
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview import segments
from plainview.cells.form import CELLS, DONE
from plainview.cells.increase import Increase, closing, labels_of, lines
from plainview.cells.reading import Reading, bank, latest, read
from plainview.cells.totals import Totals, fold
from plainview.records import MetricRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainview.cells.form import Metric, Row

    StrPath = str | os.PathLike[str]

__all__ = ["finalise", "process_of"]

_MOST: Final = 256 << 10
_decoder: Final = msgspec.json.Decoder(MetricRecord)

Told = frozenset[tuple[str, frozenset[tuple[str, str]]]]


def finalise(stream: StrPath) -> bool:
    """Write the last increase of a dead process as a segment, and add its counts to the totals of its service's dead.

    It is done once, whoever does it and wherever it was broken off. Gauges end with their process.

    Returns:
        Whether nothing is left to do: it is done, now or before, or the stream has no cells. False: the process lives,
        or another is at it, or there is no room on the disk; try again later.
    """
    path = os.fspath(stream)
    if not os.path.exists(os.path.join(path, CELLS)) or os.path.exists(os.path.join(path, DONE)):
        return True
    try:
        return not segments.is_alive(path) and _finalise(path)
    except OSError:
        return False


def _finalise(path: str) -> bool:
    # Not the stream's own lock: for as long as it took, whoever asks would take the dead for alive.
    lock = os.open(os.path.join(path, CELLS), os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.exists(os.path.join(path, DONE)):
            return True
        reading = read(path)
        if reading is not None:
            _emit(path, reading)
            counted = Totals()
            counted.add(reading, gauges=False)
            directory = os.path.dirname(os.path.dirname(os.path.abspath(path)))
            service = str(process_of(path).get("service", ""))
            if not fold(directory, service, os.path.basename(path), counted):
                return False
        with open(os.path.join(path, DONE), "wb"):
            pass
    finally:
        os.close(lock)
    return True


def process_of(stream: StrPath) -> dict[str, Any]:
    """What a stream's process said of itself when it began."""
    try:
        with open(os.path.join(stream, segments.PROCESS), "rb") as file:
            found = msgspec.json.decode(file.read())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _emit(path: str, reading: Reading) -> None:
    number, complete = latest(path)
    closed, told = _told(path, number)
    if closed > number:
        return  # the last word was spoken, and whoever spoke it then broke off
    complete = complete or closed == number
    before = bank(path, number if complete else number - 1) or array("d")
    if not complete:  # it died while it wrote this snapshot: of what it told already, it counts what it told
        emitted = bank(path, number) or array("d")
        before.extend(0.0 for _ in range(len(emitted) - len(before)))
        for slot in _slots(reading, told):
            if slot < len(emitted):
                before[slot] = emitted[slot]
    process = process_of(path)
    record = MetricRecord(
        timestamp=_now(),
        number=number + 1,
        service=str(process.get("service", "")),
        environment=str(process.get("environment", "")),
        version=str(process.get("version", "")),
        host=str(process.get("host", "")),
        pid=pid if isinstance(pid := process.get("pid"), int) else 0,
    )
    increase = Increase(reading, before)
    content = [
        line
        for metric in reading.metrics.values()
        if metric.kind != "gauge"
        for line, _ in lines(metric, increase.of(metric), record, _MOST)
    ]
    if content or not complete:
        _add_segment(path, b"".join([*content, closing(record)]))


def _add_segment(path: str, data: bytes) -> None:
    numbers = [name.number for name in segments.listing(path) if name.kind == "metric"]
    name = segments.SegmentName("metric", max(numbers, default=0) + 1)
    fresh = os.path.join(path, f"spare-final-{os.getpid()}")
    try:
        with open(fresh, "wb") as file:
            file.write(data)
        os.rename(fresh, os.path.join(path, str(name)))
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise


def _told(path: str, number: int) -> tuple[int, Told]:
    """Number of the last snapshot that was closed, and the series that were told of since snapshot ``number`` began."""
    told: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    for name in reversed([name for name in segments.listing(path) if name.kind == "metric"]):
        records = list(_records(os.path.join(path, str(name))))
        for record in reversed(records):
            if record.kind == "snapshot":
                return record.number, frozenset(told)
            if record.number >= number:
                told.update((record.name, frozenset(point.labels.items())) for point in record.points)
    return 0, frozenset(told)


def _records(path: str) -> Iterator[MetricRecord]:
    with open(path, "rb") as file:
        data = file.read()
    for line in data[: segments.complete(data)].splitlines():
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            yield _decoder.decode(line)


def _slots(reading: Reading, told: Told) -> Iterator[int]:
    """Slots of the series that were told of."""
    for metric in reading.metrics.values():
        for series in _all_series(reading, metric):
            if (metric.name, frozenset(labels_of(metric, series).items())) in told:
                yield from reading.slots(series)


def _all_series(reading: Reading, metric: Metric) -> Iterator[Row]:
    yield from reading.series.get(metric.number, {}).values()
    yield from reading.gone.get(metric.number, ())


def _now() -> str:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds // 1000:06d}Z"
