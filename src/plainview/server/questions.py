"""Questions to the store, asked from threads of their own so that the event loop never waits."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from plainview.query.reader import Reader
from plainview.server.answers import answer
from plainview.server.problems import Problem
from plainview.store.interface import Cancellation

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from plainview.store.interface import Store

__all__ = ["Questions"]

T = TypeVar("T")

#: Questions answered at once; the engine spreads each over the cores by itself.
_THREADS: Final = 8
#: Questions that may wait for a thread before further ones are turned away.
_WAITING: Final = 64
#: Seconds before it is worth watching whether the client is still there.
_PATIENCE: Final = 0.1


class Questions:
    """Answers questions about the store.

    Args:
        store: the store.
        timeout: seconds that a question may take, waiting included.
    """

    def __init__(self, store: Store, timeout: float = 30.0) -> None:
        self.store = store
        self.timeout = timeout
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="plainview-question")
        self._pending: dict[int, Cancellation] = {}
        self._closed = False

    async def ask(self, request: Request, question: Callable[[Reader], object], missing: str = "") -> Response:
        """The answer to a question as JSON.

        Args:
            request: who asks; when the client goes away, the question is dropped.
            question: asks the store and gives what is to be answered; ``None`` when there is no such thing.
            missing: what to say then.

        Raises:
            Problem: there is no such thing (404), or the server is busy or stopping (503).
        """

        def work(reader: Reader) -> Response:
            content = question(reader)
            if content is None:
                raise Problem(404, missing or "There is no such thing")
            return answer(content, request.headers)

        return await self.run(work, request)

    async def run(self, work: Callable[[Reader], T], request: Request | None = None) -> T:
        """Do ``work`` in a thread, with a reader of its own.

        Raises:
            Problem: the server is busy or stopping (503).
            QueryTimeout: it took too long.
            QueryCancelled: the client went away, or the server is stopping.
        """
        if self._closed:
            raise Problem(503, "The server is stopping", headers={"Retry-After": "2"})
        if len(self._pending) >= _THREADS + _WAITING:
            raise Problem(503, "Too many questions at once; try again", headers={"Retry-After": "1"})
        cancellation = Cancellation()
        reader = Reader(self.store, self.timeout, cancellation)
        self._pending[id(cancellation)] = cancellation
        future = asyncio.get_running_loop().run_in_executor(self._pool, partial(work, reader))
        future.add_done_callback(lambda done: self._done(done, cancellation))
        try:
            await asyncio.wait([future], timeout=_PATIENCE)
            if not future.done() and request is not None:
                await _answered_or_gone(future, request)
            if not future.done():
                cancellation.cancel()
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            cancellation.cancel()
            raise

    def _done(self, future: asyncio.Future[Any], cancellation: Cancellation) -> None:
        del self._pending[id(cancellation)]
        if not future.cancelled():
            future.exception()  # looked at, so that one that nobody waits for any more is not reported

    def close(self) -> None:
        """Drop every question, those under way too, and take no more. The threads end soon after."""
        self._closed = True
        for cancellation in list(self._pending.values()):
            cancellation.cancel()

    def join(self) -> None:
        """Wait for the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)


async def _answered_or_gone(future: asyncio.Future[Any], request: Request) -> None:
    """Wait for the answer, or for the client to go away."""
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait([future, gone], return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gone


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
