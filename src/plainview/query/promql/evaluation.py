"""An expression becomes what it is worth at every step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from plainview.query.promql import aggregation, calls, matching
from plainview.query.promql.errors import BadQuery, ExecutionFailed
from plainview.query.promql.labels import nameless
from plainview.query.promql.mixed import combined
from plainview.query.promql.nodes import (
    Aggregate,
    At,
    Binary,
    Call,
    Negation,
    Node,
    Number,
    Range,
    Selector,
    Subquery,
    Text,
)
from plainview.query.promql.operators import ARITHMETIC, COMPARISONS, drops_name
from plainview.query.promql.values import Value, Vector, merged, vector_of

if TYPE_CHECKING:
    from plainview.query.promql.arrays import Floats, Integers
    from plainview.query.promql.labels import Labels
    from plainview.query.promql.native import Histograms
    from plainview.query.promql.selection import Selection
    from plainview.query.promql.windows import Windows

__all__ = ["Evaluation"]

#: Milliseconds between the steps of a subquery that names none: Prometheus's default evaluation interval.
_SUBQUERY_STEP: Final = 60_000
#: Steps of one subquery.
_SUBQUERY_STEPS: Final = 1_000_000


class Evaluation:
    """Evaluates the expression of one query.

    Args:
        selection: reads series, and counts.
        start, end: the query's first and last time, which ``@ start()`` and ``@ end()`` mean; milliseconds.
        step: milliseconds between the query's steps; 0 for an instant query.
    """

    def __init__(self, selection: Selection, start: int, end: int, step: int = 0) -> None:
        self.selection = selection
        self.start: int = start
        self.end: int = end
        self.step: int = step

    def value(self, node: Node, steps: Integers) -> Value:
        """What an expression is worth at each of the times.

        Raises:
            BadQuery: it uses what is not supported.
            ExecutionFailed: it cannot be worked out from what is there.
        """
        self.selection.check()
        if node.steady and len(steps) > 1:
            once = self._value(node, steps[:1])
            if isinstance(once, Vector):
                return once.repeated(len(steps))
            return once if isinstance(once, str) else np.broadcast_to(once, steps.shape)
        return self._value(node, steps)

    def vector(self, node: Node, steps: Integers) -> Vector:
        """What an expression that is an instant vector is worth."""
        value = self.value(node, steps)
        if not isinstance(value, Vector):
            msg = "expected an instant vector"
            raise BadQuery(msg)
        return value

    def scalar(self, node: Node, steps: Integers) -> Floats:
        """What an expression that is a number is worth."""
        value = self.value(node, steps)
        if isinstance(value, Vector | str):
            msg = "expected a scalar"
            raise BadQuery(msg)
        return value

    def _value(self, node: Node, steps: Integers) -> Value:  # noqa: PLR0911 - one for each kind
        match node:
            case Number():
                return np.full(len(steps), node.value)
            case Text():
                return node.value
            case Selector():
                return self.selection.instant(node.matchers, self._ends(node.at, node.offset, steps))[0]
            case Negation():
                return self._negated(node, steps)
            case Binary():
                return self._binary(node, steps)
            case Aggregate():
                return self._aggregate(node, steps)
            case Call():
                return calls.called(self, node, steps)
            case _:
                msg = "a range vector stands where an instant vector or a scalar is expected"
                raise BadQuery(msg)

    def _ends(self, at: At, offset: int, steps: Integers) -> Integers:
        """The times that a selector looks at, for each step."""
        if at is None:
            return steps - offset
        fixed = self.start if at == "start" else self.end if at == "end" else at
        return np.full(len(steps), fixed - offset, np.int64)

    def newest(self, node: Selector, steps: Integers) -> tuple[Vector, Floats]:
        """An instant vector, and the times of its samples in seconds."""
        return self.selection.instant(node.matchers, self._ends(node.at, node.offset, steps))

    def windows(self, node: Node, steps: Integers) -> Windows:
        """The samples that a range vector has at each step."""
        if isinstance(node, Range):
            selector = node.selector
            ends = self._ends(selector.at, selector.offset, steps)
            return self.selection.windows(selector.matchers, node.width, steps, ends)
        if not isinstance(node, Subquery):
            msg = "expected a range vector"
            raise BadQuery(msg)
        ends = self._ends(node.at, node.offset, steps)
        width = _SUBQUERY_STEP if node.step is None else node.step
        first = -((node.width - int(ends.min())) // width) * width  # the first multiple within the first window
        count = (int(ends.max()) - first) // width + 1
        if count > _SUBQUERY_STEPS:
            msg = f"a subquery would have {count} steps; at most {_SUBQUERY_STEPS} are computed"
            raise ExecutionFailed(msg)
        times = first + width * np.arange(max(count, 0), dtype=np.int64)
        if not len(times):
            return self.selection.laid_out([], node.width, steps, ends)
        value = self.value(node.inner, times)
        if isinstance(value, str):
            msg = "a subquery needs an instant vector or a scalar"
            raise BadQuery(msg)
        if not isinstance(value, Vector):
            value = vector_of([()], value[None, :], np.ones((1, len(times))))
        self.selection.touch(value.values.size)
        rows: list[tuple[Labels, Integers, Floats, Histograms | None]] = []
        for row, labels in enumerate(value.labels):
            there = value.present[row]
            native = (value.histograms or {}).get(row)
            rows.append((labels, times[there], value.values[row, there], native and native.rows(there)))
        return self.selection.laid_out(rows, node.width, steps, ends)

    def _negated(self, node: Negation, steps: Integers) -> Value:
        value = self.value(node.inner, steps)
        if isinstance(value, Vector):
            histograms = {row: one.with_data(-one.data) for row, one in (value.histograms or {}).items()}
            labels = [nameless(one) for one in value.labels]
            return merged(Vector(labels, -value.values, value.present, histograms or None))
        if isinstance(value, str):
            msg = "a string cannot be negated"
            raise BadQuery(msg)
        return -value

    def _aggregate(self, node: Aggregate, steps: Integers) -> Vector:
        vector = self.vector(node.inner, steps)
        if node.operator == "count_values":
            label = node.parameter.value if isinstance(node.parameter, Text) else ""
            return aggregation.counted_values(node, vector, label)
        parameter = None if node.parameter is None else self.scalar(node.parameter, steps)
        if node.operator in ("topk", "bottomk", "limitk"):
            return aggregation.chosen(node, vector, np.zeros(len(steps)) if parameter is None else parameter)
        if node.operator != "quantile" and node.operator not in aggregation.AGGREGATIONS:
            msg = f"the aggregation {node.operator!r} is not supported"
            raise BadQuery(msg)
        return aggregation.aggregated(node, vector, parameter)

    def _binary(self, node: Binary, steps: Integers) -> Value:  # noqa: PLR0911 - one for each pair of kinds
        left, right = self.value(node.left, steps), self.value(node.right, steps)
        if isinstance(left, str) or isinstance(right, str):
            msg = "binary expression must contain only scalar and instant vector types"
            raise BadQuery(msg)
        if isinstance(left, Vector) and isinstance(right, Vector):
            self.selection.touch(max(left.values.size, right.values.size))
            if node.operator in ("and", "unless"):
                return matching.both(left, right, node.match, wanted=node.operator == "and")
            if node.operator == "or":
                return matching.either(left, right, node.match)
            return matching.combine(node, left, right)
        if isinstance(left, Vector):
            return _with_number(node, left, right)  # type: ignore[arg-type] # both vectors was above
        if isinstance(right, Vector):
            return _with_number(node, right, left, swapped=True)
        if node.operator in ARITHMETIC:
            return ARITHMETIC[node.operator](left, right)
        return COMPARISONS[node.operator](left, right).astype(np.float64)


def _with_number(node: Binary, vector: Vector, number: Floats, *, swapped: bool = False) -> Vector:
    """A vector and a number per step."""
    drops = drops_name(node.operator, as_bool=node.as_bool)
    labels = [nameless(one) for one in vector.labels] if drops else vector.labels
    if vector.histograms is not None:
        numbers = Vector(labels, np.broadcast_to(number, vector.values.shape), vector.present)
        sides = (numbers, vector) if swapped else (vector, numbers)
        result = combined(node.operator, *sides, as_bool=node.as_bool)
        result.labels = labels
        if swapped and not drops:
            result.values = vector.values
        return merged(result) if drops else result
    left, right = (number, vector.values) if swapped else (vector.values, number)
    if node.operator in ARITHMETIC:
        return merged(Vector(labels, ARITHMETIC[node.operator](left, right), vector.present))
    holds = COMPARISONS[node.operator](left, right)
    if node.as_bool:
        return merged(Vector(labels, holds.astype(np.float64), vector.present))
    return Vector(labels, vector.values, vector.present & holds)
