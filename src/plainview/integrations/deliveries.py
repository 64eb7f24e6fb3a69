"""Jobs that a queue delivers: operations, in the context of who sent them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Self

from plainview.capture.operations.chronicle import failing
from plainview.capture.operations.kinds import kind_of
from plainview.capture.operations.operation import Operation
from plainview.capture.runtime import runtime
from plainview.context import current, reset
from plainview.integrations import working
from plainview.integrations.messages import arrived, execution_of, parent_of
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Token

    from plainview.capture.operations.telling import Telling
    from plainview.capture.spans import Span
    from plainview.context import Frame
    from plainview.integrations.messages import System

__all__ = ["Delivery"]


class Delivery(Operation):
    """One execution of a job that a queue delivered: an operation, in the context of who sent it.

    What becomes of it is said in between, and told when it ends. None of its methods raises.

    Args:
        system: the library that delivers.
        name: what is done: the task's, the function's, the actor's.
        job_id: the job's id, the same for all its attempts.
        carried: what its message carries of who sent it.
        attempt: number of the attempt, from 1.
        queue: that it comes from.
        inputs: what goes into it.
        bound: fields of all that is recorded inside.
        here: whether it was sent from where it is done, and so is a part of what is current.
    """

    __slots__ = ("_arrived", "_attributes", "_given", "_lost", "_outer", "_system", "_verdict", "_why", "error")

    def __init__(  # noqa: PLR0913 - what a message says
        self,
        system: System,
        name: str,
        job_id: str,
        carried: Mapping[str, Any],
        *,
        attempt: int = 1,
        queue: str = "",
        inputs: Mapping[str, Any] | None = None,
        bound: Mapping[str, Any] | None = None,
        here: bool = False,
    ) -> None:
        fields = {key: value for key, value in (inputs or {}).items() if value} | ({"queue": queue} if queue else {})
        super().__init__(kind_of("job"), name, job_id, fields, queued=True)
        self._attempt = attempt
        self.parent_id = parent_of(carried)
        self._system: Final = system
        self._attributes: Final = system.attributes("process", name, job_id, queue)
        self._arrived: Final = arrived(carried, bound or {}, here=here)
        self._given = execution_of(carried)
        #: When it began, where this is not the process that it ran in: nanoseconds since 1970.
        self._lost: int | None = None
        self._outer: Token[Frame] | None = None
        self._verdict = ""
        self._why: object = None
        #: What went wrong.
        self.error: BaseException | None = None

    # -- what is said of it -----------------------------------------------------------------------------------------

    @property
    def attempt(self) -> int:
        """Number of the attempt, from 1."""
        return self._attempt

    @property
    def goes_wrong(self) -> bool:
        """Whether something was said of it that keeps it from being completed."""
        return self.error is not None or bool(self._verdict)

    def attribute(self, name: str, value: object) -> None:
        """Note something on its span."""
        self._attributes[name] = value

    def fail(self, error: BaseException) -> None:
        """Say what went wrong."""
        self.error = error

    def tried_again(self, reason: object = None) -> None:
        """Say that there is to be another attempt; why, where that is not what went wrong."""
        self._verdict, self._why = "failed", reason

    def given_up(self, reason: object = None) -> None:
        """Say that there is to be no other attempt; why, where that is not what went wrong."""
        self._verdict, self._why = "dead_lettered", reason

    def called_off(self, reason: object = None) -> None:
        """Say that it is not done, and that this is no failure."""
        self._verdict, self._why = "cancelled", reason

    def report(self) -> None:
        """Make what went wrong an error of the application's, if it is none yet."""
        if self.error is not None:
            runtime().recorder.errors.capture(
                self.error,
                mechanism=self._system.name,
                handled=False,
                logger=self._system.scope,
                fields={"task": self.name},
                context={"transaction": self.name},
            )

    # -- its beginning and end --------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Begin: everything recorded from here on is part of it."""
        self._outer = current.set(self._arrived)
        return super().start()

    def take_over(self, began: float) -> None:
        """End it, once it begins, in the place of a process that was killed.

        Args:
            began: when it did there, in seconds since 1970.
        """
        if self._given:
            self._lost = int(began * 1e9)
            self.operation_id, self._start = self._given, self._lost
            self._elapsed = max(0, time.time_ns() - self._lost)

    def abandon(self) -> None:
        """Leave it open: the process is about to end. Another one may take it over; if none does, it was abandoned."""
        outer, self._outer = self._outer, None
        if outer is not None:
            self._leave(None)
            reset(outer)

    def end(self) -> None:
        """End, as was said."""
        outer, self._outer = self._outer, None
        if outer is None:
            return
        try:
            self._say()
        except Exception as error:  # noqa: BLE001 - the job is done
            failed(error)
        self.finish(self.error)
        reset(outer)
        working.beat(self.status)

    def _say(self) -> None:
        why = self.error if self._why is None else self._why
        if self.error is not None:
            self._attributes["error.type"] = type(self.error).__qualname__
        if self._span is not None and self._system.spans():
            self._span.attributes.update(self._attributes)
        if self._verdict == "failed":
            # Not `retry`: the attempt that begins is another operation.
            found = failing()
            said = found.reason_of(why)
            self._tell("retrying", {"attempt": self._attempt + 1, "reason": said})
            self._record("retry", reason=said, error_type=found.type_of(why))
        elif self._verdict == "dead_lettered":
            self.dead_letter(why)
        if self._verdict in {"", "dead_lettered"}:
            self.report()

    def _spanned(self, told: Telling, attributes: dict[str, Any], frame: Frame) -> Span:
        span = super()._spanned(told, attributes, frame)
        if self._given:
            span.span_id = self._given
        if self._lost is not None:
            span.start_time = self._lost
        if self._system.spans():
            span.kind, span.scope, span.name = "CONSUMER", self._system.scope, f"run {self.name}"
            span.attributes.update(self._attributes)
        return span

    def _opened(self, told: Telling) -> None:
        if self._lost is None:  # otherwise it was told of where it began
            super()._opened(told)

    def _outcome(self, error: BaseException | None) -> str:
        if self._verdict == "cancelled":
            return "cancelled"
        return "failed" if self.goes_wrong else super()._outcome(error)

    def _count(self, told: Telling, status: str) -> None:
        super()._count(told, "retried" if self._verdict == "failed" else status)

    def _failure(self, told: Telling, outcome: str, error: BaseException | None) -> dict[str, Any]:
        if self._verdict not in {"failed", "cancelled"}:
            return super()._failure(told, outcome, error)
        # Another attempt was told of already, and no failure is told of before the last.
        found = failing()
        reason = found.reason_of(error if self._why is None else self._why)
        if outcome == "cancelled":
            told.tell(outcome, self.name, {**self._last(), "reason": reason})
        return {**self._reached, "reason": reason, "error_type": found.type_of(error)}
