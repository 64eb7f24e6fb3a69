"""Records turned into columns, the form in which engines take rows fastest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import msgspec
import numpy as np
from msgspec.structs import astuple

from plainview.records import (
    CONTEXT_FIELDS,
    ErrorRecord,
    ExceptionInfo,
    LogRecord,
    OperationRecord,
    Source,
    SpanRecord,
    level_number,
)
from plainview.store.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from plainview.store.schema import Type

__all__ = [
    "OF_KIND",
    "Grouped",
    "RowError",
    "Rows",
    "Values",
    "microseconds",
    "moment",
    "of_errors",
    "of_logs",
    "of_operations",
    "of_spans",
    "rfc3339",
]

#: One column of a batch: a value per row, or one value that all rows share.
Values: TypeAlias = "NDArray[Any] | str | float | None"


class RowError(ValueError):
    """A record does not fit the table; the message says which field and why."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table, column by column, without their ids: those are given when they are stored."""

    table: str
    count: int
    columns: dict[str, Values]

    def take(self, indices: NDArray[np.intp]) -> Rows:
        """Some of the rows."""
        columns = {
            name: values[indices] if isinstance(values, np.ndarray) else values for name, values in self.columns.items()
        }
        return Rows(self.table, len(indices), columns)

    def row(self, index: int) -> dict[str, Any]:
        """One row, as column and value."""
        return {
            name: values[index] if isinstance(values, np.ndarray) else values for name, values in self.columns.items()
        }


#: Records turned at a time: few enough short-lived tuples for the garbage collector not to look at them.
_SLICE: Final = 250


def _transpose(records: Sequence[msgspec.Struct]) -> dict[str, list[Any]]:
    """Field name → the values of all records."""
    names = type(records[0]).__struct_fields__
    columns: list[list[Any]] = [[] for _ in names]
    for start in range(0, len(records), _SLICE):
        parts = zip(*map(astuple, records[start : start + _SLICE]), strict=True)
        for column, part in zip(columns, parts, strict=True):
            column.extend(part)
    return dict(zip(names, columns, strict=True))


def _column(values: Sequence[Any]) -> Values:
    """A column of objects; a value that all share is stored as such, which most of a stream's columns are."""
    first = values[0]
    if values[-1] == first and values.count(first) == len(values):
        return first  # type: ignore[no-any-return]  # text, a number or None, as the record says
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _array(name: str, values: Sequence[float], dtype: type[np.number[Any]]) -> NDArray[Any]:
    try:
        array = np.array(values, dtype=dtype)
    except OverflowError:
        msg = f"{name}: does not fit {np.dtype(dtype).itemsize * 8} bits"
        raise RowError(msg) from None
    if not np.isfinite(array).all():
        msg = f"{name}: is not finite"
        raise RowError(msg)
    return array


def _numbers(name: str, values: Sequence[float | None], dtype: type[np.number[Any]]) -> Values:
    """A column of numbers; those that are not there are masked."""
    absent = values.count(None)
    if absent == len(values):
        return None
    array = _array(name, [value or 0 for value in values], dtype)
    return np.ma.array(array, mask=[value is None for value in values]) if absent else array


#: The years that a record may be of: what both engines can hold, and sooner or later a broken clock otherwise.
_YEARS: Final = range(1970, 2200)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(text: str) -> datetime:
    """Any RFC 3339 time; one without an offset counts as UTC."""
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        if text[17:19] != "60":
            raise
        # A leap second: the last moment that we can name before it is over.
        moment = datetime.fromisoformat(f"{text[:17]}59{text[19:]}".upper()) + timedelta(seconds=1)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def microseconds(text: str) -> int:
    """Microseconds since 1970 of a time."""
    try:
        moment = _moment(text).astimezone(UTC)
    except (ValueError, OverflowError):
        msg = f"timestamp: {text[:64]!r} is no RFC 3339 time"
        raise RowError(msg) from None
    if moment.year not in _YEARS:
        msg = f"timestamp: the year of {text[:64]!r} is outside {_YEARS.start}…{_YEARS.stop - 1}"
        raise RowError(msg)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(microseconds: int) -> datetime:
    """The time that is so many microseconds after 1970.

    Raises:
        OverflowError: no calendar has it.
    """
    return _EPOCH + timedelta(microseconds=microseconds)


