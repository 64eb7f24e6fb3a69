"""Celery: a span for each task that is sent and for each that runs, and the sender's context around it.

The context travels in the message's headers, under the names that it has in HTTP.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace

from plainview.capture.metrics.families import feed
from plainview.capture.propagation import frame_from, inject, request_id_from
from plainview.capture.provider import TracerProvider
from plainview.capture.runtime import runtime
from plainview.context import Bound, Frame, current, reset
from plainview.integrations.queues import Queues
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from contextvars import Token
    from types import ModuleType

    from plainview.capture.spans import Span

__all__ = ["install"]

_SCOPE: Final = "plainview.celery"
_KEY: Final = "__plainview__"


def install(module: ModuleType) -> None:
    """Listen to Celery's signals. ``module`` is ``celery.signals``."""
    # The receivers live as long as this module: a weak reference to a function of a module is enough.
    module.before_task_publish.connect(_publish)
    module.task_prerun.connect(_begin)
    module.task_failure.connect(_fail)
    module.task_retry.connect(_retry)
    module.task_postrun.connect(_end)
    module.worker_ready.connect(_ready)
    module.worker_shutdown.connect(_shut_down)


def _spans() -> bool:
    """Whether spans are ours to make: neither the application's own tracing nor OpenTelemetry's package does."""
    instrumentor = getattr(sys.modules.get("opentelemetry.instrumentation.celery"), "CeleryInstrumentor", None)
    theirs = instrumentor is not None and instrumentor().is_instrumented_by_opentelemetry
    return not theirs and type(trace.get_tracer_provider()) is TracerProvider


def _publish(sender: Any = None, headers: Any = None, routing_key: str = "", **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    try:
        if not isinstance(headers, dict) or not runtime().settings.enabled:
            return
        if not _spans():
            inject(headers)
            return
        attributes = {
            "messaging.system": "celery",
            "messaging.operation.type": "send",
            "messaging.destination.name": routing_key,
            "messaging.message.id": headers.get("id", ""),
            "celery.task": str(sender),
        }
        # The signal comes before the broker is asked: a span without much length, that the task hangs under.
        with runtime().tracing.start(f"send {sender}", attributes, kind="PRODUCER", scope=_SCOPE):
            inject(headers)
    except Exception as error:  # noqa: BLE001 - the task is sent without
        failed(error)


class _Running:
    """A task that runs."""

    def __init__(self, task: Any, task_id: str) -> None:  # noqa: ANN401 - celery.Task
        request = task.request
        arrived = frame_from(request.get)
        fields = {**arrived.bound.fields, "task_id": task_id}
        request_id = request.get("X-Request-ID")
        if request_id:
            fields["request_id"] = request_id_from(str(request_id))
        frame = Frame(Bound(fields), arrived.span, arrived.ids)
        self.span: Span | None = None
        if _spans():
            attributes = {
                "messaging.system": "celery",
                "messaging.operation.type": "process",
                "messaging.message.id": task_id,
                "celery.task": task.name,
                "celery.retries": request.get("retries") or 0,
            }
            delivery = request.get("delivery_info") or {}
            if delivery.get("routing_key"):
                attributes["messaging.destination.name"] = delivery["routing_key"]
            self.span = runtime().tracing.start(
                f"run {task.name}", attributes, frame=frame, kind="CONSUMER", scope=_SCOPE, activate=False
            )
            frame = Frame(frame.bound, self.span, None)
        self.began: Final = time.perf_counter()
        self.token: Token[Frame] = current.set(frame)


def _begin(task_id: str = "", task: Any = None, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    try:
        if runtime().settings.enabled:
            setattr(task.request, _KEY, _Running(task, task_id))
    except Exception as error:  # noqa: BLE001 - the task runs without
        failed(error)


def _running(task: Any) -> _Running | None:  # noqa: ANN401 - celery.Task
    return getattr(getattr(task, "request", None), _KEY, None)


def _fail(sender: Any = None, exception: BaseException | None = None, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    running = _running(sender)
    if running is None or exception is None:
        return
    runtime().recorder.errors.capture(
        exception,
        mechanism="celery",
        handled=False,
        logger=_SCOPE,
        fields={"task": sender.name},
        context={"transaction": sender.name},
    )
    if running.span is not None:
        running.span.note_exception(exception)
        running.span.attributes["error.type"] = type(exception).__qualname__
        running.span.status, running.span.status_message = "ERROR", type(exception).__qualname__


def _retry(sender: Any = None, reason: Any = None, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    running = _running(sender)
    if running is not None and running.span is not None:
        running.span.add_event("retry", {"reason": str(reason)})


def _end(task: Any = None, state: str | None = None, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    running = _running(task)
    if running is None:
        return
    try:
        delattr(task.request, _KEY)
        feed("celery_tasks_total").labels(task_name=task.name, status=(state or "unknown").lower()).inc()
        feed("celery_task_duration_seconds").labels(task_name=task.name).observe(time.perf_counter() - running.began)
        if running.span is not None:
            running.span.attributes["celery.state"] = state or ""
            running.span.end()
    except Exception as error:  # noqa: BLE001 - the task has run
        failed(error)
    finally:
        reset(running.token)


def _ready(sender: Any = None, **_: Any) -> None:  # noqa: ANN401 - Celery's signal; the sender is its consumer
    try:
        if runtime().settings.enabled:
            Queues(sender.app).watch()
    except Exception as error:  # noqa: BLE001 - the worker works without
        failed(error)


def _shut_down(**_: Any) -> None:  # noqa: ANN401 - Celery's signal
    Queues.stopping.set()
