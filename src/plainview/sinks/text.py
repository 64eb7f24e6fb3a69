"""A record as one line of text for people to read, on which nothing that was logged can play tricks.

Text comes from anywhere. A newline could forge a second record, an escape sequence could rewrite the screen, a
direction mark could reorder what is shown: all of them are made visible instead
(CWE-117, https://cwe.mitre.org/data/definitions/117.html; CVE-2021-42574 for the direction marks).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

import msgspec

from plainview.records import CONTEXT_FIELDS

__all__ = ["Pretty", "visible"]

_HIDDEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_NAMED: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

_RESET: Final = "\x1b[0m"
_DIM: Final = "\x1b[2m"
_BOLD: Final = "\x1b[1m"
#: Colours that are told apart by most colour-blind people; the level's word says the same.
_LEVEL_STYLE: Final = {
    "DEBUG": "\x1b[2m",
    "INFO": "\x1b[34m",
    "WARNING": "\x1b[33m",
    "ERROR": "\x1b[1;31m",
    "CRITICAL": "\x1b[1;37;41m",
}
#: As long as WARNING may be; CRITICAL is cut to keep the columns.
_LEVEL_WORD: Final = {"WARNING": "WARN ", "CRITICAL": "CRIT "}

_PLAIN_VALUE: Final = re.compile(r"[^\s\"'=\\]+")


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    return _NAMED.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")  # noqa: PLR2004 - a byte


def visible(text: str) -> str:
    r"""Text with its control characters, escapes, newlines and direction marks spelled out (``\n``, ``\x1b``)."""
    return _HIDDEN.sub(_escape, text)


def _value(value: object) -> str:
    if not isinstance(value, str):
        return visible(msgspec.json.encode(value).decode())
    shown = visible(value)
    return shown if _PLAIN_VALUE.fullmatch(shown) else '"' + shown.replace('"', '\\"') + '"'


class Pretty:
    """Turns JSON lines into ``12:00:00.123 INFO  logger  message  key=value …``, the exception below it.

    Args:
        colour: whether ANSI colours are used.
    """

    def __init__(self, *, colour: bool) -> None:
        self._reset, self._dim, self._bold = (_RESET, _DIM, _BOLD) if colour else ("", "", "")
        self._levels = _LEVEL_STYLE if colour else {}
        self._decode = msgspec.json.Decoder(dict[str, Any]).decode

    def __call__(self, line: bytes) -> str:
        """The text of one line, with a newline at its end. What is no record is shown as it is, made visible."""
        try:
            record = self._decode(line)
        except msgspec.DecodeError:
            return visible(line.decode(errors="backslashreplace")) + "\n"
        level = visible(str(record.get("level", "")))
        parts = [
            f"{self._dim}{_clock(str(record.get('timestamp', '')))}{self._reset}",
            f"{self._levels.get(level, '')}{_LEVEL_WORD.get(level, f'{level:<5}')}{self._reset}",
            f"{self._dim}{visible(str(record.get('logger', '')))}{self._reset}",
            f" {self._bold}{visible(str(record.get('message', '')))}{self._reset}",
        ]
        fields = "".join(f" {self._dim}{key}={self._reset}{value}" for key, value in _fields(record))
        return " ".join(parts) + (f" {fields}" if fields else "") + "\n" + self._exception(record.get("exception"))

    def _exception(self, exception: object) -> str:
        if not isinstance(exception, dict):
            return ""
        text = exception.get("stack_trace") or f"{exception.get('type', '')}: {exception.get('message', '')}"
        # Indented with a bar: a line of a forged message cannot pass for a record of its own.
        bar = f"  {self._dim}│{self._reset} "
        return "".join(f"{bar}{visible(line)}\n" for line in str(text).rstrip("\n").split("\n"))


def _clock(timestamp: str) -> str:
    # Local time: that is what the person at this terminal compares with.
    try:
        return datetime.fromisoformat(timestamp).astimezone().isoformat(sep=" ", timespec="milliseconds")[11:23]
    except ValueError:
        return visible(timestamp)


def _fields(record: dict[str, Any]) -> list[tuple[str, str]]:
    extra = record.get("extra")
    fields = [(visible(key), _value(value)) for key, value in extra.items()] if isinstance(extra, dict) else []
    if isinstance(duration := record.get("duration_ms"), (int, float)):
        fields.append(("duration_ms", f"{duration:.6g}"))
    # The trace's ids are long, and the request's id leads to them.
    hidden = {"span_id", "trace_id"} if "request_id" in record else {"span_id"}
    fields += [(key, _value(record[key])) for key in CONTEXT_FIELDS if key not in hidden and key in record]
    return fields
