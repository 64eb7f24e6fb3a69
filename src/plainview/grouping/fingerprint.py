"""Which errors are the same: a fingerprint of what stays when an error happens again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from plainview.grouping.messages import normalise
from plainview.grouping.rules import NO_RULES, Rules

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["VERSION", "VERSIONS", "Grouping", "fingerprints", "group"]

#: The algorithm that new issues are grouped by, and all that are known, newest first.
VERSION: Final = 1
VERSIONS: Final[tuple[int, ...]] = (1,)


@dataclass(frozen=True, slots=True)
class Grouping:
    """How an error is grouped, and why."""

    #: 32 hexadecimal digits; errors with the same are one issue.
    fingerprint: str
    #: Version of the algorithm.
    version: int
    #: Type of the exception that tells most, with its module; empty for a message.
    type: str
    #: Its message, as it came (the first line, shortened).
    value: str
    #: What the issue is called.
    title: str
    #: Innermost place of the application, ``module in function``; where there is none the transaction or the logger.
    culprit: str
    component: str
    #: What the fingerprint was made of, one line each, to be read.
    parts: tuple[str, ...]
    #: For each exception, for each of its frames: whether it is the application's own.
    in_app: tuple[tuple[bool, ...], ...] = ()


def group(error: Mapping[str, Any], *, rules: Rules = NO_RULES, version: int = VERSION) -> Grouping:
    """Group an error.

    Args:
        error: an error record as a mapping. What counts are ``exceptions`` (a list of mappings, the one that was caught
            first), ``message`` (all there is of an error without an exception), ``stack_trace`` (as printed; looked at
            where no exception has frames), ``platform``, ``component``, ``logger``, ``service``, ``fingerprint`` (given
            by the user; ``{{ default }}`` stands for what would be used without) and ``transaction`` (route, task or
            command that was at work). All may be absent.
        rules: the user's.
        version: of the algorithm.

    Raises:
        ValueError: there is no such version.
    """
    if version not in VERSIONS:
        msg = f"unknown version {version!r} of grouping: use one of {VERSIONS}"
        raise ValueError(msg)
    del rules
    exceptions = error.get("exceptions") or ()
    first: Mapping[str, Any] = exceptions[0] if exceptions else {}
    kind, value = str(first.get("type", "")), str(first.get("message", "") or error.get("message", ""))
    frames = [f"{frame.get('module')} in {frame.get('function')}" for frame in first.get("frames", ())][-3:]
    parts = (str(error.get("platform", "python")), kind, normalise(value), *frames)
    digest = hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    logger = str(error.get("logger", ""))
    culprit = frames[-1] if frames else str(error.get("transaction", "") or logger)
    title = f"{kind}: {value}" if kind else value
    return Grouping(digest, version, kind, value, title, culprit, str(error.get("component", "") or logger), parts)


def fingerprints(error: Mapping[str, Any], *, rules: Rules = NO_RULES) -> dict[int, str]:
    """The fingerprints of every known version, so that an issue that was grouped by an older one is found again."""
    return {version: group(error, rules=rules, version=version).fingerprint for version in VERSIONS}
