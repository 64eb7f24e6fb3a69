"""The life of an operation: its beginning, its end, and the lines of its record."""

from __future__ import annotations

import os
import time
from contextvars import ContextVar
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeVar

from plainview.capture.operations import stalls, usage
from plainview.capture.operations.summary import summaries
from plainview.capture.operations.telling import telling
from plainview.capture.runs.ongoing import belonging, elsewhere, ongoing
from plainview.capture.spans import Span
from plainview.capture.traced import around
from plainview.context import Frame, binding, current, leave, reset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token
    from types import ModuleType, TracebackType

    from plainview.capture.operations.handover import Carried
    from plainview.capture.operations.kinds import Kind
    from plainview.capture.operations.shown import Report
    from plainview.capture.operations.telling import Telling

__all__ = ["Life", "beyond", "failing", "innermost"]

F = TypeVar("F", bound="Callable[..., Any]")

#: The operation that work happens in.
innermost: Final[ContextVar[Any]] = ContextVar("plainview_operation", default=None)
#: ``operation_id`` of the operation of another process that work here is done for; empty: there is none.
beyond: Final[ContextVar[str]] = ContextVar("plainview_beyond", default="")

#: How often this process was forked off another one: what began before that is the parent's to end.
_forks = 0
_NOTHING: Final[dict[str, Any]] = {}
#: Events after which nothing is written any more.
_LAST: Final = frozenset({"close", "detach"})


