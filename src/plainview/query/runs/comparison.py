"""Two runs side by side: what they were given, where they ran, what they did, and what only one of them logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from plainview.query.patterns import LOOKED_INTO, patterns
from plainview.query.runs.differences import differences, ratio
from plainview.query.runs.happenings import RESULTS
from plainview.query.runs.series import FIGURES, figures
from plainview.query.runs.window import Window
from plainview.query.times import rfc3339
from plainview.records import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plainview.query.reader import Reader

__all__ = ["compare"]

#: Figures beside those that runs are judged by.
_COUNTED: Final = ("cpu_ms", "errors", "warnings")
#: Patterns and errors, new or gone, that are told.
_TOLD: Final = 100
_CUT: Final = f"{{}} logged more than is looked into: the patterns are those of its last {LOOKED_INTO:,} lines."


def compare(reader: Reader, a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """What differs between two runs, ``a`` the one that ``b`` is measured by.

    Args:
        reader: the way to the store.
        a: as `plainview.query.runs.whole.essence` tells it.
        b: the other.
    """
    one, other = a["run"], b["run"]
    logged = [_logged(reader, run) for run in (one, other)]
    cut = [run for run, (_, all_of_it) in zip((one, other), logged, strict=True) if not all_of_it]
    return {
        "a": one,
        "b": other,
        "notes": _notes(one, other) + [_CUT.format(run["run_id"]) for run in cut],
        "parameters": differences(a["parameters"], b["parameters"]),
        "environment": differences(a["environment"], b["environment"]),
        "operations": _operations(a["operations"], b["operations"]),
        "figures": _figures(one, other),
        "checks": _checks(a["checks"], b["checks"]),
        "patterns": _new_and_gone(logged[0][0], logged[1][0], "pattern"),
        "errors": _new_and_gone(a["errors"], b["errors"], "fingerprint"),
    }


def _notes(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """What has to be known to judge the comparison."""
    if a["operation_id"] == b["operation_id"]:
        return ["Both are the same run."]
    notes = [
        f"They are runs of different {name}s: {a[name] or '(none)'} and {b[name] or '(none)'}."
        for name in ("name", "service", "environment")
        if a[name] != b[name]
    ]
    return notes + [f"{run['run_id']} {_STANDING[run['status']]}." for run in (a, b) if run["status"] in _STANDING]


#: Status → what makes a run hard to compare.
_STANDING: Final = {
    "queued": "has not begun",
    "running": "still goes on",
    "failed": "failed",
    "cancelled": "was cancelled",
    "dead_lettered": "failed",
    "abandoned": "was abandoned: its process ended before it did",
}


def _operations(a: Sequence[Mapping[str, Any]], b: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Kinds and names of either with the time that they took in both; what changed most, in time, first."""
    one, other = ({(each["kind"], each["name"]): each for each in side} for side in (a, b))
    found = []
    for kind, name in dict.fromkeys((*one, *other)):
        before, after = one.get((kind, name)), other.get((kind, name))
        a_ms, b_ms = (each["total_ms"] if each else None for each in (before, after))
        found.append(
            {
                "kind": kind,
                "name": name,
                "a_ms": a_ms,
                "b_ms": b_ms,
                "ratio": ratio(a_ms, b_ms),
                "a_count": before["count"] if before else 0,
                "b_count": after["count"] if after else 0,
            }
        )
    return sorted(found, key=lambda each: -abs((each["b_ms"] or 0.0) - (each["a_ms"] or 0.0)))


def _figures(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    one, other = ({**figures(run), **{name: run[name] for name in _COUNTED}} for run in (a, b))
    return [
        {"name": name, "a": one[name], "b": other[name], "ratio": ratio(one[name], other[name])}
        for name in (*FIGURES, *_COUNTED)
    ]


def _checks(a: Sequence[Mapping[str, Any]], b: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Names of checks of either with how each went in both; those that differ first."""
    one, other = _worst(a), _worst(b)
    pairs = {name: (one.get(name), other.get(name)) for name in dict.fromkeys((*one, *other))}
    found = [{"name": name, "a": a, "b": b, "same": a == b} for name, (a, b) in pairs.items()]
    return sorted(found, key=lambda each: each["same"])


def _worst(told: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Name → of its checks the one that went worst, the last of those, and how many there were."""
    found: dict[str, dict[str, Any]] = {}
    for check in told:
        known = found.get(check["name"], {"result": "", "count": 0})
        count = known["count"] + 1
        worse = _badness(check) >= _badness(known)
        shown = {name: check[name] for name in ("result", "value", "thresholds")} if worse else known
        found[check["name"]] = {**shown, "count": count}
    return found


def _badness(check: Mapping[str, Any]) -> int:
    return RESULTS.index(check["result"]) if check["result"] in RESULTS else -1


def _logged(reader: Reader, run: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """The patterns of a run's log, and whether all of it was looked into.

    What both say is no news, however often each does.
    """
    start, end = Window([run]).stretch
    found = patterns(
        reader,
        {"run_id": run["run_id"], "start_time": rfc3339(start), "end_time": rfc3339(end)},
        limit=LOOKED_INTO,
    )
    told = [{name: each[name] for name in ("pattern", "level", "count", "example_id")} for each in found["patterns"]]
    return told, found["examined"] < LOOKED_INTO


def _new_and_gone(a: Sequence[dict[str, Any]], b: Sequence[dict[str, Any]], by: str) -> dict[str, list[dict[str, Any]]]:
    """What only ``b`` has, and what only ``a`` has; the most severe and the most frequent first."""
    one, other = ({each[by] for each in side} for side in (a, b))
    new, gone = ([each for each in b if each[by] not in one], [each for each in a if each[by] not in other])
    return {"new": sorted(new, key=_loudness)[:_TOLD], "gone": sorted(gone, key=_loudness)[:_TOLD]}


def _loudness(each: Mapping[str, Any]) -> tuple[int, int]:
    return -LEVELS.get(each.get("level", ""), 0), -each["count"]
