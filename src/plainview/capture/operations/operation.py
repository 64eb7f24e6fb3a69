"""Timed work: one mechanism under jobs, stages, engines, batches and whatever the application calls its own.

An operation is a span, a context field, lines in the log, lines of its record and metrics, all at once; what each kind
tells stands in `plainview.capture.operations.kinds`. None of its methods raises.
"""

from __future__ import annotations

import time
from typing import Any, Final

from plainview.capture.operations import stalls
from plainview.capture.operations.chronicle import failing
from plainview.capture.operations.item import Item
from plainview.capture.operations.kinds import kind_of, known
from plainview.capture.operations.life import Life
from plainview.capture.operations.summary import summaries, summary

__all__ = ["Operation", "batch", "engine", "is_number", "job", "operation", "stage", "task"]

_NUMBERS: Final = frozenset({int, float})
_SECOND: Final = 1_000_000_000
#: Beyond it there is nothing to count; NaN and the infinities are not below it.
_MOST: Final = 2**63
#: What the store has room for.
_MOST_ATTEMPTS: Final = 2**31


class Operation(Life):
    """Work that has a beginning and an end. Use it with ``with`` or ``async with``, or decorate a function with it.

    For work that does not end where it began, call `start` and `finish`.

    Attributes:
        id: of the operation; in its kind's context field while it is open. None: it has none.
        operation_id: what its record, and the server, know it by; empty before it begins.
    """

    __slots__ = ()

    def set(self, **results: Any) -> None:  # noqa: ANN401 - any value may be a result
        """Note what comes out of it: told when it ends."""
        self._results = {**self._results, **summaries(results)}

    def rows(self, count: int) -> None:
        """Note that it has worked through so many rows, records, events … more."""
        if is_number(count):
            self.row_count = int((self.row_count or 0) + count)

    def progress(self, done: float, total: float | None = None, step: str = "") -> None:
        """Say how far it has got. As often as you like: its record takes note of it once a second.

        Args:
            done: how much is done; percent where no total is given.
            total: how much there is to do.
            step: what is being done now.
        """
        reached: dict[str, Any] = {}
        percent: Any = done
        if is_number(done):
            reached = {"percent": done}
            if is_number(total) and total:
                reached = {"done": done, "total": total}
                percent = round(100 * done / total, 1)
        said = step if type(step) is str else str(summary(step))
        if said:
            reached["step"] = said
        if self._telling is not None and self._telling.keeps("progress"):
            self._tell("progress", {**reached, "percent": summary(percent)})
        self._reach(reached)
        if self._telling is not None:
            self._show(done, total, said)

    def _show(self, done: object, total: object, step: object) -> None:
        """Show it to people, as the setting ``progress`` has it."""
        try:
            track = self._track
            if track is None:
                from plainview.capture.operations.shown import Report  # noqa: PLC0415 - for those who tell of progress

                around = self.within
                while around is not None and around._track is None:  # noqa: SLF001 - its own kind
                    around = around.within
                self._track = track = Report(self.kind.name, self.name, None if around is None else around._track)  # noqa: SLF001 - as above
            track.report(done, total, step)
        except Exception as error:  # noqa: BLE001 - never into the application
            self._failed(error)

    def _reach(self, reached: dict[str, Any]) -> None:
        """It has come so far: ``done``, ``total``, ``percent``, ``step``."""
        self._reached = reached
        if stalls.watched:
            stalls.heard(self)
        clock = time.monotonic_ns()
        if clock - self._said >= _SECOND:
            self._said = clock
            self._record("progress", **reached)

    def checkpoint(self, **details: Any) -> None:  # noqa: ANN401 - any value may be told
        """Say that its state was saved: from here it can go on after a failure."""
        self._happen("checkpoint", "checkpoint", summaries(details))

    def retry(self, reason: object, attempt: int | None = None) -> None:
        """Say that it tries again.

        Args:
            reason: why; an exception as a rule.
            attempt: number of the attempt that begins, from 2; counted when left out.
        """
        self._attempt = attempt if attempt is not None and is_number(attempt) else self._attempt + 1
        if self._telling is not None:
            self._telling.feed("retries")
        found = failing()
        said = found.reason_of(reason)
        self._tell("retrying", {"attempt": self._attempt, "reason": said})
        self._record("retry", reason=said, error_type=found.type_of(reason), **self._reached)

    def recover(self, point: object, *actions: str, of: Operation | str | None = None) -> None:
        """Say that it goes on after a failure.

        Args:
            point: from where, as a checkpoint told it.
            actions: what was done to get there.
            of: the attempt that it goes on from: that operation, or its `operation_id`.
        """
        details = {"recovery_point": summary(point), "actions": [summary(action) for action in actions]}
        recovers = of.operation_id if isinstance(of, Life) else str(summary(of)) if of is not None else None
        self._tell("recovered", details)
        self._record("recover", data=details, recovers=recovers)

    def dead_letter(self, reason: object) -> None:
        """Say that it will not be tried again."""
        found = failing()
        self._dead = said = found.reason_of(reason)
        self._tell("dead-lettered", {"reason": said, "attempts": self._attempt})
        self._record("dead_letter", reason=said, error_type=found.type_of(reason))

    def clean_up(self, **details: Any) -> None:  # noqa: ANN401 - any value may be told
        """Say that what it left was cleared away."""
        self._happen("cleaned up", "cleanup", summaries(details))

    def lock(self, **configuration: Any) -> None:  # noqa: ANN401 - any value may be configuration
        """Say that its configuration does not change any more: a snapshot of it."""
        self._happen("locked", "lock", {"configuration": summaries(configuration)})

    def item(self, index: int, job_id: str | None = None) -> Item:
        """One of the things that it works through; use it with ``with``."""
        return Item(self, index, job_id)

    def _happen(self, told: str, event: str, details: dict[str, Any]) -> None:
        self._tell(told, details)
        self._record(event, data=details)


