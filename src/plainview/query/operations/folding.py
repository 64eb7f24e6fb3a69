"""From the events of operations to what each of them is now.

Events may arrive in any order, and from several processes. An operation is what its latest ``close`` says; else it is
abandoned when nothing was heard of it since its ``abandon``; else it is running, or queued when nothing but its
``create`` is known. A queued one goes when one of its kind and key begins: that takes its place.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from plainview.query.sql import EVERY_ROW, Sql, all_of, select
from plainview.query.times import beside

if TYPE_CHECKING:
    from datetime import datetime

    from plainview.store.interface import Dialect

__all__ = ["ENDED", "STATUSES", "Status", "states"]

Status = Literal["queued", "running", "completed", "failed", "cancelled", "dead_lettered", "abandoned"]
#: What an operation can be.
STATUSES: Final[tuple[Status, ...]] = (
    *("queued", "running"),
    *("completed", "failed", "cancelled", "dead_lettered", "abandoned"),
)
#: Those that are final.
ENDED: Final = STATUSES[2:]

#: Operations that were created and whose place was taken: one of the same kind and key has begun since.
#: The clocks of two machines may be apart by some seconds: a job may seem to have begun before it was created.
_TAKEN: Final = """WITH
  created AS MATERIALIZED (
    SELECT operation_id, kind, key, host, start_time FROM operations WHERE event = 'create' AND key <> '' AND {where}
  ),
  begun AS (
    SELECT kind, key, host, max(start_time) AS start_time FROM operations
    WHERE event NOT IN ('create', 'dead_letter') AND key IN (SELECT key FROM created) AND id <= ? AND {since}
    GROUP BY kind, key, host
  )
  SELECT created.operation_id FROM created JOIN begun ON begun.kind = created.kind AND begun.key = created.key
  WHERE begun.start_time >= created.start_time
    - CASE WHEN begun.host = created.host THEN INTERVAL 0 SECOND ELSE INTERVAL 5 SECOND END"""
_APART: Final = timedelta(seconds=5)
#: The status of a ``close`` as a number of three bits: the latest is the greatest of time and number. An end that
#: nobody knows the name of is none to be content with.
_NUMBER: Final = (
    "CASE status "
    + " ".join(f"WHEN '{status}' THEN {STATUSES.index(status)}" for status in ENDED)
    + f" WHEN '' THEN {STATUSES.index('completed')} ELSE {STATUSES.index('failed')} END"
)
_NAMED: Final = (
    "CASE closed % 8 " + " ".join(f"WHEN {STATUSES.index(status)} THEN '{status}'" for status in ENDED) + " END"
)
_STATUS: Final = (
    f"CASE WHEN dead > 0 AND coalesce(closed % 8, {STATUSES.index('failed')}) = {STATUSES.index('failed')} "
    "THEN 'dead_lettered' "
    f"WHEN closed IS NOT NULL THEN {_NAMED} "
    "WHEN latest % 2 = 1 THEN 'abandoned' "
    "WHEN begun = 0 THEN 'queued' ELSE 'running' END"
)
_ENDED_AT: Final = (
    "CASE WHEN closed IS NOT NULL THEN closed // 8 WHEN dead > 0 THEN seen WHEN latest % 2 = 1 THEN latest // 2 END"
)


def states(  # noqa: PLR0913 - each may be asked alone
    dialect: Dialect,
    until_id: int,
    where: Sql = EVERY_ROW,
    more: str = "",
    *,
    queued: bool = True,
    since: datetime | None = None,
) -> Sql:
    """What operations are, a row of each.

    Its columns: ``operation_id``, ``kind``, ``name``, ``status``, ``started``, ``seen``, ``ended`` (NULL while it has
    not; all in microseconds since 1970), ``took`` (milliseconds, as its ``close`` says; NULL where it says nothing).

    Args:
        dialect: the engine's SQL.
        until_id: the last row that counts.
        where: which operations: a condition on rows that holds of all rows of an operation, or of none.
        more: further aggregates of an operation's rows, each with a comma before it: ``, max(rows) AS rows``.
        queued: whether those that wait are wanted; it is the dearest part to find those whose place was taken.
        since: none of them began before; None: nobody knows.
    """
    at = dialect.epoch_us("timestamp")
    among = all_of(Sql("id <= ?", (until_id,)), where)
    folded = select(
        "operation_id, any_value(kind) AS kind, any_value(name) AS name, "
        f"min({dialect.epoch_us('start_time')}) AS started, max({at}) AS seen, "
        f"max(CASE WHEN event = 'close' THEN {at} * 8 + {_NUMBER} END) AS closed, "
        "max(CASE WHEN event = 'close' THEN duration_ms END) AS took, "
        # Of one moment, the server's word that it was abandoned is the last.
        f"max(CASE event WHEN 'cleanup' THEN NULL WHEN 'dead_letter' THEN NULL WHEN 'abandon' THEN {at} * 2 + 1 "
        f"ELSE {at} * 2 END) AS latest, "
        "max(CASE WHEN event = 'create' THEN 0 ELSE 1 END) AS begun, "
        f"max(CASE WHEN event = 'dead_letter' THEN 1 ELSE 0 END) AS dead{more}",
        "operations",
        among,
        "GROUP BY operation_id",
    )
    place = Sql("begun > 0")
    if queued:
        later = EVERY_ROW if since is None else Sql("start_time >= ?", (beside(since, -_APART),))
        taken = _TAKEN.format(where=among.text, since=later.text)
        place = Sql(f"(begun > 0 OR operation_id NOT IN ({taken}))", (*among.parameters, until_id, *later.parameters))
    return select(f"*, {_STATUS} AS status, {_ENDED_AT} AS ended", folded, place)
