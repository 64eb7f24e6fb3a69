"""What users say about grouping: which errors belong together, what they are called, which frames are their own.

A rule is a mapping as it stands in a TOML file::

    [[rules]]
    type = "*.OperationalError"      # what it is for: globs, all of them have to match
    message = "*deadlock*"
    fingerprint = ["deadlock", "{{ transaction }}"]
    title = "Deadlock in {{ transaction }}"

Reading the file is somebody else's: here they are data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import translate
from typing import TYPE_CHECKING, Any, Final

from plainview.grouping.catalogue import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["NO_RULES", "Rule", "Rules", "read"]

#: What a rule can match: each a glob (``*``, ``?``, ``[…]``), or a list of them of which one has to match.
MATCHES: Final = ("type", "module", "message", "path", "function", "service", "logger", "platform", "component")
#: What a rule can do.
_DOES: Final = ("fingerprint", "title", "in_app", "category", "action", "runbook")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, read and checked."""

    #: What has to match, and how.
    matches: tuple[tuple[str, re.Pattern[str]], ...]
    fingerprint: tuple[str, ...] | None = None
    title: str | None = None
    in_app: bool | None = None
    category: str | None = None
    action: str | None = None
    runbook: str | None = None

    def fits(self, of: Mapping[str, str | Sequence[str]]) -> bool:
        """Whether everything that the rule asks for matches; a field with several values matches by any of them."""
        for name, pattern in self.matches:
            given = of.get(name, "")
            if isinstance(given, str):
                if not pattern.match(given):
                    return False
            elif not any(pattern.match(one) for one in given):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules in their order: the first one that fits and says something about a matter decides it."""

    #: About errors, and about single frames.
    errors: tuple[Rule, ...] = ()
    frames: tuple[Rule, ...] = ()


NO_RULES: Final = Rules()


def read(rules: Iterable[Any]) -> Rules:
    """Rules as they stand in a file.

    Args:
        rules: mappings with what has to match (`MATCHES`) and what then holds: ``fingerprint`` (text or list),
            ``title``, ``in_app`` (about the frames that match ``path``, ``module`` or ``function``), ``category``,
            ``action``, ``runbook``.

    Raises:
        ValueError: a rule has an unknown name in it, a value of the wrong kind, matches nothing or does nothing.
    """
    errors: list[Rule] = []
    frames: list[Rule] = []
    for number, given in enumerate(rules, 1):
        if not isinstance(given, Mapping):
            msg = f"rule {number}: is {given!r}: use a table of names and values"
            raise ValueError(msg)  # noqa: TRY004 - a wrong value in a file
        rule = _rule(number, given)
        (frames if rule.in_app is not None else errors).append(rule)
    return Rules(tuple(errors), tuple(frames))


def _rule(number: int, given: Mapping[str, Any]) -> Rule:
    unknown = [name for name in given if name not in MATCHES and name not in _DOES]
    if unknown:
        names = ", ".join((*MATCHES, *_DOES))
        msg = f"rule {number}: unknown name {unknown[0]!r}: use some of {names}"
        raise ValueError(msg)
    matches = tuple((name, _pattern(number, name, given[name])) for name in MATCHES if name in given)
    if not matches or len(matches) == len(given):
        msg = f"rule {number}: says nothing: it needs one of {', '.join(MATCHES)} and one of {', '.join(_DOES)}"
        raise ValueError(msg)
    fingerprint = given.get("fingerprint")
    if fingerprint is not None:
        fingerprint = tuple(_texts(number, "fingerprint", fingerprint))
    in_app = given.get("in_app")
    if in_app is not None and not isinstance(in_app, bool):
        msg = f"rule {number}: in_app is {in_app!r}: use true or false"
        raise ValueError(msg)
    texts = {name: given.get(name) for name in ("title", "category", "action", "runbook")}
    for name, text in texts.items():
        if text is not None and not isinstance(text, str):
            msg = f"rule {number}: {name} is {text!r}: use text"
            raise ValueError(msg)
    if texts["category"] not in {None, *ACTIONS}:
        msg = f"rule {number}: category is {texts['category']!r}: use one of {', '.join(ACTIONS)}"
        raise ValueError(msg)
    return Rule(matches, fingerprint, in_app=in_app, **texts)


def _texts(number: int, name: str, given: object) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list | tuple) or not texts or not all(isinstance(text, str) for text in texts):
        msg = f"rule {number}: {name} is {given!r}: use text, or a list of texts"
        raise ValueError(msg)
    return list(texts)


def _pattern(number: int, name: str, given: object) -> re.Pattern[str]:
    return re.compile("|".join(translate(glob) for glob in _texts(number, name, given)))
