"""The expression as the evaluation wants it: milliseconds, plain data, and what is the same at every step marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from plainview.query.promql.series import Matcher

__all__ = [
    "Aggregate",
    "At",
    "Binary",
    "Call",
    "Match",
    "Negation",
    "Node",
    "Number",
    "Range",
    "Selector",
    "Subquery",
    "Text",
    "selectors",
]

#: What the modifier ``@`` says: a time in milliseconds, or the start or the end of the whole query.
At: TypeAlias = "int | Literal['start', 'end'] | None"

#: Functions that look at the step's time, whatever their arguments are (Prometheus's ``AtModifierUnsafeFunctions``).
_OF_THE_STEP: Final = frozenset(
    [
        "day_of_month",
        "day_of_week",
        "day_of_year",
        "days_in_month",
        "hour",
        "minute",
        "month",
        "predict_linear",
        "time",
        "timestamp",
        "year",
    ]
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""

    value: float
    steady: bool = True


@dataclass(frozen=True, slots=True)
class Text:
    """A string."""

    value: str
    steady: bool = True


@dataclass(frozen=True, slots=True)
class Selector:
    """An instant vector: ``name{label="value"} offset 5m @ end()``."""

    matchers: tuple[Matcher, ...]
    offset: int
    at: At

    @property
    def steady(self) -> bool:
        """Whether it is the same at every step."""
        return self.at is not None


@dataclass(frozen=True, slots=True)
class Range:
    """A range vector of stored samples; ``width`` in milliseconds."""

    selector: Selector
    width: int

    @property
    def steady(self) -> bool:
        """Whether it is the same at every step."""
        return self.selector.steady


@dataclass(frozen=True, slots=True)
class Subquery:
    """A range vector of another expression's values; without a step, the default one."""

    inner: Node
    width: int
    step: int | None
    offset: int
    at: At

    @property
    def steady(self) -> bool:
        """Whether it is the same at every step."""
        return self.at is not None


@dataclass(frozen=True, slots=True)
class Negation:
    """A minus in front."""

    inner: Node

    @property
    def steady(self) -> bool:
        """Whether it is the same at every step."""
        return self.inner.steady


@dataclass(frozen=True, slots=True)
class Match:
    """How the series of two vectors find each other.

    Attributes:
        on: whether ``labels`` are the ones to compare (``on``) or those to leave out (``ignoring``).
        labels: names of labels.
        many: the side that may have several series per match (``group_left``: left).
        include: labels that the many take over from the one.
    """

    on: bool = False
    labels: frozenset[str] = frozenset()
    many: Literal["left", "right"] | None = None
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two expressions."""

    operator: str
    left: Node
    right: Node
    match: Match
    as_bool: bool

    @property
    def steady(self) -> bool:
        """Whether it is the same at every step."""
        return self.left.steady and self.right.steady


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregation. ``by`` says whether ``labels`` are kept or left out."""

    operator: str
    inner: Node
    parameter: Node | None
    by: bool
    labels: frozenset[str]

    @property
    def steady(self) -> bool:
        """Whether it is the same at every step."""
        return self.inner.steady and (self.parameter is None or self.parameter.steady)


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments. ``gives_scalar``: the result is a number per step, no vector."""

    function: str
    arguments: tuple[Node, ...]
    gives_scalar: bool = False

    @property
    def steady(self) -> bool:
        """Whether it is the same at every step."""
        return self.function not in _OF_THE_STEP and all(argument.steady for argument in self.arguments)


Node: TypeAlias = "Number | Text | Selector | Range | Subquery | Negation | Binary | Aggregate | Call"


def selectors(node: Node) -> list[Selector]:  # noqa: PLR0911 - one for each kind
    """All selectors of an expression."""
    match node:
        case Selector():
            return [node]
        case Range():
            return [node.selector]
        case Subquery() | Negation():
            return selectors(node.inner)
        case Binary():
            return selectors(node.left) + selectors(node.right)
        case Aggregate():
            return selectors(node.inner) + ([] if node.parameter is None else selectors(node.parameter))
        case Call():
            return [one for argument in node.arguments for one in selectors(argument)]
        case _:
            return []
