"""Label sets: what names a series. A set is a tuple of pairs, sorted by name, so that it can be a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

__all__ = ["BUCKET", "NAME", "Labels", "get", "keep", "label_set", "nameless", "show", "without"]

Labels: TypeAlias = tuple[tuple[str, str], ...]

#: The label that holds the metric's name.
NAME: Final = "__name__"
#: The label that holds a classic bucket's upper bound.
BUCKET: Final = "le"

_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def label_set(labels: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """A label set. An empty value is the same as no label."""
    return tuple(sorted((name, value) for name, value in dict(labels).items() if value))


def get(labels: Labels, name: str) -> str:
    """The value of a label; empty where there is none."""
    for own, value in labels:
        if own == name:
            return value
    return ""


def keep(labels: Labels, names: Container[str]) -> Labels:
    """Only these labels."""
    return tuple(pair for pair in labels if pair[0] in names)


def without(labels: Labels, names: Container[str]) -> Labels:
    """All labels but these."""
    return tuple(pair for pair in labels if pair[0] not in names)


def nameless(labels: Labels) -> Labels:
    """All labels but the metric's name: what is computed from a metric is not that metric any more."""
    return tuple(pair for pair in labels if pair[0] != NAME)


def show(labels: Labels) -> str:
    """As Prometheus writes label sets in its errors."""
    return "{" + ", ".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels) + "}"