def rfc3339(at: datetime) -> str:
    """A time as records have it, in UTC with microseconds."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


_CANONICAL: Final = len("2026-11-22T01:47:55.123456Z")
_FIRST, _LAST = (np.datetime64(f"{year}-01-01", "us") for year in (_YEARS.start, _YEARS.stop))


def _times(texts: Sequence[str]) -> NDArray[Any]:
    """Times of a column: those of our own writer all at once, any other form one by one."""
    times = _canonical_times(texts)
    if times is None:
        times = np.array([microseconds(text) for text in texts], dtype=np.int64).view("M8[us]")
    return times


def _canonical_times(texts: Sequence[str]) -> NDArray[Any] | None:
    """Times that all have our own writer's form; None if one has not."""
    joined = "".join(texts).encode()
    if set(map(len, texts)) != {_CANONICAL} or len(joined) != len(texts) * _CANONICAL:
        return None
    letters = np.frombuffer(joined, dtype=np.uint8).reshape(-1, _CANONICAL)
    fraction = letters[:, 20:26]
    if not ((letters[:, 19] == ord(".")) & (letters[:, 26] == ord("Z"))).all():
        return None
    if fraction.min() < ord("0") or fraction.max() > ord("9"):
        return None
    try:
        times = np.ascontiguousarray(letters[:, :-1]).view(f"S{_CANONICAL - 1}").ravel().astype("M8[us]")
    except ValueError:
        return None
    return times if ((times >= _FIRST) & (times < _LAST)).all() else None


def _levels(levels: Sequence[str]) -> NDArray[Any]:
    try:
        known = {level: level_number(level) for level in set(levels)}
    except ValueError as error:
        msg = f"level: {error}"
        raise RowError(msg) from None
    return np.fromiter(map(known.__getitem__, levels), dtype=np.uint8, count=len(levels))


def _json(name: str, values: Sequence[msgspec.Raw], opening: bytes) -> Values:
    """A column of raw JSON. Records hold no NUL byte, so it can keep the values apart while all are decoded."""
    joined = b"\0" + b"\0".join(values)
    texts = joined.decode().split("\0")[1:]
    if not len(texts) == len(values) == joined.count(b"\0" + opening):
        msg = f"{name}: not a JSON {'object' if opening == b'{' else 'array'}"
        raise RowError(msg)
    return _column(texts)


def _parts(values: Sequence[msgspec.Struct | None], absent: msgspec.Struct, prefix: str) -> dict[str, Values]:
    """The columns of a record within the record; what is empty is NULL."""
    names = type(absent).__struct_fields__
    if not any(values):
        return {prefix + name: None for name in names}
    columns = _transpose([value or absent for value in values])
    given = {prefix + name: [value or None for value in column] for name, column in columns.items()}
    return {
        name: _numbers(name, column, np.int32) if name in _WHOLE else _column(column) for name, column in given.items()
    }


#: Columns of whole numbers.
_WHOLE: Final = {column.name for table in TABLES.values() for column in table.columns if column.type == "integer"}


def of_logs(records: Sequence[LogRecord], stream: str | Sequence[str]) -> Rows:
    """Rows of ``logs``.

    Args:
        records: at least one.
        stream: the stream they came by, or the stream of each.

    Raises:
        RowError: a record does not fit.
        UnicodeDecodeError: ``extra`` of a record is no UTF-8.
    """
    given = _transpose(records)
    columns: dict[str, Values] = {
        "stream": stream if isinstance(stream, str) else _column(stream),
        "timestamp": _times(given["timestamp"]),
        "level": _levels(given["level"]),
        "pid": _array("pid", given["pid"], np.int32),
        "duration_ms": _numbers("duration_ms", given["duration_ms"], np.float64),
        "extra": _json("extra", given["extra"], b"{"),
    }
    for name in ("logger", "message", "service", "environment", "version", "host", *CONTEXT_FIELDS):
        columns[name] = _column(given[name])
    columns |= _parts(given["source"], Source(), "source_")
    columns |= _parts(given["exception"], ExceptionInfo(), "exception_")
    return Rows("logs", len(records), columns)


