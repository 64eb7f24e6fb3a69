"""The database of the state: SQLite in the data directory, or a PostgreSQL that is named by its address."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, create_engine, event, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from plainview.state.tables import meta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Table

__all__ = ["FILE", "Database", "StateError", "insert", "open_state"]

#: Name of the file in the data directory.
FILE: Final = "state.db"
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
#: Seconds that a transaction waits for that of another process.
_PATIENCE_S: Final = 10.0


class StateError(Exception):
    """The state cannot be opened; the message says why and what to do."""


class Database:
    """The state of one data directory. Methods may be called from any thread.

    Args:
        engine: SQLAlchemy's.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # SQLite has one writer at a time: ours wait here, in turn, rather than in its lock, by chance.
        self._writing = threading.RLock()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection whose statements all see one state."""
        with self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: what happens inside is committed at the end, or none of it."""
        with self._writing, self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    @property
    def name(self) -> str:
        """Tells this state from every other."""
        with self.read() as connection:
            return str(connection.scalar(select(meta.c.value).where(meta.c.key == "name")))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def insert(connection: Connection, table: Table) -> Any:  # noqa: ANN401 - either dialect's own, alike in what we use
    """An INSERT that knows ``on_conflict_do_update``."""
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def open_state(directory: Path, url: str = "") -> Database:
    """Open the state, made or brought up to date as needed.

    Args:
        directory: the data directory; the state is in ``state.db`` (mode 0600) unless ``url`` names another place.
        url: an address as SQLAlchemy takes it, ``postgresql+psycopg://…``.

    Raises:
        StateError: it cannot be opened, or a newer Plainview wrote it.
    """
    try:
        engine = _postgres(url) if url else _sqlite(directory / FILE)
    except (ArgumentError, ModuleNotFoundError) as error:
        msg = f"PLAINVIEW_STATE_URL cannot be used: {error}"
        raise StateError(msg) from error
    except OSError as error:
        msg = f"{directory / FILE} cannot be used: {error.strerror}"
        raise StateError(msg) from error
    database = Database(engine)
    try:
        _migrate(engine)
        with database.write() as connection:
            if connection.scalar(select(meta.c.value).where(meta.c.key == "name")) is None:
                connection.execute(meta.insert().values(key="name", value=secrets.token_hex(8)))
    except CommandError as error:
        engine.dispose()
        where = (url and make_url(url).render_as_string()) or directory / FILE
        msg = f"{where} was written by a newer Plainview: upgrade Plainview, or choose another directory ({error})"
        raise StateError(msg) from error
    except SQLAlchemyError as error:
        engine.dispose()
        where = (url and make_url(url).render_as_string()) or directory / FILE
        msg = f"the state in {where} cannot be opened: {getattr(error, 'orig', None) or error}"
        raise StateError(msg) from error
    return database


def _sqlite(path: Path) -> Engine:
    # Made here, so that nobody else can read it from the first moment on; the files beside it get the same mode.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _PATIENCE_S, "isolation_level": None})

    @event.listens_for(engine, "connect")
    def settle(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's own connection
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-16384"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # The lock of the writer at once: one that has read already could not get it later.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres(url: str) -> Engine:
    return create_engine(url, pool_pre_ping=True)


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
