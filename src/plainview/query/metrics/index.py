"""Which series there are: kept in memory, brought up to date from the store."""

from __future__ import annotations

import threading
import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from plainview.query.promql.regex import matching
from plainview.query.sql import Sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainview.query.promql.series import Matcher
    from plainview.query.reader import Reader
    from plainview.store.interface import Store

__all__ = ["Indexed", "SeriesIndex", "index_of"]

#: Seconds after which the index is made anew, without the series that retention has removed.
_ANEW: Final = 3600.0
_DAY: Final = 86_400_000
_COLUMNS: Final = "id, epoch_ms(timestamp), series_id, name, labels, family, kind, unit, description"
_labels: Final = msgspec.json.Decoder(dict[str, str])


@dataclass(slots=True)
class Indexed:
    """One series that the store knows.

    Attributes:
        series_id: its number in the store.
        labels: its labels, the name as ``__name__``.
        family: name of the metric that it is a part of.
        kind: ``counter``, ``gauge``, ``histogram`` or another of Prometheus's words.
        unit, description: of the metric.
        first, last: when it was first and last told of, milliseconds. It is told of again every day.
    """

    series_id: int
    labels: dict[str, str]
    family: str
    kind: str
    unit: str
    description: str
    first: int
    last: int

    def within(self, start_ms: int, end_ms: int) -> bool:
        """Whether it may have samples in a range of time."""
        return self.first <= end_ms and self.last + 2 * _DAY >= start_ms


class SeriesIndex:
    """All series of a store. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._series: dict[int, Indexed] = {}
        self._names: dict[str, dict[int, Indexed]] = {}
        self._known = 0
        self._made = 0.0
        self._texts: dict[str, str] = {}

    def refresh(self, reader: Reader) -> None:
        """Take in the series that were told of since the last time."""
        with self._lock:
            if time.monotonic() - self._made > _ANEW:
                self._series, self._names, self._texts, self._known = {}, {}, {}, 0
                self._made = time.monotonic()
            if reader.store.last_id("metric_series") <= self._known:
                return
            statement = Sql(f"SELECT {_COLUMNS} FROM metric_series WHERE id > ?", (self._known,))  # noqa: S608 - ours
            for number, moment, series_id, name, labels, family, kind, unit, description in reader.rows(statement):
                self._known = max(self._known, number)
                known = self._series.get(series_id)
                if known is None:
                    share = self._texts.setdefault
                    own = {share(key, key): share(value, value) for key, value in _labels.decode(labels).items()}
                    own["__name__"] = share(name, name)
                    words = share(family, family), share(kind, kind), share(unit, unit), share(description, description)
                    known = self._series[series_id] = Indexed(series_id, own, *words, moment, moment)
                    self._names.setdefault(name, {})[series_id] = known
                elif moment >= known.last:
                    known.kind, known.unit, known.description = kind, unit, description
                    known.last = moment
                known.first = min(known.first, moment)

    def every(self) -> list[Indexed]:
        """All of them."""
        with self._lock:
            return list(self._series.values())

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[Indexed]:
        """Those of which every matcher holds, and which may have samples in a range of time.

        Raises:
            BadPattern: a regular expression is none.
        """
        rest = list(matchers)
        with self._lock:
            candidates: Iterable[Indexed] = self._series.values()
            for matcher in matchers:
                if matcher.name == "__name__" and matcher.operator == "=":
                    candidates = self._names.get(matcher.value, {}).values()
                    rest.remove(matcher)
                    break
            found = [one for one in candidates if one.within(start_ms, end_ms)]
        for matcher in rest:
            found = _narrowed(found, matcher)
        return found


def _narrowed(found: list[Indexed], matcher: Matcher) -> list[Indexed]:
    name = matcher.name
    values = {one.labels.get(name, "") for one in found}
    if matcher.operator in ("=", "!="):
        good = {value for value in values if (value == matcher.value) == (matcher.operator == "=")}
    else:
        distinct = list(values)
        hits = matching(matcher.value, distinct)
        good = {value for value, hit in zip(distinct, hits, strict=True) if hit == (matcher.operator == "=~")}
    return [one for one in found if one.labels.get(name, "") in good]


_indexes: Final[weakref.WeakKeyDictionary[Store, SeriesIndex]] = weakref.WeakKeyDictionary()
_making: Final = threading.Lock()


def index_of(store: Store) -> SeriesIndex:
    """The index of a store; there is one."""
    with _making:
        return _indexes.setdefault(store, SeriesIndex())
