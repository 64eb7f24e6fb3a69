"""The runs of one name one after the other: what each came to, and whether one is out of line with those before it."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

from plainview.query.operations.folding import states
from plainview.query.runs.deviation import deviation
from plainview.query.sql import Sql, all_of, one_of, select
from plainview.query.times import moment, rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plainview.query.reader import Reader

__all__ = ["FIGURES", "Earlier", "earlier", "figures", "unusual"]

#: What runs are judged by.
FIGURES: Final = ("duration_ms", "memory_peak_bytes", "rows", "rows_per_second")
#: Runs that one is measured by: those of the same name, service and environment that completed before it.
BEFORE: Final = 20
#: Runs that are looked through for them, the latest.
_LOOKED_AT: Final = 20_000
_ALIKE: Final = ("name", "service", "environment")
_MORE: Final = (
    ", any_value(service) AS service, any_value(environment) AS environment, max(memory_peak_bytes) AS peak, "
    "max(rows) AS worked"
)

#: Figures of runs, the oldest first.
Earlier = list[dict[str, float | None]]


def figures(run: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures of a run as the API shows it, by name."""
    return _figures(run["duration_ms"], run["memory_peak_bytes"], run["rows"])


def _figures(duration: float | None, peak: float | None, rows: float | None) -> dict[str, float | None]:
    rate = round(rows * 1000 / duration, 3) if rows is not None and duration else None
    return dict(zip(FIGURES, (duration, peak, rows, rate), strict=True))


def earlier(reader: Reader, runs: Sequence[Mapping[str, Any]]) -> list[Earlier]:
    """For each run the figures of up to 20 runs like it that completed before it began."""
    if not runs:
        return []
    names = list(dict.fromkeys(run["name"] for run in runs))
    named = all_of(Sql("kind = 'run'"), one_of("name", names))
    all_states = states(reader.dialect, reader.store.last_id("operations"), named, _MORE)
    rows = reader.rows(
        select(
            "name, service, environment, started, took, peak, worked",
            all_states,
            Sql("status = 'completed'"),
            f"ORDER BY started DESC LIMIT {_LOOKED_AT}",
        )
    )
    known: dict[tuple[str, ...], list[tuple[str, dict[str, float | None]]]] = {}
    for *alike, started, took, peak, worked in reversed(rows):
        known.setdefault(tuple(alike), []).append((rfc3339(moment(started)), _figures(took, peak, worked)))
    found = []
    for run in runs:
        row = known.get(tuple(run[name] for name in _ALIKE), [])
        # RFC 3339 of one form and zone is in the order of time.
        place = bisect_left(row, run["started_at"], key=lambda each: each[0])
        found.append([each for _, each in row[max(0, place - BEFORE) : place]])
    return found


def unusual(run: Mapping[str, Any], before: Earlier) -> list[str]:
    """The figures in which a run is out of line with those before it.

    Of a run that goes on, only whether it takes longer already; one that did not complete is not judged.
    """
    if run["status"] not in _JUDGED:
        return []
    now = figures(run)
    found = {name: deviation([each[name] for each in before], now[name]) for name in _JUDGED[run["status"]]}
    running = run["status"] == "running"
    return [name for name, each in found.items() if each.out_of_line and (not running or each.direction == "higher")]


#: Status → the figures that say something of a run then.
_JUDGED: Final = {"completed": FIGURES, "running": FIGURES[:1]}
