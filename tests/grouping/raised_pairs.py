"""Errors raised for real, in programs that differ as releases and machines do: more pairs for the corpus.

Each program is run twice: as it stands, and with its lines moved, from another folder, with other data. Printed by the
interpreter or taken from the traceback, it has to be the same issue; a change of what fails has to be another.
"""

from __future__ import annotations

import tomllib
import traceback
from pathlib import Path
from typing import Any

from corpus_pairs import Pair

_HOME, _AWAY = "/app/shop/orders.py", "/home/bob/shop/orders.py"

_FILE = Path(__file__).parent / "corpus" / "programs.toml"
#: Name to program, as the file has it.
PROGRAMS: dict[str, dict[str, Any]] = {
    program["name"]: program for program in tomllib.loads(_FILE.read_text("utf-8"))["program"]
}


def raised(name: str) -> list[Pair]:
    """The pairs that a program makes: moved and printed it is the same, changed it is another."""
    program = PROGRAMS[name]
    source, value, other, (old, new) = (program[key] for key in ("source", "one", "other", "changed"))
    here = _caught(source, value, _HOME)
    printed = {"stack_trace": "".join(traceback.format_exception(here)), "platform": "python"}
    there = record(_caught("\n" * 7 + source, other, _AWAY))
    changed = record(_caught(source.replace(old, new), value, _HOME))
    return [
        Pair(f"raised {name}", "lines moved, other folder, other data", same=True, one=record(here), other=there),
        Pair(f"raised {name}", "printed by the interpreter", same=True, one=record(here), other=printed),
        Pair(f"raised {name}", f"{new} instead of {old}", same=False, one=record(here), other=changed),
    ]


def _caught(source: str, value: str, path: str) -> BaseException:
    names: dict[str, Any] = {"__name__": "shop.orders"}
    exec(compile(source.replace("VALUE", value), path, "exec"), names)
    try:
        names["run"]()
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what was wanted
        error.__traceback__ = error.__traceback__.tb_next
        return error
    raise AssertionError(f"nothing was raised by {source}")


def record(error: BaseException) -> dict[str, Any]:
    """An error record of an exception, as capture makes it."""
    exceptions: list[dict[str, Any]] = []
    _add(error, None, None, exceptions)
    return {"platform": "python", "exceptions": exceptions}


def _add(error: BaseException, parent: int | None, relation: str | None, found: list[dict[str, Any]]) -> None:
    at = len(found)
    frames = [
        {
            "path": frame.f_code.co_filename,
            "module": frame.f_globals.get("__name__", ""),
            "function": frame.f_code.co_qualname,
            "line": line,
        }
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    kind = type(error)
    named = {"type": kind.__qualname__, "module": kind.__module__, "message": str(error)}
    found.append({**named, "frames": frames[:30] + frames[30:][-90:]})
    if parent is not None:
        found[at] |= {"parent": parent, "relation": relation}
    following = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if following is not None and len(found) < 20:
        _add(following, at, "cause" if error.__cause__ else "context", found)
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            _add(member, at, "member", found)
