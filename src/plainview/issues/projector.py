"""Keeps the issues up with the occurrences, in a thread of the server.

It reads what the store has committed beyond its watermark, in the order of commits, and writes the issues and the
watermark in one transaction of the state: each occurrence counts exactly once, whichever process is killed when.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from plainview.grouping.fingerprint import VERSION, VERSIONS, group
from plainview.grouping.rules import NO_RULES, Rules
from plainview.issues import noticing
from plainview.issues.intake import WATERMARK, fold, portions, watermark
from plainview.issues.noticing import Policy
from plainview.issues.regrouping import GROUPED_BY, as_mapping
from plainview.issues.stretch import HOUR, MINUTES, sum_up
from plainview.issues.telling import tell
from plainview.query.reader import Reader
from plainview.query.sql import Sql, select as query
from plainview.state.tables import affected, counts, groups, history, issues, meta, notices
from plainview.store.interface import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.state.database import Database
    from plainview.store.interface import Store

__all__ = ["Projector"]

_log = logging.getLogger(__name__)

#: Occurrences that are taken in at a time.
_STRETCH: Final = 20_000
#: Seconds between two looks, and after a failure.
_PAUSE, _RETRY = 0.25, 2.0
#: Seconds between two looks for what has become too old.
_UPKEEP: Final = 3600.0
#: Days for which hours are counted, and hours for which five minutes are.
_HOURS_KEPT, _MINUTES_KEPT = 90, 26


class Projector:
    """Makes issues of occurrences.

    Args:
        store: where the occurrences are.
        database: where the issues are.
        take: takes log lines in, see :func:`plainview.issues.telling.tell`.
        policy: what is critical, and how many are too many.
        retention_days: issues that did not occur for so long go; 0: none does.
        rules: the user's, on grouping.
    """

    def __init__(  # noqa: PLR0913 - what it works with, and the settings
        self,
        store: Store,
        database: Database,
        take: Callable[[bytes, str], object],
        *,
        policy: Policy = Policy(),  # noqa: B008 - nothing changes it
        retention_days: float = 365,
        rules: Rules = NO_RULES,
    ) -> None:
        self._store = store
        self._database = database
        self._take = take
        self._policy = policy
        self._retention_days = retention_days
        self._rules = rules
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._kept_up = 0.0
        #: What goes wrong at present.
        self.trouble = ""

    def start(self) -> None:
        """Begin, in the background."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="plainview-issues", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the stretch in hand."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        pause = _PAUSE
        while not self._stopping.wait(pause):
            try:
                self.catch_up()
                if time.monotonic() - self._kept_up > _UPKEEP:
                    self.keep_up()
                    self._kept_up = time.monotonic()
            except Exception as error:  # noqa: BLE001 - it goes on; the status says what it was
                if not self._stopping.is_set():
                    said = f"{type(error).__name__}: {error}"
                    if said != self.trouble and not isinstance(error, (StoreError, SQLAlchemyError, OSError)):
                        _log.error("errors could not be worked up", exc_info=error)
                    self.trouble = said
                pause = _RETRY
            else:
                self.trouble, pause = "", _PAUSE

    def catch_up(self) -> int:
        """Take in all that the store has now. Gives the number of rows."""
        rows = 0
        while not self._stopping.is_set():
            last = self._store.last_id("error_occurrences")
            with self._database.read() as connection:
                after = watermark(connection)
            if after > last:
                self._begin_anew(last)
                continue
            if after < last:
                until = min(last, after + _STRETCH)
                self._take_in(after, until)
                rows += until - after
                continue
            now = _now()
            with self._database.read() as connection:
                due = connection.scalar(
                    select(issues.c.id).where(issues.c.status == "ignored", issues.c.ignored_until <= now).limit(1)
                )
            if due is not None:
                with self._database.write() as connection:
                    noticing.wake(connection, now)
            break
        tell(self._database, self._take)
        return rows

    def _take_in(self, after: int, until: int) -> None:
        reader = Reader(self._store, timeout=None)
        stretch = sum_up(reader, after, until)
        now = _now()
        with self._database.write() as connection:
            if watermark(connection) != after:
                return  # somebody else has been here
            touched = fold(connection, stretch, lambda row: self._older(reader, row), now)
            noticing.look(connection, touched, self._policy, now)

    def _begin_anew(self, last: int) -> None:
        """The store has fewer rows than were taken in: it is another one, all of which is new."""
        _log.warning("the store has begun anew: its errors are counted from its first one on (it has %d)", last)
        with self._database.write() as connection:
            connection.execute(meta.update().where(meta.c.key == WATERMARK).values(value="0"))

    def _older(self, reader: Reader, row: int) -> list[str]:
        """The fingerprints of an occurrence by older versions of grouping."""
        versions = [version for version in VERSIONS if version != VERSION]
        found = versions and reader.row(query(", ".join(GROUPED_BY), "error_occurrences", Sql("id = ?", (row,))))
        if not found:
            return []
        error = as_mapping(dict(zip(GROUPED_BY, found, strict=True)))
        return [group(error, rules=self._rules, version=version).fingerprint for version in versions]

    def keep_up(self) -> None:
        """Let go of counts and issues that are too old."""
        now = _now()
        seconds = now // 10**6
        with self._database.write() as connection:
            for width, kept in ((MINUTES, _MINUTES_KEPT * 3600), (HOUR, _HOURS_KEPT * 86400)):
                connection.execute(delete(counts).where(counts.c.width == width, counts.c.start < seconds - kept))
            if not self._retention_days:
                return
            cutoff = now - int(self._retention_days * 86400 * 10**6)
            gone = list(connection.scalars(select(issues.c.id).where(issues.c.last_seen < cutoff)))
            for portion in portions(gone):
                those = select(groups.c.id).where(groups.c.issue.in_(portion))
                for table in (counts, affected):
                    connection.execute(delete(table).where(table.c.group.in_(those)))
                for table in (groups, history, notices):
                    connection.execute(delete(table).where(table.c.issue.in_(portion)))
                connection.execute(delete(issues).where(issues.c.id.in_(portion)))


def _now() -> int:
    return time.time_ns() // 1000
