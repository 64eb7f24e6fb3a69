"""The queue of jobs, kept in the database."""

from __future__ import annotations

import os
import secrets
import time
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, select, update

import plainview
from studio.database import Book, Job, Session

if TYPE_CHECKING:
    from sqlalchemy.orm import Session as OpenSession

__all__ = [
    "ATTEMPTS",
    "KINDS",
    "LOST",
    "QUEUE_LIMIT",
    "checkpoint",
    "claim",
    "clean_up",
    "finish",
    "give_back",
    "recover",
    "submit",
    "waiting",
]

log = plainview.get_logger("studio.jobs")

#: Kind of job → its stages; each is an engine of `studio.engines`.
KINDS: Final[dict[str, tuple[str, ...]]] = {
    "outline": ("outline",),
    "draft": ("outline", "draft"),
    "illustrate": ("illustrate",),
    "audiobook": ("narrate", "review"),
    "revise": ("revise",),
    "publish": ("outline", "draft", "illustrate", "narrate", "review"),
}
#: Jobs that may wait before no more are taken.
QUEUE_LIMIT: Final = 25
#: What is wrong with a job whose worker is gone.
LOST: Final = "its worker is gone"
#: How often a job is tried.
ATTEMPTS: Final = 2
_KEPT_SECONDS: Final = 900.0
_KEPT_BOOKS: Final = 400


def waiting(session: OpenSession) -> int:
    """How many jobs wait."""
    return session.scalar(select(func.count()).select_from(Job).where(Job.state == "queued")) or 0


def submit(session: OpenSession, book: Book, kind: str, user_id: str | None) -> Job:
    """Queue a job, with the context of here and now: the worker goes on with the trace."""
    headers: dict[str, str] = {}
    job = Job(id=f"job-{secrets.token_hex(4)}", kind=kind, book_id=book.id, user_id=user_id)
    with plainview.context(job_id=job.id, project_id=book.series):
        plainview.inject(headers)
        job.headers = headers
        session.add(job)
        session.flush()
        plainview.job(kind, id=job.id, configuration={"book": book.id, "stages": KINDS[kind]}).create()
    return job


def claim() -> Job | None:
    """Take the oldest waiting job, if there is one; nobody else gets it."""
    oldest = select(Job.id).where(Job.state == "queued").order_by(Job.created).limit(1).scalar_subquery()
    taking = (
        update(Job)
        .where(Job.id == oldest, Job.state == "queued")
        .values(state="running", worker=os.getpid(), attempts=Job.attempts + 1)
        .returning(Job)
        .execution_options(synchronize_session=False)
    )
    with Session.begin() as session:
        return session.scalar(taking)


def checkpoint(job: Job, stage: str) -> None:
    """Note that a stage is done."""
    job.checkpoint = [*job.checkpoint, stage]
    with Session.begin() as session:
        session.execute(update(Job).where(Job.id == job.id).values(checkpoint=job.checkpoint))


def finish(job: Job) -> None:
    """The job is done."""
    with Session.begin() as session:
        session.execute(update(Job).where(Job.id == job.id).values(state="completed", finished=time.time()))


def give_back(job: Job, error: BaseException) -> None:
    """The job failed: it is tried again, or it is dead."""
    state = "queued" if job.attempts < ATTEMPTS else "dead"
    with Session.begin() as session:
        values = {"state": state, "worker": None, "error": f"{type(error).__name__}: {error}", "finished": time.time()}
        session.execute(update(Job).where(Job.id == job.id).values(values))
    if state == "queued":
        log.warning("job queued again", attempt=job.attempts + 1, of=ATTEMPTS, reason=type(error).__name__)


def recover() -> None:
    """Give back what a worker left behind that is gone. There is one worker at a time."""
    mine = os.getpid()
    with Session.begin() as session:
        left = session.scalars(select(Job).where(Job.state == "running", Job.worker != mine)).all()
        for job in left:
            log.warning("job left behind", job_id=job.id, lost_worker=job.worker)
            job.state, job.error = "queued", LOST


def clean_up() -> dict[str, int]:
    """Forget jobs that ended a while ago, and the oldest books when there are many: the studio may run for days.

    Gives how many of either.
    """
    ended = (
        delete(Job)
        .where(Job.state.in_(("completed", "dead")), Job.finished < time.time() - _KEPT_SECONDS)
        .returning(Job.id)
    )
    newest = select(Book.id).order_by(Book.id.desc()).limit(_KEPT_BOOKS)
    with Session.begin() as session:
        jobs = session.scalars(ended).all()
        books = session.scalars(select(Book).where(Book.id.not_in(newest))).all()
        for book in books:
            session.delete(book)
    return {"jobs": len(jobs), "books": len(books)}
