"""Spool to store, without end: reads what is new, stores it, clears away what is stored for good."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from plainview.grouping.rules import NO_RULES, Rules
from plainview.ingest.abandonment import Abandonment
from plainview.ingest.aside import Aside
from plainview.ingest.endings import endings
from plainview.ingest.inbox import Inbox
from plainview.ingest.metrics.fold import Fold
from plainview.ingest.ndjson import Rejected, decode, tabulate
from plainview.ingest.occurrences import REMEMBERED, Occurrences
from plainview.ingest.spool import Follower
from plainview.store.interface import Batch, Cancellation, Position, StoreError, StoreFull

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from plainview.ingest.lane import Piece
    from plainview.store.interface import Store
    from plainview.store.rows import Rows

__all__ = ["Pipeline"]

#: Bytes of lines read and decoded at a time: some ten thousand lines.
_SLICE_BYTES: Final = 4 << 20
#: Most slices stored in one transaction while there is a backlog. More of them cost less per line; it takes a third
#: of a second, for which new lines of other streams wait.
_SLICES: Final = 4
#: Seconds between two looks while lines arrive, and when none has come for a while.
_BUSY, _IDLE = 0.1, 0.5
#: A checkpoint comes after so many bytes, or so many seconds after the first commit that waits for one.
_CHECKPOINT_BYTES: Final = 64 << 20
_CHECKPOINT_SECONDS: Final = 20.0
#: Seconds between two tries when the disk is full or the store fails.
_RETRY: Final = 1.0
#: Seconds between two rounds of retention and sealing, and before the first.
_UPKEEP: Final = 3600.0
_UPKEEP_FIRST: Final = 60.0
#: Seconds between two summaries of the streams.
_SUMMARY: Final = 1.0


class _StoppedError(Exception):
    """The pipeline was told to stop while it waited."""


@dataclass(slots=True)
class _Gathered:
    """What goes into the store together."""

    tables: list[Rows] = field(default_factory=list)
    positions: dict[tuple[str, str], Position] = field(default_factory=dict)
    bytes: int = 0
    lines: int = 0
    garbage: int = 0


class Pipeline:
    """Follows a data directory's spool and inbox in threads of its own.

    Args:
        store: where records go.
        directory: the data directory.
        retention_days: rows older than this are removed; None keeps all.
        rules: the user's, on how errors are grouped.
        metrics_interval: seconds between two samples of a metric.
        metrics_retention_days: samples older than this are removed; None keeps all.
    """

    def __init__(  # noqa: PLR0913 - a setting each
        self,
        store: Store,
        directory: Path,
        *,
        retention_days: float | None = 30,
        rules: Rules = NO_RULES,
        metrics_interval: float = 15.0,
        metrics_retention_days: float | None = 90,
    ) -> None:
        self.store = store
        self.aside = Aside(directory / "aside")
        #: What arrives over HTTP goes through here.
        self.inbox = Inbox(directory / "inbox")
        self.retention_days = retention_days
        self.metrics_retention_days = metrics_retention_days
        #: Adds up metrics.
        self.fold = Fold(store, metrics_interval)
        #: Groups errors; where rules of the user's are set.
        self.occurrences = Occurrences(rules)
        self._follower = Follower(directory, store.offsets(), before_removal=self.inbox.remember)
        self._abandonment = Abandonment(store, self._follower)
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._threads: list[threading.Thread] = []
        self._sealing = Cancellation()
        self._counts = dict.fromkeys(("lines", "bytes", "garbage_lines", "batches", "errors"), 0)
        #: What goes wrong at present, by the part that it concerns.
        self._troubles: dict[str, str] = {}
        self._summed = 0.0
        self._sum_up()
        #: When the oldest commit was made that no checkpoint has made final.
        self._unsettled: float | None = None
        self._looks = threading.Condition()
        self._look = self._caught_up = 0
        #: Somebody waits for all there is: what there is, is looked at anew.
        self._anew = False

    # -- running ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to follow, in the background."""
        self._stopping.clear()
        self._sealing = Cancellation()
        # What was read before a stop, but not stored, is read again.
        self._rewind()
        self._recall()
        for name, work in (("plainview-ingest", self._follow), ("plainview-upkeep", self._keep_up)):
            thread = threading.Thread(target=work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Stop after the batch in hand. The store stays open."""
        self._stopping.set()
        self._wake.set()
        self._sealing.cancel()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self.inbox.close()

    def wake(self) -> None:
        """Look for new lines now rather than at the next turn."""
        self._wake.set()

    def drain(self, timeout: float = 60) -> bool:
        """Wait until all that was there when this was called is in the store. Gives whether it is in time."""
        with self._looks:
            after, self._anew = self._look, True
            self._wake.set()
            return self._looks.wait_for(lambda: self._caught_up > after, timeout)

    def _rewind(self) -> None:
        self._follower.rewind(self.store.offsets())
        self.fold.restore()

    def _recall(self) -> None:
        """Know the errors that are stored, so that none of them is taken again."""
        after = self.store.last_id("error_occurrences") - REMEMBERED
        self.occurrences.discard()
        sql = "SELECT error_id, fingerprint FROM error_occurrences WHERE id > ? ORDER BY id"
        try:
            self.occurrences.recall(self.store.query(sql, [after], timeout=None).rows)
        except StoreError as error:
            self._fail("errors", error)

    def _follow(self) -> None:
        delay = _BUSY
        while not self._stopping.is_set():
            try:
                size = self._round()
            except _StoppedError:
                return
            except Exception as error:  # noqa: BLE001 - whatever happens, ingest goes on; the status says what it was
                self._fail("ingest", error)
                self.occurrences.discard()
                self._rewind()
                self._stopping.wait(_RETRY)
                continue
            delay = _BUSY if size else min(_IDLE, delay * 1.2)
            if size < _SLICE_BYTES // 2:
                self._wake.wait(delay)
                self._wake.clear()

    def _round(self) -> int:
        """One look at everything. Gives the bytes of lines that it found."""
        with self._looks:
            self._look += 1
            anew, self._anew = self._anew, False
        if anew:
            self._follower.look(now=True)
        batch, caught_up = _Gathered(), False
        for _ in range(_SLICES):
            pieces = self._follower.poll(_SLICE_BYTES)
            self._gather(pieces, batch)
            if self._stopping.is_set():
                raise _StoppedError  # what was read is read again
            caught_up = sum(len(piece.data) for piece in pieces) < _SLICE_BYTES // 2
            if caught_up:
                break
        if batch.positions:
            self._store(batch)
        for name, more in (("lines", batch.lines), ("bytes", batch.bytes), ("garbage_lines", batch.garbage)):
            self._counts[name] += more
        self._tick(caught_up=caught_up)
        self._troubles.pop("ingest", None)
        if caught_up:
            with self._looks:
                self._caught_up = self._look
                self._looks.notify_all()
        if not self._stopping.is_set():
            self._settle()
        if time.monotonic() - self._summed >= _SUMMARY:
            self._sum_up()
        return batch.bytes

    def _fail(self, part: str, error: Exception, says: str = "") -> None:
        self._counts["errors"] += 1
        self._troubles[part] = f"{says or type(error).__name__}: {error}"

    def _pause(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise _StoppedError

    # -- storing ----------------------------------------------------------------------------------------------------

    def _gather(self, pieces: Sequence[Piece], batch: _Gathered) -> None:
        """Turn what was read into rows; what cannot be understood goes aside."""
        records: defaultdict[str, list[Any]] = defaultdict(list)
        streams: defaultdict[str, list[str]] = defaultdict(list)
        for piece in pieces:
            if piece.kind == "metric":
                self._add(piece, batch)
                continue
            good, bad = decode(piece.kind, piece.data)
            records[piece.kind] += good
            streams[piece.kind] += [piece.stream] * len(good)
            batch.positions[piece.stream, piece.kind] = Position(piece.stream, piece.kind, piece.segment, piece.offset)
            bad = piece.rejected + bad
            if bad:
                self.aside.keep(piece.stream, piece.kind, bad)
            batch.bytes += len(piece.data)
            batch.lines += len(good) + len(bad)
            batch.garbage += len(bad)
        if records["error"]:
            records["error"], streams["error"] = self.occurrences.take(records["error"], streams["error"])
        self.occurrences.name(records["log"])
        for index, record in endings(records["span"]):
            records["operation"].append(record)
            streams["operation"].append(streams["span"][index])
        for kind, those in records.items():
            rows, unfit = tabulate(kind, those, streams[kind], self.occurrences.rows if kind == "error" else None)
            for index, rejected in unfit.items():
                self.aside.keep(streams[kind][index], kind, [rejected])
            batch.garbage += len(unfit)
            if rows is not None:
                batch.tables.append(rows)

    def _add(self, piece: Piece, batch: _Gathered) -> None:
        """Metrics wait for their tick, and so does the position behind them."""
        bad, count = self.fold.add(piece, time.time_ns() // 1_000_000)
        if bad:
            self.aside.keep(piece.stream, piece.kind, bad)
        batch.bytes += len(piece.data)
        batch.lines += count
        batch.garbage += len(bad)

    def _tick(self, *, caught_up: bool) -> None:
        """Store the ticks of metrics that are over, and what ended streams left open."""
        if caught_up:
            self.fold.end(self._follower.finished(self.fold.processes(), "metric"))
        self._write_all(self.fold.due(time.time_ns() // 1_000_000, caught_up=caught_up))
        if caught_up:
            try:
                self._write_all(self._abandonment.due())
            except StoreError as error:  # asked again at the next turn; lines go on meanwhile
                self._fail("operations", error)
            else:
                self._troubles.pop("operations", None)

    def _write_all(self, batches: Iterable[Batch]) -> None:
        for due in batches:
            if self._stopping.is_set():
                raise _StoppedError  # what is not stored is read again, or found again
            self._counts["garbage_lines"] += self._write(due)
            self._counts["batches"] += 1
            if self._unsettled is None:
                self._unsettled = time.monotonic()

    def _store(self, batch: _Gathered) -> None:
        batch.garbage += self._write(Batch(batch.tables, list(batch.positions.values())))
        self.occurrences.commit()
        self._counts["batches"] += 1
        if self._unsettled is None:
            self._unsettled = time.monotonic()

    def _write(self, batch: Batch) -> int:
        """Store a batch, however long it takes. Gives the number of rows that had to be left out."""
        left_out = tries = 0
        while True:
            try:
                self.store.write(batch)
            except StoreFull as error:
                self._fail("ingest", error, "the disk is full, lines wait in the spool")
                self._pause(_RETRY)
            except StoreError as error:
                self._fail("ingest", error)
                tries += 1
                if tries > 1:  # it was not a passing fault
                    batch, count = self._without_bad_rows(batch, str(error))
                    left_out += count
                self._pause(_RETRY / 10 if tries == 1 else _RETRY)
            else:
                return left_out

    def _without_bad_rows(self, batch: Batch, reason: str) -> tuple[Batch, int]:
        """The batch without the rows that the store refuses by themselves: those go aside."""
        tables, count = [], 0
        for rows in batch.rows:
            bad = _refused(rows, self.store.accepts)
            for index in bad:
                row = rows.row(index)
                line = msgspec.json.encode(row, enc_hook=str)
                self.aside.keep(
                    str(row.get("stream", "")), rows.table, [Rejected(line, f"the store refused it: {reason}")]
                )
            count += len(bad)
            kept = rows.take(np.setdiff1d(np.arange(rows.count), bad)) if bad else rows
            if kept.count:
                tables.append(kept)
        return Batch(tables, batch.positions), count

    def _settle(self) -> None:
        """Make a checkpoint when it is time, and clear away what it made final."""
        if self._unsettled is None:
            return
        waited = time.monotonic() - self._unsettled
        if waited < _CHECKPOINT_SECONDS and self.store.pending_bytes() < _CHECKPOINT_BYTES:
            return
        self.settle()

    def settle(self) -> None:
        """Make a checkpoint and remove the segments and streams that are stored for good. For the ingest thread."""
        offsets = self.store.offsets()
        try:
            done = self.store.checkpoint()
        except StoreFull as error:
            # What is committed is on the disk, if not in its final place: clearing the spool makes room.
            self._fail("checkpoint", error)
            done = True
        else:
            self._troubles.pop("checkpoint", None)
        if not done:
            self._unsettled = time.monotonic() - _CHECKPOINT_SECONDS + _RETRY
            return
        self._unsettled = None
        self.store.forget(self._follower.collect(offsets, self._abandonment.waiting))
        self._sum_up()

    # -- upkeep -----------------------------------------------------------------------------------------------------

    def _keep_up(self) -> None:
        delay = _UPKEEP_FIRST
        while not self._stopping.wait(delay):
            delay = _UPKEEP
            try:
                self.keep_up()
            except Exception as error:  # noqa: BLE001 - the next round tries again; the status says what it was
                if not self._stopping.is_set():
                    self._fail("upkeep", error)
            else:
                self._troubles.pop("upkeep", None)

    def keep_up(self) -> None:
        """Remove what is too old, seal what is past."""
        self.store.retention(self.retention_days, self.metrics_retention_days)
        self.store.seal(self._sealing)

    def stats(self) -> dict[str, Any]:
        """Counts since the start, what is waiting, and every stream."""
        return {
            **self._counts,
            "repeated_errors": self.occurrences.repeated,
            "folded_errors": self.occurrences.folded,
            "running": bool(self._threads),
            "trouble": "; ".join(list(self._troubles.values())),
            **self._summary,
        }

    def _sum_up(self) -> None:
        """Take down how the streams stand, for who asks from another thread."""
        self._summed = time.monotonic()
        streams, ended = self._follower.summaries(), list(self._follower.removed)
        dropped = sum(sum(stream["dropped"].values()) for stream in streams) + self._follower.dropped_by_removed
        self._summary: dict[str, Any] = {
            "lag_bytes": sum(stream["lag_bytes"] for stream in streams),
            "streams": streams,
            "ended_streams": ended,
            "dropped_total": dropped,
        }


def _refused(rows: Rows, accepts: Callable[[Rows], bool]) -> list[int]:
    """Indices of rows that are not accepted, found by halving."""
    bad: list[int] = []
    pending = [np.arange(rows.count)]
    while pending:
        indices = pending.pop()
        if not len(indices) or accepts(rows.take(indices)):
            continue
        if len(indices) == 1:
            bad.append(int(indices[0]))
        else:
            pending += [indices[: len(indices) // 2], indices[len(indices) // 2 :]]
    return sorted(bad)
