"""What the interpreter and libraries say in other words from version to version, said in the words of one."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["SAME", "settle"]

#: What the interpreter and libraries say differently from version to version, or say about the occurrence: in the
#: words of one version. Each with a text without which it cannot match. Applied before anything else.
SAME: Final[tuple[tuple[str, re.Pattern[str], str], ...]] = tuple(
    (needle, re.compile(pattern), by)
    for needle, pattern, by in (
        ("maximum recursion", r"^maximum recursion depth exceeded\b.*", "maximum recursion depth exceeded"),
        # 3.14 says the same of all kinds of number.
        ("by zero", r"^(?:float |integer |complex )?(?:floor )?division(?: or modulo)? by zero$", "division by zero"),
        ("modulo", r"^(?:float |integer )?modulo(?: by zero)?$", "division by zero"),
        # 3.14 says how many there were.
        ("(expected ", r"\(expected (\d+), got \d+\)", r"(expected \1)"),
        # 3.14 says what it was to be used as.
        ("(unhashable", r"^cannot use '[^'\n]{1,80}' as a [\w ]{1,20} \((unhashable type: '[^'\n]{1,80}')\)$", r"\1"),
        # Added where a traceback is printed.
        ("Did you ", r"[.;]? (?:Or d|D)id you (?:mean|forget)\b.{0,120}", ""),
        # 3.12 and later say more about what is missing.
        ("__dict__", r" and no __dict__ for setting new attributes$", ""),
        ("manager protocol", r"(?<=context manager protocol) \(.{0,80}\)$", ""),
        ("(consider renaming", r" \(consider renaming .{0,300}$", " (<path>)"),
        ("circular import", r" \(most likely due to a circular import\).{0,300}$", " (circular import)"),
        (
            "before assignment",
            r"^local variable '(\w{1,80})' referenced before assignment$",
            r"cannot access local variable '\1' where it is not associated with a value",
        ),
        # SQLAlchemy: values, and where to read on. Its code changes with the version.
        ("[parameters: ", r"\s\[parameters: [^\n]*", ""),
        ("[generated in ", r"\s\[generated in [^\n]*", ""),
        ("(Background on", r"\s?\(Background on this error at: [^\n]*", ""),
        # Pydantic: the value that was given; where to read on; all but the first of its errors.
        ("[type=", r"\[type=([\w.]{1,80}),[^\n]*", r"[type=\1]"),
        ("For further", r"\s+For further information visit [^\n]*", ""),
        (
            " validation error",
            r"^\d+ validation errors? for ([^\n]{1,200}\n[^\n]{0,300}\n[^\n]{0,500})(?s:.*)",
            r"validation error for \1",
        ),
        # PostgreSQL: the values of a constraint's columns.
        ("=(", r"=\([^\n]{0,400}\)(?= (?:already|is not|is still|conflicts))", "=(<value>)"),
        ("Failing row", r"Failing row contains \([^\n]{0,600}", "Failing row contains (<value>)"),
        # What is shown of a text in YAML.
        ("^", r"(line \d+, column \d+):\s[^\n]{0,200}\n? *\^", r"\1"),
        # The place in a JSON text.
        ("(char ", r"\bline \d+ column \d+ \(char \d+\)", "<place>"),
        ("sub-exception", r" \(\d+ sub-exceptions?\)", ""),
    )
)


def settle(text: str) -> str:
    """A message in the words of one version, without the values that a library appends."""
    for needle, pattern, by in SAME:
        if needle in text:
            text = pattern.sub(by, text)
    return text
