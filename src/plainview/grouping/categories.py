"""What kind of trouble an error is, and what is to be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from plainview.grouping.rules import NO_RULES, Rules

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CATEGORIES", "Category", "categorise"]

#: Category to the action that is suggested where a rule does not say something better.
CATEGORIES: Final[dict[str, str]] = {
    "transient": "Goes away by itself: retry with growing pauses; look into it when it stays.",
    "configuration": "Correct the configuration or the environment, and start again.",
    "resource": "Free or add what has run out: memory, disk, connections, quota.",
    "bug": "Correct the code.",
    "external": "Look at the other side: the service that answered with an error.",
    "user": "Answer with what is wrong with the input; nothing to correct here unless there are many.",
}


@dataclass(frozen=True, slots=True)
class Category:
    """What kind of trouble it is (one of `CATEGORIES`), what to do, and by which rule it was told."""

    name: str
    action: str
    rule: str
    runbook: str | None = None


def categorise(error: Mapping[str, Any], *, rules: Rules = NO_RULES) -> Category:
    """The category of an error.

    Args:
        error: an error record as a mapping, as `plainview.grouping.fingerprint.group` takes it.
        rules: the user's, which go first.
    """
    del error, rules
    return Category("bug", CATEGORIES["bug"], "default")
