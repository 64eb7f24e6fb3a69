"""What is wrong with a question."""

from __future__ import annotations

__all__ = ["BadInput"]


class BadInput(ValueError):  # noqa: N818 - it is the input that is bad, not the program
    """A question that cannot be answered as it was put.

    Attributes:
        field: the field of the request that is wrong, as the caller wrote it (``filters.pid``, ``q``).
        message: what is wrong and what would be right, for a person.
        position: offset in characters, where the field is a text of several parts.
    """

    def __init__(self, field: str, message: str, position: int | None = None) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
        self.position = position
