"""A data directory with everything that works on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from spool_stream import Stream

import plainview.store
from plainview.ingest.pipeline import Pipeline

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path


class Desk:
    """A data directory with everything that works on it."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.directory = directory
        self._stack = stack
        self.store = plainview.store.open(directory / "store")
        stack.callback(self._close)
        self._streams = 0

    def _close(self) -> None:
        self.store.close()

    def stream(self, name: str | None = None, **options) -> Stream:
        self._streams += 1
        return Stream(self.directory, name or f"studio-41-{self._streams:08x}", **options)

    def pipeline(self, **options) -> Pipeline:
        pipeline = Pipeline(self.store, self.directory, **options)
        self._stack.callback(pipeline.stop)
        return pipeline

    def running(self, **options) -> Pipeline:
        pipeline = self.pipeline(**options)
        pipeline.start()
        return pipeline

    def ingest(self) -> Pipeline:
        """Take in all there is, and stop."""
        pipeline = self.running()
        assert pipeline.drain()
        pipeline.stop()
        return pipeline

    def reopen(self) -> None:
        self.store.close()
        self.store = plainview.store.open(self.directory / "store")

    def messages(self) -> list[str]:
        return [row[0] for row in self.store.query("SELECT message FROM logs ORDER BY id").rows]

    def counts(self) -> tuple[int, int]:
        """Rows, and distinct rows."""
        return self.store.query("SELECT count(*), count(DISTINCT message) FROM logs").rows[0]

    def aside(self) -> list[dict]:
        return [
            json.loads(line)
            for path in sorted((self.directory / "aside").glob("*"))
            for line in path.read_text().splitlines()
        ]

    def segments(self) -> list[str]:
        return sorted(path.relative_to(self.directory).as_posix() for path in self.directory.glob("*/*/*.ndjson"))
