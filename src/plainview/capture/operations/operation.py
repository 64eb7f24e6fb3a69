"""Timed work: one mechanism under jobs, stages, engines, batches and whatever the application calls its own.

An operation is a span, a context field, lines in the log and metrics, all at once; what each kind tells stands in
`plainview.capture.operations.kinds`. None of its methods raises.
"""

from __future__ import annotations

import os
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from plainview.capture.operations.kinds import Kind, kind_of
from plainview.capture.operations.summary import summary
from plainview.capture.operations.telling import Telling, telling
from plainview.capture.traced import around
from plainview.context import Bound, Frame, current, leave, reset

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token
    from types import TracebackType

    from plainview.capture.spans import Span

__all__ = ["Operation", "batch", "engine", "job", "operation", "stage"]

F = TypeVar("F", bound="Callable[..., Any]")

_NUMBERS: Final = frozenset({int, float})
#: The operation that work happens in.
innermost: Final[ContextVar[Operation | None]] = ContextVar("plainview_operation", default=None)


class Operation:
    """Work that has a beginning and an end. Use it with ``with`` or ``async with``, or decorate a function with it.

    For work that does not end where it began, call `start` and `finish`.

    Attributes:
        id: of the operation; in its kind's context field while it is open. None: its kind has no such field.
    """

    __slots__ = (
        "_attempt", "_clock", "_fields", "_queued", "_results", "_span", "_telling", "_tokens", "activate", "id",
        "kind", "name", "within",
    )  # fmt: skip

    def __init__(
        self,
        kind: Kind,
        name: str,
        id: str | None,  # noqa: A002 - the field's name
        fields: dict[str, Any],
        *,
        queued: bool = False,
    ) -> None:
        self.kind: Final = kind
        self._fields: Final = fields
        self._telling: Telling | None = None
        self._span: Span | None = None
        self._tokens: tuple[Token[Frame], Token[Operation | None]] | None = None
        self._queued: Final = queued
        self._results: dict[str, Any] = {}
        self._attempt = 1
        self._clock = 0
        #: Whether it becomes current: a generator's body runs in its caller's context between two steps.
        self.activate = True
        #: The operation that it is a part of.
        self.within: Operation | None = None
        self.name: Final = name
        self.id: Final = (str(id) if id is not None else os.urandom(6).hex()) if kind.key else None

    # -- its beginning and end --------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Begin: everything recorded from here on in this task or thread is part of it. A second call does nothing."""
        if self._telling is None:
            self.within = innermost.get()
            self._telling = found = telling(self.kind, self.name, self._whole())
            try:
                self._begin(found)
            except Exception as error:  # noqa: BLE001 - never into the application
                found.failed(error)
        return self

    def _whole(self) -> str:
        """Name of the operation that this one is a part of by its kind."""
        kind, whole = self.kind.within, self.within
        while whole is not None and whole.kind.name != kind:
            whole = whole.within
        return whole.name if whole is not None and kind else ""

    def _begin(self, told: Telling) -> None:
        kind = self.kind
        inputs = {name: summary(value) for name, value in self._fields.items()}
        attributes = {"operation.kind": kind.name, "operation.name": self.name, **inputs}
        frame = self._around(current.get())
        self._span = span = told.tracing.start(f"{kind.name} {self.name}", attributes, frame=frame, activate=False)
        if self.activate:
            self._tokens = current.set(Frame(frame.bound, span, None, frame.otel)), innermost.set(self)
        self._clock = time.perf_counter_ns()
        told.run(1)
        if "created" in kind.told and not self._queued:
            told.feed("created")
            self._tell("created", inputs)
        else:
            self._tell("started", inputs)

    def create(self) -> Self:
        """Say that it was created, to be done later or elsewhere: by the same of its ``id``, with ``queued=True``."""
        told = telling(self.kind, self.name, self._whole())
        try:
            frame = current.get()
            token = current.set(self._around(frame))
            try:
                told.feed("created")
                told.tell("created", self.name, {name: summary(value) for name, value in self._fields.items()})
            finally:
                current.reset(token)
        except Exception as error:  # noqa: BLE001 - never into the application
            told.failed(error)
        return self

    def _around(self, frame: Frame) -> Frame:
        """A frame with the operation's id in it."""
        if self.id is None:
            return frame
        return Frame(Bound({**frame.bound.fields, self.kind.key: self.id}), frame.span, frame.ids, frame.otel)

    def finish(self, error: BaseException | None = None) -> None:
        """End: well, or with what went wrong. A second call does nothing."""
        told, self._telling = self._telling, None
        if told is None:
            return
        try:
            self._end(told, error)
        except Exception as failure:  # noqa: BLE001 - never into the application
            told.failed(failure)
        finally:
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
        duration = time.perf_counter_ns() - self._clock
        outcome = "completed"
        if error is not None:
            outcome = "failed" if isinstance(error, Exception) else "cancelled"
            cancelled = type(error).__name__ in {"CancelledError", "GeneratorExit"}
            outcome = "cancelled" if cancelled else outcome
        told.run(-1)
        told.feed("ended", status=outcome)
        told.observe(duration / 1e9)
        fields: dict[str, Any] = {"duration_ms": round(duration / 1e6, 3), **self._results}
        if self._attempt > 1:
            fields["attempts"] = self._attempt
        if error is not None:
            fields |= {name: summary(value) for name, value in self._fields.items() if name not in fields}
            fields["error"] = type(error).__name__
        with_stack = outcome == "failed" and self.kind.stack
        told.tell(outcome, self.name, fields, error if with_stack else None)
        span = self._span
        if span is not None:
            span.attributes.update({name: value for name, value in fields.items() if name != "duration_ms"})
            if outcome == "failed" and isinstance(error, Exception):
                span.note_exception(error)
                span.status, span.status_message = "ERROR", type(error).__qualname__
            span.end()

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
        return around(lambda: Operation(self.kind, self.name, None, self._fields, queued=self._queued), function)

    # -- what happens in between ------------------------------------------------------------------------------------

    def _tell(self, event: str, fields: dict[str, Any]) -> None:
        told = self._telling
        if told is None:
            return
        try:
            told.tell(event, self.name, fields)
        except Exception as error:  # noqa: BLE001 - never into the application
            told.failed(error)

    def set(self, **results: Any) -> None:  # noqa: ANN401 - any value may be a result
        """Note what comes out of it: told when it ends."""
        self._results |= {name: summary(value) for name, value in results.items()}

    def progress(self, done: float, total: float | None = None, step: str = "") -> None:
        """Say how far it has got.

        Args:
            done: how much is done; percent where no total is given.
            total: how much there is to do.
            step: what is being done now.
        """
        fields: dict[str, Any] = {"percent": summary(done)}
        given: tuple[object, object] = (done, total)  # whatever was given in fact
        if all(type(value) in _NUMBERS for value in given) and total:
            fields = {"percent": round(100 * done / total, 1), "done": done, "total": total}
        self._tell("progress", fields | ({"step": summary(step)} if step else {}))

    def checkpoint(self, **details: Any) -> None:  # noqa: ANN401 - any value may be told
        """Say that its state was saved: from here it can go on after a failure."""
        self._tell("checkpoint", {name: summary(value) for name, value in details.items()})

    def retry(self, reason: object, attempt: int | None = None) -> None:
        """Say that it tries again.

        Args:
            reason: why; an exception as a rule.
            attempt: number of the attempt that begins, from 2; counted when left out.
        """
        self._attempt = self._attempt + 1 if attempt is None else attempt
        if self._telling is not None:
            self._telling.feed("retries")
        said = f"{type(reason).__name__}: {summary(_text(reason))}" if isinstance(reason, BaseException) else reason
        self._tell("retrying", {"attempt": self._attempt, "reason": summary(said)})

    def recover(self, point: object, *actions: str) -> None:
        """Say that it goes on after a failure.

        Args:
            point: from where, as a checkpoint told it.
            actions: what was done to get there.
        """
        self._tell("recovered", {"recovery_point": summary(point), "actions": list(actions)})

    def dead_letter(self, reason: object) -> None:
        """Say that it will not be tried again."""
        self._tell("dead-lettered", {"reason": summary(reason), "attempts": self._attempt})

    def clean_up(self, **details: Any) -> None:  # noqa: ANN401 - any value may be told
        """Say that what it left was cleared away."""
        self._tell("cleaned up", {name: summary(value) for name, value in details.items()})

    def lock(self, **configuration: Any) -> None:  # noqa: ANN401 - any value may be configuration
        """Say that its configuration does not change any more: a snapshot of it."""
        self._tell("locked", {"configuration": {name: summary(value) for name, value in configuration.items()}})

    def item(self, index: int, job_id: str | None = None) -> Item:
        """One of the things that it works through; use it with ``with``."""
        return Item(self, index, job_id)


