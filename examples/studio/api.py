"""The studio's API: books, chapters, jobs. Start with ``python -m studio.api``."""

from __future__ import annotations

import time
import warnings
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import httpx
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import select, text
from sqlalchemy.orm import selectinload

import plainview
from studio import catalogue, exports, jobs
from studio.database import Book, Job, Session
from studio.settings import API_URL, PROVIDER_URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

plainview.configure(service="studio-api", version="2.4.1", levels={"studio.database": "INFO"})
plainview.instrument()  # calls that go out; the application itself follows below
log = plainview.get_logger("studio.api")

books_created = plainview.counter("studio_books_created_total", "Books begun.", labels=("genre",))
chapters_read = plainview.counter("studio_chapters_shown_total", "Chapters that readers were shown.", labels=("genre",))

_IDEAS_TIMEOUT: Final = httpx.Timeout(3.0)
_STARTED: Final = time.monotonic()

Genre = Literal["crime", "fantasy", "history", "romance", "science fiction"]
Currency = Literal["EUR", "USD", "GBP", "CHF"]


class NewBook(BaseModel):
    """A book to be made."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    author: Annotated[str, Field(min_length=1, max_length=100)]
    genre: Genre
    series: Annotated[str, Field(pattern=r"^[a-z-]{3,40}$")]
    currency: Currency = "EUR"
    chapters: Annotated[int, Field(ge=1, le=12)] = 5


class Part(BaseModel):
    """A chapter as an author sends it in."""

    title: Annotated[str, Field(max_length=200)]
    text: str


class Manuscript(BaseModel):
    """A book as an author sends it in."""

    parts: Annotated[list[Part], Field(min_length=1, max_length=99)]


class NewJob(BaseModel):
    """Work to be done on a book."""

    kind: Literal["outline", "draft", "illustrate", "audiobook", "revise", "publish"]


async def identify(
    x_user_id: Annotated[str | None, Header(max_length=40)] = None,
    x_session_id: Annotated[str | None, Header(max_length=40)] = None,
) -> str | None:
    """Who asks; everything recorded from here on says so."""
    plainview.bind(user_id=x_user_id, session_id=x_session_id)
    return x_user_id


User = Annotated[str | None, Depends(identify)]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the catalogue, and the connections to the provider."""
    catalogue.open_catalogue()
    async with httpx.AsyncClient(base_url=PROVIDER_URL, timeout=_IDEAS_TIMEOUT) as client:
        app.state.provider = client
        log.info("studio open", provider=PROVIDER_URL)
        yield


app = FastAPI(title="Content studio", version="2.4.1", lifespan=lifespan)
plainview.mount(plainview.instrument(app))  # /metrics


@app.get("/health")
def health() -> dict[str, Any]:
    """Whether the database answers."""
    with Session() as session:
        session.execute(text("SELECT 1"))
    return {"status": "healthy", "uptime_seconds": round(time.monotonic() - _STARTED)}


