"""Runs as the API shows them: what every operation has, and what only runs have; a page of them, one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainview.query.filters import now
from plainview.query.operations import detail, listing
from plainview.query.operations.whole import operations
from plainview.query.runs import happenings, records, series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plainview.query.reader import Reader

__all__ = ["Run", "of_id", "runs", "search"]

Run = dict[str, Any]


def search(reader: Reader, given: Mapping[str, Any], *, limit: int = 50, cursor: str | None = None) -> dict[str, Any]:
    """One page of runs, those that began last first: ``runs``, ``total``, ``next``.

    Args:
        reader: the way to the store.
        given: which ones, as `plainview.query.operations.filtering.of_operations` takes it.
        limit: most runs of the page.
        cursor: ``next`` of the page before.

    Raises:
        BadInput: the filter or the cursor is wrong.
    """
    page = listing.search(reader, {**given, "kind": "run"}, limit=limit, cursor=cursor)
    return {"runs": runs(reader, page["operations"]), "total": page["total"], "next": page["next"]}


def of_id(reader: Reader, run_id: str) -> tuple[Run, dict[str, Any]] | None:
    """The run of an id, if there is one, and the environment that it began in; of several the last that began."""
    operation_id = detail.find(reader, run_id, "run")
    if operation_id is None:
        return None
    found = operations(reader, [operation_id], until_id=reader.store.last_id("operations"), at=now())
    if not found:
        return None
    begun = happenings.beginnings(reader, found)
    environment = begun.get(operation_id, {}).get("environment")
    return runs(reader, found, begun)[0], _mapping(environment)


def runs(
    reader: Reader, found: Sequence[Mapping[str, Any]], begun: Mapping[str, dict[str, Any]] | None = None
) -> list[Run]:
    """Operations of the kind ``run``, with all that runs have beside.

    Args:
        reader: the way to the store.
        found: as `plainview.query.operations.whole.operations` tells them.
        begun: what they began with, where that is known already.
    """
    named = [{**operation, "run_id": operation["key"] or operation["run_id"] or ""} for operation in found]
    if not named:
        return []
    begun = happenings.beginnings(reader, named) if begun is None else begun
    checks = happenings.results(reader, named)
    counts = records.counts(reader, named)
    told = []
    for run, before in zip(named, series.earlier(reader, named), strict=True):
        given = begun.get(run["operation_id"], {})
        errors, warnings = counts[run["run_id"]]
        unusual = series.unusual(run, before)
        told.append(
            {
                **run,
                "errors": errors,
                "warnings": warnings,
                "checks": checks.get(run["run_id"]) or dict.fromkeys(happenings.RESULTS, 0),
                "rows_per_second": series.figures(run)["rows_per_second"],
                "parameters": _mapping(given.get("parameters")),
                "git_commit": _text(_mapping(given.get("environment")).get("git_commit")),
                "earlier_durations_ms": [each["duration_ms"] for each in before if each["duration_ms"] is not None],
                "out_of_line": bool(unusual),
                "unusual": unusual,
            }
        )
    return told


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
