"""People using the studio: sessions come and go, more of them at times; some are clumsy, a few have bad intent."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import secrets
import signal
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import httpx

from studio import prose
from studio.settings import API_URL, RATE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

_OPENING_SECONDS, _OPENING_RATE = 3.0, 25.0
_AT_ONCE: Final = 24
_USERS: Final = 40
_SESSION_SECONDS: Final = 40.0
_KINDS: Final = ("outline", "draft", "illustrate", "audiobook", "revise", "publish")
_KIND_WEIGHTS: Final = (5, 4, 3, 3, 2, 2)


class Reader:
    """One session of one person."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._headers = {"User-Agent": random.choice(("Studio-Web/5.2", "Studio-iOS/3.0", "curl/8.5.0"))}
        if random.random() < 0.8:
            self._headers["X-User-ID"] = f"u-{random.randint(1, _USERS):03d}"
            self._headers["X-Session-ID"] = f"s-{secrets.token_hex(4)}"
        self._until = time.monotonic() + random.expovariate(1 / _SESSION_SECONDS)
        self._books = list(range(1, 13))
        self._jobs: list[str] = []

    @property
    def gone(self) -> bool:
        """Whether the session is over."""
        return time.monotonic() > self._until

    async def act(self) -> None:
        """Do something."""
        chosen: Callable[[Reader], Awaitable[None]] = random.choices(_ACTIONS, _WEIGHTS)[0]
        await chosen(self)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        **given: Any,  # noqa: ANN401 - httpx's
    ) -> Any:  # noqa: ANN401 - any JSON
        headers = {**self._headers, **headers}
        if random.random() < 0.3:  # some clients number their requests
            headers["X-Request-ID"] = f"web-{secrets.token_hex(8)}"
        try:
            response = await self._client.request(method, path, headers=headers, **given)
        except httpx.HTTPError as error:  # the API is down or slow: people come back later
            print(f"{type(error).__name__}: {error}", flush=True)
            return None
        return response.json() if response.is_success else None

    async def tour(self) -> None:
        """Do everything once, whatever it is: who looks on sees all of it in the first seconds."""
        for action in _ACTIONS:
            await action(self)
        for kind in _KINDS:
            await self._send("POST", f"/books/{self._book}/jobs", json={"kind": kind})
        for title in prose.HOSTILE_TITLES:
            await self._create(title)
        for number in (1, 2, 3, 4):
            await self._send("GET", f"/books/{number}/royalties")
        for form in ("text", "epub"):
            await self._send("GET", "/books/1/export", params={"form": form})
        for parts in (2, 0):
            await self._send_in(parts)
        await asyncio.gather(*(self.ideas() for _ in range(12)))
        for method, path, given in _BLUNDERS:
            await self._send(method, path, **given)

    async def browse(self) -> None:
        """Look through the newest books."""
        query = {"limit": random.choice((10, 20, 50))} | random.choice(({}, {"genre": random.choice(prose.GENRES)}))
        books = await self._send("GET", "/books", params=query)
        self._books = [book["id"] for book in books or ()] or self._books

    async def read(self) -> None:
        """Open a book."""
        await self._send("GET", f"/books/{self._book}")

    async def contents(self) -> None:
        """Open its table of contents."""
        await self._send("GET", f"/books/{self._book}/contents")

    async def search(self) -> None:
        """Look for words."""
        await self._send("GET", "/search", params={"q": " ".join(prose.sentence().rstrip(".").split()[-2:])})

    async def royalties(self) -> None:
        """Ask what a book earned."""
        await self._send("GET", f"/books/{self._book}/royalties", params={"sold": random.randint(10, 90_000)})

    async def ideas(self) -> None:
        """Ask for other titles."""
        await self._send("POST", f"/books/{self._book}/title-ideas")

    async def create(self) -> None:
        """Begin a book."""
        await self._create(random.choice(prose.HOSTILE_TITLES) if random.random() < 0.2 else prose.title())

    async def _create(self, title: str) -> None:
        await self._send(
            "POST",
            "/books",
            json={
                "title": title,
                "author": prose.person(),
                "genre": random.choice(prose.GENRES),
                "series": random.choice(prose.SERIES),
                "currency": random.choice(("EUR", "EUR", "USD", "GBP", "CHF")),
                "chapters": random.randint(2, 8),
            },
        )

    async def order(self) -> None:
        """Have something made of a book."""
        kind = random.choices(_KINDS, _KIND_WEIGHTS)[0]
        job = await self._send("POST", f"/books/{self._book}/jobs", json={"kind": kind})
        if job:
            self._jobs.append(job["id"])

    async def follow(self) -> None:
        """See how far it got."""
        if self._jobs:
            await self._send("GET", f"/jobs/{self._jobs[-1]}")
        else:
            await self.read()

    async def export(self) -> None:
        """Take it home."""
        form = random.choices(("text", "epub"), (3, 1))[0]
        await self._send("GET", f"/books/{self._book}/export", params={"form": form})

    async def send_in(self) -> None:
        """Send in what one has written, in the form that was asked for or not."""
        await self._send_in(random.choice((3, 5, 8, 0)))

    async def _send_in(self, parts: int) -> None:
        written = {"parts": [{"title": prose.title(), "text": prose.paragraph(2)} for _ in range(parts)]}
        await self._send(
            "PUT", f"/books/{self._book}/manuscript", json=written if parts else {"chapters": [prose.title()]}
        )

    async def blunder(self) -> None:
        """Get something wrong."""
        method, path, given = random.choice(_BLUNDERS)
        await self._send(method, path, **given)

    @property
    def _book(self) -> int:
        return random.choice(self._books)


