"""How an operation is told under the configuration in force: its lines and its metrics, looked up once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from plainview.capture.metrics.families import feed
from plainview.capture.operations.kinds import kind_of
from plainview.capture.operations.recording import Recording
from plainview.capture.operations.roster import ENGINES
from plainview.capture.recorder import ids_of
from plainview.capture.runtime import runtime
from plainview.records import LEVEL_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plainview.capture.operations.kinds import Kind
    from plainview.capture.runtime import Runtime
    from plainview.context import Frame

__all__ = ["Telling", "telling"]

#: Names that are remembered of a kind.
_MOST: Final = 4_000


class Telling:
    """What is said of the operations of one kind and name."""

    def __init__(self, now: Runtime, kind: Kind, name: str, whole: str) -> None:
        self.runtime: Final = now
        self.tracing: Final = now.tracing
        self.failed: Final = now.recorder.spool.failed
        self.gates: Final = now.gates
        self._kind: Final = kind
        self._name: Final = name
        self._logger: Final = f"plainview.{kind.name}"
        self._labels: Final = {kind.label: name} if kind.label else {}
        if kind.within:
            self._labels[kind_of(kind.within).label] = whole
        self.recording: Final = Recording(now.recorder, kind.name, name)
        #: Name and attributes of its spans.
        self.title: Final = f"{kind.name} {name}"
        self.attributes: Final = {"operation.kind": kind.name, "operation.name": name}
        #: These as a JSON object; None: they take a closer look.
        self.encoded: Final = now.recorder.encoding.plain(self.attributes)
        #: Whether there are metrics; whether it is told as created when it begins; whether its record says so.
        self.fed: Final = any(kind.feeds)
        self.creates: Final = "created" in kind.told
        self.long: Final = kind.long
        #: Whether its end may be told by the line of its span.
        self.brief: Final = not kind.long and now.settings.enabled
        #: Event → whether its line is kept; and of which turn of the levels that is.
        self._kept: dict[str, bool] = {}
        self.turn = -1
        #: Whether nothing but the record tells of its beginning and of a good end.
        self.silent = False
        self._lines: dict[str, tuple[int, bytes, str, Any]] = {}
        self._series: dict[tuple[str, str], Any] = {}

    def context(self, frame: Frame) -> bytes:
        """The members of ids and context fields of a frame, each followed by a comma."""
        known = frame.bound.known
        if known is None:
            known = self.runtime.recorder.encode_bound(frame.bound)
        ids = frame.ids
        return (ids_of(frame) if ids is None else ids) + known

    def keeps(self, event: str) -> bool:
        """Whether the level of an event's line is kept at all."""
        if self.turn != self.gates.turn:
            self.tune()
        kept = self._kept.get(event)
        if kept is None:
            level = self._kind.event(event).level
            kept = self._kept[event] = level >= self.gates.level(self._logger)
        return kept

    def tune(self) -> None:
        """Go by the levels in force."""
        self.turn, self._kept = self.gates.turn, {}
        self.silent = self.brief and not (self.fed or self.keeps("started") or self.keeps("completed"))

    def tell(self, event: str, name: str, fields: Mapping[str, Any], error: BaseException | None = None) -> None:
        """Write the line of an event, where its level is kept."""
        line = self._lines.get(event)
        if line is None:
            line = self._lines[event] = self._line(event)
        level, head, message, admit = line
        now = self.runtime
        if level >= now.gates.level(self._logger) and (admit is None or admit(message)):
            named = {self._kind.field: name, **fields}
            now.recorder.log(time.time_ns(), head, message, named, b"", error)

    def _line(self, event: str) -> tuple[int, bytes, str, Any]:
        level, words = self._kind.event(event)
        now = self.runtime
        head = now.recorder.head(LEVEL_NAMES[level], self._logger)
        return level, head, f"{words}: {self._name}", now.gates.gate(self._logger, level)

    def _of(self, what: str, status: str = "") -> Any:  # noqa: ANN401 - a counter, a gauge or a histogram; None
        key = (what, status)
        try:
            return self._series[key]
        except KeyError:
            found = None
            try:
                found = self._look(what, status)
            except Exception as error:  # noqa: BLE001 - the application has a metric of that name, of another shape
                self.failed(error)
            self._series[key] = found
            return found

    def _look(self, what: str, status: str) -> Any:  # noqa: ANN401 - as above
        name = getattr(self._kind.feeds, what)
        labels = self._labels | ({"status": status} if status else {})
        if not name:
            return None
        return feed(name).labels(**labels) if labels else feed(name)

    def feed(self, what: str, status: str = "") -> None:
        """Count one: ``created``, ``ended``, ``retries``, ``items``, ``iterations``."""
        found = self._of(what, status)
        if found is not None:
            found.inc()

    def run(self, by: int) -> None:
        """One more runs, or one less."""
        found = self._of("running")
        if found is not None:
            found.inc(by)

    def observe(self, seconds: float) -> None:
        """Note how long one took."""
        found = self._of("duration")
        if found is not None:
            found.observe(seconds)


def telling(kind: Kind, name: str, whole: str) -> Telling:
    """How operations of a kind and name are told, as parts of what is called ``whole``."""
    known = kind.tellings
    place = (name, whole) if kind.within else name
    found = known.get(place)
    if found is None or found.runtime.over:
        if kind.name == "engine":
            ENGINES.met(name)
        if len(known) >= _MOST:
            known.clear()
        found = known[place] = Telling(runtime(), kind, name, whole)
    if found.turn != found.gates.turn:
        found.tune()
    return found
