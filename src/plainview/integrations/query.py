"""Query strings without the secrets that people put into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

from plainview.capture.scrub import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["without_secrets"]

_MAX_PARAMETERS: Final = 64


def without_secrets(query: str, hides: Callable[[str], bool]) -> str:
    """The query with the values of secret parameters replaced; ``hides`` says which names are secret."""
    pairs = query.split("&", _MAX_PARAMETERS)
    if len(pairs) > _MAX_PARAMETERS:
        pairs[-1] = "…"
    return "&".join(_pair(pair, hides) for pair in pairs)


def _pair(pair: str, hides: Callable[[str], bool]) -> str:
    name, separator, _ = pair.partition("=")
    return f"{name}={MARKER}" if separator and hides(unquote_plus(name)) else pair
