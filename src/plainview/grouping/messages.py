"""Messages that differ only in their variable parts share one pattern."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["MAX_LENGTH", "normalise"]

#: Characters of a message that are looked at; what follows rarely tells two kinds of message apart.
MAX_LENGTH: Final = 1000

#: Words whose digits are part of the name.
_NAMES_WITH_DIGITS: Final = "utf|sha|md|base|http|oauth|ipv|int|uint|float|amd|aes|rsa|win|python|py|log|web|top"

#: Placeholder name to what it stands for; the first that matches at a place wins.
_PARTS: Final[dict[str, str]] = {
    "time": r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\w)"
    r"|\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b",
    "uuid": r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b",
    "email": r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+\b",
    "ip": r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?\b|(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){4,7}[0-9A-Fa-f]{1,4}(?![\w:])",
    "str": r'"(?:[^"\\\n]|\\.)*"' r"|(?<!\w)'(?:[^'\\\n]|\\.)*'(?!\w)",
    # At least one digit, or else a long word of a…f would do; 0x… always.
    "hex": r"\b0[xX][0-9A-Fa-f]+\b|\b(?=[0-9A-Fa-f]*\d)(?=[0-9A-Fa-f]*[A-Fa-f])[0-9A-Fa-f]{8,}\b",
    "name": rf"\b(?:{_NAMES_WITH_DIGITS})[-_]?\d{{1,3}}\b|\b[A-Za-z]{{1,2}}\d{{1,2}}\b",
    "num": r"(?<![\w.])[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?|\d+",
}
_VARIABLE: Final = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PARTS.items()))
#: Colours and the like (ECMA-48 control sequences) say nothing about a message.
_CONTROL: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_SPACE: Final = re.compile(r"\s+")


def _placeholder(found: re.Match[str]) -> str:
    return found.group() if found.lastgroup == "name" else f"<{found.lastgroup}>"


def normalise(message: str) -> str:
    """The pattern of a message: its variable parts replaced, its white space collapsed.

    Numbers, ids, times, addresses and quoted text give way to ``<num>``, ``<uuid>``, ``<hex>``, ``<time>``,
    ``<ip>``, ``<email>`` and ``<str>``. The pattern of a pattern is itself.

    Args:
        message: any text; only its first :data:`MAX_LENGTH` characters count.
    """
    message = message[:MAX_LENGTH]
    if "\x1b" in message:
        message = _CONTROL.sub("", message)
    return _VARIABLE.sub(_placeholder, _SPACE.sub(" ", message).strip())
