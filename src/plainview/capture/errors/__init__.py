"""Errors in the process: an exception that is logged, not handled or given to us becomes one line of kind ``error``.

Nothing of it is imported before something goes wrong, but for the hooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["request"]


def _nothing() -> dict[str, Any] | None:
    return None


#: What is being served here and now, for a record's ``context.request``; set by who knows.
request: Callable[[], dict[str, Any] | None] = _nothing
