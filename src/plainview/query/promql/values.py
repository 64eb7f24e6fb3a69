"""What expressions are worth, at all steps at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from plainview.query.promql.errors import ExecutionFailed
from plainview.query.promql.native import added

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainview.query.promql.arrays import Bools, Floats, Integers
    from plainview.query.promql.labels import Labels
    from plainview.query.promql.native import Histograms

__all__ = ["Value", "Vector", "merged", "vector_of"]

#: Prometheus's words.
_TWICE: Final = "vector cannot contain metrics with the same labelset"


@dataclass(slots=True)
class Vector:
    """Instant vectors of all steps.

    Attributes:
        labels: of each series.
        values: series x steps; whatever where there is no sample, and where it is a histogram.
        present: series x steps: whether there is a sample.
        histograms: of each series, where it is one of native histograms: one per step.
    """

    labels: list[Labels]
    values: Floats
    present: Bools
    histograms: dict[int, Histograms] | None = None

    @classmethod
    def empty(cls, steps: int) -> Vector:
        """No series."""
        return cls([], np.zeros((0, steps)), np.zeros((0, steps), np.bool_))

    def rows(self, chosen: Sequence[int] | Integers) -> Vector:
        """These series, in this order."""
        index = np.asarray(chosen, dtype=np.int64)
        histograms = None
        if self.histograms is not None:
            own = self.histograms
            histograms = {to: own[row] for to, row in enumerate(index.tolist()) if row in own}
        return Vector([self.labels[row] for row in index], self.values[index], self.present[index], histograms or None)

    def floats(self) -> Vector:
        """The series of numbers."""
        if self.histograms is None:
            return self
        return self.rows([row for row in range(len(self.labels)) if row not in self.histograms])

    def natives(self) -> Vector:
        """The series of native histograms."""
        return self.rows(sorted(self.histograms or ()))

    def repeated(self, steps: int) -> Vector:
        """The one step of a vector that does not change, at so many steps."""
        shape = (len(self.labels), steps)
        values, present = np.broadcast_to(self.values, shape), np.broadcast_to(self.present, shape)
        histograms = None
        if self.histograms is not None:
            histograms = {
                row: one.with_data(np.broadcast_to(one.data, (steps, one.data.shape[1])))
                for row, one in self.histograms.items()
            }
        return Vector(self.labels, values, present, histograms)

    def beside(self, other: Vector) -> Vector:
        """The series of both."""
        histograms = dict(self.histograms or {})
        histograms.update((row + len(self.labels), one) for row, one in (other.histograms or {}).items())
        return Vector(
            self.labels + other.labels,
            np.concatenate([self.values, other.values]),
            np.concatenate([self.present, other.present]),
            histograms or None,
        )


#: A vector, a number per step, or a string.
Value: TypeAlias = "Vector | Floats | str"


def vector_of(labels: list[Labels], values: Any, present: Any) -> Vector:  # noqa: ANN401 - array-likes
    """A vector of numbers, without series that have no sample at all."""
    values, present = np.asarray(values, np.float64), np.asarray(present, np.bool_)
    if not labels:
        return Vector(labels, values, present)
    some = present.any(axis=1)
    if some.all():
        return Vector(labels, values, present)
    return Vector([one for one, kept in zip(labels, some, strict=True) if kept], values[some], present[some])


def merged(vector: Vector) -> Vector:
    """The vector with one row for each label set: series that took turns under the same name become one.

    Raises:
        ExecutionFailed: two have a sample at the same step.
    """
    rows: dict[tuple[Labels, bool], list[int]] = {}
    natives = vector.histograms or {}
    for row, labels in enumerate(vector.labels):
        rows.setdefault((labels, row in natives), []).append(row)
    if len(rows) == len(vector.labels):
        return vector
    taken: dict[Labels, Bools] = {}
    result = vector.rows([group[0] for group in rows.values()])
    histograms = result.histograms or {}
    for to, ((labels, native), group) in enumerate(rows.items()):
        for row in group:
            there = vector.present[row]
            before = taken.get(labels)
            if before is not None and (before & there).any():
                raise ExecutionFailed(_TWICE)
            taken[labels] = there if before is None else before | there
            if row == group[0]:
                continue
            result.present[to] |= there
            result.values[to, there] = vector.values[row, there]
            if native:
                histograms[to] = added([histograms[to], natives[row]], [~there, there])
    return result
