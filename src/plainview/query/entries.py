"""Rows of the store as the API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.query.times import rfc3339
from plainview.records import CONTEXT_FIELDS, LEVEL_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LOG_COLUMNS", "Entry", "log_entry"]

#: One log line as the API shows it: the line's own shape, and ``id``. What is absent is left out.
Entry = dict[str, Any]

_PLAIN: Final = ("logger", "message", "service", "environment", "version", "host", "pid")
_SOURCE: Final = ("file", "function", "line")
_EXCEPTION: Final = ("type", "message", "stack_trace", "fingerprint", "error_id")

#: The columns that :func:`log_entry` needs, in its order.
LOG_COLUMNS: Final = ", ".join(
    (
        *("id", "timestamp", "level", *_PLAIN, *CONTEXT_FIELDS, "duration_ms", "extra"),
        *(f"source_{name}" for name in _SOURCE),
        *(f"exception_{name}" for name in _EXCEPTION),
    )
)
_SIMPLE: Final = (*_PLAIN, *CONTEXT_FIELDS, "duration_ms")
_AFTER_SIMPLE: Final = 3 + len(_SIMPLE)
_AFTER_SOURCE: Final = _AFTER_SIMPLE + 1 + len(_SOURCE)


def log_entry(row: Sequence[Any]) -> Entry:
    """The entry of a row of :data:`LOG_COLUMNS`. ``extra`` stays the JSON that it was."""
    entry: Entry = {
        "id": str(row[0]),
        "timestamp": rfc3339(row[1]),
        "level": LEVEL_NAMES.get(row[2]) or LEVEL_NAMES[max(10, min(50, row[2] // 10 * 10))],
        "message": row[4],
    }
    for name, value in zip(_SIMPLE, row[3:_AFTER_SIMPLE], strict=True):
        if value or (value is not None and name == "duration_ms"):
            entry[name] = value
    if row[_AFTER_SIMPLE] != "{}":
        entry["extra"] = msgspec.Raw(row[_AFTER_SIMPLE].encode())
    source = _present(_SOURCE, row[_AFTER_SIMPLE + 1 : _AFTER_SOURCE])
    if source:
        entry["source"] = source
    exception = _present(_EXCEPTION, row[_AFTER_SOURCE:])
    if exception:
        entry["exception"] = exception
    return entry


def _present(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    return {name: value for name, value in zip(names, values, strict=True) if value}
