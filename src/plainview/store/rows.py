"""Records turned into columns, the form in which engines take rows fastest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
import numpy as np

from plainview.records import CONTEXT_FIELDS, ExceptionInfo, LogRecord, Source, SpanRecord, level_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["RowError", "Rows", "Values", "of_logs", "of_spans"]

#: One column of a batch: a value per row, or one value that all rows share.
Values: TypeAlias = "NDArray[Any] | str | int | None"


class RowError(ValueError):
    """A record does not fit the table; the message says which field and why."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table, column by column, without their ids: those are given when they are stored."""

    table: str
    count: int
    columns: dict[str, Values]


def _column(values: Sequence[object]) -> Values:
    """A column of text; shared values are stored once, which most of a stream's columns are."""
    first = values[0]
    if values.count(first) == len(values):
        return first  # type: ignore[return-value]  # text or None, as the record says
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _integers(name: str, values: Sequence[int], dtype: type[np.generic]) -> NDArray[Any]:
    try:
        return np.array(values, dtype=dtype)
    except OverflowError as error:
        msg = f"{name}: {error}"
        raise RowError(msg) from None


_YEARS: Final = range(1970, 2200)


def _microseconds(text: str) -> int:
    """Microseconds since 1970 of any RFC 3339 time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"timestamp: {error}"
        raise RowError(msg) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        moment = datetime.min.replace(tzinfo=UTC)
    if moment.year not in _YEARS:
        msg = f"timestamp: the year of {text!r} is outside {_YEARS.start}…{_YEARS.stop - 1}"
        raise RowError(msg)
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


def _times(texts: Sequence[str]) -> NDArray[Any]:
    return np.array([_microseconds(text) for text in texts], dtype=np.int64).view("M8[us]")


def _levels(levels: Sequence[str]) -> NDArray[Any]:
    try:
        known = {level: level_number(level) for level in set(levels)}
    except ValueError as error:
        msg = f"level: {error}"
        raise RowError(msg) from None
    return np.array([known[level] for level in levels], dtype=np.uint8)


def _json(name: str, values: Iterable[msgspec.Raw], opening: str) -> list[str]:
    texts = [str(value, "utf-8") for value in values]
    if not all(text.startswith(opening) for text in texts):
        msg = f"{name}: not a JSON {'object' if opening == '{' else 'array'}"
        raise RowError(msg)
    return texts


_NO_SOURCE: Final = Source()
_NO_EXCEPTION: Final = ExceptionInfo()


def of_logs(records: Sequence[LogRecord], stream: str) -> Rows:
    """Rows of ``logs``. There must be at least one record.

    Raises:
        RowError: a record does not fit.
    """
    columns: dict[str, Values] = {"stream": stream}
    columns["timestamp"] = _times([record.timestamp for record in records])
    columns["level"] = _levels([record.level for record in records])
    columns["pid"] = _integers("pid", [record.pid for record in records], np.int32)
    for name in ("logger", "message", "service", "environment", "version", "host", *CONTEXT_FIELDS):
        columns[name] = _column([getattr(record, name) for record in records])
    columns["duration_ms"] = _column([record.duration_ms for record in records])
    columns["extra"] = _column(_json("extra", [record.extra for record in records], "{"))
    sources = [record.source or _NO_SOURCE for record in records]
    columns["source_file"] = _column([source.file or None for source in sources])
    columns["source_function"] = _column([source.function or None for source in sources])
    columns["source_line"] = _column([source.line or None for source in sources])
    exceptions = [record.exception or _NO_EXCEPTION for record in records]
    for name in ("type", "message", "stack_trace", "fingerprint"):
        columns[f"exception_{name}"] = _column([getattr(exception, name) or None for exception in exceptions])
    return Rows("logs", len(records), columns)


def of_spans(records: Sequence[SpanRecord], stream: str) -> Rows:
    """Rows of ``spans``. There must be at least one record.

    Raises:
        RowError: a record does not fit.
    """
    columns: dict[str, Values] = {"stream": stream}
    starts = _integers("start_time_unix_nano", [record.start_time_unix_nano for record in records], np.int64)
    ends = _integers("end_time_unix_nano", [record.end_time_unix_nano for record in records], np.int64)
    columns["start_time"] = (starts // 1000).view("M8[us]")
    columns["start_ns"] = starts
    columns["duration_ns"] = np.maximum(ends - starts, 0)
    columns["pid"] = _integers("pid", [record.pid for record in records], np.int32)
    for name in (
        *("trace_id", "span_id", "parent_span_id", "name", "kind", "status", "status_message", "scope"),
        *("service", "environment", "version", "host"),
        *(name for name in CONTEXT_FIELDS if name not in {"trace_id", "span_id"}),
    ):
        columns[name] = _column([getattr(record, name) for record in records])
    for name, opening in (("attributes", "{"), ("events", "["), ("links", "[")):
        columns[name] = _column(_json(name, [getattr(record, name) for record in records], opening))
    return Rows("spans", len(records), columns)


#: Stream kind → what turns its records into rows.
OF_KIND: Final[dict[str, Callable[[Any, str], Rows]]] = {"log": of_logs, "span": of_spans}