_ACTIONS: Final = (
    Reader.browse, Reader.read, Reader.contents, Reader.search, Reader.royalties, Reader.ideas,
    Reader.create, Reader.order, Reader.follow, Reader.blunder,
    Reader.export, Reader.send_in,
)  # fmt: skip
_WEIGHTS: Final = (22, 22, 9, 8, 5, 5, 6, 5, 14, 4, 2, 2)

_BLUNDERS: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("POST", "/books", {"json": {"title": "", "author": "Anon", "genre": "poetry", "chapters": 400}}),
    ("POST", "/books", {"content": b'{"title": "Half a bo', "headers": {"Content-Type": "application/json"}}),
    ("POST", "/books/1/jobs", {"json": {"kind": "summon"}}),
    ("GET", "/books/seven", {}),
    ("GET", "/books/999999", {}),
    ("GET", "/books", {"params": {"limit": 100_000}}),
    ("GET", "/search", {"params": {"q": "x"}}),
    ("DELETE", "/books/1", {}),
    ("GET", "/.env", {}),
    ("GET", "/wp-login.php", {"params": {"password": "hunter2"}}),
)


def rate_at(seconds: float, mean: float) -> float:
    """Requests a second after so many seconds: a rush at the opening, then slow waves with short peaks."""
    if seconds < _OPENING_SECONDS:
        return max(_OPENING_RATE, mean)
    wave = mean * (1 + 0.4 * math.sin(seconds / 20))
    return wave * (1.8 if seconds % 150 < 10 else 1)


async def _drive() -> None:
    began = time.monotonic()
    # A connection each: uvicorn closes it after an error, and who asks again on it at that moment is not answered.
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=API_URL, timeout=10, limits=limits) as client:
        readers = [Reader(client) for _ in range(8)]
        waiting = {asyncio.create_task(Reader(client).tour())}
        while True:
            await asyncio.sleep(random.expovariate(rate_at(time.monotonic() - began, RATE)))
            if len(waiting) >= _AT_ONCE:  # the studio is slow: who waits does not ask for more
                continue
            place = random.randrange(len(readers))
            if readers[place].gone:
                readers[place] = Reader(client)
            task = asyncio.create_task(readers[place].act())
            waiting.add(task)
            task.add_done_callback(waiting.discard)


def main() -> None:
    """Send requests until SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_drive())


if __name__ == "__main__":
    main()
