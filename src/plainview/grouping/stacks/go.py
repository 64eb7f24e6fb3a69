"""Go's format: a panic, and the goroutines that `runtime/debug.Stack` prints."""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["parse"]

_PANIC: Final = re.compile(r"^(?:panic|fatal error): (?P<message>.*)$")
_ROUTINE: Final = re.compile(r"^goroutine \d+ \[[^\]\n]{0,100}\]:$")
_CALL: Final = re.compile(r"^(?:created by )?(?P<name>[^\s(][^\n]{0,400}?)(?:\([^()\n]{0,400}\)| in goroutine \d+)?$")
_FILE: Final = re.compile(r"^\t(?P<path>[^\n]{1,1000}?):(?P<line>\d{1,9})(?: \+0x[0-9a-f]{1,16})?$")
_KIND: Final = re.compile(r"^(?P<type>runtime error|[\w.*/]{1,120}Error)(?:: |$)")
_TAIL: Final = re.compile(r" \[recovered\]$|^\S{1,200}\{|\[signal [^\]\n]{0,200}\]")


def parse(lines: list[str]) -> list[dict[str, Any]]:
    """The panic of a Go program with the frames of its first goroutine."""
    message, frames, name, routines = "", [], "", 0
    for line in lines:
        if panic := _PANIC.match(line):
            message = message or _TAIL.sub("", panic["message"])
        elif _ROUTINE.match(line):
            routines += 1
            if routines > 1:
                break
        elif (file := _FILE.match(line)) and name:
            package, function = _split(name)
            frames.append({"path": file["path"], "module": package, "function": function, "line": int(file["line"])})
            name = ""
        elif routines and (call := _CALL.match(line)):
            name = call["name"]
    # What panics by `runtime` and `panic` themselves is no place of its own.
    while frames and frames[0]["module"] in {"runtime", "runtime/debug", "panic", ""} and len(frames) > 1:
        del frames[0]
    if not frames:
        return []
    frames.reverse()
    kind = _KIND.match(message)
    return [{"type": kind["type"] if kind else "panic", "message": message, "frames": frames}]


def _split(name: str) -> tuple[str, str]:
    """``example.com/shop/orders.(*Store).Save`` as the package and the function."""
    folder, slash, rest = name.rpartition("/")
    package, _, function = rest.partition(".")
    return (f"{folder}{slash}{package}", function) if function else ("", name)
