"""What a run told of itself on the way: checks, artifacts, backups, warnings, what it used; parameters and summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview.query.runs.window import Window
from plainview.query.sql import Sql, all_of, one_of, select
from plainview.query.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from plainview.query.reader import Reader

__all__ = ["RESULTS", "Told", "beginnings", "results", "summary", "told"]

#: How a check can go, the worst last.
RESULTS: Final = ("pass", "warning", "fail")
#: Most of each that are listed, the first ones; of what it used, evenly spread ones.
_MOST: Final = 2000
_SAMPLES: Final = 500
_MOST_SAMPLES: Final = 100_000
#: What a run uses, told every few seconds.
SAMPLE: Final = "sample"
#: What a run tells of itself.
ALL: Final = ("check", "artifact", "backup", "warning", SAMPLE)

#: Of a run: event → what is told of it, the oldest first.
Told = dict[str, list[dict[str, Any]]]


def beginnings(reader: Reader, runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """``operation_id`` → the ``parameters`` and the ``environment`` that the run began with."""
    rows = reader.rows(select("operation_id, data", "operations", all_of(_own(runs), Sql("event = 'open'"))))
    return {operation_id: _data(data) for operation_id, data in rows}


def results(reader: Reader, runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """``run_id`` → result → how many checks went so."""
    result = reader.dialect.attribute("data", ("result",))
    where = all_of(Window(runs).rows(), Sql("event = 'check'"))
    columns = f"run_id, {result} AS result, count(*)"
    found: dict[str, dict[str, int]] = {}
    for run_id, went, count in reader.rows(select(columns, "operations", where, "GROUP BY run_id, result")):
        if went in RESULTS:
            found.setdefault(run_id, dict.fromkeys(RESULTS, 0))[went] = count
    return found


def told(reader: Reader, run: Mapping[str, Any], events: Sequence[str] = ALL) -> Told:
    """What one run told of itself, by event: ``check``, ``artifact``, ``backup``, ``warning``, ``sample``.

    Args:
        reader: the way to the store.
        run: the run.
        events: those of them that are wanted.
    """
    found: Told = {event: [] for event in events}
    # There are far more samples than anything else: they are no reason to leave something out.
    for group, most in ((set(events) - {SAMPLE}, _MOST * len(ALL)), ({SAMPLE} & set(events), _MOST_SAMPLES)):
        if group:
            among = one_of("event", sorted(group))
            rest = f"ORDER BY timestamp, id LIMIT {most}"
            columns = "event, timestamp, reason, data"
            for event, *row in reader.rows(select(columns, "operations", all_of(Window([run]).rows(), among), rest)):
                found[event].append(_shown(event, *row))
    return {event: _thinned(each) if event == SAMPLE else each[:_MOST] for event, each in found.items()}


def summary(reader: Reader, run: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the run's ``summary.json`` holds, as its last ``close`` told it; None: it has told nothing of the kind."""
    where = all_of(_own([run]), Sql("event = 'close'"))
    row = reader.row(select("data", "operations", where, "ORDER BY timestamp DESC, id DESC LIMIT 1"))
    found = _data(row[0]).get("summary") if row else None
    return found if isinstance(found, dict) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _figure(value: object) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _whatever(value: object) -> object:
    return value


#: Event → the members of its data that are told, each by how it is read.
_MEMBERS: Final[Mapping[str, Mapping[str, Callable[[object], object]]]] = {
    "check": {"name": _text, "value": _whatever, "thresholds": _whatever, "result": _text, "fields": _whatever},
    "artifact": {"path": _text, "bytes": _figure},
    "backup": {"path": _text, "bytes": _figure},
    "sample": {"memory_bytes": _figure, "cpu_percent": _figure},
}


def _shown(event: str, at: Any, reason: str, data: str) -> dict[str, Any]:  # noqa: ANN401 - a datetime of the store
    if event == "warning":
        return {"timestamp": rfc3339(at), "text": reason}
    given = _data(data)
    return {"timestamp": rfc3339(at), **{name: read(given.get(name)) for name, read in _MEMBERS[event].items()}}


def _thinned(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most so many, evenly spread; of each stretch the one with most memory, so that no peak is lost."""
    if len(samples) <= _SAMPLES:
        return samples
    width = len(samples) / _SAMPLES
    stretches = (samples[int(n * width) : int((n + 1) * width)] for n in range(_SAMPLES))
    return [max(stretch, key=lambda sample: sample["memory_bytes"] or 0) for stretch in stretches]


def _own(runs: Sequence[Mapping[str, Any]]) -> Sql:
    """The rows of the runs themselves."""
    return one_of("operation_id", [run["operation_id"] for run in runs])


def _data(text: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return {}
    return found if isinstance(found, dict) else {}
