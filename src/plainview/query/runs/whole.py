"""One run with all that belongs to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainview.query.runs import happenings, parts, records
from plainview.query.runs.run import of_id

if TYPE_CHECKING:
    from plainview.query.reader import Reader
    from plainview.query.runs.records import Issues

__all__ = ["essence", "whole"]


def essence(reader: Reader, run_id: str, issues: Issues) -> dict[str, Any] | None:
    """What runs are compared by; None: there is none of this id.

    Args:
        reader: the way to the store.
        run_id: its id, in full.
        issues: says which issues errors belong to.

    Returns:
        ``run``, ``parameters``, ``environment``, ``operations``, ``checks``, ``errors``.
    """
    found = of_id(reader, run_id)
    if found is None:
        return None
    run, environment = found
    return {
        "run": run,
        "parameters": run["parameters"],
        "environment": environment,
        "operations": parts.by_name(reader, run),
        "checks": happenings.told(reader, run, ("check",))["check"],
        "errors": records.errors(reader, run, issues),
    }


def whole(reader: Reader, run_id: str, issues: Issues) -> dict[str, Any] | None:
    """A run whole: its `essence`, and all that is shown of one; None: there is none of this id."""
    found = essence(reader, run_id, issues)
    if found is None:
        return None
    run = found["run"]
    told = happenings.told(reader, run, happenings.ALL[1:])
    return {
        **found,
        "summary": happenings.summary(reader, run),
        "timeline": parts.timeline(reader, run),
        "artifacts": told["artifact"],
        "backups": told["backup"],
        "warnings": told["warning"],
        "resources": told[happenings.SAMPLE],
        "logs": records.logs(reader, run),
    }
