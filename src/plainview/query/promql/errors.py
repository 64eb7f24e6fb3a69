"""What is wrong with a PromQL question."""

from __future__ import annotations

from typing import Literal, TypeAlias

__all__ = ["BadQuery", "ExecutionFailed", "PromqlError"]

#: Prometheus's words for what kind of error an answer tells of.
Kind: TypeAlias = Literal["bad_data", "execution"]


class PromqlError(ValueError):
    """A question in PromQL that has no answer.

    Attributes:
        kind: Prometheus's ``errorType``.
        message: what is wrong, in Prometheus's words where it has some.
        position: offset in characters of the query, where it is known.
    """

    kind: Kind = "execution"

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


class BadQuery(PromqlError):  # noqa: N818 - it is the query that is bad
    """The query is no PromQL, or asks for what there is not."""

    kind = "bad_data"


class ExecutionFailed(PromqlError):  # noqa: N818 - says what happened
    """The query is sound; what it met in the data is not."""
