"""The server as a process: takes the directory, listens, serves, and leaves in good order."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import threading
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvicorn

from plainview import store as stores
from plainview.grouping.rules import NO_RULES, Rules, read
from plainview.ingest.metrics.scraper import Scraper
from plainview.ingest.metrics.targets import BadScrapeConfig, targets
from plainview.ingest.pipeline import Pipeline
from plainview.issues.noticing import Policy
from plainview.issues.projector import Projector
from plainview.server.access import is_loopback
from plainview.server.app import create_app
from plainview.server.presence import Presence
from plainview.server.protocol import Protocol
from plainview.state import StateError, open_state
from plainview.store.interface import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

    from plainview.ingest.metrics.targets import Target
    from plainview.settings import Settings
    from plainview.state import Database
    from plainview.store.interface import Store

__all__ = ["CannotServe", "Serving", "serve"]

_log = logging.getLogger("plainview.server")

#: Shortest token that is worth having.
_TOKEN_LENGTH: Final = 16
#: Seconds that open connections have to end, and after which the process ends whatever still runs. Nothing is lost
#: by that: what was acknowledged is on the disk, the rest is still in the spool.
_GRACE: Final = 2
_LAST_RESORT: Final = 4.5


class CannotServe(Exception):  # noqa: N818 - it says how things stand
    """The server cannot start; the message says why and what to do."""


class _Server(uvicorn.Server):
    """Uvicorn's server, which tells when it listens and lets go of long answers before it waits for them."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], leaving: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._leaving = leaving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End streams and questions, then the connections."""
        self._leaving()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the server, and what comes after it still runs (uvicorn would raise them again)."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that is ready to run: the directory is its own, its port is taken, its store is open.

    Use :meth:`open`, then :meth:`run` once.
    """

    app: FastAPI
    url: str
    pipeline: Pipeline
    store: Store
    database: Database
    projector: Projector
    presence: Presence
    listener: socket.socket
    scraper: Scraper

    @classmethod
    def open(cls, settings: Settings, *, any_port: bool = False) -> Serving:
        """Take the directory and the port, and open the store.

        Args:
            settings: those of the server.
            any_port: when the port is taken, take any that is free.

        Raises:
            CannotServe: the message says why and what to do.
            AlreadyRunning: a server runs for this directory.
            StoreError: the store cannot be opened.
        """
        _check_token(settings)
        rules = _rules(settings)
        scraped = _scraped(settings)
        directory = Path(settings.dir).absolute()
        presence = Presence(directory)
        try:
            presence.take()
        except OSError as error:
            msg = f"{directory} cannot be used: {error.strerror}. Choose another with --dir."
            raise CannotServe(msg) from None
        try:
            listener = _listen(settings.host, settings.port, any_port=any_port)
            try:
                store = stores.open(directory / "store")
                try:
                    database = open_state(directory, settings.state_url)
                except StateError as error:
                    store.close()
                    raise CannotServe(str(error)) from error
            except BaseException:
                listener.close()
                raise
        except BaseException:
            presence.leave()
            raise
        pipeline = Pipeline(
            store,
            directory,
            retention_days=settings.retention_days or None,
            rules=rules,
            metrics_interval=settings.metrics_interval,
            metrics_retention_days=settings.metrics_retention_days or None,
        )
        projector = Projector(
            store,
            database,
            pipeline.inbox.accept,
            policy=Policy(settings.critical_components, settings.error_threshold),
            retention_days=settings.issue_retention_days,
            rules=rules,
        )
        app = create_app(pipeline, directory, database=database, token=settings.token)
        url = _url(settings.host, listener)
        scraper = Scraper(scraped, pipeline.inbox, pipeline.wake)
        return cls(app, url, pipeline, store, database, projector, presence, listener, scraper)

    def run(self, ready: Callable[[str], None] | None = None) -> None:
        """Serve until a signal or :meth:`uvicorn.Server.should_exit`, then leave everything in order.

        Args:
            ready: called with the URL once the server answers.
        """

        def announce() -> None:
            self.presence.announce(self.url)
            if ready:
                ready(self.url)

        config = uvicorn.Config(
            self.app,
            http=Protocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE,
            backlog=256,
        )
        last_resort = threading.Timer(_LAST_RESORT, _give_up)
        last_resort.daemon = True

        def leaving() -> None:
            if threading.current_thread() is threading.main_thread() and last_resort.ident is None:
                last_resort.start()
            self.app.state.plainview.stop()
            self.store.interrupt_all()

        server = _Server(config, announce, leaving)
        self.app.state.server = server
        self.pipeline.start()
        self.projector.start()
        self.scraper.start()
        try:
            asyncio.run(server.serve(sockets=[self.listener]))
        finally:
            leaving()
            self._close()
            last_resort.cancel()

    def _close(self) -> None:
        self.projector.stop()
        self.scraper.stop()
        self.pipeline.stop()
        self.app.state.plainview.questions.join()
        with contextlib.suppress(StoreError):  # the log is replayed at the next start
            self.store.checkpoint()
        self.store.close()
        self.database.close()
        self.listener.close()
        self.presence.leave()


def _give_up() -> None:
    _log.warning("still busy: leaving at once; nothing is lost by it")
    os._exit(0)


def _scraped(settings: Settings) -> list[Target]:
    """What is to be scraped."""
    try:
        return targets(Path(settings.scrape_config)) if settings.scrape_config else []
    except BadScrapeConfig as error:
        msg = f"PLAINVIEW_SCRAPE_CONFIG: {error}"
        raise CannotServe(msg) from None


def _check_token(settings: Settings) -> None:
    if settings.token and len(settings.token) < _TOKEN_LENGTH:
        msg = f"PLAINVIEW_TOKEN is too short: {_TOKEN_LENGTH} characters or more, as `openssl rand -hex 24` gives."
        raise CannotServe(msg)
    if not settings.token and not is_loopback(settings.host):
        msg = (
            f"Listening on {settings.host}, which other machines can reach, needs a token.\n"
            "Set one:  export PLAINVIEW_TOKEN=$(openssl rand -hex 24)\n"
            "and give it to the applications that send here and to whoever opens the screen; "
            "or listen on 127.0.0.1."
        )
        raise CannotServe(msg)


def _rules(settings: Settings) -> Rules:
    """The user's rules on how errors are grouped.

    Raises:
        CannotServe: the file cannot be read, or one of them is wrong.
    """
    if not settings.error_rules:
        return NO_RULES
    try:
        with Path(settings.error_rules).open("rb") as file:
            told = tomllib.load(file)
        return read(told.get("rules", []))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        msg = f"PLAINVIEW_ERROR_RULES={settings.error_rules}: {getattr(error, 'strerror', None) or error}"
        raise CannotServe(msg) from None


def _listen(host: str, port: int, *, any_port: bool) -> socket.socket:
    """A listening socket.

    Raises:
        CannotServe: the address cannot be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        msg = f"{host!r} is no address of this machine ({error.strerror}). Use --host 127.0.0.1."
        raise CannotServe(msg) from None
    family, kind, protocol, _, address = found[0]
    # Said to be TCP, so that asyncio turns off the wait for more to send (40 ms an answer).
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(256)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE and any_port and port:
            return _listen(host, 0, any_port=False)
        raise CannotServe(_why_not(host, port, error)) from None
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is taken by another program. Use another:  plainview serve --port {port + 1}\n"
            "(or --port 0 for any that is free)."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} may not be used by this user. Use one above 1023:  plainview serve --port 7070"
    return f"{host}:{port} cannot be listened on: {error.strerror}"


def _url(host: str, listener: socket.socket) -> str:
    """Where programs of this machine reach the server."""
    address, port = listener.getsockname()[:2]
    if address in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        address = "127.0.0.1" if address == "0.0.0.0" else "::1"  # noqa: S104 - as above
    if host == "localhost":
        address = host
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def serve(settings: Settings, *, any_port: bool = False, ready: Callable[[str], None] | None = None) -> None:
    """Serve a directory until a signal comes. The arguments and errors are those of :class:`Serving`."""
    Serving.open(settings, any_port=any_port).run(ready)