class Life:
    """What begins and ends; see `plainview.capture.operations.operation.Operation`, which is what users get.

    Attributes:
        id: of the operation, as the application knows it; in its kind's context field while it is open. None: none.
        kind: see `plainview.capture.operations.kinds`.
        name: what is done.
        operation_id: 16 hexadecimal digits, the ``span_id`` of the span that it began with; empty before that.
        parent_id: ``operation_id`` of the one that it is a part of; may be set before it begins, where that is in
            another process.
        within: the operation that it is a part of, where that is in this process.
        run: the run that it is a part of.
        activate: whether it becomes current: a generator's body runs in its caller's context between two steps.
        status: how it ended; empty before that, as are the following.
        duration_ns: how long it took.
        cpu_ns: processor time that it took.
        memory_peak: resident memory of the process at its most, bytes; None: it was too short to tell.
        memory_delta: the same at the end less that at the beginning.
        row_count: rows that it worked through; None: it told of none.
    """

    __slots__ = (
        "_attempt", "_carried", "_clock", "_closed", "_dead", "_elapsed", "_fields", "_forks", "_frame", "_identity",
        "_inputs", "_latest", "_patience", "_queued", "_reached", "_results", "_said", "_span", "_start", "_telling",
        "_tokens", "_told", "_track", "_usage", "_wrong", "activate", "cpu_ns", "duration_ns", "id", "kind",
        "memory_delta", "memory_peak", "name", "operation_id", "parent_id", "row_count", "run", "status", "within",
    )  # fmt: skip

    #: Whether all that the process does is part of it.
    whole: ClassVar[bool] = False
    #: Whether what happens inside is in its trace.
    traced: ClassVar[bool] = True

    def __init__(  # noqa: PLR0913 - behind the functions that make one
        self,
        kind: Kind,
        name: str,
        id: str | None,  # noqa: A002 - the field's name
        fields: dict[str, Any],
        *,
        queued: bool = False,
        stall_after: float | None = None,
    ) -> None:
        self.kind: Final = kind
        self.name: Final = name
        self._fields: Final = fields
        self._queued: Final = queued
        self._telling: Telling | None = None
        self._told: Telling | None = None
        self._span: Span | None = None
        self._tokens: tuple[Token[Frame], Token[Any]] | None = None
        self._inputs = self._results = self._reached = _NOTHING
        self._attempt = 1
        #: Why it is not tried again, and why it is a failure though no exception left it; None: it is not so.
        self._dead: str | None = None
        self._wrong: str | None = None
        self._patience: Final = stall_after
        self._closed = False
        #: When it was last told how far it is, by the monotonic clock.
        self._said = 0
        #: Nanoseconds that it took in other processes before.
        self._elapsed = 0
        self._carried: Carried | None = None
        self._identity = ""
        self._usage: usage.Usage | None = None
        self.cpu_ns = self.duration_ns = 0
        self.memory_peak: int | None = None
        self.memory_delta: int | None = None
        #: What shows its progress; None: it has told of none.
        self._track: Report | None = None
        self.activate = True
        self.within: Any = None
        self.run: Any = None
        self.operation_id = self.parent_id = self.status = ""
        self.row_count: int | None = None
        self.id: Final = str(id) if id is not None else os.urandom(6).hex() if kind.key else None

    # -- its beginning ----------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Begin: everything recorded from here on in this task or thread is part of it. A second call does nothing."""
        if self._told is None:
            self._telling = self._told = found = self._placed()
            try:
                self._begin(found)
            except Exception as error:  # noqa: BLE001 - never into the application
                found.failed(error)
        return self

    def _placed(self) -> Telling:
        """Find what it is a part of, and by that how it is told."""
        self.within = whole = innermost.get()
        kind = self.kind.within
        if not kind:
            return telling(self.kind, self.name, "")
        while whole is not None and whole.kind.name != kind:
            whole = whole.within
        return telling(self.kind, self.name, whole.name if whole is not None else "")

    def _begin(self, told: Telling) -> None:
        within, before = self.within, current.get()
        frame = self._around(before)
        if self._fields:
            self._inputs = summaries(self._fields)
        attributes = {**told.attributes, **self._inputs}
        self._span = span = self._spanned(told, attributes, frame)
        self._frame = Frame(frame.bound, span, None, frame.otel)
        if self.activate:
            self._tokens = current.set(self._frame if self.traced else frame), innermost.set(self)
        if within is not None:
            self.run = within if within.whole else within.run
            if not self.parent_id:
                self.parent_id = within.operation_id
        else:
            whole = beyond.get()
            if ongoing or elsewhere:  # in a thread, or in a process that a run has started
                self.run, part = belonging(before)
                whole = whole or part
            self.parent_id = self.parent_id or whole
        self._forks = _forks
        self._usage = usage.Usage(None if within is None else within._usage, self.whole)  # noqa: SLF001 - its own kind
        if not self.operation_id:
            self.operation_id, self._start = span.span_id, span.start_time
        self._latest = span.start_time
        self._clock = time.perf_counter_ns()
        if told.fed:
            told.run(1)
        if self._patience is not None:
            stalls.watch(self, self._patience)
        self._opened(told)

    def _spanned(self, told: Telling, attributes: dict[str, Any], frame: Frame) -> Span:
        """Its span, begun."""
        span = Span(told.tracing, told.title, attributes, frame)
        span.activate = False
        return span

    def _opened(self, told: Telling) -> None:
        """Tell that it has begun."""
        if self._carried is not None:
            self._tell("resumed", self._inputs)
            self._record("resume")
            return
        if told.creates and not self._queued:
            told.feed("created")
            self._tell("created", self._inputs)
        elif told.keeps("started") or stalls.watched:
            self._tell("started", self._inputs)
        if told.long or self.id is not None:
            self._record("open", data=self._opening())

    def _opening(self) -> Mapping[str, Any] | bytes:
        """What comes with its ``open``: what goes in."""
        return self._inputs

    def create(self) -> Self:
        """Say that it was created, to be done later or elsewhere: by the same of its ``id``, with ``queued=True``."""
        told = self._placed()
        try:
            frame = self._around(current.get())
            inputs = summaries(self._fields)
            token = current.set(frame)
            try:
                if self._attempt == 1:  # what is to be tried again was created before
                    told.feed("created")
                    told.tell("created", self.name, inputs)
            finally:
                current.reset(token)
            now, recording = time.time_ns(), told.recording
            parent = self.parent_id or (self.within.operation_id if self.within is not None else beyond.get())
            identity = recording.identity(os.urandom(8).hex(), self.id or "", parent, now)
            members = recording.members({"attempt": self._attempt}) if self._attempt > 1 else b""
            recording.write(now, "create", identity.encode(), members, told.context(frame), recording.data(inputs))
        except Exception as error:  # noqa: BLE001 - never into the application
            told.failed(error)
        finally:
            self.within = None
        return self

    def _around(self, frame: Frame) -> Frame:
        """A frame with the operation's id in it."""
        if self._carried is not None:
            frame = self._carried.around(frame)
        key = self.kind.key
        if not key or self.id is None:
            return frame
        return binding(frame, {**frame.bound.fields, key: self.id})

    # -- its end ----------------------------------------------------------------------------------------------------

    def finish(self, error: BaseException | None = None) -> None:
        """End: well, or with what went wrong. A second call does nothing."""
        told, self._telling = self._telling, None
        if told is None:
            return
        try:
            if self._forks == _forks:
                self._end(told, error)
        except Exception as failure:  # noqa: BLE001 - never into the application
            told.failed(failure)
            self._record("close", status=self.status or ("completed" if error is None else "failed"))
        finally:
            self._leave(error)

    def detach(self) -> str:
        """Hand it over: it goes on in another process, where `plainview.resume` is given what this returns.

        Here it is over, and its span ends; `finish` does nothing any more. Where that other process never goes on with
        it, it stays as running.

        Returns:
            A token of ``A-Za-z0-9_-``, of some hundred characters; empty where there is nothing to hand over.
        """
        told, self._telling = self._telling, None
        if told is None or self._forks != _forks:
            return ""
        token = ""
        try:
            token = import_module("plainview.capture.operations.handover").token_of(self)
            told.run(-1)
            told.tell("detached", self.name, self._reached)
            if self._usage is not None:
                self._usage.end()
            stalls.forget(self)
            self._record("detach", **self._reached)
            if self._span is not None:
                self._span.attributes["operation.detached"] = True
                self._span.end()
        except Exception as failure:  # noqa: BLE001 - never into the application
            told.failed(failure)
        finally:
            self._leave(None)
        return token

    def elapsed(self) -> int:
        """Nanoseconds that it has gone on for, here and in other processes before."""
        return self._elapsed + time.perf_counter_ns() - self._clock

    def go_on(self, carried: Carried) -> None:
        """Be, once it begins, what was handed over elsewhere."""
        self._carried = carried
        self.operation_id, self.parent_id, self._start = carried.operation_id, carried.parent_id, carried.start
        self._elapsed = max(0, carried.elapsed) + max(0, time.time_ns() - carried.sent)
        self._attempt, self.row_count = carried.attempt, carried.rows
        self._inputs, self._results, self._reached = carried.inputs, carried.results, carried.reached

    def _leave(self, error: BaseException | None) -> None:
        """What was current before is so again."""
        tokens, self._tokens = self._tokens, None
        if tokens is not None:
            if error is not None:
                leave(error, current.get())
            reset(tokens[0])
            try:
                innermost.reset(tokens[1])
            except (ValueError, RuntimeError):  # finished in another context than it was started in
                innermost.set(self.within)

    def _end(self, told: Telling, error: BaseException | None) -> None:
        if self._track is not None:
            self._track.close()
        if self._patience is not None:
            stalls.forget(self)
        self.duration_ns = duration = self.elapsed()
        if self._usage is not None:
            self.cpu_ns, self.memory_peak, self.memory_delta = self._usage.end()
        outcome = self._outcome(error)
        self.status = status = "dead_lettered" if self._dead is not None and outcome == "failed" else outcome
        self._count(told, status)
        members = self._failure(told, outcome, error) if outcome != "completed" else self._reached
        if outcome == "completed" and told.keeps(outcome):
            told.tell(outcome, self.name, self._last())
        data = self._closing(error)
        self._write(
            told,
            "close",
            told.recording.members(members) if members else b"",
            told.recording.data(data) if data else b"{}",
            told.recording.figures(status, duration, self.cpu_ns, self.memory_peak, self.memory_delta, self.row_count),
        )
        self._closed = True
        if self.run is not None:
            self.run.collect(self, status, duration, self.cpu_ns)
        span = self._span
        if span is not None:
            if self._results:
                span.attributes.update(self._results)
            if self._attempt > 1:
                span.attributes["attempts"] = self._attempt
            if outcome != "completed":
                self._mark(span, outcome, error)
            span.end()

    def _outcome(self, error: BaseException | None) -> str:
        """How it ends: ``completed``, ``failed`` or ``cancelled``."""
        outcome = "completed" if error is None else failing().outcome(error)
        wrong = self._dead is not None or self._wrong is not None
        return "failed" if wrong and outcome == "completed" else outcome

    def _failed(self, failure: Exception) -> None:
        """Count an error of ours."""
        if self._told is not None:
            self._told.failed(failure)

    def _count(self, told: Telling, status: str) -> None:
        """Feed the metrics with its end."""
        if not told.fed:
            return
        told.run(-1)
        told.feed("ended", status=status)
        told.observe(self.duration_ns / 1e9)

    def _closing(self, error: BaseException | None) -> Mapping[str, Any] | bytes:  # noqa: ARG002 - of those that tell of it
        """What comes with its ``close``: what comes out; and what went in, of a kind that has no ``open``."""
        if self._inputs and not self.kind.long and self.id is None:
            return {**self._inputs, **self._results}
        return self._results

    def _last(self) -> dict[str, Any]:
        """The fields of its last line."""
        fields = {"duration_ms": round(self.duration_ns / 1e6, 3), **self._results}
        if self.row_count is not None:
            fields["rows"] = self.row_count
        if self._attempt > 1:
            fields["attempts"] = self._attempt
        return fields

    def _failure(self, told: Telling, outcome: str, error: BaseException | None) -> dict[str, Any]:
        """Tell of a failure: its inputs, how far it was, where and why. Returns what its record has of that."""
        members: dict[str, Any] = {**self._reached, "reason": self._dead or self._wrong}
        fields = {**self._inputs, **self._reached, **self._last()}
        failed = outcome == "failed"
        if error is not None:
            found = failing()
            fields["error"] = members["error_type"] = type(error).__name__
            members["reason"] = found.reason_of(error)
            if failed:
                named = self.kind.name
                part = found.failed_stage(error, self.name if named == "stage" else "")
                if part and named != "stage":
                    fields["stage"] = part
                members["failed_in"] = fields["failed_in"] = found.failed_in(error, f"{self.kind.name} {self.name}")
        fields["reason"] = members["reason"]
        told.tell(outcome, self.name, fields, error if failed and self.kind.stack else None)
        if failed and error is not None:
            members["error_id"] = failing().occurrence_of(error, told.runtime.recorder)
        return members

    @staticmethod
    def _mark(span: Span, outcome: str, error: BaseException | None) -> None:
        if error is not None:
            span.attributes["error"] = type(error).__name__
        if outcome == "failed":
            if isinstance(error, Exception):
                span.note_exception(error)
            span.status, span.status_message = "ERROR", type(error).__qualname__ if error is not None else ""

    # -- what is told of it -----------------------------------------------------------------------------------------

    def _tell(self, event: str, fields: Mapping[str, Any]) -> None:
        """Write the log line of an event."""
        if stalls.watched:
            stalls.heard(self)
        told = self._telling
        if told is None:
            return
        try:
            told.tell(event, self.name, fields)
        except Exception as error:  # noqa: BLE001 - never into the application
            told.failed(error)

    def _record(self, event: str, *, data: Mapping[str, Any] | bytes = _NOTHING, **members: Any) -> None:  # noqa: ANN401 - members of many types
        """Write the line of an event to the record. Never raises; before it began and after its end nothing is written.

        Args:
            event: what happened; see `plainview.records.OperationRecord`.
            data: what comes with it, bounded and scrubbed here; bytes are a JSON object and are written as they are.
            members: of `OperationRecord`; those that are None or empty are left out.
        """
        told = self._told
        if told is None or self._closed:
            return
        try:
            recording = told.recording
            self._write(told, event, recording.members(members), recording.data(data) if data else b"{}")
        except Exception as error:  # noqa: BLE001 - never into the application
            told.failed(error)
        self._closed = event in _LAST

    def _write(self, told: Telling, event: str, members: bytes, data: bytes, figures: str = "") -> None:
        """Write the line of an event; see `plainview.capture.operations.recording`."""
        recording, span, frame = told.recording, self._span, current.get()
        identity = self._identity
        if not identity:
            self._identity = identity = recording.identity(
                self.operation_id, self.id or "", self.parent_id, self._start
            )
        if self._attempt > 1:
            figures = f'"attempt":{self._attempt},{figures}'
        now = time.time_ns()
        if now <= self._latest:  # the clock was set back: in order all the same
            now = self._latest + 1000
        self._latest = now
        if frame.span is not span:
            frame = self._frame
        if type(span) is Span:
            ids = f'"trace_id":"{span.trace_id}","span_id":"{span.span_id}",'
            known = frame.bound.known
            if known is None:
                known = recording.known(frame.bound)
            recording.write(now, event, f"{identity}{figures}{ids}".encode(), members, known, data)
        else:
            recording.write(now, event, f"{identity}{figures}".encode(), members, told.context(frame), data)

    # -- ways to use it ---------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(error)

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(error)

    def __call__(self, function: F) -> F:
        """Decorate a function, coroutine function or generator function: each call is an operation of its own."""
        return around(self._again, function)

    def _again(self) -> Self:
        """Another one of its like."""
        return type(self)(self.kind, self.name, None, self._fields, queued=self._queued, stall_after=self._patience)


def failing() -> ModuleType:
    """The module `plainview.capture.operations.failing`, which only what goes wrong needs."""
    return import_module("plainview.capture.operations.failing")


def _in_child() -> None:
    global _forks  # noqa: PLW0603 - of this process
    _forks += 1


os.register_at_fork(after_in_child=_in_child)
