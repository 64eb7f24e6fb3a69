"""Messages that ask for a job: told of when they are sent, and what they carry of who sent them.

The context travels in the message, under the names that it has in HTTP.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opentelemetry import trace

from plainview.capture.operations.kinds import kind_of
from plainview.capture.operations.operation import Operation
from plainview.capture.propagation import frame_from, inject, request_id_from
from plainview.capture.provider import TracerProvider
from plainview.capture.runtime import runtime
from plainview.context import binding, current

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping

    from plainview.context import Frame

__all__ = ["HEADERS", "System", "arrived", "execution_of", "label", "parent_of", "send"]

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


@contextmanager
def _waiting(job_id: str) -> Iterator[str]:
    """Where a job waits; yields the `operation_id` of the operation that it is a part of, or nothing.

    It is a part of what it is sent from; one that is tried again, of what it was a part of the first time.
    """
    frame = current.get()
    inner = frame.operation
    if inner is None or inner.id != job_id:
        yield inner.operation_id if inner is not None else ""
        return
    fields = {key: value for key, value in frame.bound.fields.items() if key not in {"job_id", _PARENT_JOB}}
    if _PARENT_JOB in frame.bound.fields:
        fields["job_id"] = frame.bound.fields[_PARENT_JOB]
    token = current.set(binding(frame, fields))
    try:
        yield inner.parent_id
    finally:
        current.reset(token)


def arrived(carried: Mapping[str, Any], bound: Mapping[str, Any], *, here: bool) -> Frame:
    """The frame of who sent a message, with further fields."""
    came = frame_from({name: value for name, value in carried.items() if isinstance(value, str)}.get)
    fields = {**came.bound.fields, **bound}
    parent = fields.get("job_id")
    if parent:
        fields[_PARENT_JOB] = parent
    request_id = carried.get("X-Request-ID")
    if request_id:
        fields["request_id"] = request_id_from(str(request_id))
    if here and came.span is None:
        came = current.get()
    return binding(came, fields)


def _operation_id(text: object) -> str:
    """An `operation_id` that arrived, if it is one."""
    return text if isinstance(text, str) and _OPERATION_ID.match(text) else ""


def parent_of(carried: Mapping[str, Any]) -> str:
    """The `operation_id` of the operation that a message was sent from; empty: there is none."""
    return _operation_id(carried.get(_PARENT))


def execution_of(carried: Mapping[str, Any]) -> str:
    """The `operation_id` that an execution was given by `label`; empty: it was given none."""
    return _operation_id(carried.get(_OPERATION))
