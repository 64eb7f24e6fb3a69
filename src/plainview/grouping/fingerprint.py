"""Which errors are the same: a fingerprint of what stays when an error happens again."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from plainview.grouping.evidence import Evidence, first, read
from plainview.grouping.frames import listed
from plainview.grouping.rules import NO_RULES, Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["ALGORITHMS", "VERSION", "VERSIONS", "Grouping", "fingerprints", "group"]

#: Version to the algorithm that tells what an error's fingerprint is made of. A version that issues were grouped by
#: stays here, so that they can be carried over: see `fingerprints`.
ALGORITHMS: Final[Mapping[int, Callable[[Evidence], list[str]]]] = {1: first}
#: The version that new issues are grouped by, and all that are known, newest first.
VERSION: Final = max(ALGORITHMS)
VERSIONS: Final[tuple[int, ...]] = tuple(sorted(ALGORITHMS, reverse=True))

#: Characters of a title.
_TITLE: Final = 200
#: Names that Sentry's fingerprint rules have for the same.
_SENTRYS: Final = {
    "error.type": "type", "error.value": "message", "value": "message", "stack.module": "module", "package": "module",
    "stack.package": "module", "stack.function": "function",
}  # fmt: skip
_NAME: Final = re.compile(r"\{\{ {0,8}([\w.-]{1,80}) {0,8}\}\}")


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


def group(
    error: Mapping[str, Any],
    *,
    rules: Rules = NO_RULES,
    version: int | None = None,
    algorithms: Mapping[int, Callable[[Evidence], list[str]]] = ALGORITHMS,
) -> Grouping:
    """Group an error.

    Args:
        error: an error record as a mapping. What counts are ``exceptions`` (a list of mappings, the one that was caught
            first), ``message`` (all there is of an error without an exception), ``stack_trace`` (as printed; looked at
            where no exception has frames), ``platform``, ``component``, ``logger``, ``service``, ``fingerprint`` (given
            by the user; ``{{ default }}`` stands for what would be used without) and ``transaction`` (route, task or
            command that was at work). All may be absent.
        rules: the user's.
        version: of the algorithm; None: the newest.
        algorithms: all that are known.

    Raises:
        ValueError: there is no such version.
    """
    return _group(read(error, rules), rules, version, algorithms)


def fingerprints(
    error: Mapping[str, Any],
    *,
    rules: Rules = NO_RULES,
    algorithms: Mapping[int, Callable[[Evidence], list[str]]] = ALGORITHMS,
) -> dict[int, str]:
    """The fingerprints of every known version, newest first.

    An issue that was grouped by an older version is found by that one's fingerprint, and given the newest.
    """
    evidence = read(error, rules)
    versions = sorted(algorithms, reverse=True)
    return {version: _group(evidence, rules, version, algorithms).fingerprint for version in versions}


def _group(
    evidence: Evidence,
    rules: Rules,
    version: int | None,
    algorithms: Mapping[int, Callable[[Evidence], list[str]]],
) -> Grouping:
    if version is None:
        version = max(algorithms)
    if version not in algorithms:
        known = ", ".join(map(str, sorted(algorithms)))
        msg = f"unknown version {version!r} of grouping: use one of {known}"
        raise ValueError(msg)
    parts = algorithms[version](evidence)
    names = _Names(evidence)
    said = evidence.error.get("fingerprint")
    given = [part for part in said if isinstance(part, str)] if isinstance(said, list | tuple) else []
    title = _title(evidence)
    if rules.errors:
        of = names.matched()
        fitting = [rule for rule in rules.errors if rule.fits(of)]
        given = next((list(rule.fingerprint) for rule in fitting if rule.fingerprint), given)
        titled = next((rule.title for rule in fitting if rule.title), None)
        title = names.filled(titled)[:_TITLE] if titled else title
    digest = _digest(parts)
    if given and [_default(part) for part in given] != [True]:
        parts = [f"given {part}" if _default(part) else f"given {names.filled(part)}" for part in given] + (
            [f"  {part}" for part in parts] if any(map(_default, given)) else []
        )
        digest = _digest([digest if _default(part) else names.filled(part) for part in given])
    told = evidence.told
    return Grouping(
        digest,
        version,
        told.type if told else "",
        _line(told.value if told else str(evidence.error.get("message") or "")),
        title,
        names.culprit(),
        evidence.component or names.component(),
        tuple(parts),
        tuple(tuple(place.in_app for place in each) for each in evidence.places),
    )


def _digest(parts: Sequence[str]) -> str:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0][:_TITLE]


def _title(evidence: Evidence) -> str:
    told = evidence.told
    if told is None:
        return _line(str(evidence.error.get("message") or evidence.message)) or "(no message)"
    kind = told.type.rpartition(".")[2] or "Error"
    value = _line(told.value)
    return f"{kind}: {value}"[:_TITLE] if value else kind


def _default(part: str) -> bool:
    return (found := _NAME.fullmatch(part.strip())) is not None and found[1] == "default"


class _Names:
    """What ``{{ … }}`` stands for in a fingerprint or a title, and what rules match."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence: Final = evidence
        self._place: Final = evidence.told_place()

    def culprit(self) -> str:
        if self._place is not None:
            return f"{self._place.shown} in {self._place.function}" if self._place.function else self._place.shown
        return self._evidence.transaction or self._evidence.logger

    def component(self) -> str:
        """The package of the innermost module of the application; else the logger."""
        if self._place is not None and self._place.in_app:
            return self._place.shown.rpartition(".")[0] or self._place.shown
        return self._evidence.logger

    def matched(self) -> dict[str, str | Sequence[str]]:
        """For rules: a type is matched with and without its module."""
        evidence, told = self._evidence, self._evidence.told
        kind = told.type if told else ""
        error = evidence.error
        raised = listed(error.get("exceptions"))
        frames = [frame for each in raised for frame in listed(each.get("frames"))]
        return {
            "type": (kind, kind.rpartition(".")[2]),
            "message": (told.value if told else "", str(error.get("message") or "")),
            "module": [place.shown for each in evidence.places for place in each],
            "function": [place.function for each in evidence.places for place in each],
            "path": [str(frame.get("path") or frame.get("file") or "").replace("\\", "/") for frame in frames],
            "service": str(error.get("service") or ""),
            "logger": evidence.logger,
            "platform": evidence.platform,
            "component": evidence.component or self.component(),
        }

    def filled(self, text: str) -> str:
        """A text with its names replaced; an unknown name stays as it stands."""
        return _NAME.sub(lambda found: self._value(found[1], found[0]), text)

    def _value(self, name: str, unknown: str) -> str:
        evidence, told, error = self._evidence, self._evidence.told, self._evidence.error
        name = _SENTRYS.get(name, name)
        if name.startswith("tags."):
            context = error.get("context")
            tags = context.get("tags") if isinstance(context, dict) else None
            return str(tags.get(name.removeprefix("tags."), "")) if isinstance(tags, dict) else ""
        values = {
            "type": told.type if told else "",
            "message": told.message if told else evidence.message,
            "module": self._place.shown if self._place else "",
            "function": self._place.function if self._place else "",
            "transaction": evidence.transaction,
            "logger": evidence.logger,
            "component": evidence.component or self.component(),
            "platform": evidence.platform,
            **{field: str(error.get(field) or "") for field in ("level", "service", "environment")},
        }
        return values.get(name, unknown)
