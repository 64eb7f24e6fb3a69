"""The life of an operation: its beginning and its end."""

from __future__ import annotations

import os
import time
from contextvars import ContextVar
from importlib import import_module
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeVar

from plainview.capture.operations import stalls, usage
from plainview.capture.operations.chronicle import NOTHING, Chronicle, failing
from plainview.capture.operations.summary import summaries, summary
from plainview.capture.operations.telling import telling
from plainview.capture.runs.ongoing import belonging, elsewhere, ongoing
from plainview.capture.spans import Span
from plainview.capture.traced import around
from plainview.context import Frame, binding, current, leave, reset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token
    from types import TracebackType

    from plainview.capture.operations.handover import Carried
    from plainview.capture.operations.kinds import Kind
    from plainview.capture.operations.shown import Report
    from plainview.capture.operations.telling import Telling

__all__ = ["Life", "beyond"]

F = TypeVar("F", bound="Callable[..., Any]")

#: ``operation_id`` of the operation of another process that work here is done for; empty: there is none.
beyond: Final[ContextVar[str]] = ContextVar("plainview_beyond", default="")

#: How often this process was forked off another one: what began before that is the parent's to end.
_forks = 0


class Life(Chronicle):
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
        "_carried", "_clock", "_elapsed", "_fields", "_forks", "_patience", "_queued", "_said", "_token", "_track",
        "_usage", "activate",
    )  # fmt: skip

    #: Whether it is a run, of which all that happens inside is part.
    whole: ClassVar[bool] = False
    #: Whether what it uses is all that the process uses.
    process: ClassVar[bool] = False
    #: Whether it is none of these, is traced, and binds no context fields but its id.
    plain: ClassVar[bool] = True

    def __init__(  # noqa: PLR0913, PLR0917 - behind the functions that make one
        self,
        kind: Kind,
        name: str,
        id: str | None,  # noqa: A002 - the field's name
        fields: dict[str, Any],
        queued: bool = False,  # noqa: FBT001, FBT002 - given by position, it is called often
        stall_after: float | None = None,
    ) -> None:
        self.activate = True
        self.kind = kind
        self.name = name if type(name) is str else str(summary(name))
        self.id = str(id) if id is not None else os.urandom(6).hex() if kind.key else None
        self._fields: Final = fields
        self._queued: Final = queued
        self._patience: Final = stall_after
        # Where it belongs.
        self.within = self.run = None
        self.operation_id = self.parent_id = self._identity = ""
        self._span = None
        self._token: Token[Frame] | None = None
        self._usage: usage.Usage | None = None
        self._telling = self._told = None
        #: What it was handed over with, and the nanoseconds that it took in other processes before.
        self._carried: Carried | None = None
        self._elapsed = 0
        # What it has told.
        self._inputs = self._results = self._reached = NOTHING
        self._attempt = 1
        self._dead = self._wrong = None
        #: When it was last told how far it is, by the monotonic clock; what shows it; None: it has told of none.
        self._said = 0
        self._track: Report | None = None
        self._closed = False
        # How it ended.
        self.status = ""
        self.cpu_ns = self.duration_ns = 0
        self.memory_peak = self.memory_delta = self.row_count = None

    # -- its beginning ----------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Begin: everything recorded from here on in this task or thread is part of it. A second call does nothing."""
        if self._told is None:
            self.within = around = current.get().operation
            kind = self.kind
            told = kind.tellings.get(self.name)  # as `telling` has it, which is only asked where that does not hold
            if told is None or told.turn != told.gates.turn or told.runtime.over:
                told = telling(kind, self.name, _whole(around, kind))
            self._telling = self._told = told
            try:
                self._begin(told)
            except Exception as error:  # noqa: BLE001 - never into the application
                told.failed(error)
        return self

    def _begin(self, told: Telling) -> None:
        within, before = self.within, current.get()
        plain = self.plain and self.id is None and self._carried is None
        frame = before if plain else self._around(before)
        attributes = told.attributes.copy()
        if self._fields:
            self._inputs = summaries(self._fields)
            attributes |= self._inputs
        span = Span(told.tracing, told.title, attributes, frame) if plain else self._spanned(told, attributes, frame)
        self._span = span
        self._frame = frame
        if self.activate:
            self._token = current.set(Frame(frame.bound, span, None, frame.otel, self) if plain else self.frame())
        self._clock = clock = span.clock
        if within is not None:
            self.run = within if within.whole else within.run
            self._usage = usage.begin(within._usage, not plain and self.process, clock)  # noqa: SLF001 - its own kind
            self.parent_id = self.parent_id or within.operation_id
        else:
            self._usage = usage.begin(None, not plain and self.process, clock)
            whole = beyond.get()
            if ongoing or elsewhere:  # in a thread, or in a process that a run has started
                self.run, part = belonging(before)
                whole = whole or part
            self.parent_id = self.parent_id or whole
        self._forks = _forks
        self._latest = span.start_time
        if not self.operation_id:
            self.operation_id, self._start = span.span_id, span.start_time
        if self._patience is not None:
            stalls.watch(self, self._patience)
        if not (plain and told.silent) or stalls.watched:
            self._opened(told)

    def _spanned(self, told: Telling, attributes: dict[str, Any], frame: Frame) -> Span:
        """Its span, begun."""
        return Span(told.tracing, told.title, attributes, frame)

    def _opened(self, told: Telling) -> None:
        """Tell that it has begun."""
        if told.fed:
            told.run(1)
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
        before = current.get()
        self.within, kind = before.operation, self.kind
        told = telling(kind, self.name, _whole(self.within, kind))
        try:
            frame = self._around(before)
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
                silent = error is None and told.silent and not self._identity
                if silent and told.turn == told.gates.turn and not stalls.watched:
                    self._pass(told)
                else:
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
                usage.end(self._usage)
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
        return self._elapsed + perf_counter_ns() - self._clock

    def go_on(self, carried: Carried) -> None:
        """Be, once it begins, what was handed over elsewhere."""
        self._carried = carried
        self.operation_id, self.parent_id, self._start = carried.operation_id, carried.parent_id, carried.start
        self._elapsed = max(0, carried.elapsed) + max(0, time.time_ns() - carried.sent)
        self._attempt, self.row_count = carried.attempt, carried.rows
        self._inputs, self._results, self._reached = carried.inputs, carried.results, carried.reached

    def _leave(self, error: BaseException | None) -> None:
        """What was current before is so again."""
        token, self._token = self._token, None
        if token is not None:
            if error is not None:
                leave(error, current.get())
            try:
                current.reset(token)
            except (ValueError, RuntimeError):  # finished in another context than it was started in
                reset(token)

    def _pass(self, told: Telling) -> None:
        """End well, with nothing to tell but that: as `_end` does it, in one piece, for most end so."""
        span = self._span
        if span is None or not span.sampled or span.tail is not None or span.ended or self._usage is None:
            self._end(told, None)
            return
        clock = perf_counter_ns()
        self.duration_ns = took = clock - self._clock
        self.cpu_ns, self.memory_peak, self.memory_delta = cpu, peak, delta = usage.end(self._usage, clock)
        self.status = "completed"
        results = self._results
        if results:
            span.attributes.update(results)
        if self._inputs:
            results = {**self._inputs, **results}
        frame = current.get()
        span.bound = frame.bound if frame.span is span else self._frame.bound
        span.ending = told.recording.ending(self.parent_id, cpu, peak, delta, self.row_count, results)
        if span.attributes == told.attributes:
            span.encoded = told.encoded
        if self.run is not None:
            self.run.collect(self, "completed", took, cpu)
        self._closed = True
        span.end(span.start_time + took)

    def _end(self, told: Telling, error: BaseException | None) -> None:
        clock = perf_counter_ns()
        took = clock - self._clock
        self.duration_ns = self._elapsed + took
        if self._usage is not None:
            self.cpu_ns, self.memory_peak, self.memory_delta = usage.end(self._usage, clock)
        members = self._conclude(told, error)
        self._close(told, members, self._closing(error))
        self._closed = True
        if self.run is not None:
            self.run.collect(self, self.status, self.duration_ns, self.cpu_ns)
        span = self._span
        if span is not None:
            if self._results:
                span.attributes.update(self._results)
            if self._attempt > 1:
                span.attributes["attempts"] = self._attempt
            if self.status != "completed":
                self._mark(span, error)
            span.end(span.start_time + took)

    def _conclude(self, told: Telling, error: BaseException | None) -> Mapping[str, Any]:
        """Tell how it ends, and count it. Returns what its record has of that."""
        if self._track is not None:
            self._track.close()
        if self._patience is not None:
            stalls.forget(self)
        outcome = self._outcome(error)
        self.status = status = "dead_lettered" if outcome == "failed" and self._dead is not None else outcome
        self._count(told, status)
        if outcome != "completed":
            return self._failure(told, outcome, error)
        if told.keeps(outcome):
            told.tell(outcome, self.name, self._last())
        return self._reached

    def _count(self, told: Telling, status: str) -> None:
        """Feed the metrics with its end."""
        if told.fed:
            told.run(-1)
            told.feed("ended", status=status)
            told.observe(self.duration_ns / 1e9)

    def _outcome(self, error: BaseException | None) -> str:
        """How it ends: ``completed``, ``failed`` or ``cancelled``."""
        outcome = "completed" if error is None else failing().outcome(error)
        wrong = self._dead is not None or self._wrong is not None
        return "failed" if wrong and outcome == "completed" else outcome

    # -- ways to use it ---------------------------------------------------------------------------------------------

    __enter__ = start

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
        new = type(self)(self.kind, self.name, None, self._fields, queued=self._queued, stall_after=self._patience)
        new._attempt = self._attempt  # noqa: SLF001 - its own kind
        return new


def _whole(around: Life | None, kind: Kind) -> str:
    """Name of the operation that those of a kind are counted as parts of; empty: they are not, or there is none."""
    if not kind.within:
        return ""
    while around is not None and around.kind.name != kind.within:
        around = around.within
    return "" if around is None else around.name


def _in_child() -> None:
    global _forks  # noqa: PLW0603 - of this process
    _forks += 1


os.register_at_fork(after_in_child=_in_child)
