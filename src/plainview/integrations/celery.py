"""Celery: each task is a job, from where it is sent to where it ends; the sender's context around it.

The context travels in the message's headers, under the names that it has in HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from plainview.capture.metrics.families import feed
from plainview.capture.runtime import runtime
from plainview.integrations import working
from plainview.integrations.deliveries import Delivery
from plainview.integrations.messages import HEADERS, System, label, send
from plainview.integrations.patching import replace
from plainview.integrations.queues import Queues
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["install", "install_redis"]

_SYSTEM: Final = System("celery", ("opentelemetry.instrumentation.celery", "CeleryInstrumentor"))
_KEY: Final = "__plainview__"
#: Our header of how often a task was put back into its queue; Celery hands it on to the message of a retry.
_RESTORED: Final = "plainview-restored"
#: That of RabbitMQ's quorum queues.
_DELIVERED: Final = "x-delivery-count"
#: Beyond it a count is none.
_MOST: Final = 1_000_000
#: Task's id → what this process has received and given to a process of its pool, while somebody still has it.
_received: Final[WeakValueDictionary[str, Any]] = WeakValueDictionary()


def install(module: ModuleType) -> None:
    """Listen to Celery's signals. ``module`` is ``celery.signals``."""
    # The receivers live as long as this module: a weak reference to a function of a module is enough.
    module.before_task_publish.connect(_publish)
    module.task_received.connect(_receive)
    module.task_prerun.connect(_begin)
    module.task_failure.connect(_fail)
    module.task_retry.connect(_retry)
    module.task_revoked.connect(_revoke)
    module.task_postrun.connect(_end)
    module.worker_process_init.connect(_process_begins)
    module.worker_process_shutdown.connect(_process_ends)
    module.worker_ready.connect(_ready)
    module.worker_shutdown.connect(_shut_down)


def install_redis(module: ModuleType) -> None:
    """Tasks that are put back into their queue are counted. ``module`` is ``kombu.transport.redis``."""
    replace(module.Channel, "_do_restore_message", _restoring)


