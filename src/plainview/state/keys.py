"""Keys that programs show: each has a public part, which finds it, and may have a secret, of which the digest is kept.

A DSN (``http://<public>@host/<project>``) shows the public part alone; a token shows both, as ``<public>.<secret>``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from plainview.state.tables import keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plainview.state.database import Database

__all__ = ["KINDS", "Key", "create", "every", "find", "revoke", "rotate", "shown"]

KINDS: Final = ("dsn", "token")
#: Bytes of the public part (32 hexadecimal digits, as in any DSN) and of the secret.
_PUBLIC, _SECRET = 16, 32


@dataclass(frozen=True, slots=True)
class Key:
    """A key, without its secret. Moments are microseconds since 1970."""

    id: int
    public: str
    kind: str
    name: str
    project: int
    scopes: tuple[str, ...]
    created: int
    rotated: int | None
    revoked: int | None


def create(  # noqa: PLR0913 - what a key is
    database: Database,
    *,
    kind: str,
    name: str = "",
    project: int = 1,
    scopes: Sequence[str] = (),
    public: str | None = None,
) -> tuple[Key, str]:
    """Make a key.

    Args:
        database: the state.
        kind: one of `KINDS`.
        name: for people.
        project: the project that it is for.
        scopes: what it allows.
        public: the public part; made up when left out.

    Returns:
        The key and its secret, which is not kept and cannot be told again; a DSN's is empty.

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in KINDS:
        msg = f"unknown kind of key {kind!r}: use one of {', '.join(KINDS)}"
        raise ValueError(msg)
    secret = secrets.token_urlsafe(_SECRET) if kind == "token" else ""
    values = {
        "public": public or secrets.token_hex(_PUBLIC),
        "digest": _digest(secret),
        "kind": kind,
        "name": name,
        "project": project,
        "scopes": json.dumps(list(scopes)),
        "created": _now(),
    }
    with database.write() as connection:
        row = connection.execute(insert(keys).values(values).returning(*keys.c)).mappings().one()
        return _key(row), secret


def find(database: Database, public: str) -> Key | None:
    """The key with a public part, if it is not revoked."""
    with database.read() as connection:
        wanted = select(keys).where(keys.c.public == public, keys.c.revoked.is_(None))
        row = connection.execute(wanted).mappings().first()
    return _key(row) if row else None


def shown(database: Database, text: str) -> Key | None:
    """The key that is shown as ``<public>.<secret>``, if the secret is its own; compared in constant time."""
    public, _, secret = text.partition(".")
    with database.read() as connection:
        wanted = select(keys).where(keys.c.public == public, keys.c.revoked.is_(None), keys.c.digest != "")
        row = connection.execute(wanted).mappings().first()
    fits = hmac.compare_digest(_digest(secret), row["digest"] if row else "")
    return _key(row) if row and fits else None


def every(database: Database) -> list[Key]:
    """All keys, the revoked ones too, in the order in which they were made."""
    with database.read() as connection:
        return [_key(row) for row in connection.execute(select(keys).order_by(keys.c.id)).mappings()]


def rotate(database: Database, id_: int) -> tuple[Key, str] | None:
    """Give a key a new public part and a new secret; the old ones are worth nothing from now on.

    None: there is no such key, or it is revoked.
    """
    with database.write() as connection:
        row = (
            connection.execute(
                update(keys)
                .where(keys.c.id == id_, keys.c.revoked.is_(None))
                .values(public=secrets.token_hex(_PUBLIC), rotated=_now())
                .returning(*keys.c)
            )
            .mappings()
            .first()
        )
        if row is None:
            return None
        secret = secrets.token_urlsafe(_SECRET) if row["kind"] == "token" else ""
        connection.execute(update(keys).where(keys.c.id == id_).values(digest=_digest(secret)))
        return _key(row), secret


def revoke(database: Database, id_: int) -> bool:
    """Let a key be worth nothing from now on. Gives whether there was one."""
    with database.write() as connection:
        done = connection.execute(update(keys).where(keys.c.id == id_, keys.c.revoked.is_(None)).values(revoked=_now()))
        return bool(done.rowcount)


def _key(row: Mapping[Any, Any]) -> Key:
    return Key(
        row["id"],
        row["public"],
        row["kind"],
        row["name"],
        row["project"],
        tuple(json.loads(row["scopes"])),
        row["created"],
        row["rotated"],
        row["revoked"],
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest() if secret else ""


def _now() -> int:
    return time.time_ns() // 1000
