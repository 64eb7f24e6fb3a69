"""What payloads hold is anybody's guess: each look at it says what is wanted, and gets that or nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

__all__ = ["context_fields", "hexadecimal", "items", "mapping", "moment", "nanoseconds", "pairs", "text", "whole"]

_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_EARLIEST, _LATEST = 0.0, 7_258_118_400.0  # 1970 to 2200, as the store takes them


def mapping(value: object) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """A JSON array; Sentry also writes one as the member ``values`` of an object."""
    if isinstance(value, dict):
        value = value.get("values")
    return value if isinstance(value, list) else []


def text(value: object, most: int = 1000) -> str:
    """Text of so many characters at most; numbers as they are written; empty for anything else."""
    if isinstance(value, str):
        if len(value) > most:
            value = value[:most]
        return value.replace("\0", "") if "\0" in value else value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)[:most]
    return ""


def whole(value: object) -> int:
    """A whole number of 31 bits, not negative; 0 for anything else."""
    return value if type(value) is int and 0 <= value < 1 << 31 else 0


def hexadecimal(value: object, digits: int) -> str:
    """So many hexadecimal digits, lower case; dashes of a UUID are left out. Empty for anything else."""
    found = text(value, 64).replace("-", "")
    return found.lower() if len(found) == digits and _HEX.fullmatch(found) else ""


def nanoseconds(value: object, otherwise: int) -> int:
    """A moment as nanoseconds since 1970: a number of seconds, or RFC 3339."""
    seconds = _seconds(value)
    return otherwise if seconds is None else round(seconds * 1e6) * 1000


def moment(value: object, otherwise: int) -> str:
    """A moment as records carry it; ``otherwise`` is in nanoseconds since 1970."""
    at = datetime.fromtimestamp(nanoseconds(value, otherwise) // 1000 / 1e6, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"


def _seconds(value: object) -> float | None:
    number: float | None = None
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            try:
                at = datetime.fromisoformat(value)
                number = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
            except (ValueError, OverflowError):
                return None
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value) if abs(value) < _LATEST else None
    return number if number is not None and _EARLIEST <= number < _LATEST else None


def pairs(value: object) -> dict[str, str]:
    """Tags: an object, or a list of pairs."""
    if isinstance(value, list):
        value = {each[0]: each[1] for each in value if _is_pair(each)}
    given = list(mapping(value).items())[:200]
    return {text(key, 200): said for key, one in given if (said := text(one, 1000))}


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)  # noqa: PLR2004 - a pair


#: Context fields that may come as tags.
_TAGGED: Final = ("request_id", "job_id", "batch_id", "run_id", "project_id", "session_id", "tenant_id")


def context_fields(tags: dict[str, str], user: dict[str, Any]) -> dict[str, Any]:
    """The correlation fields that tags and user name."""
    found: dict[str, Any] = {name: tags[name][:256] for name in _TAGGED if tags.get(name)}
    user_id = text(user.get("id") or user.get("username") or user.get("email"), 256)
    return found | ({"user_id": user_id} if user_id else {})
