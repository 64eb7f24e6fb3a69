"""The worker: takes jobs from the database and runs their stages, item by item in batches."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from opentelemetry import context as otel, propagate
from sqlalchemy import select

import plainview
from studio import faults, jobs
from studio.catalogue import open_catalogue
from studio.database import Chapter, Job, Session
from studio.engines import ENGINES
from studio.llm import RateLimited

log = plainview.get_logger("studio.worker")
jobs_waiting = plainview.gauge("studio_jobs_waiting", "Jobs that wait for the worker.", aggregation="last")

_SLOTS: Final = 3
_ITEMS_AT_ONCE: Final = 2
_ATTEMPTS: Final = 3
#: Share of a batch that may fail before its stage does.
_TOLERATED: Final = 0.34
_POLL_SECONDS: Final = 0.3
_HOUSEKEEPING_SECONDS: Final = 10.0

stopping = threading.Event()


class Stopped(BaseException):
    """The worker was told to stop in the middle of a job. It is no error, and nothing that is tried again."""


class StageFailed(Exception):  # noqa: N818 - says what happened
    """Too many items of a batch failed."""


def main() -> None:
    """Work until SIGTERM or SIGINT."""
    plainview.configure(service="studio-worker", version="2.4.1", level="DEBUG", levels={"studio.database": "INFO"})
    plainview.instrument()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    open_catalogue()
    jobs.recover()
    log.info("worker started", slots=_SLOTS, engines=sorted(ENGINES), provider_api_key="sk-studio-3f9a61c07d52")
    warnings.warn("STUDIO_SLOTS is not set; the default may change", FutureWarning, stacklevel=1)
    with plainview.worker("studio", slots=_SLOTS) as worker:
        slots = [threading.Thread(target=_work, args=(worker,), name=f"slot-{number}") for number in range(_SLOTS)]
        for slot in slots:
            slot.start()
        _keep_house()
        for slot in slots:
            slot.join()
    log.info("worker stopped")


def _keep_house() -> None:
    may_crash, cleaned = False, time.monotonic()
    while not stopping.wait(1.0):
        with Session() as session:
            jobs_waiting.set(jobs.waiting(session))
        trouble = faults.active("worker crash")
        if trouble and may_crash and _running:
            log.warning("memory nearly used up", rss_mb=random.randint(1980, 2040), limit_mb=2048)
            os.kill(os.getpid(), signal.SIGKILL)  # what the kernel does to a process that takes too much
        may_crash = may_crash or not trouble
        if time.monotonic() - cleaned > _HOUSEKEEPING_SECONDS:
            cleaned = time.monotonic()
            with plainview.task("clean up") as task:
                task.set(**jobs.clean_up())


_running: Final[set[str]] = set()


def _work(worker: plainview.Worker) -> None:
    while not stopping.is_set():
        worker.beat()
        job = jobs.claim()
        if job is None:
            stopping.wait(_POLL_SECONDS * random.uniform(0.7, 1.3))
            continue
        _running.add(job.id)
        try:
            worker.beat(**{_run(job): 1})
        except Exception:
            log.exception("slot failed", job_id=job.id)
        finally:
            _running.discard(job.id)


def _run(job: Job) -> str:
    """Run a job within the trace and the context of the request that asked for it. Gives how it ended."""
    token = otel.attach(propagate.extract(job.headers))
    try:
        with plainview.context(request_id=job.headers.get("X-Request-ID"), user_id=job.user_id):
            try:
                with plainview.job(job.kind, id=job.id, queued=True, attempt=job.attempts, book_id=job.book_id) as work:
                    _stages(job, work)
            except Exception as error:  # noqa: BLE001 - told by the operation; whether to try again is for the queue
                jobs.give_back(job, error)
                return "failed"
            jobs.finish(job)
            return "completed"
    finally:
        otel.detach(token)


def _stages(job: Job, work: plainview.Operation) -> None:
    if job.error == jobs.LOST:
        work.recover(job.checkpoint[-1] if job.checkpoint else "start", "queued again")
    stages = jobs.KINDS[job.kind]
    try:
        for done, stage in enumerate(stages):
            work.progress(done, len(stages), step=stage)
            if stage not in job.checkpoint:
                _stage(job, stage)
                jobs.checkpoint(job, stage)
                work.checkpoint(stage=stage, done=job.checkpoint)
    except Exception as error:
        if job.attempts >= jobs.ATTEMPTS:
            work.dead_letter(error)
        raise
    work.progress(len(stages), len(stages))
    work.set(stages=len(stages), waited_ms=_waited(job))


def _waited(job: Job) -> int:
    return round((time.time() - job.created) * 1e3)


def _stage(job: Job, stage: str) -> None:
    with Session() as session:
        chapters = session.scalars(select(Chapter.id).where(Chapter.book_id == job.book_id)).all()
    with plainview.stage(stage, items=len(chapters)):
        failures = _batch(stage, list(chapters))
        if len(failures) > _TOLERATED * len(chapters):
            msg = f"{stage}: {len(failures)} of {len(chapters)} items failed"
            raise StageFailed(msg) from failures[0]


def _batch(stage: str, chapters: list[int]) -> list[Exception]:
    """Run an engine over chapters, some at once; what failed comes back."""
    with (
        plainview.batch(stage, items=len(chapters)) as work,
        ThreadPoolExecutor(_ITEMS_AT_ONCE, thread_name_prefix=stage) as pool,
    ):
        work.lock(engine=stage, attempts=_ATTEMPTS, at_once=_ITEMS_AT_ONCE)
        items = [pool.submit(_item, work, stage, chapter, index) for index, chapter in enumerate(chapters, 1)]
        failures: list[Exception] = []
        for done, item in enumerate(items, 1):
            error = item.exception()
            if isinstance(error, Exception):
                failures.append(error)
            elif error is not None:
                raise error
            work.progress(done, len(items), step=f"item {done} of {len(items)}")
    return failures


def _item(work: plainview.Operation, stage: str, chapter_id: int, index: int) -> None:
    with work.item(index), Session.begin() as session:
        chapter = session.get_one(Chapter, chapter_id)
        with plainview.engine(stage, chapter=chapter.number, book=chapter.book.title) as engine:
            for attempt in range(1, _ATTEMPTS + 1):
                if stopping.is_set():
                    raise Stopped  # the job stays claimed: the next worker recovers it from its checkpoint
                try:
                    with session.no_autoflush:
                        engine.set(**ENGINES[stage](chapter))
                    break
                except Exception as error:
                    if attempt == _ATTEMPTS:
                        raise
                    engine.retry(error)
                    stopping.wait(error.seconds if isinstance(error, RateLimited) else 0.2 * 2**attempt)


if __name__ == "__main__":
    main()