class Item:
    """One item of an operation, as a batch has them."""

    __slots__ = ("_fields", "_of")

    def __init__(self, of: Operation, index: int, job_id: str | None) -> None:
        self._of: Final = of
        self._fields: Final = {"index": index, **({"item_job_id": job_id} if job_id is not None else {})}

    def __enter__(self) -> Self:
        self._of._tell("item started", self._fields)  # noqa: SLF001 - a part of it
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        of, status = self._of, "completed" if error is None else "failed"
        told = of._telling  # noqa: SLF001 - a part of it
        if told is None:
            return
        told.feed("items", status=status)
        key = "succeeded" if error is None else "failed"
        of._results[key] = of._results.get(key, 0) + 1  # noqa: SLF001 - as above
        reason = {} if error is None else {"reason": f"{type(error).__name__}: {summary(_text(error))}"}
        of._tell(f"item {status}", {**self._fields, "status": status, **reason})  # noqa: SLF001 - as above


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - the application's own __str__
        return f"[__str__ raised {type(failure).__name__}]"


def operation(kind: str, name: str, /, *, id: str | None = None, **fields: Any) -> Operation:  # noqa: A002, ANN401 - the field's name; any value
    """Timed work of any kind; see `Operation`.

    Args:
        kind: ``job``, ``stage``, ``engine``, ``batch``, or a word of the application's own.
        name: what is done: the type of a job, the name of an engine. There should be few of them.
        id: of a job or batch; made up when left out.
        fields: what goes into it; told in short when it starts, and again when it fails.
    """
    return Operation(kind_of(kind), name, id, fields)


def job(name: str, /, *, id: str | None = None, queued: bool = False, **fields: Any) -> Operation:  # noqa: A002, ANN401 - as `operation`
    """A job of a type: ``with plainview.job("render", id="j-7", configuration=…) as job:``; see `operation`.

    Args:
        name: its type.
        id: ``job_id`` of all that happens inside; made up when left out.
        queued: it was created before, and waited: `Operation.create` told of it.
        fields: what goes into it.
    """
    return Operation(kind_of("job"), name, id, fields, queued=queued)


def stage(name: str, /, **fields: Any) -> Operation:  # noqa: ANN401 - as `operation`
    """A stage of a job; see `operation`."""
    return operation("stage", name, **fields)


def engine(name: str, /, **fields: Any) -> Operation:  # noqa: ANN401 - as `operation`
    """One execution of an engine; see `operation`."""
    return operation("engine", name, **fields)


def batch(name: str = "batch", /, *, id: str | None = None, **fields: Any) -> Operation:  # noqa: A002, ANN401 - as `operation`
    """A batch of items, each in a ``with batch.item(index):``; see `operation`."""
    return operation("batch", name, id=id, **fields)
