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
#: Rounds that the editor has, and the score that the critic is content with.
_ROUNDS, _CONTENT = 3, 7.0
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


def _judged(chapter: Chapter) -> Review:
    answer = llm.chat("quill-large", f"Review as JSON (score, remark): {chapter.text[:500]}", max_tokens=60)
    try:
        found = json.loads(answer)
        return Review(score=float(found["score"]), remark=str(found["remark"]))
    except (ValueError, KeyError, TypeError) as error:
        msg = f"a review needs score and remark, the model said {answer[:60]!r}"
        raise SchemaViolation(msg) from error


def _revise(chapter: Chapter) -> dict[str, object]:
    """Two agents: a critic judges, an editor writes anew, until the critic is content or both have enough."""
    with plainview.agent("editor", stage="revise", project_id=chapter.book.series) as editor:
        score = 0.0
        for _ in range(_ROUNDS):
            with editor.iteration():
                chapter.text = llm.chat(
                    "quill-small", f"Improve {chapter.title!r}: {chapter.text[:200]}", max_tokens=80
                )
                with plainview.agent("critic", stage="revise") as critic:
                    try:
                        score = _judged(chapter).score
                    except SchemaViolation as error:
                        critic.schema_violation("review", error)
                        critic.outcome("no verdict", success=False)
                        continue
                    critic.outcome("judged", score=score)
            if score >= _CONTENT:
                editor.outcome("accepted", score=score)
                break
        else:
            editor.outcome("gave up", success=False, score=score)
    return {"score": score, "rounds": editor.iterations}


def _review(chapter: Chapter) -> dict[str, object]:
    review = _judged(chapter)
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
    "revise": _revise,
}
