"""Operations whose end is told by the line of their span: records of them, like those that have a line themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from plainview.records import CONTEXT_FIELDS, OperationRecord
from plainview.store.rows import moment, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainview.records import Ending, SpanRecord

__all__ = ["endings"]

_SHARED: Final = ("service", "environment", "version", "host", "pid", *CONTEXT_FIELDS)


class _Close(OperationRecord, gc=False):
    """As those that are decoded: there are as many, and none of them refers to another."""


def endings(spans: Sequence[SpanRecord]) -> Iterator[tuple[int, OperationRecord]]:
    """The ends of operations that some spans tell of, each with the index of its span.

    Args:
        spans: as they were decoded. One whose times no calendar has tells of none: it is no row itself.
    """
    for index, span in enumerate(spans):
        if span.operation is not None:
            try:
                record = _close(span, span.operation)
            except OverflowError:
                continue
            yield index, record


def _close(span: SpanRecord, ending: Ending) -> OperationRecord:
    end = max(span.end_time_unix_nano, span.start_time_unix_nano)
    return _Close(
        timestamp=rfc3339(moment(end // 1000)),
        operation_id=span.span_id,
        event="close",
        kind=ending.kind,
        name=ending.name,
        parent_id=ending.parent_id,
        start_time_unix_nano=span.start_time_unix_nano,
        status="completed",
        duration_ms=(end - span.start_time_unix_nano) // 1000 / 1000,
        cpu_ms=ending.cpu_ns // 1000 / 1000,
        memory_peak_bytes=ending.memory_peak_bytes,
        memory_delta_bytes=ending.memory_delta_bytes,
        rows=ending.rows,
        data=ending.data,
        **{name: getattr(span, name) for name in _SHARED},
    )
