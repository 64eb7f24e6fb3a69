"""Jobs that a queue delivers: told of where they are sent, operations where they are done, the sender's context around.

The context travels in the message, under the names that it has in HTTP.
"""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from opentelemetry import trace

from plainview.capture.operations.kinds import kind_of
from plainview.capture.operations.life import failing
from plainview.capture.operations.operation import Operation, innermost
from plainview.capture.propagation import frame_from, inject, request_id_from
from plainview.capture.provider import TracerProvider
from plainview.capture.runtime import runtime
from plainview.context import Bound, Frame, current, reset
from plainview.integrations import working
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping
    from contextvars import Token

    from plainview.capture.operations.telling import Telling
    from plainview.capture.spans import Span

__all__ = ["HEADERS", "Delivery", "System", "label", "send"]

#: Header of the operation that a job was sent from.
_PARENT: Final = "plainview-operation"
#: Header of the `operation_id` that an execution is to have, given by who hands it on to another process.
_OPERATION: Final = "plainview-execution"
#: What is in a message of ours.
HEADERS: Final = ("traceparent", "baggage", "X-Request-ID", _PARENT, _OPERATION)
_OPERATION_ID: Final = re.compile(r"[0-9a-f]{16}\Z")
#: Bound field of the job that a job was sent from.
_PARENT_JOB: Final = "parent_job_id"


class System(NamedTuple):
    """A library whose jobs these are.

    Args:
        name: its name, as in ``messaging.system``.
        instrumentor: module and class of OpenTelemetry's package for it; where that is at work, the spans are its.
    """

    name: str
    instrumentor: tuple[str, str] = ("", "")

    @property
    def scope(self) -> str:
        """Scope of its spans, logger of its lines."""
        return f"plainview.{self.name}"

    def spans(self) -> bool:
        """Whether spans are ours to make: neither the application's own tracing nor OpenTelemetry's package does."""
        module, name = self.instrumentor
        instrumentor = getattr(sys.modules.get(module), name, None)
        theirs = instrumentor is not None and instrumentor().is_instrumented_by_opentelemetry
        return not theirs and type(trace.get_tracer_provider()) is TracerProvider

    def attributes(self, operation: str, name: str, job_id: str, queue: str) -> dict[str, Any]:
        """The attributes of a span, by OpenTelemetry's conventions for messaging."""
        found = {
            "messaging.system": self.name,
            "messaging.operation.type": operation,
            "messaging.message.id": job_id,
            f"{self.name}.task": name,
        }
        return found | ({"messaging.destination.name": queue} if queue else {})


def send(  # noqa: PLR0913 - what a message says
    system: System,
    name: str,
    job_id: str,
    headers: MutableMapping[str, Any],
    *,
    attempt: int = 1,
    queue: str = "",
) -> None:
    """Tell that a job was put into a queue, and give its message the context. What the headers have already stays."""
    with _waiting(job_id) as parent_id:
        job = Operation(kind_of("job"), name, job_id, {"queue": queue} if queue else {})
        job.parent_id, job._attempt = parent_id, attempt  # noqa: SLF001 - there is no attempt yet that could be started
        job.create()
        if parent_id:
            headers.setdefault(_PARENT, parent_id)
        if not system.spans():
            inject(headers)
            return
        # It is told before the broker is asked: a span without much length, that the job hangs under.
        attributes = system.attributes("send", name, job_id, queue)
        with runtime().tracing.start(f"send {name}", attributes, kind="PRODUCER", scope=system.scope):
            inject(headers)


def label(headers: MutableMapping[str, Any]) -> None:
    """Give an execution that is handed on to another process its `operation_id`, to know it by if that is killed."""
    headers[_OPERATION] = os.urandom(8).hex()


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
        self.parent_id = _operation_id(carried.get(_PARENT))
        self._system: Final = system
        self._attributes: Final = system.attributes("process", name, job_id, queue)
        self._arrived: Final = _arrived(carried, bound or {}, here=here)
        self._given = _operation_id(carried.get(_OPERATION))
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

    def report(self) -> str | None:
        """Make what went wrong an error of the application's, if it is none yet; its id."""
        if self.error is None:
            return None
        return runtime().recorder.errors.capture(
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
            said = failing().reason_of(why)
            self._tell("retrying", {"attempt": self._attempt + 1, "reason": said})
            self._record("retry", reason=said, error_type=type(why).__name__ if isinstance(why, BaseException) else "")
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
        reason = failing().reason_of(error if self._why is None else self._why)
        if outcome == "cancelled":
            told.tell(outcome, self.name, {**self._last(), "reason": reason})
        kind = type(error).__name__ if error is not None else ""
        return {**self._reached, "reason": reason, "error_type": kind}


@contextmanager
def _waiting(job_id: str) -> Iterator[str]:
    """Where a job waits; yields the `operation_id` of the operation that it is a part of, or nothing.

    It is a part of what it is sent from; one that is tried again, of what it was a part of the first time.
    """
    inner = innermost.get()
    if inner is None or inner.id != job_id:
        yield inner.operation_id if inner is not None else ""
        return
    frame = current.get()
    fields = {key: value for key, value in frame.bound.fields.items() if key not in {"job_id", _PARENT_JOB}}
    if _PARENT_JOB in frame.bound.fields:
        fields["job_id"] = frame.bound.fields[_PARENT_JOB]
    token = current.set(Frame(Bound(fields), frame.span, frame.ids, frame.otel))
    try:
        yield inner.parent_id
    finally:
        current.reset(token)


def _arrived(carried: Mapping[str, Any], bound: Mapping[str, Any], *, here: bool) -> Frame:
    """The frame of who sent a message, with further fields."""
    arrived = frame_from(carried.get)
    fields = {**arrived.bound.fields, **bound}
    parent = fields.get("job_id")
    if parent:
        fields[_PARENT_JOB] = parent
    request_id = carried.get("X-Request-ID")
    if request_id:
        fields["request_id"] = request_id_from(str(request_id))
    if here and arrived.span is None:
        arrived = current.get()
    return Frame(Bound(fields), arrived.span, arrived.ids, arrived.otel)


def _operation_id(text: object) -> str:
    """An `operation_id` that arrived, if it is one."""
    return text if isinstance(text, str) and _OPERATION_ID.match(text) else ""
