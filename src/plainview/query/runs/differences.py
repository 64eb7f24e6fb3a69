"""What differs between two sets of named values: the parameters of two runs, where they ran, what they came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["differences", "ratio"]

#: Names that are compared, and how deep mappings are entered.
_MOST: Final = 5000
_DEEPEST: Final = 8


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each name of either with both values and whether they are the ``same``; those that differ first.

    Mappings are entered: ``{"packages": {"numpy": "2.1"}}`` has the name ``packages.numpy``. What one side does not
    have is None there.
    """
    one, other = dict(_named(a)), dict(_named(b))
    found = [
        {"name": name, "a": one.get(name), "b": other.get(name), "same": _same(one.get(name), other.get(name))}
        for name in dict.fromkeys((*one, *other))
    ]
    return sorted(found[:_MOST], key=lambda each: (each["same"], each["name"]))


def ratio(a: float | None, b: float | None) -> float | None:
    """How many times as large ``b`` is as ``a``; None: that cannot be said."""
    return round(b / a, 4) if a and b is not None else None


def _named(values: Mapping[str, Any], prefix: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value and depth < _DEEPEST:
            yield from _named(value, f"{prefix}{name}.", depth + 1)
        else:
            yield f"{prefix}{name}", value


def _same(a: object, b: object) -> bool:
    """Whether they are the same in JSON, where ``true`` is not 1."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)
