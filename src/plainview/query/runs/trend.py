"""The last runs of a name: whether the newest is out of line with those before it, and whether they drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainview.query.operations import listing
from plainview.query.runs.deviation import THRESHOLD, deviation
from plainview.query.runs.drift import drift
from plainview.query.runs.series import FIGURES, figures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plainview.query.reader import Reader

__all__ = ["trend"]


def trend(reader: Reader, given: Mapping[str, Any], last: int) -> dict[str, Any] | None:
    """The last runs of a name with their figures, the oldest first, and how the newest stands; None: there is none.

    Only runs that completed are judged and judged by: one that failed half-way was quick for no good reason.

    Args:
        reader: the way to the store.
        given: ``name``; ``service`` and ``environment``, those of the newest run when left out.
        last: how many runs, the newest included.

    Raises:
        BadInput: the filter is wrong.
    """
    wanted = {**given, "kind": "run"}
    newest = listing.search(reader, wanted, limit=1)["operations"]
    if not newest:
        return None
    where = {name: given.get(name) or newest[0][name] for name in ("service", "environment")}
    # A condition of an empty text would be none: a service without a name has no others beside it.
    runs = listing.search(reader, {**wanted, **{name: value for name, value in where.items() if value}}, limit=last)
    alike = [run for run in reversed(runs["operations"]) if all(run[name] == value for name, value in where.items())]
    completed = [run for run in alike if run["status"] == "completed"]
    return {
        "name": given["name"],
        **where,
        "points": [
            {
                "run_id": run["key"],
                "started_at": run["started_at"],
                "status": run["status"],
                **figures(run),
            }
            for run in alike
        ],
        "judged": completed[-1]["key"] if completed else None,
        "figures": [_figure(name, [figures(run)[name] for run in completed]) for name in FIGURES],
    }


def _figure(name: str, values: list[float | None]) -> dict[str, Any]:
    found, moved = deviation(values[:-1], values[-1] if values else None), drift(values)
    return {
        "figure": name,
        "median": found.median,
        "mad": found.mad,
        "newest": found.newest,
        "score": found.score,
        "threshold": THRESHOLD,
        "out_of_line": found.out_of_line,
        "direction": found.direction,
        "drift": {"change": moved.change, "score": moved.score, "drifts": moved.drifts},
    }
