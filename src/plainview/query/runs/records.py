"""What a run left in the log and among the errors: how much of it, and where to look."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote as percent

from plainview.query.runs.window import Window, logs_url
from plainview.query.sql import Sql, all_of, select
from plainview.query.times import rfc3339
from plainview.records import LEVEL_NAMES, LEVELS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from plainview.query.reader import Reader

__all__ = ["Issues", "counts", "errors", "logs"]

_ERROR, _WARNING = LEVELS["ERROR"], LEVELS["WARNING"]
#: Errors that are listed, those that were met most often.
_MOST: Final = 200


class Issues(Protocol):
    """Says which issues errors belong to."""

    def __call__(self, fingerprints: Collection[str], /) -> Mapping[str, str]:
        """Fingerprint → id of its issue, of those that have one."""


def counts(reader: Reader, runs: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """``run_id`` → errors and warnings.

    Errors are lines from ERROR up, and exceptions that were told of without a line; warnings are lines at WARNING. An
    exception that is logged several times counts once.
    """
    window = Window(runs)
    told = "coalesce(nullif(exception_error_id, ''), CAST(id AS VARCHAR))"  # once, however often it is logged
    at_least = f"count(DISTINCT CASE WHEN level >= {_ERROR} THEN {told} END)"
    between = f"count(DISTINCT CASE WHEN level < {_ERROR} THEN {told} END)"
    loud = all_of(window.rows(), Sql(f"level >= {_WARNING}"))
    errors_of, warnings_of = Counter[str](), Counter[str]()
    for run_id, errors_, warnings in reader.rows(
        select(f"run_id, {at_least}, {between}", "logs", loud, "GROUP BY run_id")
    ):
        errors_of[run_id], warnings_of[run_id] = errors_, warnings
    lines = select("exception_error_id", "logs", all_of(window.rows(), Sql("exception_error_id <> ''")))
    silent = all_of(window.rows(), Sql(f"level >= {_ERROR} AND error_id NOT IN ({lines.text})", lines.parameters))
    weight = "run_id, CAST(sum(count) AS BIGINT)"
    for run_id, count in reader.rows(select(weight, "error_occurrences", silent, "GROUP BY run_id")):
        errors_of[run_id] += count
    return {run_id: (errors_of[run_id], warnings_of[run_id]) for run_id in window.ids}


def logs(reader: Reader, run: Mapping[str, Any]) -> dict[str, Any]:
    """How many lines a run logged, by level, and where the screen shows them."""
    rows = reader.rows(select("level, count(*)", "logs", Window([run]).rows(), "GROUP BY level"))
    by_level = Counter[str]()
    for level, count in rows:
        by_level[LEVEL_NAMES.get(level // 10 * 10, "INFO")] += count
    return {"count": by_level.total(), "by_level": dict(by_level), "url": logs_url(run)}


def errors(reader: Reader, run: Mapping[str, Any], issues: Issues) -> list[dict[str, Any]]:
    """The errors of a run, those that belong together as one, in the order in which they were met first."""
    columns = (
        "fingerprint, arg_min(error_id, timestamp), arg_min(type, timestamp), arg_min(value, timestamp), "
        "any_value(category), CAST(sum(count) AS BIGINT) AS weight, min(timestamp)"
    )
    rest = f"GROUP BY fingerprint ORDER BY weight DESC, fingerprint LIMIT {_MOST}"
    rows = reader.rows(select(columns, "error_occurrences", Window([run]).rows(), rest))
    known = issues({row[0] for row in rows})
    return [
        {
            "issue": known.get(fingerprint),
            "fingerprint": fingerprint,
            "error_id": error_id,
            "error_type": name,
            "error_message": message,
            "category": category,
            "count": count,
            "first_seen": rfc3339(first),
            "url": f"/errors/{known.get(fingerprint, error_id)}?occurrence={percent(error_id, safe='')}",
        }
        for fingerprint, error_id, name, message, category, count, first in sorted(rows, key=lambda row: row[-1])
    ]
