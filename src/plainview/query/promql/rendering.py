"""Answers in the form of Prometheus's HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainview.query.promql.native import COUNT, SUM
from plainview.query.promql.notation import sample_text

if TYPE_CHECKING:
    from plainview.query.promql.native import Histograms
    from plainview.query.promql.query import Answer, Line

__all__ = ["rendered"]

#: Which ends belong to a bucket, in Prometheus's numbers: the upper one, the lower one, both.
_UPPER, _LOWER, _BOTH = 0, 1, 3


def rendered(answer: Answer, time: int) -> dict[str, Any]:
    """``resultType`` and ``result``.

    Args:
        answer: what a query is worth.
        time: the time of the query, milliseconds; for what has no time of its own.
    """
    if answer.kind == "string":
        result: Any = [_seconds(time), answer.text]
    elif answer.kind == "scalar":
        result = [_seconds(time), sample_text(float(answer.lines[0].values[0]))]
    else:
        result = [_line(line, single=answer.kind == "vector") for line in answer.lines]
    return {"resultType": answer.kind, "result": result}


def _seconds(milliseconds: int) -> float | int:
    whole, rest = divmod(milliseconds, 1000)
    return milliseconds / 1000 if rest else whole


def _line(line: Line, *, single: bool) -> dict[str, Any]:
    times = [_seconds(time) for time in line.times.tolist()]
    if line.histograms is None:
        pairs: list[list[Any]] = [
            [time, sample_text(value)] for time, value in zip(times, line.values.tolist(), strict=True)
        ]
        name = "value" if single else "values"
    else:
        pairs = [[time, one] for time, one in zip(times, _histograms(line.histograms), strict=True)]
        name = "histogram" if single else "histograms"
    return {"metric": dict(line.labels), name: pairs[0] if single else pairs}


def _histograms(histograms: Histograms) -> list[dict[str, Any]]:
    low, high, contents = histograms.bounds(told=True)
    negative = len(histograms.negative)
    told = []
    for row, data in zip(contents.tolist(), histograms.data.tolist(), strict=True):
        buckets = [
            [
                _LOWER if place < negative else _BOTH if place == negative else _UPPER,
                sample_text(float(low[place])),
                sample_text(float(high[place])),
                sample_text(count),
            ]
            for place, count in enumerate(row)
            if count
        ]
        one: dict[str, Any] = {"count": sample_text(data[COUNT]), "sum": sample_text(data[SUM])}
        told.append(one | ({"buckets": buckets} if buckets else {}))
    return told
