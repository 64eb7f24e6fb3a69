"""The engines: each makes one thing of one chapter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import plainview
from studio import llm
from studio.database import Chapter, Review

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ENGINES", "SchemaViolation"]

log = plainview.get_logger("studio.engines")
words_written = plainview.counter("studio_words_written_total", "Words of drafts.", labels=("genre",))


class SchemaViolation(ValueError):  # noqa: N818 - the trade's word
    """A model's answer is not of the form that it was asked for."""


def _outline(chapter: Chapter) -> dict[str, object]:
    answer = llm.chat("quill-small", f"Name chapter {chapter.number} of {chapter.book.title!r}.", max_tokens=30)
    chapter.title = answer.partition(".")[0][:80]
    return {"title": chapter.title}


def _draft(chapter: Chapter) -> dict[str, object]:
    chapter.text = llm.chat("quill-large", f"Write {chapter.title!r}, part of {chapter.book.title!r}.", max_tokens=400)
    words = len(chapter.text.split())
    words_written.labels(genre=chapter.book.genre).inc(words)
    if words < 40:
        log.warning("draft is short", words=words, chapter=chapter.number)
    return {"words": words}


def _illustrate(chapter: Chapter) -> dict[str, object]:
    chapter.illustration = llm.paint("palette-1", chapter.title or chapter.book.title)
    return {"url": chapter.illustration}


def _narrate(chapter: Chapter) -> dict[str, object]:
    chapter.narration_seconds = llm.narrate("aloud-1", chapter.text or chapter.book.title)
    return {"seconds": chapter.narration_seconds}


def _review(chapter: Chapter) -> dict[str, object]:
    answer = llm.chat("quill-large", f"Review as JSON (score, remark): {chapter.text[:500]}", max_tokens=60)
    try:
        found = json.loads(answer)
        review = Review(score=float(found["score"]), remark=str(found["remark"]))
    except (ValueError, KeyError, TypeError) as error:
        msg = f"a review needs score and remark, the model said {answer[:60]!r}"
        raise SchemaViolation(msg) from error
    chapter.reviews = [*chapter.reviews, review]
    plainview.metric("content_quality_score").labels(content_type=chapter.book.genre).observe(review.score)
    return {"score": review.score}


#: Name → what it does to a chapter; it answers with a summary.
ENGINES: Final[dict[str, Callable[[Chapter], dict[str, object]]]] = {
    "outline": _outline,
    "draft": _draft,
    "illustrate": _illustrate,
    "narrate": _narrate,
    "review": _review,
}
