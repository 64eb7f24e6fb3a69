"""The studio's tables, and its connection to SQLite: each query is a span, slow ones are warned of."""

from __future__ import annotations

import re
import time
from typing import Any, Final

from opentelemetry import trace
from sqlalchemy import JSON, ForeignKey, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, sessionmaker

import plainview
from studio.settings import DATABASE

__all__ = ["SLOW_MS", "Base", "Book", "Chapter", "Job", "Review", "Session", "engine"]

log = plainview.get_logger("studio.database")
tracer = trace.get_tracer("studio.database")

#: A query that takes longer is warned of, milliseconds.
SLOW_MS: Final = 200.0
_TABLE: Final = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+(\w+)")


class Base(DeclarativeBase):
    """The studio's tables."""


class Book(Base):
    """A book; its ``series`` is what the studio calls a project."""

    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author: Mapped[str]
    genre: Mapped[str] = mapped_column(index=True)
    series: Mapped[str]
    currency: Mapped[str]
    created: Mapped[float] = mapped_column(default=time.time)
    chapters: Mapped[list[Chapter]] = relationship(
        back_populates="book", order_by="Chapter.number", cascade="all, delete-orphan"
    )


class Chapter(Base):
    """A chapter, and what the engines made of it."""

    __tablename__ = "chapters"

    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id"), index=True)
    number: Mapped[int]
    title: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    illustration: Mapped[str] = mapped_column(default="")
    narration_seconds: Mapped[float] = mapped_column(default=0.0)
    book: Mapped[Book] = relationship(back_populates="chapters")
    reviews: Mapped[list[Review]] = relationship(cascade="all, delete-orphan")


class Review(Base):
    """What the review engine thought of a chapter; ``score`` from 0 to 10."""

    __tablename__ = "reviews"

    id: Mapped[int] = mapped_column(primary_key=True)
    chapter_id: Mapped[int] = mapped_column(ForeignKey("chapters.id"), index=True)
    score: Mapped[float]
    remark: Mapped[str]


class Job(Base):
    """Work for the worker; ``headers`` carry the context of the request that asked for it.

    All times are in seconds since 1970.
    """

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="CASCADE"))
    user_id: Mapped[str | None]
    #: queued, running, completed or dead.
    state: Mapped[str] = mapped_column(default="queued", index=True)
    #: Process id of the worker that has it.
    worker: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(default=0)
    #: Stages that are done and need not be done again.
    checkpoint: Mapped[list[str]] = mapped_column(JSON, default=list)
    error: Mapped[str] = mapped_column(default="")
    headers: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    created: Mapped[float] = mapped_column(default=time.time)
    finished: Mapped[float | None]


engine = create_engine(f"sqlite:///{DATABASE}", connect_args={"timeout": 10}, pool_size=10, max_overflow=20)
Session = sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine, "connect")
def _connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - a sqlite3 connection or its like
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")


@event.listens_for(engine, "before_cursor_execute")
def _before(
    _connection: object,
    _cursor: object,
    statement: str,
    _parameters: object,
    context: Any,  # noqa: ANN401 - SQLAlchemy's
    _many: object,
) -> None:
    operation = statement.split(maxsplit=1)[0].upper()
    table = _TABLE.search(statement)
    name = table[1] if table else ""
    context.studio_began = time.perf_counter()
    context.studio_query = (operation, name)
    context.studio_span = None
    if trace.get_current_span().is_recording():  # the worker's asking for work, all the time, is no trace of its own
        context.studio_span = tracer.start_span(
            f"{operation} {name}".strip(),
            kind=trace.SpanKind.CLIENT,
            attributes={
                "db.system.name": "sqlite",
                "db.operation.name": operation,
                "db.collection.name": name,
                "db.query.text": statement,
            },
        )


@event.listens_for(engine, "after_cursor_execute")
def _after(
    _connection: object,
    _cursor: object,
    statement: str,
    _parameters: object,
    context: Any,  # noqa: ANN401 - SQLAlchemy's
    _many: object,
) -> None:
    duration_ms = round((time.perf_counter() - context.studio_began) * 1e3, 3)
    operation, table = context.studio_query
    fields = {"operation": operation, "table": table, "duration_ms": duration_ms}
    plainview.metric("database_queries_total").labels(operation=operation, table=table).inc()
    plainview.metric("database_query_duration_seconds").labels(operation=operation, table=table).observe(
        duration_ms / 1e3
    )
    if duration_ms >= SLOW_MS:
        log.warning("slow query", query=statement, threshold_ms=SLOW_MS, **fields)
    elif context.studio_span is not None:
        log.debug("query executed", **fields)
    if context.studio_span is not None:
        context.studio_span.end()


@event.listens_for(engine, "handle_error")
def _failed(failure: Any) -> None:  # noqa: ANN401 - SQLAlchemy's exception context
    log.error("query failed", query=failure.statement, exc_info=failure.original_exception)
    span = getattr(failure.execution_context, "studio_span", None)
    if span is not None:
        span.record_exception(failure.original_exception)
        span.set_status(trace.StatusCode.ERROR, str(failure.original_exception))
        span.end()
