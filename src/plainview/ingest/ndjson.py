"""Lines of JSON become records; a line that does not is handed back with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.ingest.occurrences import checked
from plainview.records import (
    Ending,
    ErrorRecord,
    ExceptionInfo,
    LogRecord,
    MetricRecord,
    OperationRecord,
    Source,
    SpanRecord,
)
from plainview.store.rows import OF_KIND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plainview.store.rows import Rows

__all__ = ["MAX_LINE", "Rejected", "decode", "kind_of", "reason", "tabulate"]

#: Longest line that is taken in, bytes.
MAX_LINE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that could not be understood, and why."""

    line: bytes
    reason: str


# The records, out of the garbage collector's sight: there are thousands at a time, none of them refers to another,
# and decoding takes half as long.
class _Source(Source, gc=False):
    pass


class _Exception(ExceptionInfo, gc=False):
    pass


class _Log(LogRecord, gc=False):
    source: _Source | None = None
    exception: _Exception | None = None


class _Ending(Ending, gc=False):
    pass


class _Span(SpanRecord, gc=False):
    operation: _Ending | None = None


class _Error(ErrorRecord, gc=False):
    pass


class _Metric(MetricRecord, gc=False):
    pass


class _Operation(OperationRecord, gc=False):
    pass


_DECODERS: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    "log": msgspec.json.Decoder(_Log),
    "span": msgspec.json.Decoder(_Span),
    "error": msgspec.json.Decoder(_Error),
    "metric": msgspec.json.Decoder(_Metric),
    "operation": msgspec.json.Decoder(_Operation),
}


#: Kind → what turns its records into rows.
_TABULATORS: Final[dict[str, Callable[[Any, str | Sequence[str]], Rows]]] = OF_KIND | {"error": checked}

#: Kind → the member that its lines have. A log may speak of them too: it is one if it is not the other.
_SIGNS: Final = {
    "operation": b'"operation_id":',
    "span": b'"start_time_unix_nano":',
    "error": b'"mechanism":',
    "metric": b'"points":[',
}


def kind_of(line: bytes) -> str:
    """Which kind of record a line of a mixed body holds by the look of it, without decoding it."""
    return next((kind for kind, sign in _SIGNS.items() if sign in line), "log")


def decode(kind: str, data: bytes) -> tuple[list[Any], list[Rejected]]:
    """Records of the lines in ``data``, in order, and the lines that are none. Empty lines count as nothing.

    Args:
        kind: one of :data:`plainview.records.KINDS`.
        data: whole lines, UTF-8.
    """
    decoder = _DECODERS[kind]
    if b"\0" not in data:
        try:
            return decoder.decode_lines(data), []
        except Exception:  # noqa: BLE001, S110 - whatever it is, one of the lines did it: find that one
            pass
    records: list[Any] = []
    rejected: list[Rejected] = []
    for line in data.split(b"\n"):
        if not line or line.isspace():
            continue
        try:
            if b"\0" in line:
                rejected.append(Rejected(line, "a NUL byte"))
            else:
                records.append(decoder.decode(line))
        except Exception as error:  # noqa: BLE001 - whatever a line does to the decoder, it goes aside
            rejected.append(Rejected(line, reason(error)))
    return records, rejected


def reason(error: BaseException) -> str:
    """Why a line is no record, in words."""
    if isinstance(error, UnicodeDecodeError):
        return "invalid UTF-8"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error)


def tabulate(
    kind: str,
    records: Sequence[Any],
    streams: str | Sequence[str],
    rows_of: Callable[[Any, str | Sequence[str]], Rows] | None = None,
) -> tuple[Rows | None, dict[int, Rejected]]:
    """Rows of the records, and by their index those that do not fit the table, as lines again.

    Args:
        kind: one of :data:`plainview.records.KINDS`.
        records: as :func:`decode` gives them.
        streams: the stream they all came by, or the stream of each.
        rows_of: makes the rows; left out, errors are not grouped.
    """
    unfit: dict[int, Rejected] = {}
    rows_of = rows_of or _TABULATORS.get(kind)
    if rows_of is None:
        return None, {}
    pending = [(0, len(records))] if records else []
    while pending:
        start, end = pending.pop()
        try:
            rows = rows_of(records[start:end], streams if isinstance(streams, str) else streams[start:end])
        except Exception as error:  # noqa: BLE001 - whatever a record does, it goes aside and the others do not
            if end - start == 1:
                unfit[start] = Rejected(_line(records[start]), reason(error))
            else:
                middle = (start + end) // 2
                pending += [(start, middle), (middle, end)]
        else:
            if end - start == len(records):
                return rows, {}
    fit = [index for index in range(len(records)) if index not in unfit]
    if not fit:
        return None, unfit
    kept = streams if isinstance(streams, str) else [streams[index] for index in fit]
    return rows_of([records[index] for index in fit], kept), unfit


def _line(record: msgspec.Struct) -> bytes:
    try:
        return msgspec.json.encode(record)
    except (msgspec.MsgspecError, ValueError):
        return repr(record).encode(errors="replace")
