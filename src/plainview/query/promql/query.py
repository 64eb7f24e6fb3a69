"""Queries as a client puts them: at one time, or over a range of times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from plainview.query.promql.errors import BadQuery
from plainview.query.promql.evaluation import Evaluation
from plainview.query.promql.nodes import Node, Range, Subquery, Text
from plainview.query.promql.parsing import parse
from plainview.query.promql.selection import MAX_SAMPLES, Selection
from plainview.query.promql.values import Vector, merged

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.query.promql.arrays import Floats, Integers
    from plainview.query.promql.labels import Labels
    from plainview.query.promql.native import Histograms
    from plainview.query.promql.series import Source
    from plainview.query.promql.values import Value

__all__ = ["MAX_POINTS", "Answer", "Line", "at_once", "over_time"]

#: Steps of one range query, as in Prometheus.
MAX_POINTS: Final = 11_000


@dataclass(slots=True)
class Line:
    """One series of an answer: times in milliseconds, and numbers or native histograms."""

    labels: Labels
    times: Integers
    values: Floats
    histograms: Histograms | None = None


@dataclass(slots=True)
class Answer:
    """What a query is worth.

    Attributes:
        kind: ``vector``, ``matrix``, ``scalar``, ``string``: Prometheus's ``resultType``.
        lines: the series; a scalar is one without labels.
        text: of a string.
        samples: how many were touched.
    """

    kind: str
    lines: list[Line]
    text: str = ""
    samples: int = 0


def _never() -> None:
    """Nobody cancels."""


def at_once(
    source: Source,
    query: str,
    time: int,
    *,
    check: Callable[[], None] = _never,
    max_samples: int = MAX_SAMPLES,
) -> Answer:
    """What a query is worth at one time.

    Args:
        source: where series come from.
        query: PromQL.
        time: milliseconds since 1970.
        check: called now and then; what it raises ends the query.
        max_samples: samples that may be touched.

    Raises:
        BadQuery: the query is no PromQL.
        ExecutionFailed: it cannot be worked out.
    """
    node = parse(query)
    selection = Selection(source, check, max_samples)
    evaluation = Evaluation(selection, time, time)
    steps = np.array([time], np.int64)
    with np.errstate(all="ignore"):
        if isinstance(node, Range | Subquery):
            lines = _samples(evaluation, node, steps)
            return Answer("matrix", lines, samples=selection.touched)
        value = _worth(evaluation, node, steps)
    if isinstance(value, str):
        return Answer("string", [], value, selection.touched)
    kind = "vector" if isinstance(value, Vector) else "scalar"
    return Answer(kind, _lines(value, steps), samples=selection.touched)


def over_time(  # noqa: PLR0913 - a range query's
    source: Source,
    query: str,
    start: int,
    end: int,
    step: int,
    *,
    check: Callable[[], None] = _never,
    max_samples: int = MAX_SAMPLES,
) -> Answer:
    """What a query is worth at every step from ``start`` to ``end``, in milliseconds. Otherwise as :func:`at_once`.

    Raises:
        BadQuery: the query is no PromQL, or gives no vector and no scalar; the times make no steps, or too many.
        ExecutionFailed: it cannot be worked out.
    """
    if step <= 0:
        msg = "zero or negative query resolution step widths are not accepted. Try a positive integer"
        raise BadQuery(msg)
    if end < start:
        msg = "end timestamp must not be before start time"
        raise BadQuery(msg)
    if (end - start) // step + 1 > MAX_POINTS:
        msg = (
            f"exceeded maximum resolution of {MAX_POINTS:,} points per timeseries. "
            "Try decreasing the query resolution (?step=XX)"
        )
        raise BadQuery(msg)
    node = parse(query)
    if isinstance(node, Range | Subquery | Text):
        what = "string" if isinstance(node, Text) else "range vector"
        msg = f'invalid expression type "{what}" for range query, must be Scalar or instant Vector'
        raise BadQuery(msg)
    selection = Selection(source, check, max_samples)
    steps = np.arange(start, end + 1, step, dtype=np.int64)
    with np.errstate(all="ignore"):
        value = _worth(Evaluation(selection, start, end, step), node, steps)
    lines = [] if isinstance(value, str) else _lines(value, steps)
    return Answer("matrix", sorted(lines, key=lambda line: line.labels), samples=selection.touched)


def _worth(evaluation: Evaluation, node: Node, steps: Integers) -> Value:
    try:
        value = evaluation.value(node, steps)
    except RecursionError:
        msg = "the query is nested too deeply"
        raise BadQuery(msg) from None
    return merged(value) if isinstance(value, Vector) and len(steps) > 1 else value


def _lines(value: Value, steps: Integers) -> list[Line]:
    if not isinstance(value, Vector):
        return [Line((), steps, np.asarray(value, np.float64))]
    lines: list[Line] = []
    for row, labels in enumerate(value.labels):
        there = value.present[row]
        if there.any():
            native = (value.histograms or {}).get(row)
            lines.append(Line(labels, steps[there], value.values[row, there], native and native.rows(there)))
    return lines


def _samples(evaluation: Evaluation, node: Node, steps: Integers) -> list[Line]:
    """The samples of a range vector as they are."""
    windows = evaluation.windows(node, steps)
    lines: list[Line] = []
    for row, labels in enumerate(windows.labels):
        first, last = int(windows.low[row, 0]), int(windows.high[row, 0])
        if last > first:
            native = windows.histograms.get(row)
            own = slice(first, last)
            start = int(windows.starts[row])
            part = None if native is None else native.rows(np.arange(first - start, last - start))
            lines.append(Line(labels, windows.times[own], windows.values[own], part))
    return lines
