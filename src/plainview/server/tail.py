"""Following along: new logs as server-sent events.

Each follower asks for what came since the last id it saw, so it neither misses nor repeats, also after it was
away. Its pace is its own: while its connection takes nothing, nothing is fetched for it; when more has come than
fits one answer, it gets the newest and the number of those left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import StreamingResponse

from plainview.query.logs import after
from plainview.server.problems import Problem
from plainview.store.interface import QueryCancelled, QueryTimeout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Message, Receive, Scope, Send

    from plainview.query.filters import Filter
    from plainview.server.questions import Questions

__all__ = ["EventStream", "Tails"]

_log = logging.getLogger(__name__)

#: Seconds between two looks, and between two signs of life on a quiet stream.
_LOOK: Final = 0.25
_PING: Final = 15.0
#: Most entries of one event.
_MOST: Final = 500
#: Followers at once.
_FOLLOWERS: Final = 64
#: Seconds for which a connection may take nothing before it is given up.
_STALLED: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Event:
    name: str
    data: object
    id: int | None = None

    def encode(self) -> bytes:
        """As the event-stream format has it (HTML Living Standard, 9.2). JSON holds no raw newline."""
        number = "" if self.id is None else f"id: {self.id}\n"
        return f"event: {self.name}\n{number}data: ".encode() + msgspec.json.encode(self.data) + b"\n\n"


class Tails:
    """All who follow."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._followers = 0
        self._closing = asyncio.Event()

    def open(self, wanted: Filter, last_id: int | None) -> AsyncIterator[bytes]:
        """The events of a new follower.

        Args:
            wanted: which logs.
            last_id: the last id it has seen; from now on, when ``None``.

        Raises:
            Problem: too many follow already, or the server is stopping (503).
        """
        if self._closing.is_set() or self._followers >= _FOLLOWERS:
            raise Problem(503, f"No more than {_FOLLOWERS} can follow at once", headers={"Retry-After": "10"})
        start = self._questions.store.last_id("logs") if last_id is None else last_id
        return self._follow(wanted, start)

    async def _follow(self, wanted: Filter, last_id: int) -> AsyncIterator[bytes]:
        self._followers += 1
        try:
            # At once, so that the client knows that it is connected and where it would go on from.
            yield _Event("ping", {}, last_id).encode()
            quiet = 0.0
            while not self._closing.is_set():
                event = None
                if self._questions.store.last_id("logs") > last_id:
                    event, last_id = await self._look(wanted, last_id)
                if event is not None:
                    yield event
                    quiet = 0.0
                    continue
                quiet += _LOOK
                if quiet >= _PING:
                    yield _Event("ping", {}, last_id).encode()
                    quiet = 0.0
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), _LOOK)
        finally:
            self._followers -= 1

    async def _look(self, wanted: Filter, last_id: int) -> tuple[bytes | None, int]:
        try:
            entries, skipped, newest = await self._questions.run(lambda reader: after(reader, wanted, last_id, _MOST))
        except (QueryCancelled, QueryTimeout, Problem):
            return None, last_id  # the next look tries again, unless the server is stopping
        if not entries:
            return None, newest
        gap = _Event("skipped", {"count": skipped}).encode() if skipped else b""
        return gap + _Event("logs", {"logs": entries}, newest).encode(), newest

    def close(self) -> None:
        """End every stream; the clients come back by themselves and miss nothing."""
        self._closing.set()


class EventStream(StreamingResponse):
    """A follower's answer. A client that takes nothing for a minute loses its place to others."""

    media_type = "text/event-stream"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""

        async def in_time(message: Message) -> None:
            await asyncio.wait_for(send(message), _STALLED)

        try:
            await super().__call__(scope, receive, in_time)
        except TimeoutError:
            _log.info("a follower took nothing for %.0f s and was let go", _STALLED)
        finally:
            if isinstance(self.body_iterator, AsyncGenerator):
                await self.body_iterator.aclose()
