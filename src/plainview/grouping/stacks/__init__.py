"""Stack traces as they are printed, taken apart into exceptions and frames."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from plainview.grouping.stacks import go, java, javascript, python

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAX_LENGTH", "parse"]

#: Characters of a stack trace that are looked at: of a longer one the beginning and the end.
MAX_LENGTH: Final = 200_000

_PARSERS: Final[dict[str, Callable[[list[str]], list[dict[str, Any]]]]] = {
    "python": python.parse,
    "java": java.parse,
    "javascript": javascript.parse,
    "go": go.parse,
}
#: What a format is told by, where the platform is not known or the text is another's.
_LOOKS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    (
        "python",
        re.compile(
            r'^ {0,80}[|+\s]*(?:Traceback \(most recent call last\)|Exception Group Traceback|File ")', re.MULTILINE
        ),
    ),
    ("go", re.compile(r"^goroutine \d+ \[|^panic: ", re.MULTILINE)),
    (
        "java",
        re.compile(
            r"^\s+at [\w.$/@<>-]+\([^)\n]*\)$(?<!:\d\))|^\s+at [\w.$/@<>-]+\([\w$.-]+\.(?:java|kt|scala|groovy):\d+\)",
            re.MULTILINE,
        ),
    ),
    ("javascript", re.compile(r"^\s+at .{1,400}:\d+:\d+\)?$|^[^\s@]{0,200}@\S{1,400}:\d+:\d+$", re.MULTILINE)),
)


def parse(text: str, platform: str = "python") -> list[dict[str, Any]]:
    """The exceptions of a printed stack trace, in the form of an error record's ``exceptions``; none if there are none.

    Read are Python's format with its chains and groups, Java's (and Kotlin's, Scala's) with ``Caused by``,
    JavaScript's (V8, Firefox, Safari), and Go's panics and goroutines.

    Args:
        text: as the interpreter printed it.
        platform: whose format it is; it is told by the look of it where that is another's.
    """
    if len(text) > MAX_LENGTH:
        text = text[: MAX_LENGTH // 2] + "\n" + text[-MAX_LENGTH // 2 :]
    lines = text.replace("\r\n", "\n").split("\n")
    looks = [name for name, look in _LOOKS if look.search(text)]
    for name in dict.fromkeys([*(known for known in (platform,) if known in looks), *looks]):
        found = _PARSERS[name](lines)
        if found:
            return found
    return []
