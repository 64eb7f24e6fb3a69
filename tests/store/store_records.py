"""Records to store, and short ways to store them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from plainview.records import LogRecord, SpanRecord
from plainview.store import rows
from plainview.store.interface import Batch, Position

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plainview.store.interface import Store

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Opener:
    open: Callable[..., Store]

    def __call__(self, *arguments: Any, **options: Any) -> Store:
        return self.open(*arguments, **options)


def stamp(moment: datetime = NOON) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def log(number: int, moment: datetime = NOON, extra: object = None, **fields: Any) -> LogRecord:
    values: dict[str, Any] = {
        "timestamp": stamp(moment),
        "level": "INFO",
        "message": f"line {number}",
        "service": "studio",
        "extra": msgspec.Raw(msgspec.json.encode(extra if extra is not None else {"n": number})),
    }
    return LogRecord(**(values | fields))


def span(number: int, moment: datetime = NOON, **fields: Any) -> SpanRecord:
    start = int(moment.timestamp()) * 10**9 + number
    values: dict[str, Any] = {
        "trace_id": f"{number:032x}",
        "span_id": f"{number:016x}",
        "name": f"span {number}",
        "start_time_unix_nano": start,
        "end_time_unix_nano": start + 1000,
    }
    return SpanRecord(**(values | fields))


def write(store: Store, records: Sequence[LogRecord | SpanRecord], position: Position | None = None) -> None:
    logs = [record for record in records if isinstance(record, LogRecord)]
    spans = [record for record in records if isinstance(record, SpanRecord)]
    tables = []
    if logs:
        tables.append(rows.of_logs(logs, "stream-1-00000000"))
    if spans:
        tables.append(rows.of_spans(spans, "stream-1-00000000"))
    store.write(Batch(tables, [position] if position else []))


def messages(store: Store) -> list[str]:
    return [row[0] for row in store.query("SELECT message FROM logs ORDER BY id").rows]


def one(store: Store, sql: str, *parameters: object) -> Any:
    return store.query(sql, parameters).rows[0][0]
