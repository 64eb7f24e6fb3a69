"""An easy way to fill a store."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from plainview.ingest.ndjson import decode, tabulate
from plainview.store.interface import Batch

if TYPE_CHECKING:
    from plainview.store.interface import Store

#: The time of the first record, unless a test says otherwise.
START = datetime(2026, 11, 20, 12, tzinfo=UTC)
_NS = 1_000_000_000


class Fill:
    """Stores records, given as what matters of them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._count = itertools.count()

    def logs(self, *records: dict[str, Any] | str, stream: str = "studio-1-00000000") -> None:
        """Store logs, a second apart; a text is a message."""
        self._write("log", [self._log(record) for record in records], stream)

    def _log(self, record: dict[str, Any] | str) -> dict[str, Any]:
        given = {"message": record} if isinstance(record, str) else record
        at = START + timedelta(seconds=next(self._count))
        return {"timestamp": at.isoformat().replace("+00:00", "Z"), "level": "INFO", "message": "hello"} | given

    def spans(self, *spans: dict[str, Any], stream: str = "studio-1-00000000") -> None:
        """Store spans; ``start`` and ``ms`` are milliseconds, from START and long."""
        self._write("span", [self._span(span) for span in spans], stream)

    def _span(self, given: dict[str, Any]) -> dict[str, Any]:
        span = {"trace_id": "t", "span_id": f"s{next(self._count)}", "name": "work", "service": "studio"} | given
        start = int(START.timestamp()) * _NS + round(span.pop("start", 0) * 1e6)
        times = {"start_time_unix_nano": start, "end_time_unix_nano": start + round(span.pop("ms", 1) * 1e6)}
        return times | span

    def operations(self, *lines: dict[str, Any], stream: str = "studio-1-00000000") -> None:
        """Store events of operations, as they are."""
        self._write("operation", list(lines), stream)

    def _write(self, kind: str, records: list[dict[str, Any]], stream: str) -> None:
        good, bad = decode(kind, b"".join(json.dumps(record).encode() + b"\n" for record in records))
        rows, unfit = tabulate(kind, good, stream)
        assert not bad
        assert not unfit
        assert rows is not None
        self.store.write(Batch([rows]))
