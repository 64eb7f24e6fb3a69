"""Which exceptions of a chain or of a group tell an error from others, and where each of them happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from plainview.grouping import frames, values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plainview.grouping.frames import Place

__all__ = ["Told", "told", "type_of"]

#: Causes of an exception, members of a group, and groups in groups that are looked at.
_CAUSES, _MEMBERS, _DEPTH = 4, 16, 6
_TOP: Final = 3
#: Exceptions that only carry what another process or thread printed: no causes of their own.
_CARRIERS: Final = frozenset(
    ("_RemoteTraceback", "RemoteTraceback", "_ExceptionWithTraceback", "ExceptionWithTraceback")
)
_GROUPS: Final = frozenset(("ExceptionGroup", "BaseExceptionGroup", "MultiError", "AggregateException"))
#: What a group says that its maker made only to carry its members: asyncio's, anyio's and trio's task groups.
_NURSERIES: Final = ("unhandled errors in a TaskGroup", "Exceptions from Trio nursery", "multiple tasks failed")


class Told(NamedTuple):
    """An exception as it counts for grouping."""

    #: With its module, if that is not the language's own.
    type: str
    #: As it came, and normalised.
    value: str
    message: str
    #: The places that tell it from others, innermost first.
    places: tuple[Place, ...]
    #: What it was raised from, the nearest first.
    causes: tuple[Told, ...] = ()
    #: Those of a group, each kind once, in a stable order.
    members: tuple[Told, ...] = ()

    def parts(self, indent: str = "") -> list[str]:
        """What the fingerprint is made of, to be read."""
        lines = [f"{indent}type {self.type}"]
        if self.message:
            lines.append(f"{indent}message {self.message}")
        lines += [f"{indent}at {place}" for place in self.places]
        for cause in self.causes:
            lines += [f"{indent}caused by", *cause.parts(indent + "  ")]
        for member in self.members:
            lines += [f"{indent}with", *member.parts(indent + "  ")]
        return lines


def told(exceptions: Sequence[Mapping[str, Any]], found: Sequence[Sequence[Place]]) -> Told:
    """The first of a list of exceptions, with those that belong to it.

    Args:
        exceptions: at least one; each but the first names its ``parent`` and its ``relation`` to it.
        found: the places of each one's frames.
    """
    return _told(exceptions, found, 0, (), 0)


def _told(
    exceptions: Sequence[Mapping[str, Any]],
    found: Sequence[Sequence[Place]],
    at: int,
    around: tuple[Place, ...],
    depth: int,
) -> Told:
    error = exceptions[at]
    stack = (*around, *found[at])
    kind, value = type_of(error), str(error.get("message") or "")
    short = kind.rpartition(".")[2]
    members: list[Told] = []
    if depth < _DEPTH:
        inner = [i for i in _related(exceptions, at, "member") if i > at][:_MEMBERS]
        nursery = short in _GROUPS and value.startswith(_NURSERIES)
        same = {"\n".join(one.parts()): one for i in inner for one in (_told(exceptions, found, i, (), depth + 1),)}
        members = [same[key] for key in sorted(same)]
        if nursery and len(members) == 1:
            # The group says nothing that its only kind of member does not say better: as if it had been awaited.
            return _told(exceptions, found, inner[0], stack, depth + 1)
    causes = _causes(exceptions, found, at)
    message = values.normalise(value, kind)
    return Told(kind, value, message, _places(stack, short), causes, tuple(members))


def _places(stack: Sequence[Place], kind: str) -> tuple[Place, ...]:
    if kind == "RecursionError":  # which function of a cycle meets the limit is chance
        return tuple(sorted(frames.chosen(stack[-60:], 60))[:_TOP])
    return tuple(frames.chosen(stack, _TOP))


def _own(stack: Sequence[Place], kind: str) -> tuple[Place, ...]:
    """The innermost place of the application; those of libraries are others with each of their versions."""
    return tuple(place for place in _places(stack, kind) if place.in_app)[:1]


def _causes(exceptions: Sequence[Mapping[str, Any]], found: Sequence[Sequence[Place]], at: int) -> tuple[Told, ...]:
    """What an exception was raised from, with the innermost place of each.

    What was being handled when it was raised (its ``context``) is left out: often it is chance, and where it is not,
    the place says it.
    """
    causes: list[Told] = []
    while len(causes) < _CAUSES:
        following = [i for i in _related(exceptions, at, "cause") if i > at]
        if not following:
            break
        at = following[0]
        kind, value = type_of(exceptions[at]), str(exceptions[at].get("message") or "")
        short = kind.rpartition(".")[2]
        if short in _CARRIERS:
            continue
        cause = Told(kind, value, values.normalise(value, kind), _own(found[at], short))
        if cause not in causes:
            causes.append(cause)
    return tuple(causes)


def _related(exceptions: Sequence[Mapping[str, Any]], at: int, relation: str) -> list[int]:
    return [i for i, one in enumerate(exceptions) if one.get("parent") == at and one.get("relation") == relation]


def type_of(error: Mapping[str, Any]) -> str:
    """Type of an exception with its module, unless that is the language's own."""
    kind, module = str(error.get("type") or ""), str(error.get("module") or "")
    if not module or module in {"builtins", "__main__"} or kind.startswith(f"{module}."):
        return kind.removeprefix("builtins.").removeprefix("__main__.")
    return f"{module}.{kind}"