def is_number(value: object) -> bool:
    """Whether it is a number that can be counted with: neither NaN nor beyond all bounds."""
    return type(value) in _NUMBERS and abs(value) < _MOST  # type: ignore[arg-type]


def operation(
    kind: str,
    name: str,
    /,
    *,
    id: str | None = None,  # noqa: A002 - the field's name
    stall_after: float | None = None,
    **fields: Any,  # noqa: ANN401 - any value may go in
) -> Operation:
    """Timed work of any kind; see `Operation`.

    Args:
        kind: ``job``, ``stage``, ``engine``, ``batch``, ``task``, or a word of the application's own.
        name: what is done: the type of a job, the name of an engine. There should be few of them.
        id: that the application knows it by: of a job or batch made up when left out. What has one is in the record
            from its beginning, not from its end only.
        stall_after: seconds without any sign of progress after which it is told of as stalled; None: never.
        fields: what goes into it; told in short when it starts, and again when it fails.
    """
    found = known.get(kind) if type(kind) is str else None
    return Operation(found or kind_of(kind), name, id, fields, False, stall_after)  # noqa: FBT003 - by name it takes longer


def job(
    name: str,
    /,
    *,
    id: str | None = None,  # noqa: A002 - the field's name
    queued: bool = False,
    attempt: int = 1,
    stall_after: float | None = None,
    **fields: Any,  # noqa: ANN401 - any value may go in
) -> Operation:
    """A job of a type: ``with plainview.job("render", id="j-7", configuration=…) as job:``; see `operation`.

    Args:
        name: its type.
        id: ``job_id`` of all that happens inside; made up when left out.
        queued: it was created before, and waited: `Operation.create` told of it.
        attempt: which attempt this is, from 1, as the application's queue counts them; one beyond the first was
            created before. What is no such number counts as 1.
        stall_after: seconds without any sign of progress after which it is told of as stalled; None: never.
        fields: what goes into it.
    """
    number = attempt if is_number(attempt) and 1 <= attempt < _MOST_ATTEMPTS and attempt == int(attempt) else 1
    made = Operation(kind_of("job"), name, id, fields, queued=queued or number > 1, stall_after=stall_after)
    made._attempt = int(number)  # noqa: SLF001 - its own kind
    return made


def stage(name: str, /, **fields: Any) -> Operation:  # noqa: ANN401 - as `operation`
    """A stage of a job; see `operation`."""
    return Operation(kind_of("stage"), name, None, fields)


def engine(name: str, /, **fields: Any) -> Operation:  # noqa: ANN401 - as `operation`
    """One execution of an engine; see `operation`."""
    return Operation(kind_of("engine"), name, None, fields)


def batch(name: str = "batch", /, *, id: str | None = None, **fields: Any) -> Operation:  # noqa: A002, ANN401 - as `operation`
    """A batch of items, each in a ``with batch.item(index):``; see `operation`."""
    return Operation(kind_of("batch"), name, id, fields)


def task(name: str, /, *, id: str | None = None, **fields: Any) -> Operation:  # noqa: A002, ANN401 - as `operation`
    """A piece of work in the background; see `operation`."""
    return Operation(kind_of("task"), name, id, fields)
