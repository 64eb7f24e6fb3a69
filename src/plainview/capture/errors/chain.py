"""What belongs to an exception: its causes, the ones it was raised in the handling of, the members of a group.

What a class may override (``__traceback__``, ``__cause__`` …) is read past it, from `BaseException` itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Chain", "Link", "is_abort", "is_error", "of", "related", "traceback_of", "type_name"]

#: Exceptions kept of one occurrence; those of a chain that is longer lose the middle.
_MOST: Final = 48
_ROOTS: Final = 16
#: As the interpreter does when it prints a group.
_MEMBERS, _DEPTH = 15, 10

_own: Final = vars(BaseException)
_cause: Final = _own["__cause__"].__get__
_context: Final = _own["__context__"].__get__
_suppress: Final = _own["__suppress_context__"].__get__
_traceback: Final = _own["__traceback__"].__get__
_members: Final = vars(BaseExceptionGroup)["exceptions"].__get__

#: What ends a program or a task because somebody wants it to.
_ENDINGS: Final = (KeyboardInterrupt, SystemExit, GeneratorExit)


class Link(Struct, eq=False):
    """An exception, and how it belongs to another of the list: its ``cause``, ``context`` or ``member``."""

    error: BaseException
    parent: int | None
    relation: str | None


class Chain(Struct, eq=False):
    """All that belongs to an exception, itself first; how many were left out; whether there is a group among them."""

    links: list[Link]
    omitted: int
    grouped: bool


def of(error: BaseException) -> Chain:
    """Follow an exception as the interpreter does when it prints it: cycles end, a suppressed context is left out."""
    links: list[Link] = []
    omitted, grouped = 0, False
    seen = {id(error)}
    waiting: list[tuple[BaseException, int | None, str | None, int]] = [(error, None, None, 0)]
    while waiting:
        head, parent, relation, depth = waiting.pop()
        line, cut = _line(head, seen)
        omitted += cut
        for place, (link, how) in enumerate(line):
            if len(links) >= _MOST:
                omitted += len(line) - place
                break
            links.append(Link(link, parent, relation if place == 0 else how))
            parent = len(links) - 1
            if issubclass(type(link), BaseExceptionGroup):
                grouped = True
                members = _members(link)
                kept = members[:_MEMBERS] if depth < _DEPTH else ()
                omitted += len(members) - len(kept)
                waiting += [(member, parent, "member", depth + 1) for member in reversed(kept)]
    return Chain(links, omitted, grouped)


def _line(error: BaseException, seen: set[int]) -> tuple[list[tuple[BaseException, str]], int]:
    """An exception with its causes and contexts, and how many of a long line were left out of its middle."""
    line: list[tuple[BaseException, str]] = [(error, "")]
    roots: list[tuple[BaseException, str]] = []
    omitted = 0
    while True:
        following, how = _cause(error), "cause"
        if following is None or id(following) in seen:
            following, how = None if _suppress(error) else _context(error), "context"
        if following is None or id(following) in seen:
            return line + roots, omitted
        seen.add(id(following))
        error = following
        if len(line) < _MOST - _ROOTS:
            line.append((error, how))
        else:
            roots.append((error, how))
            if len(roots) > _ROOTS:
                del roots[0]
                omitted += 1


def related(error: BaseException, most: int) -> list[BaseException]:
    """The exceptions that hang on one: cause, context, the first members of a group."""
    found = [one for one in (_cause(error), _context(error)) if one is not None]
    return found + list(_members(error)[:most]) if issubclass(type(error), BaseExceptionGroup) else found


def traceback_of(error: BaseException) -> TracebackType | None:
    """Where an exception was raised."""
    found: TracebackType | None = _traceback(error)
    return found


def type_name(kind: type[Any]) -> str:
    """Name of a type as it stands in front of a message: with its module, unless that goes without saying."""
    module: object = kind.__module__
    if not isinstance(module, str):  # a class may say anything
        module = "<unknown>"
    return kind.__qualname__ if module in {"builtins", "__main__"} else f"{module}.{kind.__qualname__}"


def is_abort(error: BaseException) -> bool:
    """Whether it is a `SystemExit` that tells of a failure."""
    return issubclass(type(error), SystemExit) and bool(getattr(error, "code", None))


def is_error(error: BaseException) -> bool:
    """Whether something went wrong: not where a program or a task is ended on purpose.

    `KeyboardInterrupt`, `SystemExit`, `GeneratorExit` and every ``CancelledError`` are no errors; a group is one if
    any of its members is.
    """
    waiting = [error]
    for _ in range(1000):
        if not waiting:
            return False
        one = waiting.pop()
        kind = type(one)
        if issubclass(kind, BaseExceptionGroup):
            waiting += _members(one)
        elif not issubclass(kind, _ENDINGS) and not any(base.__name__ == "CancelledError" for base in kind.__mro__):
            return True
    return False
