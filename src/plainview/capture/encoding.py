"""Values to JSON: fast for what is plain, careful for what is not; always bounded, never raising.

Whatever cannot be said in JSON is said in words: a cycle is `[cycle]`, NaN is `"NaN"`, bytes their `repr`, an object
its `str`; what is cut says how much.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
import os
import uuid
from collections.abc import Mapping, Sequence, Set as AbstractSet
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.capture.scrub import MARKER, Scrubber
from plainview.records import CONTEXT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plainview.settings import Settings

__all__ = ["EXCLUSIVE", "Encoding"]

#: Names that are no ordinary fields when a log call is given them.
EXCLUSIVE: Final = frozenset({*CONTEXT_FIELDS, "duration_ms", "exc_info", "stack_info"})

encode: Final = msgspec.json.Encoder().encode
#: Values that need no look: they are short, hold no secret, and are encoded as they are.
_PLAIN: Final = frozenset({bool, type(None), dt.datetime, dt.date, dt.time, uuid.UUID})
_LONG_INT: Final = 10**12
#: Integers up to here are compared in half the time.
_SHORT_INT: Final = (1 << 30) - 1
_MAX_INT: Final = 2**64
_MAX_KEY: Final = 256
_CACHE_ENTRIES: Final = 4096
_CACHE_LENGTH: Final = 256


class Encoding:
    """Encodes messages and fields as the settings say."""

    def __init__(self, settings: Settings) -> None:
        self.scrubber: Final = Scrubber(settings)
        self._max_string: Final = settings.max_string
        self._max_depth: Final = settings.max_depth
        self._max_items: Final = settings.max_items
        self._messages: dict[str, bytes] = {}
        #: Strings that were looked at and found harmless. Most values of a log come again and again.
        self.known_harmless: set[str] = set()
        #: Keys that were looked at and found harmless.
        self.plain_keys: set[str] = set()
        #: Fields as a JSON object if each of them is plain and harmless; None: `fields` has to look closer. Names that
        #: mean something of their own in a log call are not plain.
        self.plain: Final = self._plain()

    def message(self, message: object) -> bytes:
        """A message as a JSON string."""
        if type(message) is str:
            cached = self._messages.get(message)
            if cached is not None:
                return cached
            encoded = encode(self._string(message))
            if len(message) <= _CACHE_LENGTH:
                if len(self._messages) >= _CACHE_ENTRIES:
                    self._messages.clear()
                self._messages[message] = encoded
            return encoded
        return encode(self.text(message))

    def text(self, value: object) -> str:
        """Any value as text: bounded, scrubbed, valid."""
        return self._string(_text(value))

    def fields(self, fields: Mapping[str, Any]) -> bytes:
        """Fields of any kind as a JSON object."""
        try:
            return encode({self._key(key): self._field(key, value) for key, value in fields.items()})
        except Exception as error:  # noqa: BLE001 - whatever a value does, the record is written
            return encode({"encoding_error": f"{type(error).__name__}: {_text(error)[:200]}"})

    def members(self, fields: Mapping[str, Any]) -> bytes:
        """Fields of any kind as the members of a JSON object, without its braces."""
        return self.fields(fields)[1:-1]

    def _plain(self) -> Callable[[Mapping[str, Any]], bytes | None]:  # noqa: C901 - a type each
        plain_key, plain_keys = self._plain_key, self.plain_keys
        is_harmless, harmless = self.harmless, self.known_harmless

        def plain(fields: Mapping[str, Any]) -> bytes | None:
            for key, value in fields.items():
                if key not in plain_keys and not plain_key(key):
                    return None
                kind = type(value)
                if kind is str:
                    if value not in harmless and not is_harmless(value):
                        return None
                elif kind is int:
                    if (value > _SHORT_INT or value < -_SHORT_INT) and not -_LONG_INT < value < _LONG_INT:
                        return None
                elif kind is float:
                    if value - value != 0.0:  # NaN and the infinities
                        return None
                elif kind is not bool and kind not in _PLAIN:
                    return None
            return encode(fields)

        return plain

    def _plain_key(self, key: object) -> bool:
        if type(key) is not str or key in EXCLUSIVE or len(key) > _MAX_KEY or self.scrubber.hides(key):
            return False
        if not key.isascii():
            return False
        if len(self.plain_keys) >= _CACHE_ENTRIES:
            self.plain_keys.clear()
        self.plain_keys.add(key)
        return True

    def harmless(self, value: str) -> bool:
        """Whether a string can be written as it is. What was found harmless once is remembered."""
        if value in self.known_harmless:
            return True
        try:
            if len(value) > self._max_string or self.scrubber.text(value) != value:
                return False
            value.encode()
        except UnicodeEncodeError:  # a lone surrogate
            return False
        if len(value) <= _CACHE_LENGTH:
            if len(self.known_harmless) >= _CACHE_ENTRIES:
                self.known_harmless.clear()
            self.known_harmless.add(value)
        return True

    def _key(self, key: object) -> str:
        text = _text(key)
        if len(text) > _MAX_KEY:
            text = text[:_MAX_KEY] + "…"
        return _valid(text)

    def _field(self, key: object, value: object) -> object:
        if value is not None and self.scrubber.hides(_text(key)):
            return MARKER
        return self.safe(value)

    def _string(self, text: str) -> str:
        if len(text) > self._max_string:
            text = f"{text[: self._max_string]}…[cut: {len(text)} characters]"
        return _valid(self.scrubber.text(text))

    def safe(self, value: object, _depth: int = 0, _above: tuple[int, ...] = ()) -> object:
        """A value made of plain types, bounded and scrubbed, that certainly can be encoded."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._string(str.__str__(value))
        if isinstance(value, int) and not isinstance(value, enum.Enum):
            return self._integer(int(value))
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else str(float(value)).replace("nan", "NaN")
        if isinstance(value, Mapping) or (
            isinstance(value, Sequence | AbstractSet) and not isinstance(value, bytes | bytearray | memoryview)
        ):
            return self._container(value, _depth, _above)
        return self._object(value, _depth, _above)

    def _integer(self, value: int) -> object:
        if abs(value) < _LONG_INT:
            return value
        if value.bit_length() > 4 * self._max_string:
            return f"[integer of {value.bit_length()} bits]"
        text = str(value)
        clean = self.scrubber.text(text)
        return clean if clean != text or not -_MAX_INT // 2 <= value < _MAX_INT else value

    def _container(self, value: Any, depth: int, above: tuple[int, ...]) -> object:  # noqa: ANN401 - mapping or iterable
        if id(value) in above:
            return "[cycle]"
        if depth >= self._max_depth:
            return "[too deep]"
        above = (*above, id(value))
        size = len(value)
        if isinstance(value, Mapping):
            result: dict[str, object] = {}
            for key, item in _first(value.items(), self._max_items):
                hidden = item is not None and self.scrubber.hides(_text(key))
                result[self._key(key)] = MARKER if hidden else self.safe(item, depth + 1, above)
            if size > self._max_items:
                result["…"] = f"[{size - self._max_items} more]"
            return result
        items = [self.safe(item, depth + 1, above) for item in _first(value, self._max_items)]
        if size > self._max_items:
            items.append(f"[{size - self._max_items} more]")
        return items

    def _object(self, value: Any, depth: int, above: tuple[int, ...]) -> object:  # noqa: ANN401, PLR0911 - any object; a case each
        if type(value) in _PLAIN:
            return value
        if isinstance(value, enum.Enum):
            return self.safe(value.value, depth, above)
        if isinstance(value, decimal.Decimal | os.PathLike):
            return self._string(_text(value))
        if isinstance(value, bytes | bytearray | memoryview):
            shown = repr(bytes(value[: self._max_string // 4]))
            return self._string(shown if len(value) <= self._max_string // 4 else f"{shown}…[cut: {len(value)} bytes]")
        if isinstance(value, BaseException):
            return self._string(f"{type(value).__name__}: {_text(value)}")
        if getattr(value, "shape", None) == () and hasattr(value, "item"):  # a scalar of NumPy and its like
            return self.safe(value.item(), depth + 1, above)
        return self._string(_text(value))


def _first(items: Iterable[Any], count: int) -> list[Any]:
    """At most ``count`` items of something that may change while we look at it."""
    result: list[Any] = []
    for item in items:
        if len(result) >= count:
            break
        result.append(item)
    return result


def _text(value: object) -> str:
    """``str(value)``, or words for why not."""
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - it is the user's __str__
        return f"[{type(value).__name__} whose __str__ raised {type(error).__name__}]"


def _valid(text: str) -> str:
    """Text that is valid Unicode: lone surrogates become visible escapes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text
