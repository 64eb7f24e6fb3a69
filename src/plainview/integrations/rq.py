"""RQ: a job from where it is enqueued to where it is done. The context travels in the job's ``meta``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from plainview.capture.runtime import runtime
from plainview.integrations import working
from plainview.integrations.deliveries import Delivery
from plainview.integrations.messages import System, send
from plainview.integrations.patching import replace
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["install_job", "install_queue", "install_worker"]

_SYSTEM: Final = System("rq")
#: Our part of a job's ``meta``: what it carries, the attempt it is at, and whether that was told of and waits.
_META: Final = "plainview"
_KEY: Final = "__plainview__"

# -- where jobs are put into a queue -----------------------------------------------------------------------------------


def install_queue(module: ModuleType) -> None:
    """Jobs are told of when they are put into a queue. ``module`` is ``rq.queue``."""
    queue = module.Queue
    replace(queue, "create_job", _creating)
    replace(queue, "_enqueue_job", _enqueuing)
    replace(queue, "schedule_job", _scheduling)
    replace(queue, "run_job", _running)


def install_job(module: ModuleType) -> None:
    """Jobs that are called off are told of. ``module`` is ``rq.job``."""
    replace(module.Job, "cancel", _cancelling)


def _creating(create: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - rq.Queue
        job = create(self, *args, **kwargs)
        if self.is_async:
            _sent(self, job)
        return job

    return wrapper


def _enqueuing(enqueue: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Any, job: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - rq.Queue
        if self.is_async:
            _sent(self, job)
            _carried(job).pop("waits", None)
        return enqueue(self, job, *args, **kwargs)

    return wrapper


def _scheduling(schedule: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Any, job: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - rq.Queue
        _sent(self, job)
        return schedule(self, job, *args, **kwargs)

    return wrapper


def _carried(job: Any) -> dict[str, Any]:  # noqa: ANN401 - rq.job.Job
    meta = job.meta
    found = meta.get(_META) if isinstance(meta, dict) else None
    return found if isinstance(found, dict) else {}


def _sent(queue: Any, job: Any) -> None:  # noqa: ANN401 - rq.Queue and rq.job.Job
    """Tell that a job waits, unless that was told of this attempt already."""
    try:
        carried = _carried(job)
        if carried.get("waits") or not runtime().settings.enabled:
            return
        running: Delivery | None = getattr(job, _KEY, None)
        # What ended well and comes again is no further attempt, but the next of its repetitions.
        again = running is None or running.goes_wrong
        attempt = int(carried.get("attempt", 0)) + (1 if again else 0)
        send(_SYSTEM, _name(job), job.id, carried, attempt=attempt, queue=queue.name)
        job.meta[_META] = {**carried, "attempt": attempt, "waits": True}
    except Exception as error:  # noqa: BLE001 - the job is enqueued without
        failed(error)


def _cancelling(cancel: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - rq.job.Job
        result = cancel(self, *args, **kwargs)
        delivery = _delivery(self)
        if delivery is not None:
            delivery.called_off("cancelled")
            delivery.end()
        return result

    return wrapper


# -- where they are done -----------------------------------------------------------------------------------------------


def install_worker(module: ModuleType) -> None:
    """Jobs that are done are operations. ``module`` is ``rq.worker``."""
    made: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
        "work": _working,
        "execute_job": _executing,
        "perform_job": _performing,
        "handle_exception": _failing,
        "handle_job_failure": _deciding,
        "handle_job_retry": _retrying,
    }
    for kind in (module.BaseWorker, module.Worker):  # which of the two has a method, depends on the version
        for name, make in made.items():
            if name in vars(kind):
                replace(kind, name, make)


def _working(work: Callable[..., bool]) -> Callable[..., bool]:
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> bool:  # noqa: ANN401 - rq.worker.BaseWorker
        working.begin("rq", forks=True)
        try:
            return work(self, *args, **kwargs)
        finally:
            working.end()

    return wrapper


def _executing(execute: Callable[..., None]) -> Callable[..., None]:
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - rq.worker.Worker
        execute(self, *args, **kwargs)
        working.returned()

    return wrapper


def _delivery(job: Any, *, here: bool = False) -> Delivery | None:  # noqa: ANN401 - rq.job.Job
    """The operation of a job, begun; `here`: where it is enqueued."""
    try:
        if runtime().settings.enabled:
            carried = _carried(job)
            attempt = int(carried.get("attempt", 1))
            inputs = {"args": job.args, "kwargs": job.kwargs}
            queue = job.origin or ""
            delivery = Delivery(
                _SYSTEM, _name(job), job.id, carried, attempt=attempt, queue=queue, inputs=inputs, here=here
            )
            return delivery.start()
    except Exception as error:  # noqa: BLE001 - the job is done without
        failed(error)
    return None


def _performing(perform: Callable[..., bool]) -> Callable[..., bool]:
    def wrapper(self: Any, job: Any, *args: Any, **kwargs: Any) -> bool:  # noqa: ANN401 - rq.worker.BaseWorker
        delivery = None if getattr(job, _KEY, None) is not None else _delivery(job)
        if delivery is None:
            return perform(self, job, *args, **kwargs)
        setattr(job, _KEY, delivery)
        try:
            return perform(self, job, *args, **kwargs)
        finally:
            delattr(job, _KEY)
            delivery.end()

    return wrapper


def _failing(handle: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Any, job: Any, *exc_info: Any) -> Any:  # noqa: ANN401 - rq.worker.BaseWorker
        delivery: Delivery | None = getattr(job, _KEY, None)
        if delivery is not None and len(exc_info) > 1 and isinstance(exc_info[1], BaseException):
            delivery.fail(exc_info[1])
        return handle(self, job, *exc_info)

    return wrapper


def _deciding(handle: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Any, job: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - rq.worker.BaseWorker
        delivery: Delivery | None = getattr(job, _KEY, None)
        if delivery is not None:
            if job.should_retry:
                delivery.tried_again()
            elif job.retries_left is not None:
                delivery.given_up()
        return handle(self, job, *args, **kwargs)

    return wrapper


def _retrying(handle: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Any, job: Any, queue: Any, retry: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - rq.worker.BaseWorker
        delivery: Delivery | None = getattr(job, _KEY, None)
        if delivery is not None:
            if job.number_of_retries and job.number_of_retries >= retry.max:
                delivery.given_up(f"wanted to be tried again after {retry.max} retries")
            else:
                delivery.tried_again("asked for by the job")
        return handle(self, job, queue, retry, *args, **kwargs)

    return wrapper


def _running(run: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Any, job: Any) -> Any:  # noqa: ANN401 - rq.Queue; of a queue that is not async
        delivery = _delivery(job, here=True)
        try:
            return run(self, job)
        except BaseException as error:
            if delivery is not None:
                delivery.fail(error)
            raise
        finally:
            if delivery is not None:
                delivery.end()

    return wrapper


def _name(job: Any) -> str:  # noqa: ANN401 - rq.job.Job
    return str(job.func_name or "job")
