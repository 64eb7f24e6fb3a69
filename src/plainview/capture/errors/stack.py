"""A stack trace as the interpreter prints it, put together from what is remembered of each frame.

`traceback.format_exception` takes each frame's source anew, and asks the disk whether it has changed: most of the time
that an exception would cost.
"""

from __future__ import annotations

import contextlib
import traceback
from typing import TYPE_CHECKING, Final

from plainview.capture.errors import chain
from plainview.capture.errors.chain import type_name

if TYPE_CHECKING:
    from plainview.capture.encoding import Encoding
    from plainview.capture.errors.chain import Chain
    from plainview.capture.errors.frames import Walk

__all__ = ["MAX_STACK", "notes", "printed", "said"]

#: Longest stack trace, characters; of a longer one the middle is left out.
MAX_STACK: Final = 64 << 10
_REPEATS: Final = 3
_MAX_NOTES: Final = 32
#: Members that a group may have in all to be printed.
_MAX_PRINTED: Final = 500
#: What stands between the exceptions of a chain, in the interpreter's words.
_BETWEEN: Final = {
    "cause": "\nThe above exception was the direct cause of the following exception:\n\n",
    "context": "\nDuring handling of the above exception, another exception occurred:\n\n",
}
#: Exceptions that the interpreter says more of than their message: where the syntax is wrong, what else was meant.
_TALKATIVE: Final = (SyntaxError, NameError, AttributeError, ImportError)


def said(error: BaseException) -> str:
    """What an exception says. Its ``__str__`` is the only code of anybody's that is called."""
    try:
        return str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as failure:  # noqa: BLE001 - a hostile exception
        return f"[{type(error).__name__} whose __str__ raised {type(failure).__name__}]"


def notes(error: BaseException) -> list[str]:
    """The notes that were added to an exception."""
    try:
        found = getattr(error, "__notes__", None)
    except Exception:  # noqa: BLE001 - a hostile exception
        return []
    if type(found) is not list:  # as `add_note` makes it
        return []
    return [note for note in found[:_MAX_NOTES] if isinstance(note, str)]


def printed(found: Chain, walks: list[Walk], messages: list[str], encoding: Encoding) -> str:
    """The whole of an occurrence as the interpreter prints it, scrubbed and bounded."""
    if found.grouped:
        return bounded(_clean(_grouped(found), encoding))
    parts: list[str] = []
    for number in range(len(found.links) - 1, -1, -1):
        link = found.links[number]
        if walks[number].places:
            parts.append("Traceback (most recent call last):\n")
            parts += _frames(walks[number])
        parts.append(_last(link.error, messages[number], walks[number], encoding))
        if link.relation in _BETWEEN:
            parts.append(_BETWEEN[link.relation])
    return bounded("".join(parts))


def bounded(text: str) -> str:
    """Text without its middle, where it is too long."""
    if len(text) <= MAX_STACK:
        return text
    half = MAX_STACK // 2
    return f"{text[:half]}\n…[cut: {len(text)} characters]…\n{text[-half:]}"


def _clean(text: str, encoding: Encoding) -> str:
    return encoding.scrubber.text(text).encode("utf-8", "backslashreplace").decode()


def _frames(walk: Walk) -> list[str]:
    """The frames, those that come again and again once."""
    parts: list[str] = []
    before, times = None, 0
    for number, place in enumerate(walk.places):
        if walk.omitted and number == walk.omitted[0]:
            parts += _repeated(times)
            parts.append(f"  [… {walk.omitted[1] - walk.omitted[0]} frames left out …]\n")
            before, times = None, 0
        if place.identity != before:
            parts += _repeated(times)
            before, times = place.identity, 0
        times += 1
        if times <= _REPEATS:
            parts.append(place.text)
    return parts + _repeated(times)


def _repeated(times: int) -> list[str]:
    more = times - _REPEATS
    return [f"  [Previous line repeated {more} more time{'s' if more > 1 else ''}]\n"] if more > 0 else []


def _last(error: BaseException, message: str, walk: Walk, encoding: Encoding) -> str:
    """The exception itself, behind its frames."""
    kind = type(error)
    if issubclass(kind, _TALKATIVE):
        with contextlib.suppress(Exception):  # a hostile exception is shown as any other
            trace = None if walk.omitted else chain.traceback_of(error)
            # As one that another one leads to, so that those that it leads to are not looked at.
            own = traceback.TracebackException(kind, error, trace, limit=0, _seen={id(error)})
            vars(own).setdefault("exceptions", None)  # such a one has none since Python 3.13, and is asked for them
            return _clean("".join(own.format_exception_only()), encoding)
    name = type_name(kind)
    lines = [f"{name}: {message}\n" if message else f"{name}\n"]
    lines += [f"{encoding.text(note)}\n" for note in notes(error)]
    return "".join(lines)


def _grouped(found: Chain) -> str:
    if _weight(found.links[0].error) > _MAX_PRINTED:
        return f"[a group of more than {_MAX_PRINTED} exceptions: not printed]\n"
    try:
        return "".join(traceback.format_exception(found.links[0].error))
    except Exception as failure:  # noqa: BLE001 - a hostile exception; its own __str__ is not the only way to fail
        return f"[stack trace not available: {type(failure).__name__}]\n"


def _weight(error: BaseException) -> int:
    """How many exceptions printing this one would look at, as far as it matters."""
    waiting, count, seen = [error], 0, set()
    while waiting and count <= _MAX_PRINTED:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        count += 1
        waiting += chain.related(one, _MAX_PRINTED)
    return count
