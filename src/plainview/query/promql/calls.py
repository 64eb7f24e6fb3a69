"""The functions, by what they take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from plainview.query.promql import histogram_calls, rates, trends
from plainview.query.promql.arrays import anywhere
from plainview.query.promql.elementwise import CALENDAR, ELEMENTWISE, rounded
from plainview.query.promql.errors import BadQuery
from plainview.query.promql.labels import get as label, nameless
from plainview.query.promql.nodes import Call, Node, Selector, Text
from plainview.query.promql.overtime import OVER_TIME, quantile_over_time
from plainview.query.promql.relabel import absent_labels, label_join, label_replace
from plainview.query.promql.values import Value, Vector, merged, vector_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.query.promql.arrays import Bools, Floats, Integers
    from plainview.query.promql.evaluation import Evaluation
    from plainview.query.promql.windows import Windows

__all__ = ["called"]

_WINDOWED: Final[dict[str, Callable[[Windows], tuple[Floats, Bools]]]] = {
    **OVER_TIME,
    "rate": rates.rate,
    "increase": rates.increase,
    "delta": rates.delta,
    "irate": rates.irate,
    "idelta": rates.idelta,
    "deriv": trends.deriv,
}
#: Functions of a window and numbers.
_WINDOWED_WITH: Final[dict[str, Callable[..., tuple[Floats, Bools]]]] = {
    "quantile_over_time": quantile_over_time,
    "predict_linear": trends.predict_linear,
    "holt_winters": trends.holt_winters,
    "double_exponential_smoothing": trends.holt_winters,
}
#: These give samples as they are, so they are still that metric.
_KEEPS_NAME: Final = frozenset({"last_over_time", "first_over_time"})


def called(evaluation: Evaluation, call: Call, steps: Integers) -> Value:
    """What a function gives at each step.

    Raises:
        BadQuery: there is no such function here.
    """
    name = call.function
    if name in _WINDOWED or name in _WINDOWED_WITH:
        return _windowed(evaluation, call, steps)
    if name in ELEMENTWISE:
        return _elementwise(evaluation.vector(call.arguments[0], steps), ELEMENTWISE[name])
    if name in CALENDAR:
        vector = evaluation.vector(call.arguments[0], steps) if call.arguments else _one(steps / 1000.0)
        return _elementwise(vector, CALENDAR[name])
    special = _SPECIAL.get(name) or histogram_calls.HISTOGRAMS.get(name)
    if special is None:
        msg = f"the function {name}() is not supported"
        raise BadQuery(msg)
    return special(evaluation, call.arguments, steps)


def _one(values: Floats) -> Vector:
    return Vector([()], values[None, :], np.ones((1, len(values)), np.bool_))


def _windowed(evaluation: Evaluation, call: Call, steps: Integers) -> Vector:
    """A function of range vectors, some series at a time."""
    name = call.function
    # `quantile_over_time` has its number in front, all others behind.
    place = 1 if name == "quantile_over_time" else 0
    numbers = [evaluation.scalar(one, steps) for at, one in enumerate(call.arguments) if at != place]
    windows = evaluation.windows(call.arguments[place], steps)
    labels = windows.labels if name in _KEEPS_NAME else [nameless(one) for one in windows.labels]
    values, present = np.zeros(windows.low.shape), np.zeros(windows.low.shape, np.bool_)
    for rows, some in windows.portions():
        if name in _WINDOWED:
            values[rows], present[rows] = _WINDOWED[name](some)
        else:
            values[rows], present[rows] = _WINDOWED_WITH[name](some, *numbers)
    if not windows.histograms:
        return merged(vector_of(labels, values, present))
    natives = histogram_calls.windowed(name, windows)
    for row in windows.histograms:
        present[row] &= row in natives or name in ("count_over_time", "present_over_time")
    for row, (_, there) in natives.items():
        present[row] = there
    vector = Vector(labels, values, present, {row: one for row, (one, _) in natives.items()} or None)
    return merged(vector.rows(np.flatnonzero(present.any(axis=1))))


def _elementwise(vector: Vector, function: Callable[[Floats], Floats]) -> Vector:
    vector = vector.floats()
    return merged(Vector([nameless(one) for one in vector.labels], function(vector.values), vector.present))


def _text(node: Node) -> str:
    if not isinstance(node, Text):
        msg = "expected a string"
        raise BadQuery(msg)
    return node.value


def _absent(evaluation: Evaluation, arguments: tuple[Node, ...], steps: Integers) -> Vector:
    there = anywhere(evaluation.vector(arguments[0], steps).present)
    return vector_of([absent_labels(arguments[0])], np.ones((1, len(steps))), ~there[None, :])


def _absent_over_time(evaluation: Evaluation, arguments: tuple[Node, ...], steps: Integers) -> Vector:
    there = anywhere(evaluation.windows(arguments[0], steps).counts > 0)
    return vector_of([absent_labels(arguments[0])], np.ones((1, len(steps))), ~there[None, :])


def _clamp(evaluation: Evaluation, arguments: tuple[Node, ...], steps: Integers) -> Vector:
    low, high = (evaluation.scalar(argument, steps) for argument in arguments[1:])
    vector = evaluation.vector(arguments[0], steps)
    clamped = _elementwise(vector, lambda values: np.maximum(low, np.minimum(high, values)))
    return vector_of(clamped.labels, clamped.values, clamped.present & ~(high < low))


def _with_scalar(function: Callable[[Floats, Floats], Floats]) -> Callable[..., Vector]:
    def computed(evaluation: Evaluation, arguments: tuple[Node, ...], steps: Integers) -> Vector:
        number = evaluation.scalar(arguments[1], steps) if len(arguments) > 1 else np.ones(len(steps))
        return _elementwise(evaluation.vector(arguments[0], steps), lambda values: function(values, number))

    return computed


def _scalar(evaluation: Evaluation, arguments: tuple[Node, ...], steps: Integers) -> Floats:
    """The value of the only series; NaN where there is none or more than one."""
    vector = evaluation.vector(arguments[0], steps).floats()
    alone = vector.present.sum(axis=0) == 1
    return np.where(alone, np.where(vector.present, vector.values, 0.0).sum(axis=0), np.nan)


def _timestamp(evaluation: Evaluation, arguments: tuple[Node, ...], steps: Integers) -> Vector:
    """When the sample was taken, of a selector; of anything else, the time of the step."""
    if isinstance(arguments[0], Selector):
        vector, when = evaluation.newest(arguments[0], steps)
    else:
        vector = evaluation.vector(arguments[0], steps)
        when = np.broadcast_to(steps / 1000.0, vector.values.shape)
    return merged(Vector([nameless(one) for one in vector.labels], when, vector.present))


def _sorted(*, descending: bool) -> Callable[..., Vector]:
    def ordered(evaluation: Evaluation, arguments: tuple[Node, ...], steps: Integers) -> Vector:
        vector = evaluation.vector(arguments[0], steps)
        if len(steps) != 1:  # several steps have no one order
            return vector
        values = -vector.values[:, 0] if descending else vector.values[:, 0]
        return vector.rows(np.lexsort((values, np.isnan(values))))

    return ordered


def _sorted_by_label(*, descending: bool) -> Callable[..., Vector]:
    def ordered(evaluation: Evaluation, arguments: tuple[Node, ...], steps: Integers) -> Vector:
        vector = evaluation.vector(arguments[0], steps)
        names = [_text(argument) for argument in arguments[1:]]
        keys = [([label(one, name) for name in names], one) for one in vector.labels]
        return vector.rows(sorted(range(len(keys)), key=keys.__getitem__, reverse=descending))

    return ordered


def _label_replace(evaluation: Evaluation, arguments: tuple[Node, ...], steps: Integers) -> Vector:
    to, template, source, pattern = map(_text, arguments[1:])
    return label_replace(evaluation.vector(arguments[0], steps), to, template, source, pattern)


def _label_join(evaluation: Evaluation, arguments: tuple[Node, ...], steps: Integers) -> Vector:
    to, separator, *sources = map(_text, arguments[1:])
    return label_join(evaluation.vector(arguments[0], steps), to, separator, sources)


def _vector(evaluation: Evaluation, arguments: tuple[Node, ...], steps: Integers) -> Vector:
    return _one(np.asarray(evaluation.scalar(arguments[0], steps)))


#: Function → what it does.
_SPECIAL: Final[dict[str, Callable[[Evaluation, tuple[Node, ...], Integers], Value]]] = {
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "clamp": _clamp,
    "clamp_max": _with_scalar(np.minimum),
    "clamp_min": _with_scalar(np.maximum),
    "round": _with_scalar(rounded),
    "label_join": _label_join,
    "label_replace": _label_replace,
    "pi": lambda _evaluation, _arguments, steps: np.full(len(steps), np.pi),
    "scalar": _scalar,
    "sort": _sorted(descending=False),
    "sort_desc": _sorted(descending=True),
    "sort_by_label": _sorted_by_label(descending=False),
    "sort_by_label_desc": _sorted_by_label(descending=True),
    "time": lambda _evaluation, _arguments, steps: steps / 1000.0,
    "timestamp": _timestamp,
    "vector": _vector,
    "start": lambda evaluation, _arguments, steps: np.full(len(steps), evaluation.start / 1000.0),
    "end": lambda evaluation, _arguments, steps: np.full(len(steps), evaluation.end / 1000.0),
    "step": lambda evaluation, _arguments, steps: np.full(len(steps), evaluation.step / 1000.0),
}
