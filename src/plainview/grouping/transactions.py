"""What was at work when an error happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["transaction"]


def transaction(context: Mapping[str, Any]) -> str:
    """Route, task or command, from the ``context`` of an error record; empty where it says none."""
    request = context.get("request")
    route = request.get("route") if isinstance(request, dict) else None
    named = context.get("transaction") or route
    return named if isinstance(named, str) else ""
