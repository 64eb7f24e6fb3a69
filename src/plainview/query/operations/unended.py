"""Operations that have not ended: kept in memory, brought up to date from the store.

A question about a range of time folds the operations that told something since its beginning, and those that had told
all of it before and had not ended. To find the latter among all that ever were would take as long as to fold them all.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from plainview.query.operations.expected import REGISTRY
from plainview.query.operations.folding import states
from plainview.query.sql import EVERY_ROW, Sql, all_of, select
from plainview.query.times import moment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from plainview.query.reader import Reader
    from plainview.store.interface import Store

__all__ = ["EVERYTHING", "Part", "Unended", "of_range", "unended_of"]

#: Seconds after which they are looked for anew, without those that retention has removed.
_ANEW: Final = 3600.0
#: Rows that may have been stored since it was brought up to date: what these tell of is looked at in any case.
_BEHIND: Final = 20_000
#: The share of all rows up to which it is worth while to look for the operations that they tell of.
_WORTHWHILE: Final = 0.4
_NO_END: Final = "HAVING max(CASE WHEN event = 'close' THEN 1 ELSE 0 END) = 0"


@dataclass(frozen=True, slots=True)
class Part:
    """The operations that are to be folded.

    Attributes:
        where: the condition on rows; it holds of all rows of an operation, or of none.
        since: none of them began before; None: nobody knows.
    """

    where: Sql = EVERY_ROW
    since: datetime | None = None

    def began(self) -> tuple[Sql, ...]:
        """The condition on rows that says so, if it does."""
        return () if self.since is None else (Sql("start_time >= ?", (self.since,)),)


#: All operations.
EVERYTHING: Final = Part()


@dataclass(frozen=True, slots=True)
class _Known:
    """What had not ended as of the row ``last``: by kind, ids with the microseconds when each began."""

    last: int
    by_kind: dict[str, dict[str, int]]

    def of(self, kinds: Iterable[str]) -> dict[str, int]:
        """Those of some kinds; of none: of all that are work."""
        kinds = tuple(kinds) or (self.by_kind.keys() - {REGISTRY})
        return {id_: began for kind in kinds for id_, began in self.by_kind.get(kind, {}).items()}


class Unended:
    """The operations of a store that have not ended. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._known = _Known(0, {})
        self._made = 0.0

    def refreshed(self, reader: Reader, until_id: int) -> _Known:
        """What is known, up to a row that is a little before ``until_id``, or after it when that is of the past."""
        with self._lock:
            if time.monotonic() - self._made > _ANEW:
                self._known, self._made = _Known(0, {}), time.monotonic()
            if not self._known.last or until_id - self._known.last > _BEHIND:
                self._known = self._found(reader, until_id)
            return self._known

    def _found(self, reader: Reader, until_id: int) -> _Known:
        known = self._known
        if known.last:
            ids = [id_ for those in known.by_kind.values() for id_ in those]
            told = Sql(
                "SELECT operation_id FROM operations WHERE id > ? AND id <= ? UNION ALL SELECT unnest(?)",
                (known.last, until_id, ids),
            )
        else:
            told = select("operation_id", "operations", Sql("id <= ?", (until_id,)), f"GROUP BY operation_id {_NO_END}")
        folded = states(reader.dialect, until_id, Sql(f"operation_id IN ({told.text})", told.parameters))
        by_kind: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for id_, kind, began in reader.rows(select("operation_id, kind, started", folded, Sql("ended IS NULL"))):
            by_kind[kind][id_] = began
        return _Known(until_id, dict(by_kind))


_those: Final[weakref.WeakKeyDictionary[Store, Unended]] = weakref.WeakKeyDictionary()
_making: Final = threading.Lock()


def unended_of(store: Store) -> Unended:
    """What has not ended in a store; there is one."""
    with _making:
        return _those.setdefault(store, Unended())


def of_range(
    reader: Reader, until_id: int, start: datetime, *, where: Sql = EVERY_ROW, kinds: Collection[str] = ()
) -> Part:
    """The operations that may be of a range of time; all of them where nothing is gained by looking for those.

    Every event of an operation says when that began, so rows from before the first of them need not be looked at.

    Args:
        reader: the way to the store.
        until_id: the last row that counts.
        start: operations that ended before it are not asked for.
        where: a condition on rows that holds of all rows of an operation, or of none.
        kinds: those that are asked for; none: all.
    """
    known = unended_of(reader.store).refreshed(reader, until_id)
    if known.last > until_id:
        return EVERYTHING
    # What was told since may be that an operation ended which is not known to have begun: it had not before that.
    since = Sql("((timestamp >= ? AND id <= ?) OR (id > ? AND id <= ?))", (start, until_id, known.last, until_id))
    told = all_of(since, where)
    counted = reader.row(select("count(*), min(start_time), (SELECT count(*) FROM operations)", "operations", told))
    count, first, rows = counted or (0, None, 0)
    if count > rows * _WORTHWHILE:
        return EVERYTHING
    open_ = known.of(kinds)
    firsts = [*([] if first is None else [first]), *([moment(min(open_.values()))] if open_ else [])]
    if not firsts:
        return Part(Sql("FALSE"))
    inner = select("operation_id", "operations", told)
    among = Sql(
        f"start_time >= ? AND operation_id IN ({inner.text} UNION ALL SELECT unnest(?))",
        (min(firsts), *inner.parameters, list(open_)),
    )
    return Part(among, min(firsts))
