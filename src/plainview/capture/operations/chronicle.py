"""What is told of an operation: the lines of the log, those of its record, and what its span says."""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final

from plainview.capture.operations import stalls
from plainview.capture.spans import Span
from plainview.context import Frame, current

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from plainview.capture.operations.kinds import Kind
    from plainview.capture.operations.telling import Telling

__all__ = ["NOTHING", "Chronicle", "failing"]

#: What is not there yet.
NOTHING: Final[dict[str, Any]] = {}
#: Events after which nothing is written any more.
_LAST: Final = frozenset({"close", "detach"})


class Chronicle:
    """What is told of an operation; see `plainview.capture.operations.life.Life`, which begins and ends."""

    __slots__ = (
        "_attempt", "_closed", "_dead", "_frame", "_identity", "_inputs", "_latest", "_reached", "_results", "_span",
        "_start", "_telling", "_told", "_wrong", "cpu_ns", "duration_ns", "id", "kind", "memory_delta", "memory_peak",
        "name", "operation_id", "parent_id", "row_count", "run", "status", "within",
    )  # fmt: skip

    #: Whether what happens inside is in its trace.
    traced: ClassVar[bool] = True

    kind: Kind
    name: str
    id: str | None
    operation_id: str
    parent_id: str
    within: Any
    run: Any
    status: str
    cpu_ns: int
    duration_ns: int
    memory_peak: int | None
    memory_delta: int | None
    row_count: int | None
    _span: Span | None
    #: What is around it, with its own fields: not its own frame, which knows it.
    _frame: Frame
    #: How it is told: while it is open, and from its beginning on.
    _telling: Telling | None
    _told: Telling | None
    #: What went in, what comes out, how far it is.
    _inputs: dict[str, Any]
    _results: dict[str, Any]
    _reached: dict[str, Any]
    _attempt: int
    #: Why it is not tried again, and why it is a failure though no exception left it; None: it is not so.
    _dead: str | None
    _wrong: str | None
    #: The members that all lines of its record have; empty: there is none yet.
    _identity: str
    #: When it began, and of the latest line of its record, nanoseconds since 1970.
    _start: int
    _latest: int
    #: Whether the last line of its record is written.
    _closed: bool

    def frame(self) -> Frame:
        """What is current inside."""
        around = self._frame
        if self.traced:
            return Frame(around.bound, self._span, None, around.otel, self)
        return Frame(around.bound, around.span, around.ids, around.otel, self)

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

    def _record(self, event: str, *, data: Mapping[str, Any] | bytes = NOTHING, **members: Any) -> None:  # noqa: ANN401 - members of many types
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
            frame = self._frame if type(span) is Span else self.frame()
        if type(span) is Span:
            ids = f'"trace_id":"{span.trace_id}","span_id":"{span.span_id}",'
            known = frame.bound.known
            if known is None:
                known = recording.known(frame.bound)
            recording.write(now, event, f"{identity}{figures}{ids}".encode(), members, known, data)
        else:
            recording.write(now, event, f"{identity}{figures}".encode(), members, told.context(frame), data)

    def _close(self, told: Telling, members: Mapping[str, Any], data: Mapping[str, Any] | bytes) -> None:
        """Write its end to the record: by the line of its span where that one is certain, or by one of its own."""
        span, recording = self._span, told.recording
        cpu, peak, delta, rows = self.cpu_ns, self.memory_peak, self.memory_delta, self.row_count
        if (
            told.brief
            and self.status == "completed"
            and not self._identity
            and span is not None
            and span.sampled
            and span.tail is None
            and not span.ended
        ):
            frame = current.get()
            span.bound = frame.bound if frame.span is span else self._frame.bound
            span.ending = recording.ending(self.parent_id, cpu, peak, delta, rows, data)
            return
        said = recording.members(members) if members else b""
        encoded = recording.data(data) if data else b"{}"
        self._write(
            told, "close", said, encoded, recording.figures(self.status, self.duration_ns, cpu, peak, delta, rows)
        )

    def _failed(self, failure: Exception) -> None:
        """Count an error of ours."""
        if self._told is not None:
            self._told.failed(failure)

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

    def _mark(self, span: Span, error: BaseException | None) -> None:
        """What its span says of a failure."""
        if error is not None:
            span.attributes["error"] = type(error).__name__
        if self.status != "cancelled":
            if isinstance(error, Exception):
                span.note_exception(error)
            span.status, span.status_message = "ERROR", type(error).__qualname__ if error is not None else ""


def failing() -> ModuleType:
    """The module `plainview.capture.operations.failing`, which only what goes wrong needs."""
    return import_module("plainview.capture.operations.failing")
