"""What the studio knows of its books: the first ones, search, royalties."""

from __future__ import annotations

import fcntl
import logging
import random
import time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event, func, select

import plainview
from studio import faults, prose
from studio.database import Base, Book, Chapter, Review, Session, engine
from studio.settings import DATABASE

if TYPE_CHECKING:
    from sqlalchemy.orm import Session as OpenSession

__all__ = ["CURRENCIES", "add_book", "open_catalogue", "royalties", "search"]

log = plainview.get_logger("studio.catalogue")
#: The standard library's logger works as well, side by side.
index_log = logging.getLogger("studio.index")

#: Currencies that a book can be sold in.
CURRENCIES: Final = ("EUR", "USD", "GBP", "CHF")
#: What one euro costs. Somebody forgot one of the above.
_RATES: Final = {"EUR": 1.0, "USD": 1.08, "GBP": 0.85}
_FIRST_BOOKS: Final = 12
_SEARCHED: Final = 300
_SLOW_READ_SECONDS: Final = 0.004


def open_catalogue() -> None:
    """Make the tables, and the first books when there are none. Each process does, one after the other."""
    with DATABASE.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        Base.metadata.create_all(engine)
        _fill()


def _fill() -> None:
    with Session.begin() as session:
        if session.scalar(select(func.count()).select_from(Book)):
            return
        for number in range(_FIRST_BOOKS):
            book = add_book(
                session,
                title=prose.title(),
                author=prose.person(),
                genre=random.choice(prose.GENRES),
                series=random.choice(prose.SERIES),
                currency=CURRENCIES[number % len(CURRENCIES)],
                chapters=random.randint(3, 9),
            )
            for chapter in book.chapters:
                chapter.title, chapter.text = prose.title(), prose.paragraph(6)
                chapter.reviews = [Review(score=random.randint(4, 10), remark=prose.sentence())]
    log.info("catalogue filled", books=_FIRST_BOOKS)


def add_book(session: OpenSession, *, chapters: int, **fields: Any) -> Book:  # noqa: ANN401 - the table's columns
    """Add a book of so many empty chapters."""
    book = Book(**fields, chapters=[Chapter(number=number) for number in range(1, chapters + 1)])
    session.add(book)
    session.flush()
    index_log.info("indexed book %d: %s", book.id, book.title, extra={"book_id": book.id, "terms": len(book.title)})
    return book


def _relevance(text: str, words: str) -> float:
    """How well a text fits some words, from 0 to 1. SQLite calls it for every row: that is the trouble with it."""
    if faults.active("slow disk"):
        time.sleep(_SLOW_READ_SECONDS)
    wanted = words.lower().split()
    return sum(word in text.lower() for word in wanted) / max(1, len(wanted))


@event.listens_for(engine, "connect")
def _add_functions(connection: Any, _record: object) -> None:  # noqa: ANN401 - a sqlite3 connection or its like
    connection.create_function("relevance", 2, _relevance, deterministic=True)


def search(session: OpenSession, words: str, limit: int) -> list[tuple[Chapter, float]]:
    """Chapters that fit some words, best first, with how well they fit."""
    newest = select(Chapter).where(Chapter.text != "").order_by(Chapter.id.desc()).limit(_SEARCHED).subquery()
    relevance = func.relevance(newest.c.text, words).label("relevance")
    found = select(newest.c.id, relevance).where(relevance > 0).order_by(relevance.desc()).limit(limit)
    scores = {row.id: row.relevance for row in session.execute(found)}
    chapters = session.scalars(select(Chapter).where(Chapter.id.in_(scores)))
    return sorted(((chapter, scores[chapter.id]) for chapter in chapters), key=lambda pair: -pair[1])


def royalties(book: Book, sold: int) -> dict[str, float | str]:
    """What the author of a book gets for so many copies sold, in the book's currency."""
    with plainview.span("royalties", book_id=book.id, sold=sold):
        price = 4.0 + 0.5 * len(book.chapters)
        return {"currency": book.currency, "amount": round(_in_currency(price * sold * 0.12, book.currency), 2)}


def _in_currency(euros: float, currency: str) -> float:
    return euros * _RATES[currency]
