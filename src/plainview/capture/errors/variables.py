"""Local variables of a frame in words, without calling any code of theirs.

Values of the built-in plain types are shown, and lists, dictionaries and their like of such; of every other object its
type alone. No ``__repr__`` or ``__str__`` of the application's is called: it could hang, and nothing could stop it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from plainview.capture.errors.chain import type_name
from plainview.capture.scrub import MARKER

if TYPE_CHECKING:
    from types import FrameType

    from plainview.capture.encoding import Encoding

__all__ = ["variables"]

_MAX_NAMES: Final = 40
_MAX_ITEMS: Final = 10
_MAX_TEXT: Final = 256
_MAX_DEPTH: Final = 3
_MAX_BITS: Final = 1024
_PLAIN: Final = frozenset({bool, float, type(None)})
_SEQUENCES: Final = frozenset({list, tuple, set, frozenset})


def variables(frame: FrameType, encoding: Encoding) -> dict[str, Any]:
    """The local variables of a frame by name, bounded and scrubbed; none of a module, whose names are everybody's."""
    found = frame.f_locals
    if found is frame.f_globals:
        return {}
    shown: dict[str, Any] = {}
    for name in list(found)[:_MAX_NAMES]:
        if type(name) is str:
            hidden = encoding.scrubber.hides(name)
            shown[encoding.text(name)] = MARKER if hidden else _shown(found[name], encoding, 0)
    return shown


def _shown(value: Any, encoding: Encoding, depth: int) -> object:  # noqa: ANN401, PLR0911 - any value; a kind each
    kind = type(value)
    if kind is str:
        return encoding.text(
            value if len(value) <= _MAX_TEXT else f"{value[:_MAX_TEXT]}…[cut: {len(value)} characters]"
        )
    if kind is int:
        # As text where it is long: a card's number is one to be hidden, and JSON's readers have 53 bits.
        return value if -(1 << 31) < value < 1 << 31 else _long(value, encoding)
    if kind in _PLAIN:
        return encoding.safe(value)
    if kind is bytes:
        return encoding.text(
            repr(value[:_MAX_TEXT]) + (f"…[cut: {len(value)} bytes]" if len(value) > _MAX_TEXT else "")
        )
    if depth < _MAX_DEPTH and kind in _SEQUENCES:
        return [_shown(item, encoding, depth + 1) for item in _few(value)] + _more(value)
    if depth < _MAX_DEPTH and kind is dict:
        shown = {
            encoding.text(key) if type(key) is str else f"[{type_name(type(key))}]": (
                MARKER if type(key) is str and encoding.scrubber.hides(key) else _shown(item, encoding, depth + 1)
            )
            for key, item in _few(value.items())
        }
        return shown | ({"…": more[0]} if (more := _more(value)) else {})
    return encoding.text(f"<{type_name(kind)}>")


def _long(value: int, encoding: Encoding) -> str:
    bits = value.bit_length()
    return encoding.text(str(value)) if bits <= _MAX_BITS else f"[integer of {bits} bits]"


def _few(items: Any) -> list[Any]:  # noqa: ANN401 - an iterable of a built-in type
    found: list[Any] = []
    for item in items:
        if len(found) >= _MAX_ITEMS:
            break
        found.append(item)
    return found


def _more(value: Any) -> list[str]:  # noqa: ANN401 - of a built-in type
    return [f"[{len(value) - _MAX_ITEMS} more]"] if len(value) > _MAX_ITEMS else []
