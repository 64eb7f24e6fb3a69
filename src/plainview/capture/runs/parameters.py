"""What a run was given, so that it can be written: plain values as they are, all else in few words."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import pathlib
import uuid
from collections.abc import Mapping, Sequence, Set as AbstractSet
from typing import Any, Final

from plainview.capture.operations.summary import summary

__all__ = ["parameters"]

_TEXT: Final = 1_000
_ITEMS: Final = 200
_DEPTH: Final = 6
#: Types of the standard library whose text says all of them, and where they come from.
_PLAIN_PACKAGES: Final = frozenset({"pathlib", "datetime", "decimal", "uuid", "zoneinfo"})
_SAID: Final = (dt.date, dt.time, dt.timedelta, dt.tzinfo, decimal.Decimal, uuid.UUID, pathlib.PurePath)


def parameters(given: object) -> dict[str, Any]:
    """The parameters of a run by name. Never raises, and calls nothing of the application's own.

    Args:
        given: a mapping, or an object with attributes: a namespace of `argparse`, a dataclass, a model of pydantic or
            msgspec. What is no such thing is the one parameter ``value``.
    """
    if given is None:
        return {}
    try:
        found = _attributes(given)
        return {"value": summary(given)} if found is None else dict(_items(found, _DEPTH))
    except Exception as error:  # noqa: BLE001 - somebody's mapping
        return {"value": f"[{type(given).__qualname__} that raised {type(error).__name__}]"}


def _attributes(given: object) -> Mapping[Any, Any] | None:
    if isinstance(given, Mapping):
        return given
    if isinstance(given, (str, bytes, int, float, Sequence, AbstractSet)):
        return None
    fields = getattr(type(given), "__struct_fields__", None) or getattr(type(given), "__dataclass_fields__", None)
    if fields:
        return {name: getattr(given, name, None) for name in fields}
    found: object = getattr(given, "__dict__", None)
    return {name: value for name, value in found.items() if not name.startswith("_")} if type(found) is dict else None


def _items(given: Mapping[Any, Any], depth: int) -> list[tuple[str, Any]]:
    items = [(str(key)[:_TEXT], _one(value, depth)) for key, value in list(given.items())[:_ITEMS]]
    more = len(given) - _ITEMS
    return [*items, ("…", f"{more} more")] if more > 0 else items


def _one(value: object, depth: int) -> Any:  # noqa: ANN401 - as `_plain`
    try:
        return _plain(value, depth)
    except Exception as error:  # noqa: BLE001 - somebody's value
        return f"[{type(value).__qualname__} that raised {type(error).__name__}]"


def _plain(value: object, depth: int) -> Any:  # noqa: ANN401 - of the value's own kind, where it is plain
    kind = type(value)
    if kind is str:
        return value if len(value) <= _TEXT else f"{value[:_TEXT]}… ({len(value)} characters)"  # type: ignore[arg-type, index]
    # By its package: where in it a class lives differs between versions of Python.
    if kind.__module__.partition(".")[0] in _PLAIN_PACKAGES and isinstance(value, _SAID):
        return str(value)
    if isinstance(value, enum.Enum):
        return f"{kind.__qualname__}.{value.name}"
    if depth and kind in {dict, list, tuple, set, frozenset}:
        if isinstance(value, dict):
            return dict(_items(value, depth - 1))
        return _several(value, depth)  # type: ignore[arg-type] # one of the others
    return summary(value)


def _several(value: Sequence[Any] | AbstractSet[Any], depth: int) -> list[Any]:
    items = [_one(item, depth - 1) for item in list(value)[:_ITEMS]]
    more = len(value) - _ITEMS
    return [*items, f"… {more} more"] if more > 0 else items
