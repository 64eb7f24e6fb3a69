"""APScheduler 3: each run of a scheduled job is a job; one that was missed or left out is told of as cancelled."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from plainview.capture.runtime import runtime
from plainview.integrations.deliveries import Delivery
from plainview.integrations.messages import System
from plainview.integrations.patching import replace
from plainview.integrations.safety import failed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime
    from types import ModuleType

    #: What an executor makes of a job: a list of events, for a list of times at which it was due.
    Run = Callable[..., list[Any]]
    RunCoroutine = Callable[..., Coroutine[Any, Any, list[Any]]]

__all__ = ["install"]

_SYSTEM: Final = System("apscheduler")


def install(module: ModuleType) -> None:
    """Runs of jobs are operations. ``module`` is ``apscheduler.executors.base``."""
    made: dict[str, Callable[[int, Any], Any]] = {"run_job": _running, "run_coroutine_job": _running_coroutine}
    for name, make in made.items():
        original = getattr(module, name)
        replace(module, name, partial(make, module.EVENT_JOB_MISSED))
        # The executors took over what stood in there when they were imported: as a rule that is later.
        for place, executor in list(sys.modules.items()):
            if place.startswith("apscheduler.executors.") and getattr(executor, name, None) is original:
                setattr(executor, name, getattr(module, name))
    replace(module.BaseExecutor, "submit_job", partial(_submitting, module.MaxInstancesReachedError))


def _running(missed: int, run: Run) -> Run:
    def wrapper(job: Any, alias: str, run_times: list[datetime], *args: Any, **kwargs: Any) -> list[Any]:  # noqa: ANN401 - passes through
        events: list[Any] = []
        for due in run_times:  # one by one: each is a job of its own
            delivery, came = _begun(job, due), []
            try:
                came = run(job, alias, [due], *args, **kwargs)
            finally:
                _ended(delivery, came, missed)
            events += came
        return events

    return wrapper


def _running_coroutine(missed: int, run: RunCoroutine) -> RunCoroutine:
    async def wrapper(job: Any, alias: str, run_times: list[datetime], *args: Any, **kwargs: Any) -> list[Any]:  # noqa: ANN401 - passes through
        events: list[Any] = []
        for due in run_times:
            delivery, came = _begun(job, due), []
            try:
                came = await run(job, alias, [due], *args, **kwargs)
            finally:
                _ended(delivery, came, missed)
            events += came
        return events

    return wrapper


def _submitting(too_many: type[Exception], submit: Callable[..., None]) -> Callable[..., None]:
    def wrapper(self: Any, job: Any, run_times: list[datetime]) -> None:  # noqa: ANN401 - apscheduler's BaseExecutor
        try:
            submit(self, job, run_times)
        except too_many:
            for due in run_times:
                delivery = _begun(job, due)
                if delivery is not None:
                    delivery.called_off(f"left out: {job.max_instances} of it run already")
                    delivery.end()
            raise

    return wrapper


def _begun(job: Any, due: datetime) -> Delivery | None:  # noqa: ANN401 - apscheduler.job.Job
    try:
        if runtime().settings.enabled:
            # Its own id stays the same from run to run: with the time it is that of one run.
            inputs = {"schedule": str(job.id), "args": job.args, "kwargs": job.kwargs}
            return Delivery(_SYSTEM, str(job.name), f"{job.id}@{due.isoformat()}", {}, inputs=inputs).start()
    except Exception as error:  # noqa: BLE001 - the job runs without
        failed(error)
    return None


def _ended(delivery: Delivery | None, events: list[Any], missed: int) -> None:
    if delivery is None:
        return
    for event in events:
        if event.code == missed:
            delivery.called_off("missed")
        elif event.exception is not None:
            delivery.fail(event.exception)
    delivery.end()
