"""Sends the spool to a Plainview server on another machine: resumable, acknowledged by offset.

One process of a data directory does it for all (a lock decides which), be it an application's own thread or
`plainview agent`. The server answers how much of a segment it holds; what it has acknowledged is deleted here. When
the process of a stream is gone and all of it is acknowledged, the server is told that the stream is over.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import threading
import time
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from plainview import cells, segments
from plainview.capture.daemon import begin
from plainview.capture.spool import remove
from plainview.segments import SegmentName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainview.settings import Settings

__all__ = ["Refused", "Shipper"]

_CHUNK: Final = 1 << 20
_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_TIMEOUT: Final = 10.0
_TAKEN: Final = frozenset({200, 201, 409})
#: A server that is older than the end of streams knows no such address; it holds everything nevertheless.
_ENDED: Final = frozenset({204, 404, 405})


class Refused(Exception):  # noqa: N818 - it says what the server did
    """The server does not take what we send; the message says why and what to do."""


class _Offset(msgspec.Struct):
    offset: int = 0


class Shipper:
    """Ships every stream of one spool."""

    def __init__(self, settings: Settings) -> None:
        """
        Raises:
            Refused: ``endpoint`` is no URL of a server.
        """  # noqa: D205, D212 - nothing more to say than what it raises
        url = urllib.parse.urlsplit(settings.endpoint)
        if url.scheme not in {"http", "https"} or not url.hostname:
            msg = f"PLAINVIEW_ENDPOINT={settings.endpoint!r} is no URL such as https://plainview.example:7070"
            raise Refused(msg)
        self._secure: Final = url.scheme == "https"
        self._address: Final = (url.hostname, url.port or (443 if self._secure else 80))
        self._base: Final = url.path.rstrip("/")
        self._headers: Final = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}
        self._spool: Final = Path(settings.dir).absolute() / "spool"
        self._connection: http.client.HTTPConnection | None = None
        self._held: dict[tuple[str, SegmentName], int] = {}
        self.problem = ""

    def start(self) -> None:
        """Ship from a daemon thread of this process, unless another process of the directory does."""
        begin(threading.Thread(target=self._run, name="plainview-shipper", daemon=True))

    def _run(self) -> None:
        pause = _PAUSE
        while True:
            try:
                with self.only_one() as allowed:
                    while allowed:
                        pause = _PAUSE if self.ship() else min(pause * 1.5, 2.0)
                        time.sleep(pause)
            except Exception as error:  # noqa: BLE001 - the server is away or refuses: what is not sent stays here
                self.problem = str(error)
                self.disconnect()
                pause = min(pause * 2, _LONGEST_PAUSE)
            time.sleep(pause)

    @contextlib.contextmanager
    def only_one(self) -> Iterator[bool]:
        """Whether this process may ship: True for one at a time."""
        self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._spool / ".shipper", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    def ship(self) -> int:
        """Send what there is, once over all streams; return how many bytes the server newly holds.

        Raises:
            Refused: the server does not take it.
            OSError: it cannot be reached.
        """
        sent = 0
        for stream in sorted(self._spool.iterdir()):
            if stream.is_dir() and not stream.name.startswith("."):
                sent += self._ship_stream(stream)
        return sent

    def _ship_stream(self, stream: Path) -> int:
        # Before the listing: what a dead process left is then listed whole, and so is what it had counted.
        alive = segments.is_alive(stream) or not cells.finalise(stream)
        names = segments.listing(stream)
        sent = 0
        for name in names:
            closed = not alive or SegmentName(name.kind, name.number + 1) in names
            sent += self._ship_segment(stream, name, closed=closed)
        if not alive and not segments.listing(stream):
            self._end(stream)
            remove(str(stream))
        return sent

    def _ship_segment(self, stream: Path, name: SegmentName, *, closed: bool) -> int:
        key, path = (stream.name, name), f"/v1/spool/{stream.name}/{name.kind}/{name.number}"
        if key not in self._held:
            self._held[key] = self._request("GET", path)
        start = self._held[key]
        try:
            file = (stream / str(name)).open("rb")
        except FileNotFoundError:
            self._held.pop(key, None)
            return 0
        with file:
            while True:
                file.seek(self._held[key])
                data = file.read(_CHUNK)
                end = segments.complete(data)
                if not end:
                    break
                held = self._request("PUT", f"{path}?offset={self._held[key]}", data[:end])
                if held == self._held[key]:
                    break  # it takes nothing for now
                self._held[key] = held
        held = self._held[key]
        if closed:
            self._request("PUT", f"{path}/close?offset={held}")
            with contextlib.suppress(OSError):
                (stream / str(name)).unlink()
            del self._held[key]
        return held - start

    def _end(self, stream: Path) -> None:
        """Say that a stream is over."""
        with contextlib.suppress(OSError):
            folder = os.open(stream, os.O_RDONLY | os.O_CLOEXEC)
            try:
                # No segment comes back after a power failure, to be sent to a server that has cleared the stream away.
                os.fsync(folder)
            finally:
                os.close(folder)
        self._exchange("PUT", f"/v1/spool/{stream.name}/end", None, _ENDED)

    def _request(self, method: str, path: str, body: bytes | None = None) -> int:
        """One request; the answer is how much the server holds, also where it holds more or less than we thought."""
        return msgspec.json.decode(self._exchange(method, path, body, _TAKEN), type=_Offset).offset

    def _exchange(self, method: str, path: str, body: bytes | None, taken: frozenset[int]) -> bytes:
        """One request and the content of its answer, which must have one of these statuses."""
        connection = self._connection
        if connection is None:
            maker = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            connection = self._connection = maker(*self._address, timeout=_TIMEOUT)
        headers = {**self._headers, "Content-Type": "application/x-ndjson"} if body is not None else self._headers
        connection.request(method, self._base + path, body=body, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status not in taken:
            hint = " (set PLAINVIEW_TOKEN)" if answer.status in {401, 403} else ""
            msg = f"the server at {self._address[0]}:{self._address[1]} answered {answer.status} {answer.reason}{hint}"
            raise Refused(msg)
        self.problem = ""
        return content

    def disconnect(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None
