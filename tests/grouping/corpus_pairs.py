"""The corpus: pairs of errors that belong together, or do not, each with the reason; and how well we tell."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plainview.grouping.fingerprint import group

_FOLDER = Path(__file__).parent / "corpus"
_PLACE = "shop.orders@/app/shop/orders.py::Order.save"


@dataclass(frozen=True)
class Pair:
    """Two errors, and whether they belong together."""

    name: str
    why: str
    same: bool
    one: dict[str, Any]
    other: dict[str, Any]

    def judged(self) -> bool:
        """What grouping says."""
        return group(self.one).fingerprint == group(self.other).fingerprint


@dataclass(frozen=True)
class Score:
    """How well pairs are told."""

    pairs: int
    #: Of those put together, which share belongs together; of those that belong together, which share is.
    precision: float
    recall: float
    wrong: tuple[Pair, ...]


def written() -> list[Pair]:
    """The pairs that are written down."""
    return [*_messages(), *_stacks(), *_printed()]


def score(pairs: list[Pair]) -> Score:
    """Precision and recall over pairs."""
    judged = [(pair, pair.judged()) for pair in pairs]
    together = [pair for pair, alike in judged if alike]
    belonging = [pair for pair in pairs if pair.same]
    right = sum(pair.same for pair in together)
    wrong = tuple(pair for pair, alike in judged if alike != pair.same)
    return Score(len(pairs), right / len(together), right / len(belonging), wrong)


def _messages() -> list[Pair]:
    return [
        Pair(f"messages {number}", why, same == "same", _raised(kind, one), _raised(kind, other))
        for number, (kind, one, other, same, why) in enumerate(_rows("messages"), 1)
    ]


def _stacks() -> list[Pair]:
    return [
        Pair(
            f"stacks {number}", why, same == "same", *(_raised("ValueError", "bad", stack, platform) for stack in both)
        )
        for number, (platform, *both, same, why) in enumerate(_rows("stacks"), 1)
    ]


def _printed() -> list[Pair]:
    rows = tomllib.loads((_FOLDER / "printed.toml").read_text("utf-8"))["pair"]
    pairs = []
    for number, row in enumerate(rows, 1):
        errors = []
        for text in (row["one"], row["other"]):
            key = "stack_trace" if "\n" in text else "message"
            errors.append({key: text, "platform": row.get("platform", "python")})
        pairs.append(Pair(f"printed {number}", row["why"], row["same"], *errors))
    return pairs


def _rows(name: str) -> list[list[str]]:
    rows: list[list[str]] = tomllib.loads((_FOLDER / f"{name}.toml").read_text("utf-8"))["pairs"]
    return rows


def _raised(kind: str, message: str, stack: str = _PLACE, platform: str = "python") -> dict[str, Any]:
    module, _, name = kind.rpartition(".")
    frames = [_frame(frame, number) for number, frame in enumerate(stack.split(" > ")) if frame]
    return {
        "platform": platform,
        "exceptions": [{"type": name, "module": module, "message": message, "frames": frames}],
    }


def _frame(text: str, line: int) -> dict[str, Any]:
    where, _, function = text.partition("::") if not text.startswith("<") else text.rpartition("::")
    module, at, path = (
        where.partition("@") if "@" in where and "/pkg/mod/" not in where.split("@")[0] else ("", "", where)
    )
    if not at and not any(mark in where for mark in "/\\<"):
        module, path = where, ""
    return {"module": module, "path": path, "function": function, "line": line * 7 + 3}
