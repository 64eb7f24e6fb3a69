"""The shape of a trace: who called whom, who waited for whom. Pure functions over intervals.

Traces come from many processes and may be torn: parents missing, ids twice, even cycles. Every span given
appears in the tree exactly once, whatever its parent says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Node", "build", "critical_path"]


@dataclass(slots=True, eq=False)
class Node:
    """One span in its place. Times are nanoseconds."""

    index: int  #: position of the span in what was given
    span_id: str
    parent_span_id: str | None
    start: int
    end: int
    depth: int = 0
    children: list[Node] = field(default_factory=list)
    self_time: int = 0
    critical: bool = False


def build(spans: Iterable[tuple[str, str | None, int, int]]) -> list[Node]:
    """The nodes of a trace in pre-order: each parent before its children, these by start.

    A span whose parent is not there stands at the top level; of a cycle, the earliest span does.

    Args:
        spans: (span_id, parent_span_id, start, duration) of each, in nanoseconds.
    """
    nodes = [
        Node(index, span_id, parent, start, start + max(0, duration))
        for index, (span_id, parent, start, duration) in enumerate(spans)
    ]
    first_of: dict[str, Node] = {}
    for node in nodes:
        first_of.setdefault(node.span_id, node)
    roots: list[Node] = []
    for node in nodes:
        parent = first_of.get(node.parent_span_id) if node.parent_span_id else None
        (roots if parent is None or parent is node else parent.children).append(node)
    ordered = _pre_order(roots, set())
    if len(ordered) < len(nodes):
        ordered = _pre_order(roots + _cycle_breakers(nodes, ordered), set())
    for node in ordered:
        node.self_time = node.end - node.start - _covered(node)
    return ordered


def _by_start(nodes: Iterable[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: (node.start, -node.end, node.index))


def _pre_order(roots: Sequence[Node], seen: set[int]) -> list[Node]:
    ordered: list[Node] = []
    waiting = _by_start(roots)[::-1]
    for root in waiting:
        root.depth = 0
    while waiting:
        node = waiting.pop()
        if node.index in seen:
            continue
        seen.add(node.index)
        ordered.append(node)
        node.children = _by_start(child for child in node.children if child.index not in seen)
        for child in reversed(node.children):
            child.depth = node.depth + 1
            waiting.append(child)
    return ordered


def _cycle_breakers(nodes: Sequence[Node], reached: Iterable[Node]) -> list[Node]:
    """One span of each cycle that no root reaches: its earliest, taken away from its parent."""
    seen = {node.index for node in reached}
    parent_of = {child.index: node for node in nodes for child in node.children}
    tops = []
    for lost in _by_start(node for node in nodes if node.index not in seen):
        if lost.index in seen:
            continue
        # Walk up to the cycle that this span hangs from; its earliest member becomes a top.
        path: dict[int, Node] = {}
        node = lost
        while node.index not in path:
            path[node.index] = node
            node = parent_of[node.index]
        members = list(path.values())
        cycle = members[members.index(node) :]
        top = _by_start(cycle)[0]
        parent_of[top.index].children.remove(top)
        tops.append(top)
        seen.update(below.index for below in _pre_order([top], set()))
    return tops


def _covered(node: Node) -> int:
    """Nanoseconds of a span during which at least one of its children ran."""
    total, reached = 0, node.start
    for child in node.children:  # by start
        start, end = max(child.start, reached), min(child.end, node.end)
        if end > start:
            total += end - start
            reached = end
    return total


def critical_path(root: Node) -> None:
    """Mark the spans that the trace's end waited for: shorten any of them, and the whole may get shorter.

    Walks back from the end of ``root``: the child that ended last is critical, then the one that ended last
    before that one started, and so on, down into each. A child counts up to its parent's end.
    """
    root.critical = True
    waiting = [(root, root.end)]
    while waiting:
        node, until = waiting.pop()
        ends = [(min(child.end, until), child) for child in node.children]
        for end, child in sorted(ends, key=lambda pair: (pair[0], pair[1].start), reverse=True):
            if child.start < end <= until:  # not empty, and not still running when the next critical one started
                child.critical = True
                waiting.append((child, end))
                until = child.start
