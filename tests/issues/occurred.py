"""Errors made up for tests, a store and a state to keep them, and the thread between them driven by hand."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from plainview import store as stores
from plainview.ingest.ndjson import decode
from plainview.ingest.occurrences import Occurrences
from plainview.issues import listing, record
from plainview.issues.noticing import Policy
from plainview.issues.projector import Projector
from plainview.query.reader import Reader
from plainview.state import open_state
from plainview.store.interface import Batch

if TYPE_CHECKING:
    from pathlib import Path


def error(number: int, kind: str = "ValueError", *, ago: float = 0, **fields: Any) -> dict[str, Any]:
    """An error as it is on the wire; its id comes from the number."""
    at = datetime.now(UTC) - timedelta(seconds=ago)
    frames = [{"file": "studio/books.py", "module": "studio.books", "function": "create", "line": 3}]
    return {
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        "error_id": f"{number:032x}",
        "mechanism": "manual",
        "service": "studio",
        "exceptions": [{"type": kind, "module": "builtins", "message": "no such book", "frames": frames}],
        "stack_trace": f"Traceback (most recent call last):\n{kind}: no such book\n",
    } | fields


def lines(*errors: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in errors)


class Desk:
    """A store and a state in a folder."""

    def __init__(self, folder: Path, **policy: Any) -> None:
        self.folder = folder
        self.policy = Policy(**policy)
        self.told: list[dict[str, Any]] = []
        self.batches: list[str] = []
        self.store = stores.open(folder / "store")
        self.database = open_state(folder)
        self.grouping = Occurrences()
        self.projector = Projector(self.store, self.database, self.take, policy=self.policy)

    def take(self, body: bytes, batch: str) -> None:
        self.batches.append(batch)
        self.told += [json.loads(line) for line in body.splitlines()]

    def occur(self, *errors: dict[str, Any]) -> None:
        """Store errors, and make issues of them."""
        self.put(*errors)
        self.projector.catch_up()

    def put(self, *errors: dict[str, Any]) -> None:
        records, bad = decode("error", lines(*errors))
        assert not bad
        self.store.write(Batch([self.grouping.rows(records, "test")]))

    @property
    def reader(self) -> Reader:
        return Reader(self.store)

    def issues(self, **given: Any) -> list[dict[str, Any]]:
        return listing.search(self.database, given, sort="first_seen", order="asc", limit=1000)["errors"]

    def only(self, **given: Any) -> dict[str, Any]:
        (issue,) = self.issues(**given)
        return issue

    def detail(self, id_: str) -> dict[str, Any]:
        issue = record.find(self.database, self.reader, id_)
        assert issue is not None
        return record.detail(self.database, self.reader, issue)

    def history(self, id_: str) -> list[dict[str, Any]]:
        return record.changes(self.database, int(id_[1:]))

    def notices(self) -> list[str]:
        return [line["extra"]["notice"] for line in self.told]

    def close(self) -> None:
        self.store.close()
        self.database.close()


def now() -> int:
    return time.time_ns() // 1000
