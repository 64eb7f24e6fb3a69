"""What is known of an error, read once, for every version of the algorithm to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from plainview.grouping import chains, frames, stacks, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plainview.grouping.chains import Told
    from plainview.grouping.frames import Place
    from plainview.grouping.rules import Rules

__all__ = ["Evidence", "first", "read"]

_TITLE: Final = 200


@dataclass(frozen=True, slots=True)
class Evidence:
    """An error as its grouping sees it."""

    error: Mapping[str, Any]
    platform: str
    #: The exception that tells most, with those that belong to it; None: it is a message.
    told: Told | None
    #: The places of the frames of each exception.
    places: Sequence[Sequence[Place]]
    #: The message of an error without an exception, normalised.
    message: str
    #: Given by the user.
    component: str
    logger: str
    transaction: str

    def told_place(self) -> Place | None:
        """The innermost place that tells the error from others."""
        return self.told.places[0] if self.told and self.told.places else None


def read(error: Mapping[str, Any], rules: Rules) -> Evidence:
    """Look at an error record."""
    platform = frames.platform_of(error.get("platform"))
    exceptions = frames.listed(error.get("exceptions"))
    printed = str(error.get("stack_trace") or "")
    if printed and not any(one.get("frames") for one in exceptions):
        exceptions = list(_parsed(printed, platform)) or exceptions
    found = [frames.places(frames.listed(each.get("frames")), platform, rules) for each in exceptions]
    context = error.get("context")
    transaction = error.get("transaction") or (context.get("transaction") if isinstance(context, dict) else "")
    message = "" if exceptions else str(error.get("message") or printed)
    return Evidence(
        error,
        platform,
        chains.told(exceptions, found) if exceptions else None,
        found,
        values.normalise(message),
        str(error.get("component") or ""),
        str(error.get("logger") or ""),
        str(transaction or ""),
    )


@lru_cache(maxsize=16)
def _parsed(text: str, platform: str) -> Sequence[Mapping[str, Any]]:
    return stacks.parse(text, platform)


def first(evidence: Evidence) -> list[str]:
    """Version 1: platform, component, type, message and innermost places; those of causes and of members."""
    parts = [f"platform {evidence.platform}"]
    if evidence.component:
        parts.append(f"component {evidence.component}")
    if evidence.told:
        return parts + evidence.told.parts()
    return [*parts, f"logger {evidence.logger}", f"message {evidence.message}"]