def of_spans(records: Sequence[SpanRecord], stream: str | Sequence[str]) -> Rows:
    """Rows of ``spans``; arguments and errors as of :func:`of_logs`."""
    given = _transpose(records)
    starts = _array("start_time_unix_nano", given["start_time_unix_nano"], np.int64)
    ends = _array("end_time_unix_nano", given["end_time_unix_nano"], np.int64)
    columns: dict[str, Values] = {
        "stream": stream if isinstance(stream, str) else _column(stream),
        "start_time": (starts // 1000).view("M8[us]"),
        "start_ns": starts,
        "duration_ns": np.maximum(ends, starts) - starts,
        "pid": _array("pid", given["pid"], np.int32),
    }
    times = columns["start_time"]
    if not ((times >= _FIRST) & (times < _LAST)).all():  # type: ignore[operator]  # an array, made above
        msg = f"start_time_unix_nano: outside {_YEARS.start}…{_YEARS.stop - 1}"
        raise RowError(msg)
    for name in SpanRecord.__struct_fields__:
        if name not in columns and name not in _SPECIAL:
            columns[name] = _column(given[name])
    for name, opening in (("attributes", b"{"), ("events", b"["), ("links", b"[")):
        columns[name] = _json(name, given[name], opening)
    return Rows("spans", len(records), columns)


class Grouped(NamedTuple):
    """What grouping made of an error: the columns of these names."""

    fingerprint: str
    grouping: int
    type: str
    value: str
    culprit: str
    component: str
    category: str


def of_errors(records: Sequence[ErrorRecord], grouped: Sequence[Grouped], stream: str | Sequence[str]) -> Rows:
    """Rows of ``error_occurrences``.

    Args:
        records: at least one.
        grouped: of each record, what grouping made of it.
        stream: the stream they came by, or the stream of each.

    Raises:
        RowError: a record does not fit.
        UnicodeDecodeError: JSON of a record is no UTF-8.
    """
    given = _transpose(records)
    columns: dict[str, Values] = {
        "stream": stream if isinstance(stream, str) else _column(stream),
        "timestamp": _times(given["timestamp"]),
        "level": _levels(given["level"]),
        "handled": _array("handled", [int(handled) for handled in given["handled"]], np.int32),
    }
    for name in ("pid", "count"):
        columns[name] = _array(name, given[name], np.int32)
    for name in ("error_id", *_OF_ERRORS, *CONTEXT_FIELDS):
        columns[name] = _column(given[name])
    for name, opening in (("exceptions", b"["), ("context", b"{"), ("extra", b"{")):
        columns[name] = _json(name, given[name], opening)
    for name, values in zip(Grouped._fields, zip(*grouped, strict=True), strict=True):
        columns[name] = _array(name, values, np.int32) if name == "grouping" else _column(values)
    given_of = zip(given["component"], given["fingerprint"], strict=True)
    columns["given"] = _column([_given(component, fingerprint) for component, fingerprint in given_of])
    return Rows("error_occurrences", len(records), columns)


def _given(component: str, fingerprint: list[str] | None) -> str:
    if not component and fingerprint is None:
        return "{}"
    said = {"component": component} if component else {}
    return msgspec.json.encode(said if fingerprint is None else {**said, "fingerprint": fingerprint}).decode()


_OF_ERRORS: Final = (
    *("logger", "message", "service", "environment", "version", "host"),
    *("mechanism", "platform", "stack_trace"),
)


def of_operations(records: Sequence[OperationRecord], stream: str | Sequence[str]) -> Rows:
    """Rows of ``operations``; arguments and errors as of :func:`of_logs`."""
    given = _transpose(records)
    times = _times(given["timestamp"])
    starts = _array("start_time_unix_nano", given.pop("start_time_unix_nano"), np.int64)
    began = (starts // 1000).view("M8[us]")
    began = np.where(starts > 0, began, times)
    if not ((began >= _FIRST) & (began < _LAST)).all():
        msg = f"start_time_unix_nano: outside {_YEARS.start}…{_YEARS.stop - 1}"
        raise RowError(msg)
    columns: dict[str, Values] = {
        "stream": stream if isinstance(stream, str) else _column(stream),
        "timestamp": times,
        "start_time": began,
        "start_ns": np.where(starts > 0, starts, began.view(np.int64) * 1000),
        "data": _json("data", given["data"], b"{"),
    }
    for name in ("pid", "attempt"):
        columns[name] = _array(name, given[name], np.int32)
    for name, values in given.items():
        if name not in columns:
            dtype = _NUMERIC.get(TABLES["operations"].types[name])
            columns[name] = _column(values) if dtype is None else _numbers(name, values, dtype)
    return Rows("operations", len(records), columns)


#: Type of a column that may be empty → the numbers it holds.
_NUMERIC: Final[dict[Type, type[np.number[Any]]]] = {
    "milliseconds": np.float64,
    "number": np.float64,
    "count": np.int64,
}

_SPECIAL: Final = {"start_time_unix_nano", "end_time_unix_nano", "attributes", "events", "links", "operation"}

#: Stream kind → what turns its records into rows.
OF_KIND: Final[dict[str, Callable[[Any, str | Sequence[str]], Rows]]] = {
    "log": of_logs,
    "span": of_spans,
    "operation": of_operations,
}
