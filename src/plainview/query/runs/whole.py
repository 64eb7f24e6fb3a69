"""One run with all that belongs to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainview.query.runs import happenings, parts, records
from plainview.query.runs.run import of_id

if TYPE_CHECKING:
    from plainview.query.reader import Reader
    from plainview.query.runs.records import Issues

__all__ = ["whole"]


def whole(reader: Reader, run_id: str, issues: Issues) -> dict[str, Any] | None:
    """A run whole; None: there is none of this id.

    Args:
        reader: the way to the store.
        run_id: its id, in full.
        issues: says which issues errors belong to.
    """
    run = of_id(reader, run_id)
    if run is None:
        return None
    told = happenings.told(reader, run)
    environment = happenings.beginnings(reader, [run]).get(run["operation_id"], {}).get("environment")
    return {
        "run": run,
        "parameters": run["parameters"],
        "environment": environment if isinstance(environment, dict) else {},
        "summary": happenings.summary(reader, run),
        "operations": parts.by_name(reader, run),
        "timeline": parts.timeline(reader, run),
        "checks": told["check"],
        "artifacts": told["artifact"],
        "backups": told["backup"],
        "warnings": told["warning"],
        "resources": told["sample"],
        "errors": records.errors(reader, run, issues),
        "logs": records.logs(reader, run),
    }
