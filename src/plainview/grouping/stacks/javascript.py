"""JavaScript's formats: V8's (Node.js, Chrome), and that of Firefox and Safari."""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["parse"]

_V8: Final = re.compile(
    r"^\s*at (?:(?P<function>[^()\n]{1,300}?(?: \[as [^\]\n]{1,100}\])?) \()?(?:eval at [^\n]{0,300}, )?"
    r"(?P<path>[^()\n]{1,1000}?)(?::(?P<line>\d{1,9}))?(?::(?P<column>\d{1,9}))?\)?$"
)
_GECKO: Final = re.compile(r"^(?P<function>[^@\n]{0,300})@(?P<path>[^\n]{1,1000}?):(?P<line>\d{1,9})(?::\d{1,9})?$")
_HEAD: Final = re.compile(
    r"^(?P<how>\s*\[?(?:cause\]?: |Caused by: ))?(?:Uncaught (?:\(in promise\) )?)?"
    r"(?P<type>[A-Za-z_$][\w$.]{0,120})(?: \[(?P<code>\w{1,80})\])?(?:: (?P<message>.*))?$"
)


def parse(lines: list[str]) -> list[dict[str, Any]]:
    """The errors of a JavaScript stack; the first line names the error, in Firefox and Safari there may be none."""
    found: list[dict[str, Any]] = []
    for line in lines:
        frame = _V8.match(line) or _GECKO.match(line)
        if frame and (line.lstrip().startswith("at ") or "@" in line):
            if not found:
                found.append({"type": "Error", "message": "", "frames": []})
            function = (frame["function"] or "").strip()
            found[-1]["frames"].insert(
                0, {"path": frame["path"], "function": function, "line": int(frame["line"] or 0)}
            )
            continue
        head = _HEAD.match(line)
        if head and (not found or head["how"]):
            entry: dict[str, Any] = {"type": head["type"], "message": _message(head), "frames": []}
            if found:
                entry |= {"parent": len(found) - 1, "relation": "cause"}
            found.append(entry)
        elif found and not found[-1]["frames"] and line.strip():
            found[-1]["message"] = f"{found[-1]['message']}\n{line}".strip()
    return found if any(one["frames"] for one in found) else []


def _message(head: re.Match[str]) -> str:
    message = (head["message"] or "").removesuffix(" {")
    return f"[{head['code']}] {message}" if head["code"] else message
