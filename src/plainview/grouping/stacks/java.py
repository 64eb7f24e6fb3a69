"""The format of the Java virtual machine: Java's, Kotlin's and Scala's ``printStackTrace``."""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["parse"]

_FRAME: Final = re.compile(
    r"^\s*at (?:[\w.@-]{1,200}/{1,2}){0,3}(?P<class>[\w.$<>-]{1,400})\.(?P<method>[\w$<>-]{1,200})"
    r"\((?P<file>[^():\n]{0,200})(?::(?P<line>\d{1,9}))?\)"
)
_HEAD: Final = re.compile(
    r"^(?P<lead>\s*)(?:Exception in thread \"[^\"\n]{0,200}\" )?(?P<how>Caused by: |Suppressed: )?"
    r"(?P<type>[\w$]+(?:\.[\w$]+)+|[A-Z]\w*(?:Exception|Error))(?:: (?P<message>.*))?$"
)
_MORE: Final = re.compile(r"^\s*\.\.\. (?:\d+ more|\d+ common frames omitted)")


def parse(lines: list[str]) -> list[dict[str, Any]]:
    """The exceptions of a stack trace of the virtual machine; what was suppressed is left out."""
    found: list[dict[str, Any]] = []
    skipping = False
    for line in lines:
        if (frame := _FRAME.match(line)) and found:
            if not skipping:
                entry = {"module": frame["class"], "function": frame["method"], "file": frame["file"]}
                found[-1]["frames"].insert(0, {**entry, "line": int(frame["line"] or 0)})
        elif _MORE.match(line):
            continue
        elif head := _HEAD.match(line):
            skipping = head["how"] == "Suppressed: "
            if skipping or (found and not head["how"]):
                continue
            module, _, name = head["type"].rpartition(".")
            entry = {"type": name, "module": module, "message": head["message"] or "", "frames": []}
            if found:
                entry |= {"parent": len(found) - 1, "relation": "cause"}
            found.append(entry)
        elif found and not found[-1]["frames"] and not skipping:
            found[-1]["message"] = f"{found[-1]['message']}\n{line}".strip()
    return [one for one in found if one["type"]] if any(one["frames"] for one in found) else []
