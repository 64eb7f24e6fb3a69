"""Hiding secrets and personal data, by the name of a field and by patterns in text.

The marker never repeats what it hid. Patterns are checked in two steps, because nearly all text is harmless: a few
substring searches first, the regular expressions only where one of them hit.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plainview.settings import Settings

__all__ = ["MARKER", "Scrubber"]

MARKER: Final = "[scrubbed]"

#: Words that make a name sensitive wherever they stand in it.
_WORDS: Final = frozenset(
    [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "secrets",
        "authorization",
        "cookie",
        "cookies",
        "credential",
        "credentials",
        "ssn",
        "cvv",
        "cvc",
        "apikey",
        "accesskey",
        "privatekey",
        "creditcard",
        "cardnumber",
    ]
)
#: Words that make a name sensitive as its last word: `access_token`, not `token_count`.
_LAST_WORDS: Final = frozenset({"token", "card", "auth", "jwt", "iban"})
#: Pairs of neighbouring words that do.
_PAIRS: Final = frozenset(
    {("api", "key"), ("access", "key"), ("private", "key"), ("secret", "key"), ("card", "number"), ("credit", "card")}
)
_SPLIT: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

#: If none of these is in a text, none of `_PATTERNS` (other than card numbers) can match it.
_HINTS: Final = (
    "=", ":", "earer ", "EARER ", "asic ", "ASIC ", "eyJ", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_",
    "xox", "sk-", "k_live_", "k_test_", "-----BEGIN",
)  # fmt: skip
_NAMED: Final = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|token|authorization|api[_-]?key|access[_-]?key|private[_-]?key|ssn|cvv)"
)
_PATTERNS: Final = (
    # Credentials in a URL: the host stays readable.
    (r"(?<=://)[^\s/@\"']{1,512}@", MARKER + "@"),
    # RFC 6750 and RFC 7617 credentials.
    (r"(?i)\b(bearer|basic) +[A-Za-z0-9+/=._~-]{6,}", r"\1 " + MARKER),
    # JSON Web Tokens (RFC 7519), cloud and provider keys, private keys (RFC 7468).
    (r"\beyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*", MARKER),
    (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}|\bxox[abeoprs]-[\w-]{10,}", MARKER),
    (r"\bsk-[\w-]{16,}|\b[rps]k_(?:live|test)_\w{8,}", MARKER),
    (r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", MARKER),
    # name=value, "name": "value" inside text.
    (
        (
            rf"(?i)((?<![a-z]){_NAMED}[\"']?\s{{0,3}}[=:]\s{{0,3}}[\"']?)"
            rf"(?!\[scrubbed\]|bearer|basic)[^\s\"',;&)}}]+"
        ),
        r"\1" + MARKER,
    ),
)
_DIGITS: Final = r"[2-6](?:[ -]?[0-9]){12}"
#: Ranges of issuers (ISO/IEC 7812) by first digits and length, so that ids and timestamps are left alone.
_CARD: Final = (
    r"(?<![0-9.])(?:4[0-9 -]{11,21}|5[1-5][0-9 -]{13,18}|2[2-7][0-9 -]{13,18}|3[0-9 -]{12,18}|6[0-9 -]{14,21})"
    r"[0-9](?![0-9])"
)
_EMAIL: Final = r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,24}"
_SHORTEST: Final = 9
_SHORTEST_CARD, _LONGEST_CARD = 13, 19
_CACHE_ENTRIES: Final = 8192


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Compiled when first needed: compiling takes longer than the rest of start-up."""
    return tuple((re.compile(pattern), replacement) for pattern, replacement in _PATTERNS)


@cache
def _cards() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(_DIGITS), re.compile(_CARD)


def _luhn(digits: str) -> bool:
    """Luhn's check sum (ISO/IEC 7812-1, annex B)."""
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(n - 9 if n > 9 else n for n in doubled)) % 10 == 0  # noqa: PLR2004 - digit sum


def _hide_card(match: re.Match[str]) -> str:
    digits = re.sub("[ -]", "", match[0])
    return MARKER if _SHORTEST_CARD <= len(digits) <= _LONGEST_CARD and _luhn(digits) else match[0]


class Scrubber:
    """Decides by key and cleans by value, as the settings say."""

    def __init__(self, settings: Settings) -> None:
        """
        Raises:
            SettingsError: one of ``scrub_patterns`` is no regular expression.
        """  # noqa: D205, D212 - nothing more to say than what it raises
        from plainview.settings import SettingsError  # noqa: PLC0415 - only this branch of start-up needs it

        self.enabled: Final = settings.scrub
        self._keys: Final = frozenset(map(_flat, settings.scrub_keys))
        self._keep: Final = frozenset(map(_flat, settings.scrub_keep))
        self._verdicts: dict[str, bool] = {}
        extra = []
        for pattern in settings.scrub_patterns:
            try:
                extra.append((re.compile(pattern), MARKER))
            except re.error as error:
                msg = f"PLAINVIEW_SCRUB_PATTERNS: {pattern!r} is no regular expression: {error}"
                raise SettingsError(msg) from None
        if settings.scrub_emails:
            extra.append((re.compile(_EMAIL), MARKER))
        self._extra: Final = tuple(extra)
        self.text: Final[Callable[[str], str]] = self._clean if self.enabled else str

    def hides(self, key: str) -> bool:
        """Whether the value of a field of this name is to be hidden."""
        verdict = self._verdicts.get(key)
        if verdict is None:
            if len(self._verdicts) > _CACHE_ENTRIES:
                self._verdicts.clear()
            verdict = self._verdicts[key] = self.enabled and self._sensitive(key)
        return verdict

    def _sensitive(self, key: str) -> bool:
        flat = _flat(key)
        if flat in self._keep:
            return False
        if flat in self._keys or flat in _WORDS:
            return True
        words = [word.lower() for word in _SPLIT.findall(key[:256])]
        return (
            not _WORDS.isdisjoint(words)
            or (bool(words) and words[-1] in _LAST_WORDS)
            or any(pair in _PAIRS for pair in pairwise(words))
        )

    def _clean(self, text: str) -> str:
        if len(text) < _SHORTEST and not self._extra:
            return text
        for hint in _HINTS:
            if hint in text:
                text = _apply(_patterns(), text)
                break
        if len(text) >= _SHORTEST_CARD:
            digits, card = _cards()
            if digits.search(text):
                text = card.sub(_hide_card, text)
        return _apply(self._extra, text) if self._extra else text


def _apply(patterns: Iterable[tuple[re.Pattern[str], str]], text: str) -> str:
    for pattern, replacement in patterns:
        text = pattern.sub(replacement, text)
    return text


def _flat(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())
