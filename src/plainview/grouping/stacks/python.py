"""Python's own format: what `traceback.print_exception` prints, with chains, groups and notes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["parse"]

_FRAME: Final = re.compile(r'^\s*File "(?P<path>.{1,1000}?)", line (?P<line>\d{1,9})(?:, in (?P<function>.{1,300}))?$')
_HEAD: Final = re.compile(r"^(?:Exception Group )?Traceback \(most recent call last\):$")
_REPEATED: Final = re.compile(r"^\s*\[Previous line repeated \d+ more times?\]$")
_TYPE: Final = re.compile(r"^(?P<type>[^\W\d][\w.<>]{0,200})(?::(?: (?P<message>.*))?)?$")
#: Left of the lines of a group.
_RULE: Final = re.compile(r"^(?P<bars>(?:  )*)(?:\+-(?=\+)|[|+] ?)")
_DIVIDER: Final = re.compile(r"^(?:\+-)?\+?-{10,} ?(?:\d+|\.\.\.)? ?-{0,40}$|^-{15,}$")
_LINKS: Final = {
    "The above exception was the direct cause of the following exception:": "cause",
    "During handling of the above exception, another exception occurred:": "context",
}
_DEEPEST: Final = 20


@dataclass(slots=True)
class _Raised:
    """One exception while it is read."""

    depth: int
    frames: list[dict[str, Any]] = field(default_factory=list)
    type: str = ""
    lines: list[str] = field(default_factory=list)
    #: What comes before it in the text: it was its cause or its context.
    below: _Raised | None = None
    relation: str = ""
    members: list[_Raised] = field(default_factory=list)


def parse(lines: list[str]) -> list[dict[str, Any]]:
    """The exceptions of a printed traceback: the last one first, as it is the one that was caught."""
    reader = _Reader()
    quoted = False
    for line in lines:
        # What another process printed (`concurrent.futures`, `multiprocessing`) is the same exception once more.
        quoted ^= line == '"""'
        if not quoted:
            reader.take(*_depth(line))
    result: list[dict[str, Any]] = []
    if reader.top is not None:
        _flatten(reader.top, None, None, result, 0)
    return result if any(one["type"] for one in result) else []


class _Reader:
    """Takes line by line, and knows which exception of which depth of groups is being read."""

    def __init__(self) -> None:
        self.top: _Raised | None = None
        self._current: _Raised | None = None
        self._open: dict[int, _Raised] = {}
        #: For each depth, what joins the exception that was read to the one that follows.
        self._pending: dict[int, str] = {}

    def take(self, depth: int, line: str) -> None:
        """Read one line, given without the rules of the groups that it is in."""
        text = line.strip()
        if _HEAD.match(text):
            self._begin(depth)
        elif text in _LINKS:
            self._pending[depth] = _LINKS[text]
            self._current = None
        elif _DIVIDER.match(text):
            # A member follows, one level deeper; one that was never raised has no head of its own.
            self._current = None
        elif not self._frame(depth, line):
            self._words(depth, line, text)

    def _frame(self, depth: int, line: str) -> bool:
        found = _FRAME.match(line)
        if not found or (self._current is not None and self._current.type):
            return False
        current = self._current or self._begin(depth)
        if found["function"]:
            frame = {"path": found["path"], "function": found["function"], "line": int(found["line"])}
            current.frames.append(frame)
        return True

    def _words(self, depth: int, line: str, text: str) -> None:
        """The type and the message of an exception, and the lines that belong to it."""
        current = self._current
        if current is not None and current.type:
            current.lines.append(line)
            return
        if current is None:
            if not (depth and text and depth - 1 in self._open):
                return
        elif line[:1] == " ":  # source, or what marks the place in it
            return
        if match := _TYPE.match(text):
            current = current or self._begin(depth)
            current.type, current.lines = match["type"], [match["message"] or ""]

    def _begin(self, depth: int) -> _Raised:
        raised = _Raised(depth)
        relation, previous = self._pending.pop(depth, ""), self._open.get(depth)
        if relation and previous:
            raised.below, raised.relation = previous, relation
        group = self._open.get(depth - 1)
        if group is None:
            # Another traceback with nothing that joins it to the last: the first one is what was asked about.
            self.top = raised if self.top is None or raised.below is not None else self.top
        else:
            group.members = [one for one in group.members if one is not raised.below]
            group.members.append(raised)
        self._open = {known: one for known, one in self._open.items() if known < depth}
        self._open[depth] = self._current = raised
        return raised


def _depth(line: str) -> tuple[int, str]:
    """How many groups a line is in, and the line without their rules."""
    found = _RULE.match(line)
    if not found:
        return 0, line
    # The outermost group's own lines are indented once.
    return max(0, min(len(found["bars"]) // 2 - 1, _DEEPEST)), line[found.end() :]


def _flatten(
    raised: _Raised, parent: int | None, relation: str | None, result: list[dict[str, Any]], depth: int
) -> None:
    at: int | None = None
    one: _Raised | None = raised
    while one is not None and len(result) < 200 and depth < _DEEPEST:  # noqa: PLR2004 - as many as anybody reads
        module, _, name = one.type.rpartition(".")
        entry: dict[str, Any] = {
            "type": name,
            "module": module,
            "message": "\n".join(one.lines).strip(),
            "frames": one.frames,
        }
        if parent is not None:
            entry |= {"parent": parent, "relation": relation}
        result.append(entry)
        at = len(result) - 1
        for member in one.members:
            _flatten(member, at, "member", result, depth + 1)
        parent, relation, one = at, one.relation, one.below
