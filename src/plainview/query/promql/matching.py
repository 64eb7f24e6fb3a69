"""Operators between two vectors: which series belong together, and what comes of each pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from plainview.query.promql.arrays import anywhere
from plainview.query.promql.errors import ExecutionFailed
from plainview.query.promql.labels import NAME, Labels, get, keep, label_set, nameless, show, without
from plainview.query.promql.mixed import combined
from plainview.query.promql.operators import ARITHMETIC, COMPARISONS, drops_name
from plainview.query.promql.values import Vector, merged

if TYPE_CHECKING:
    from plainview.query.promql.arrays import Bools
    from plainview.query.promql.nodes import Binary, Match

__all__ = ["both", "by_signature", "combine", "either"]

_AMBIGUOUS: Final = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
_INDISTINCT: Final = "multiple matches for labels: grouping labels must ensure unique matches"


def _signature(labels: Labels, match: Match) -> Labels:
    return keep(labels, match.labels) if match.on else without(labels, match.labels | {NAME})


def by_signature(vector: Vector, match: Match) -> dict[Labels, list[int]]:
    """Rows by what they are compared by."""
    found: dict[Labels, list[int]] = {}
    for row, labels in enumerate(vector.labels):
        found.setdefault(_signature(labels, match), []).append(row)
    return found


def _somewhere(vector: Vector, rows: list[int]) -> Bools:
    return anywhere(vector.present[rows])


def both(left: Vector, right: Vector, match: Match, *, wanted: bool) -> Vector:
    """``and``: the left's samples that have a match on the right; ``unless``: those that have none."""
    right_rows = by_signature(right, match)
    present = left.present.copy()
    for signature, rows in by_signature(left, match).items():
        there = _somewhere(right, right_rows.get(signature, []))
        present[rows] &= there if wanted else ~there
    return Vector(left.labels, left.values, present, left.histograms)


def either(left: Vector, right: Vector, match: Match) -> Vector:
    """``or``: all of the left, and what has no match there of the right."""
    return merged(left.beside(both(right, left, match, wanted=False)))


def combine(node: Binary, left: Vector, right: Vector) -> Vector:
    """Arithmetic and comparison between two vectors.

    Raises:
        ExecutionFailed: a series has several that it matches, without ``group_left`` or ``group_right``.
    """
    many, one = (right, left) if node.match.many == "right" else (left, right)
    ones = by_signature(one, node.match)
    # Where a side has no sample at all, nothing matches, and nothing can match twice.
    asked = anywhere(many.present) & anywhere(one.present)
    for signature, rows in ones.items():
        _demand_unique(one, rows, signature, asked, "left" if node.match.many == "right" else "right")
    pairs: list[tuple[int, int]] = []
    groups: list[list[int]] = []
    for signature, rows in by_signature(many, node.match).items():
        for other in ones.get(signature, []):
            groups.append(list(range(len(pairs), len(pairs) + len(rows))))
            pairs += [(row, other) for row in rows]
    if not pairs:
        return many.rows([])
    index = np.array(pairs)
    result = _computed(node, many.rows(index[:, 0]), one.rows(index[:, 1]))
    result.labels = [_named(node, many.labels[a], one.labels[b]) for a, b in pairs]
    for group in groups:
        _demand_one_result(node, result, group)
    return merged(result)


def _demand_unique(side: Vector, rows: list[int], signature: Labels, asked: Bools, hand: str) -> None:
    if len(rows) == 1:
        return
    twice = asked & (side.present[rows].sum(axis=0) > 1)
    if twice.any():
        there = [row for row in rows if side.present[row, np.argmax(twice)]]
        msg = (
            f"found duplicate series for the match group {show(signature)} on the {hand} hand-side of the operation: "
            f"[{show(side.labels[there[1]])}, {show(side.labels[there[0]])}];"
            "many-to-many matching not allowed: matching labels must be unique on one side"
        )
        raise ExecutionFailed(msg)


def _demand_one_result(node: Binary, result: Vector, group: list[int]) -> None:
    """One result per match and step; with ``group_left`` one per label set."""
    if len(group) == 1:
        return
    if node.match.many is None:
        if (result.present[group].sum(axis=0) > 1).any():
            raise ExecutionFailed(_AMBIGUOUS)
        return
    seen: dict[Labels, Bools] = {}
    for row in group:
        present = result.present[row]
        before = seen.get(result.labels[row])
        if before is not None and (before & present).any():
            raise ExecutionFailed(_INDISTINCT)
        seen[result.labels[row]] = present if before is None else before | present


def _computed(node: Binary, many: Vector, one: Vector) -> Vector:
    """The operator on pairs of rows."""
    left, right = (one, many) if node.match.many == "right" else (many, one)
    present = left.present & right.present
    if left.histograms is not None or right.histograms is not None:
        return combined(node.operator, left, right, as_bool=node.as_bool)
    if node.operator in ARITHMETIC:
        return Vector([], ARITHMETIC[node.operator](left.values, right.values), present)
    holds = COMPARISONS[node.operator](left.values, right.values)
    if node.as_bool:
        return Vector([], holds.astype(np.float64), present)
    return Vector([], left.values, present & holds)


def _named(node: Binary, many: Labels, one: Labels) -> Labels:
    """The labels of a result."""
    match = node.match
    labels = many
    if drops_name(node.operator, as_bool=node.as_bool):
        labels = nameless(labels)
    if match.many is None:
        return keep(labels, match.labels) if match.on else without(labels, match.labels)
    if match.include:
        taken: dict[str, Any] = dict(labels)
        taken.update((name, get(one, name)) for name in match.include)
        labels = label_set(taken)
    return labels
