"""Occurrences as they are stored, for grouping to look at again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.grouping.stacks import parse
from plainview.grouping.transactions import transaction

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GROUPED_BY", "as_mapping"]

#: The columns of an occurrence that grouping looks at.
GROUPED_BY: Final = ("exceptions", "message", "stack_trace", "platform", "logger", "service", "context", "given")


def as_mapping(row: Mapping[str, Any]) -> dict[str, Any]:
    """An occurrence as grouping takes it, the same as when it came in.

    Args:
        row: with the columns of `GROUPED_BY`.
    """
    context = msgspec.json.decode(row["context"])
    return {
        "exceptions": msgspec.json.decode(row["exceptions"]) or parse(row["stack_trace"], row["platform"]),
        **{name: row[name] for name in ("message", "stack_trace", "platform", "logger", "service")},
        "transaction": transaction(context) if isinstance(context, dict) else "",
        "component": "",
        **msgspec.json.decode(row["given"]),
    }
