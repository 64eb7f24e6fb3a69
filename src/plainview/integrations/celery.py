"""Celery: each task is a job, from where it is sent to where it ends; the sender's context around it.

The context travels in the message's headers, under the names that it has in HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from plainview.capture.metrics.families import feed
from plainview.capture.runtime import runtime
from plainview.integrations import working
from plainview.integrations.deliveries import HEADERS, Delivery, System, send
from plainview.integrations.queues import Queues
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["install"]

_SYSTEM: Final = System("celery", ("opentelemetry.instrumentation.celery", "CeleryInstrumentor"))
_KEY: Final = "__plainview__"


def install(module: ModuleType) -> None:
    """Listen to Celery's signals. ``module`` is ``celery.signals``."""
    # The receivers live as long as this module: a weak reference to a function of a module is enough.
    module.before_task_publish.connect(_publish)
    module.task_prerun.connect(_begin)
    module.task_failure.connect(_fail)
    module.task_retry.connect(_retry)
    module.task_revoked.connect(_revoke)
    module.task_postrun.connect(_end)
    module.worker_process_init.connect(_process_begins)
    module.worker_process_shutdown.connect(_process_ends)
    module.worker_ready.connect(_ready)
    module.worker_shutdown.connect(_shut_down)


def _publish(sender: Any = None, headers: Any = None, routing_key: str = "", **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    try:
        if isinstance(headers, dict) and runtime().settings.enabled:
            attempt = int(headers.get("retries") or 0) + 1
            send(_SYSTEM, str(sender), str(headers.get("id", "")), headers, attempt=attempt, queue=routing_key)
    except Exception as error:  # noqa: BLE001 - the task is sent without
        failed(error)


def _delivery(request: Any, name: str, task_id: str) -> Delivery:  # noqa: ANN401 - Celery's context of a request
    delivered = request.get("delivery_info") or {}
    # A message that comes again was begun before, whatever became of that.
    attempt = int(request.get("retries") or 0) + (2 if delivered.get("redelivered") else 1)
    carried = {key: request.get(key) for key in HEADERS}
    inputs = {"args": request.get("args"), "kwargs": request.get("kwargs")}
    queue = delivered.get("routing_key") or ""
    bound = {"task_id": task_id}
    delivery = Delivery(_SYSTEM, name, task_id, carried, attempt=attempt, queue=queue, inputs=inputs, bound=bound)
    delivery.attribute("celery.retries", request.get("retries") or 0)
    return delivery


def _begin(task_id: str = "", task: Any = None, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    try:
        if runtime().settings.enabled:
            setattr(task.request, _KEY, _delivery(task.request, task.name, task_id).start())
    except Exception as error:  # noqa: BLE001 - the task runs without
        failed(error)


def _running(task: Any) -> Delivery | None:  # noqa: ANN401 - celery.Task
    return getattr(getattr(task, "request", None), _KEY, None)


def _fail(sender: Any = None, exception: BaseException | None = None, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    delivery = _running(sender)
    if delivery is None or exception is None:
        return
    delivery.fail(exception)
    try:
        retries, most = sender.request.get("retries") or 0, getattr(sender, "override_max_retries", None)
        most = sender.max_retries if most is None else most
        if retries and most is not None and retries >= most:
            delivery.given_up()
        delivery.report()  # now: Celery logs it before the task has ended
    except Exception as error:  # noqa: BLE001 - the task has failed
        failed(error)


def _retry(sender: Any = None, reason: Any = None, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    delivery = _running(sender)
    if delivery is not None:
        delivery.tried_again(getattr(reason, "exc", None) or reason)


def _revoke(sender: Any = None, request: Any = None, terminated: bool = False, expired: bool = False, **_: Any) -> None:  # noqa: ANN401, FBT001, FBT002 - Celery's signal
    try:
        if runtime().settings.enabled:
            delivery = _delivery(request, sender.name, request.id)
            delivery.called_off("terminated" if terminated else "expired" if expired else "revoked")
            delivery.start()
            delivery.end()
    except Exception as error:  # noqa: BLE001 - the task is revoked
        failed(error)


def _end(task: Any = None, state: str | None = None, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    delivery = _running(task)
    if delivery is None:
        return
    status = (state or "unknown").lower()
    try:
        delattr(task.request, _KEY)
        delivery.attribute("celery.state", state or "")
        if status in {"ignored", "rejected"}:
            delivery.called_off(status)
        delivery.end()
        feed("celery_tasks_total").labels(task_name=task.name, status=status).inc()
        feed("celery_task_duration_seconds").labels(task_name=task.name).observe(delivery.duration_ns / 1e9)
    except Exception as error:  # noqa: BLE001 - the task has run
        failed(error)
    finally:
        delivery.end()


def _process_begins(**_: Any) -> None:  # noqa: ANN401 - Celery's signal
    working.begin("celery")


def _process_ends(**_: Any) -> None:  # noqa: ANN401 - Celery's signal
    working.end()


def _ready(sender: Any = None, **_: Any) -> None:  # noqa: ANN401 - Celery's signal; the sender is its consumer
    try:
        if runtime().settings.enabled:
            Queues(sender.app).watch()
            # In a pool of processes those are the workers; they have told of themselves.
            if not sender.pool.uses_semaphore:
                working.begin("celery")
    except Exception as error:  # noqa: BLE001 - the worker works without
        failed(error)


def _shut_down(**_: Any) -> None:  # noqa: ANN401 - Celery's signal
    Queues.stopping.set()
    working.end()
