"""Which rows of a table belong to a run: those that carry its id, looked for no further than its time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from plainview.query.filters import now
from plainview.query.language import quote
from plainview.query.sql import Sql, all_of, one_of
from plainview.query.times import beside, parse, rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Window", "logs_url"]

#: How far the clocks of machines that work on one run may be apart, and how late the last of it may come.
_SLACK: Final = timedelta(hours=1)
#: Shown before the first and after the last record of a run.
_MARGIN: Final = timedelta(minutes=1)


class Window:
    """The time of some runs, and their ids.

    Args:
        runs: as the API shows them: ``run_id``, ``started_at``, ``ended_at``.
    """

    def __init__(self, runs: Sequence[Mapping[str, Any]]) -> None:
        moment = now()
        self.ids = tuple(dict.fromkeys(run["run_id"] for run in runs))
        self.start = min((parse(run["started_at"], "started_at", moment) for run in runs), default=moment)
        ends = [parse(run["ended_at"] or rfc3339(moment), "ended_at", moment) for run in runs]
        self.end = max(ends, default=moment)

    @property
    def stretch(self) -> tuple[datetime, datetime]:
        """From when to when their records are looked for."""
        return beside(self.start, -_SLACK), beside(self.end, _SLACK)

    def rows(self, time: str = "timestamp") -> Sql:
        """The condition on rows of a table whose column ``time`` says when they were."""
        return all_of(one_of("run_id", self.ids), Sql(f"{time} >= ? AND {time} <= ?", self.stretch))


def logs_url(run: Mapping[str, Any], terms: str = "") -> str:
    """Where the screen shows the log of a run, as far as further terms of the query language let it through."""
    window = Window([run])
    begin, end = rfc3339(beside(window.start, -_MARGIN)), rfc3339(beside(window.end, _MARGIN))
    query = " ".join(filter(None, (f"run:{quote(run['run_id'])}", terms)))
    return "/logs?" + urlencode({"q": query, "from": begin, "to": end})
