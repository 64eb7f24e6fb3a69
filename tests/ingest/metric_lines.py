"""Lines of metrics, and what became of them in the store."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from plainview.query.metrics.source import EVER, StoredMetrics
from plainview.query.promql.series import Matcher
from plainview.query.reader import Reader
from plainview.records import MetricPoint, MetricRecord

if TYPE_CHECKING:
    from plainview.query.promql.series import Series
    from plainview.store.interface import Store

STEP = 15_000
#: A tick an hour ago: what is written of then is stored at once.
PAST = (time.time_ns() // 1_000_000 - 3_600_000) // STEP * STEP


def stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def line(moment: float, name: str, value: float | None = 1.0, kind: str = "counter", **fields: Any) -> bytes:
    """One line with one point; ``labels`` and whatever a point or a record has."""
    own = {key: fields.pop(key) for key in list(fields) if key in MetricPoint.__struct_fields__}
    values = {"service": "studio", "host": "box", "pid": 41} | fields
    points = values.pop("points", None) or [MetricPoint(value=value, **own)]
    record = MetricRecord(timestamp=stamp(moment), name=name, kind=kind, points=points, **values)
    return msgspec.json.encode(record)


def series(store: Store, name: str, **labels: str) -> list[Series]:
    matchers = [Matcher("__name__", "=", name), *(Matcher(key, "=", value) for key, value in labels.items())]
    return StoredMetrics(Reader(store)).select(matchers, 0, EVER)


def one(store: Store, name: str, **labels: str) -> dict[int, float]:
    """Ticks after ``PAST`` and values of the one series that there is."""
    (found,) = series(store, name, **labels)
    return {(moment - PAST) // STEP: value for moment, value in zip(found.times, found.values.tolist(), strict=True)}