def _restoring(restore: Callable[..., None]) -> Callable[..., None]:
    def wrapper(self: Any, payload: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - kombu's channel, and a message
        headers = payload.get("headers") if isinstance(payload, dict) else None
        if isinstance(headers, dict) and "task" in headers:
            headers[_RESTORED] = _count(headers.get(_RESTORED)) + 1
        restore(self, payload, *args, **kwargs)

    return wrapper


def _count(told: object) -> int:
    """A count that a message carries; 0: it carries none that makes sense."""
    return told if type(told) is int and 0 <= told < _MOST else 0


def _before(request: Any) -> int:  # noqa: ANN401 - Celery's context of a request, or its headers
    """How many deliveries of a task there were before that no retry counts, as far as its broker tells."""
    before = _count(request.get(_RESTORED))
    if (request.get("delivery_info") or {}).get("redelivered"):
        # It was begun before, whatever became of that.
        before = max(before, _count(request.get(_DELIVERED)), 1)
    return before


def _publish(sender: Any = None, headers: Any = None, routing_key: str = "", **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    try:
        if isinstance(headers, dict) and runtime().settings.enabled:
            attempt = int(headers.get("retries") or 0) + _count(headers.get(_RESTORED)) + 1
            send(_SYSTEM, str(sender), str(headers.get("id", "")), headers, attempt=attempt, queue=routing_key)
    except Exception as error:  # noqa: BLE001 - the task is sent without
        failed(error)


def _delivery(request: Any, name: str, task_id: str) -> Delivery:  # noqa: ANN401 - Celery's context of a request, or its headers
    delivered = request.get("delivery_info") or {}
    retries = int(request.get("retries") or 0)
    delivery = Delivery(
        _SYSTEM,
        name,
        task_id,
        {key: request.get(key) for key in HEADERS},
        attempt=retries + _before(request) + 1,
        queue=delivered.get("routing_key") or "",
        inputs={"args": request.get("args"), "kwargs": request.get("kwargs")},
        bound={"task_id": task_id},
        here=bool(request.get("is_eager")),
    )
    delivery.attribute("celery.retries", retries)
    return delivery


def _receive(request: Any = None, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    try:
        label(request.request_dict)
        _received[request.id] = request
    except Exception as error:  # noqa: BLE001 - the task runs without
        failed(error)


def _begin(task_id: str = "", task: Any = None, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    try:
        if runtime().settings.enabled:
            setattr(task.request, _KEY, _delivery(task.request, task.name, task_id).start())
    except Exception as error:  # noqa: BLE001 - the task runs without
        failed(error)


def _running(task: Any) -> Delivery | None:  # noqa: ANN401 - celery.Task
    return getattr(getattr(task, "request", None), _KEY, None)


def _lost(task_id: str, context: Any = None) -> Delivery | None:  # noqa: ANN401 - Celery's context of a request
    """A task of which only this process can tell any more: another one that had it was killed, or none ever had it."""
    if not runtime().settings.enabled:
        return None
    request = _received.pop(task_id, None)  # once: Celery tells twice of some
    if request is not None:
        delivery = _delivery(request.request_dict, request.name, task_id)
        if request.time_start:
            delivery.take_over(request.time_start)
        return delivery.start()
    return _delivery(context, context.get("task") or "", task_id).start() if context is not None else None


def _fail(
    sender: Any = None,  # noqa: ANN401 - Celery's signal
    task_id: str = "",
    exception: BaseException | None = None,
    **_: Any,  # noqa: ANN401 - as above
) -> None:
    try:
        running = _running(sender)
        delivery = _lost(task_id) if running is None else running
        if delivery is None or exception is None:
            return
        delivery.fail(exception)
        retries = delivery.attempt - 1
        most = getattr(sender, "override_max_retries", None)
        most = sender.max_retries if most is None else most
        if running is not None and retries and most is not None and retries >= most:
            delivery.given_up()
        delivery.report()  # now: Celery logs it before the task has ended
        if running is None:
            _finish(delivery, "failure")
    except Exception as error:  # noqa: BLE001 - the task has failed
        failed(error)


def _retry(sender: Any = None, request: Any = None, reason: Any = None, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    try:
        running = _running(sender)
        delivery = _lost(request.id) if running is None else running
        if delivery is not None:
            delivery.tried_again(getattr(reason, "exc", None) or reason)
            if running is None:
                _finish(delivery, "retry")
    except Exception as error:  # noqa: BLE001 - the task is tried again
        failed(error)


def _revoke(request: Any = None, *, terminated: bool = False, expired: bool = False, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    try:
        delivery = _lost(request.id, request)
        if delivery is not None:
            delivery.called_off("terminated" if terminated else "expired" if expired else "revoked")
            _finish(delivery, "revoked")
    except Exception as error:  # noqa: BLE001 - the task is revoked
        failed(error)


def _end(task: Any = None, state: str | None = None, **_: Any) -> None:  # noqa: ANN401 - Celery's signal
    delivery = _running(task)
    if delivery is None:
        return
    try:
        delattr(task.request, _KEY)
        if state is None:  # something is about to end the process: the one that started it will tell why
            delivery.abandon()
            return
        if state in {"IGNORED", "REJECTED"}:
            delivery.called_off(state.lower())
        _finish(delivery, state.lower())
    except Exception as error:  # noqa: BLE001 - the task has run
        failed(error)
    finally:
        delivery.end()


def _finish(delivery: Delivery, status: str) -> None:
    delivery.attribute("celery.state", status.upper())
    delivery.end()
    feed("celery_tasks_total").labels(task_name=delivery.name, status=status).inc()
    feed("celery_task_duration_seconds").labels(task_name=delivery.name).observe(delivery.duration_ns / 1e9)


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
