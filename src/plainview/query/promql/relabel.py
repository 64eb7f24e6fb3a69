"""Functions that change labels, and those that make labels up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from plainview.query.promql.errors import ExecutionFailed
from plainview.query.promql.labels import NAME, Labels, get, label_set
from plainview.query.promql.nodes import Range, Selector
from plainview.query.promql.regex import BadPattern, expanded
from plainview.query.promql.values import Vector, merged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainview.query.promql.nodes import Node

__all__ = ["absent_labels", "label_join", "label_replace"]

_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def _with(labels: Labels, name: str, value: str) -> Labels:
    return label_set({**dict(labels), name: value})


def _demand_name(name: str, what: str) -> None:
    if not _LABEL.fullmatch(name):
        msg = f"invalid {what}: {name}"
        raise ExecutionFailed(msg)


def label_replace(vector: Vector, to: str, template: str, source: str, pattern: str) -> Vector:
    """Where the pattern matches the whole of label ``source``, label ``to`` becomes the filled-in template.

    Raises:
        ExecutionFailed: the pattern is no regular expression, ``to`` no name, or series are not told apart any more.
    """
    _demand_name(to, "destination label name in label_replace()")
    values = [get(labels, source) for labels in vector.labels]
    distinct = sorted(set(values))
    try:
        made = dict(zip(distinct, expanded(pattern, template, distinct), strict=True))
    except BadPattern:
        msg = f"invalid regular expression in label_replace(): {pattern}"
        raise ExecutionFailed(msg) from None
    labels = [
        own if (new := made[value]) is None else _with(own, to, new)
        for own, value in zip(vector.labels, values, strict=True)
    ]
    return merged(Vector(labels, vector.values, vector.present, vector.histograms))


def label_join(vector: Vector, to: str, separator: str, sources: Sequence[str]) -> Vector:
    """Label ``to`` becomes the values of ``sources``, joined.

    Raises:
        ExecutionFailed: a name is none, or series are not told apart any more.
    """
    _demand_name(to, "destination label name in label_join()")
    for source in sources:
        _demand_name(source, "source label name in label_join()")
    labels = [_with(own, to, separator.join(get(own, source) for source in sources)) for own in vector.labels]
    return merged(Vector(labels, vector.values, vector.present, vector.histograms))


def absent_labels(node: Node) -> Labels:
    """The labels of what is absent: those that the selector demands to be equal to something, and only once."""
    if isinstance(node, Range):
        node = node.selector
    if not isinstance(node, Selector):
        return ()
    labels: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in node.matchers:
        if matcher.name == NAME:
            continue
        if matcher.operator == "=" and matcher.name not in seen:
            labels[matcher.name] = matcher.value
            seen.add(matcher.name)
        else:
            labels.pop(matcher.name, None)
    return label_set(labels)
