"""The tables of the state. Moments are microseconds since 1970; what has members is JSON text.

Whatever is counted is counted per *group*: errors with one fingerprint. An issue is one group or several that were
merged; its own counts are the sums of theirs. So a merge moves groups, and a split moves them back.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

__all__ = [
    "AFFECTED",
    "METADATA",
    "affected",
    "counts",
    "groups",
    "history",
    "issues",
    "keys",
    "meta",
    "notices",
]

#: What an issue touches, of each kind the distinct values: kind → column of the occurrences.
AFFECTED: Final = {
    "job": "job_id",
    "batch": "batch_id",
    "run": "run_id",
    "user": "user_id",
    "service": "service",
    "release": "version",
    "environment": "environment",
}

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

#: Single values: ``name`` of the state, the ``watermark`` of the projector.
meta: Final = Table(
    "meta", METADATA, Column("key", String(60), primary_key=True), Column("value", Text, nullable=False)
)

issues: Final = Table(
    "issues",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("status", String(20), nullable=False),
    Column("level", Integer, nullable=False),
    Column("error_type", Text, nullable=False),
    Column("error_message", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("culprit", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column("category", String(30), nullable=False),
    Column("platform", String(60), nullable=False),
    Column("handled", Integer, nullable=False),
    #: The fingerprint that it began with.
    Column("fingerprint", String(64), nullable=False),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("users", Integer, nullable=False),
    Column("jobs", Integer, nullable=False),
    #: The occurrence that it began with, for when the store has let go of all.
    Column("sample", Text, nullable=False),
    Column("assignee", Text),
    Column("notes", Text),
    #: Since when it has its status.
    Column("since", BigInteger, nullable=False),
    Column("resolved_in", Text),
    #: Releases that were known when it was resolved, JSON; occurrences of these are no regression.
    Column("known_releases", Text),
    Column("ignored_until", BigInteger),
    Column("ignored_count", BigInteger),
    Column("regressions", Integer, nullable=False, server_default="0"),
    Column("spiked", BigInteger, nullable=False, server_default="0"),
    #: The count at which the threshold was told of last.
    Column("crossed", BigInteger, nullable=False, server_default="0"),
    #: The issue that took it in.
    Column("merged_into", Integer),
    Index(None, "last_seen", "id"),
    Index(None, "first_seen", "id"),
    Index(None, "count", "id"),
    Index(None, "users", "id"),
    Index(None, "status", "last_seen"),
    sqlite_autoincrement=True,
)

groups: Final = Table(
    "groups",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("fingerprint", String(64), nullable=False, unique=True),
    #: Version of the algorithm.
    Column("grouping", Integer, nullable=False),
    Column("issue", Integer, ForeignKey("issues.id"), nullable=False, index=True),
    #: The issue that it began as or was carried over to: where a split moves it back.
    Column("origin", Integer, nullable=False),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
)

counts: Final = Table(
    "counts",
    METADATA,
    Column("group", Integer, ForeignKey("groups.id"), primary_key=True),
    #: Seconds: 3600 or 300.
    Column("width", Integer, primary_key=True),
    #: Seconds since 1970.
    Column("start", BigInteger, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

affected: Final = Table(
    "affected",
    METADATA,
    Column("group", Integer, ForeignKey("groups.id"), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Index(None, "kind", "value"),
    sqlite_with_rowid=False,
)

history: Final = Table(
    "history",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("issue", Integer, ForeignKey("issues.id"), nullable=False, index=True),
    Column("time", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(40), nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("note", Text),
)

#: What was noticed about issues, to be told in the log and by whoever notifies: each is told once.
notices: Final = Table(
    "notices",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("issue", Integer, ForeignKey("issues.id"), nullable=False, index=True),
    Column("time", BigInteger, nullable=False),
    #: ``new``, ``regressed``, ``spike``, ``critical``, ``threshold``.
    Column("kind", String(20), nullable=False),
    Column("level", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column("details", Text, nullable=False),
    #: Number of the batch of log lines that it goes out with; NULL: it has none yet.
    Column("batch", Integer, index=True),
    #: Whether that batch is out.
    Column("told", Integer, nullable=False, server_default="0", index=True),
)

keys: Final = Table(
    "keys",
    METADATA,
    Column("id", Integer, primary_key=True),
    #: The public part, which finds it.
    Column("public", String(64), nullable=False, unique=True),
    #: SHA-256 of the secret part, hexadecimal; empty where there is none.
    Column("digest", String(64), nullable=False),
    #: ``dsn`` or ``token``.
    Column("kind", String(20), nullable=False),
    Column("name", Text, nullable=False),
    Column("project", Integer, nullable=False),
    #: JSON array.
    Column("scopes", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("rotated", BigInteger),
    Column("revoked", BigInteger),
    Column("used", BigInteger),
)
