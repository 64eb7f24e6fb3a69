"""What goes into an operation and comes out of it, in few words: a gigabyte is told by its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set as AbstractSet
from typing import Any, Final

__all__ = ["summaries", "summary"]

_TEXT: Final = 200
_ITEMS: Final = 10
_DEPTH: Final = 3


def summary(value: object, depth: int = _DEPTH) -> Any:  # noqa: ANN401 - of the value's own kind, where it is short
    """A value, if it is short; else what it is and how large. Nothing of the application's own is called.

    Text is cut at 200 characters, mappings and lists are shown to their first 10 items and 3 levels deep, bytes by
    their length, arrays and tables by their shape, other objects by their type.
    """
    kind = type(value)
    if value is None or kind in {bool, int, float}:
        return value
    if kind is str:
        return value if len(value) <= _TEXT else f"{value[:_TEXT]}… ({len(value)} characters)"  # type: ignore[arg-type, index]
    if kind in {bytes, bytearray, memoryview}:
        return f"{kind.__name__} of {len(value)} bytes"  # type: ignore[arg-type]
    if kind in {dict, list, tuple, set, frozenset} and isinstance(value, (Mapping, Sequence, AbstractSet)):
        return _several(value, depth)
    return _sized(value, kind)


def summaries(values: Mapping[str, object]) -> dict[str, Any]:
    """Each of several values, in short; see `summary`."""
    return {name: summary(value) for name, value in values.items()}


def _several(value: Mapping[Any, Any] | Sequence[Any] | AbstractSet[Any], depth: int) -> Any:  # noqa: ANN401 - as above
    name, size = type(value).__name__, len(value)
    if depth == 0:
        return f"{name} of {size}"
    if isinstance(value, Mapping):
        shown = {str(key)[:_TEXT]: summary(item, depth - 1) for key, item in list(value.items())[:_ITEMS]}
        return shown | ({"…": f"{size - _ITEMS} more"} if size > _ITEMS else {})
    listed = [summary(item, depth - 1) for item in list(value)[:_ITEMS]]
    return listed + ([f"… {size - _ITEMS} more"] if size > _ITEMS else [])


def _sized(value: object, kind: type[Any]) -> str:
    """An object by its type, and by its shape where it is an array or a table."""
    shape = getattr(kind, "shape", None)
    if shape is not None and hasattr(shape, "__get__"):
        try:
            found = shape.__get__(value, kind)
        except Exception:  # noqa: BLE001 - a property of somebody's class
            found = None
        if isinstance(found, tuple) and all(type(part) is int for part in found):
            return f"{kind.__qualname__} of {'x'.join(map(str, found))}"
    return kind.__qualname__
