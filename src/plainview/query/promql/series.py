"""What the evaluation reads: series of samples from wherever they are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainview.query.promql.arrays import Floats, Integers
    from plainview.query.promql.native import Histograms

__all__ = ["Comparison", "Matcher", "Series", "Source"]

Comparison: TypeAlias = Literal["=", "!=", "=~", "!~"]


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on a label. Regular expressions match the whole value; no label is the same as an empty one."""

    name: str
    operator: Comparison
    value: str


@dataclass(slots=True)
class Series:
    """One series within the time that was asked for.

    Attributes:
        labels: its labels, the metric's name as ``__name__``.
        times: of its samples, milliseconds since 1970, rising.
        values: of its samples; staleness markers included. Empty for native histograms.
        histograms: of its samples, where they are native histograms.
    """

    labels: dict[str, str]
    times: Integers
    values: Floats
    histograms: Histograms | None = None


class Source(Protocol):
    """Where series come from."""

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[Series]:
        """All series that every matcher holds of, with their samples from ``start_ms`` to ``end_ms``, both included."""