@app.get("/books")
def list_books(
    _: User, genre: Genre | None = None, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> list[dict[str, Any]]:
    """The newest books."""
    wanted = select(Book).order_by(Book.id.desc()).limit(limit)
    with Session() as session:
        books = session.scalars(wanted.where(Book.genre == genre) if genre else wanted).all()
    return [_shown(book) for book in books]


@app.post("/books", status_code=201)
def create_book(new: NewBook, _: User) -> dict[str, Any]:
    """Add a book."""
    with plainview.context(project_id=new.series), Session.begin() as session:
        book = catalogue.add_book(session, **new.model_dump())
        books_created.labels(genre=book.genre).inc()
        log.info("book created", title=book.title, genre=book.genre, chapters=new.chapters)
        return _shown(book)


@app.get("/books/{book_id}")
def read_book(book_id: int, _: User) -> dict[str, Any]:
    """One book with its chapters: two queries."""
    with Session() as session:
        found = session.scalars(select(Book).where(Book.id == book_id).options(selectinload(Book.chapters)))
        book = _existing(found.one_or_none(), book_id)
    chapters_read.labels(genre=book.genre).inc(len(book.chapters))
    return {**_shown(book), "chapters": [{"number": each.number, "title": each.title} for each in book.chapters]}


@app.get("/books/{book_id}/contents")
def read_contents(book_id: int, _: User) -> list[dict[str, Any]]:
    """The chapters of a book with their scores: a query each, as it goes when nobody looks."""
    with Session() as session:
        book = _existing(session.get(Book, book_id), book_id)
        return [
            {"number": each.number, "title": each.title, "scores": [review.score for review in each.reviews]}
            for each in book.chapters
        ]


@app.get("/books/{book_id}/royalties")
def read_royalties(book_id: int, _: User, sold: Annotated[int, Query(ge=0, le=10_000_000)] = 1000) -> dict[str, Any]:
    """What the author gets."""
    with Session() as session:
        book = _existing(session.get(Book, book_id), book_id)
        return dict(catalogue.royalties(book, sold))


@app.post("/books/{book_id}/title-ideas")
async def title_ideas(book_id: int, _: User) -> dict[str, Any]:
    """Other titles for a book, from the provider, while the reader waits."""
    if not book_id % 10:
        warnings.warn("title-ideas is deprecated; use a job of kind outline", FutureWarning, stacklevel=1)
    body = {"model": "quill-small", "messages": [{"role": "user", "content": f"Five titles for book {book_id}."}]}
    client: httpx.AsyncClient = app.state.provider
    try:
        response = await client.post(
            "/v1/chat/completions", json=body, headers={"Authorization": "Bearer sk-studio-api"}
        )
        response.raise_for_status()
    except httpx.TimeoutException as error:
        log.exception("provider did not answer in time", timeout_seconds=_IDEAS_TIMEOUT.read)
        raise HTTPException(504, "the provider did not answer in time") from error
    except httpx.HTTPStatusError as error:
        failed = error.response.is_server_error
        log.warning("provider refused", status=error.response.status_code, exc_info=error if failed else None)
        raise HTTPException(502, f"the provider answered {error.response.status_code}") from error
    return {"ideas": [response.json()["choices"][0]["message"]["content"]]}


@app.get("/books/{book_id}/export")
def export_book(book_id: int, _: User, form: Literal["epub", "text"] = "text") -> dict[str, Any]:
    """A book in another form."""
    with Session() as session:
        book = _existing(session.get(Book, book_id), book_id)
        try:
            return {"form": form, "content": exports.export(book, form)}
        except ImportError as error:
            log.exception("cannot export", form=form, component="exports")
            raise HTTPException(501, f"{form} is not available") from error


@app.put("/books/{book_id}/manuscript")
async def take_manuscript(book_id: int, request: Request, _: User) -> dict[str, Any]:
    """Take in what an author wrote. Authors' programs are many, and what they send has to be looked at closely."""
    try:
        manuscript = Manuscript.model_validate_json(await request.body())
    except ValidationError as error:
        log.warning("manuscript refused", exc_info=error, component="manuscripts", problems=error.error_count())
        raise HTTPException(422, f"{error.error_count()} things are wrong with the manuscript") from error
    log.info("manuscript taken", parts=len(manuscript.parts))
    return {"book": book_id, "parts": len(manuscript.parts)}


@app.get("/search")
def search(
    _: User, q: Annotated[str, Query(min_length=2, max_length=100)], limit: Annotated[int, Query(ge=1, le=50)] = 10
) -> list[dict[str, Any]]:
    """Chapters that fit some words."""
    with Session() as session:
        found = catalogue.search(session, q, limit)
    log.info("searched", words=q, found=len(found))
    return [{"book": chapter.book_id, "number": chapter.number, "relevance": score} for chapter, score in found]


@app.post("/books/{book_id}/jobs", status_code=202)
def create_job(book_id: int, new: NewJob, user: User, response: Response) -> dict[str, Any]:
    """Ask for work on a book; the worker does it."""
    with Session.begin() as session:
        book = _existing(session.get(Book, book_id), book_id)
        queued = jobs.waiting(session)
        if queued >= jobs.QUEUE_LIMIT:
            log.warning("job refused", waiting=queued, limit=jobs.QUEUE_LIMIT)
            raise HTTPException(429, "too many jobs are waiting", headers={"Retry-After": "10"})
        job = jobs.submit(session, book, new.kind, user)
        response.headers["Location"] = f"/jobs/{job.id}"
        return {"id": job.id, "kind": job.kind, "state": "queued"}


@app.get("/jobs/{job_id}")
def read_job(job_id: str, _: User) -> dict[str, Any]:
    """How far a job got."""
    with plainview.context(job_id=job_id), Session() as session:
        job = session.get(Job, job_id)
        if job is None:
            raise HTTPException(404, f"there is no job {job_id}")
        return {"id": job.id, "kind": job.kind, "state": job.state, "stages_done": job.checkpoint, "error": job.error}


def _existing(book: Book | None, book_id: int) -> Book:
    if book is None:
        log.info("book not found", book_id=book_id)
        raise HTTPException(404, f"there is no book {book_id}")
    return book


def _shown(book: Book) -> dict[str, Any]:
    return {"id": book.id, "title": book.title, "author": book.author, "genre": book.genre, "series": book.series}


if __name__ == "__main__":
    address = urlsplit(API_URL)
    uvicorn.run(app, host=address.hostname or "127.0.0.1", port=address.port or 8000, access_log=False, log_config=None)
