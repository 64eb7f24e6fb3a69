"""Replacing a function of somebody else's, once, and knowing our own again."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["is_ours", "mark", "replace"]


def replace(owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:  # noqa: ANN401 - a class or module
    """Replace ``owner.name`` by ``make(original)``, unless it has been replaced already.

    Raises:
        AttributeError: there is nothing of this name: the library is of a version that we do not know.
    """
    original = getattr(owner, name)
    if is_ours(original):
        return
    setattr(owner, name, mark(functools.wraps(original)(make(original)), original))


def mark(replacement: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    """Note on a function what it replaces."""
    replacement.__plainview__ = original  # type: ignore[attr-defined] # how we know our own again
    return replacement


def is_ours(function: object) -> bool:
    """Whether a function is one that `replace` put in place."""
    return hasattr(function, "__plainview__")
