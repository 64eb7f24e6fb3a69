"""Following the spool: which streams there are, what is new in them, and what can go."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from plainview import cells
from plainview.ingest.lane import Lane, Piece
from plainview.records import KINDS
from plainview.segments import LOCK, PROCESS, STATUS, STATUS_BYTES, SegmentName, is_alive, listing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

__all__ = ["BATCH", "COMPLETE", "Follower", "Stream"]

#: A file of this name in a stream of the inbox says that nothing more will be added to it.
COMPLETE: Final = "complete"
#: What the names of such streams begin with that hold one batch. There may be thousands: nobody wants a list of them.
BATCH: Final = "batch-"

#: Seconds between two looks at the folders, and at whether a process lives.
_LOOK: Final = 0.25
_LOOK_STREAM: Final = 0.5
#: Seconds for which a stream without a locked lock counts as one whose process is about to take it.
_NEWBORN: Final = 2.0
#: Seconds after which positions of a stream whose folder is gone are dropped. Its writer may bring it back till then.
_FORGET: Final = 30 * 86400.0
#: Seconds after its last change that a stream from another machine is kept, to answer how far it was received.
_KEEP_SHIPPED: Final = 30 * 86400.0
#: How many removed streams the status still speaks of.
_REMEMBERED: Final = 50


@dataclass(slots=True)
class Stream:
    """One process's stream, as the follower knows it."""

    directory: Path
    #: It lies in the inbox and no process of this machine writes it.
    shipped: bool
    lanes: dict[str, Lane]
    found: float
    alive: bool = True
    looked: float = 0.0
    error: str = ""
    process: dict[str, Any] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.directory.name

    def is_over(self) -> bool:
        """Whether nothing more will be written to it."""
        return not self.alive

    def may_change(self) -> bool:
        """Whether there is a point in looking at it: its sender may have said too early that it is over."""
        return self.alive or (self.shipped and not self.name.startswith(BATCH))

    def look(self, now: float) -> None:
        """See whether the process lives, which segments there are, and what it says of itself."""
        self.looked = now
        # In this order: of a stream that is over, the list is complete.
        self.alive = self._is_alive(now)
        numbers: dict[str, list[int]] = {kind: [] for kind in KINDS}
        for segment in listing(self.directory):
            numbers[segment.kind].append(segment.number)
        for kind, lane in self.lanes.items():
            lane.numbers = numbers[kind]
        self.process = self.process or _read_json(self.directory / PROCESS)
        self.status = _read_json(self.directory / STATUS) or self.status

    def _is_alive(self, now: float) -> bool:
        if (self.directory / COMPLETE).exists():
            return False
        if not self.directory.exists():
            return self.alive  # removed under its process, perhaps: it will make it again
        if self.shipped:
            return True
        # The lock is looked at before the clock: it may be taken in between.
        if _is_held(self.directory) or now - self.found < _NEWBORN:
            return True
        # What a process that is gone had counted and told nobody comes first.
        return not cells.finalise(self.directory)

    def summary(self, lag: int) -> dict[str, Any]:
        """What the status page says of it."""
        status = self.status
        return {
            "stream": self.name,
            "service": self.process.get("service", ""),
            "environment": self.process.get("environment", ""),
            "version": self.process.get("version", ""),
            "host": self.process.get("host", ""),
            "pid": self.process.get("pid"),
            "started": self.process.get("started"),
            "alive": self.alive,
            "remote": self.shipped,
            "lag_bytes": lag,
            "missing_segments": sum(lane.missing for lane in self.lanes.values()),
            "dropped": _counts(status.get("dropped")),
            "dropped_reason": status.get("dropped_reason") or "",
            "degraded_since": status.get("degraded_since"),
            "sampled": status.get("sampled") or {},
            "rate_limited": status.get("rate_limited") or 0,
            "internal_errors": status.get("internal_errors") or 0,
            "updated": status.get("updated"),
            "error": self.error,
        }


def _is_held(directory: Path) -> bool:
    """Whether a process holds a stream's lock; where that cannot be told, it counts as held."""
    if is_alive(directory):
        return True
    try:
        os.close(os.open(directory / LOCK, os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _read_json(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = msgspec.json.decode(file.read(16 * STATUS_BYTES).rstrip(b"\0 \n"))
    except (OSError, msgspec.MsgspecError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _counts(value: object) -> dict[str, int]:
    if not isinstance(value, dict):
        return {}
    return {str(kind): number for kind, number in value.items() if isinstance(number, int)}


class Follower:
    """Reads every stream of a data directory, a little of each in turn.

    It only reads, until :meth:`collect` is told what the store holds for good. It belongs to one thread.

    Args:
        directory: the data directory, with ``spool/`` and ``inbox/`` in it.
        offsets: positions to go on from, as the store has them.
        before_removal: told the names of streams that are about to be removed.
    """

    def __init__(
        self,
        directory: Path,
        offsets: Mapping[tuple[str, str], tuple[int, int]],
        *,
        before_removal: Callable[[Sequence[str]], None] | None = None,
    ) -> None:
        self._roots = {directory / "spool": False, directory / "inbox": True}
        self._offsets = offsets
        self._before_removal = before_removal
        self.streams: dict[str, Stream] = {}
        #: Summaries of streams that were removed, the latest last, and what they had dropped in all.
        self.removed: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)
        self.dropped_by_removed = 0
        self._turns: deque[Lane] = deque()
        self._looked = 0.0
        self._gone: dict[str, float] = {}

    def look(self, *, now: bool = False) -> None:
        """See which streams there are; does nothing when it did a moment ago."""
        clock = time.monotonic()
        if now or clock - self._looked >= _LOOK:
            self._looked = clock
            for root, inbox in self._roots.items():
                self._find(root, inbox=inbox, clock=clock)
        for stream in self.streams.values():
            if stream.may_change() and (now or clock - stream.looked >= _LOOK_STREAM):
                was_over = stream.is_over()
                stream.look(clock)
                if was_over and not stream.is_over():
                    self._turns.extend(lane for lane in stream.lanes.values() if lane not in self._turns)

    def _find(self, root: Path, *, inbox: bool, clock: float) -> None:
        try:
            with os.scandir(root) as entries:
                found = [Path(entry) for entry in entries if entry.name not in self.streams and _is_folder(entry)]
        except OSError:
            return
        for directory in found:
            names = _names(directory)
            if not any(_is_ours(name) or SegmentName.parse(name) for name in names):
                continue  # somebody else's
            stream = Stream(directory, inbox and LOCK not in names, {}, clock)
            for kind in KINDS:
                position = self._offsets.get((stream.name, kind))
                stream.lanes[kind] = Lane(directory, kind, position, stream.is_over, shipped=stream.shipped)
            stream.look(clock)
            self.streams[stream.name] = stream
            self._turns.extend(stream.lanes.values())

    def poll(self, most: int) -> list[Piece]:
        """What is new, about ``most`` bytes of it. Streams take turns, so a long backlog does not hold up the rest."""
        self.look()
        pieces: list[Piece] = []
        total = 0
        share = max(64 << 10, min(1 << 20, most // max(1, len(self._turns))))
        exhausted = 0
        while exhausted < len(self._turns) and total < most:
            lane = self._turns.popleft()
            piece = self._read(lane, share)
            if piece is None:
                if not lane.is_done():
                    self._turns.append(lane)
                    exhausted += 1
                continue
            self._turns.append(lane)
            exhausted = 0
            pieces.append(piece)
            total += len(piece.data) + 64
        return pieces

    def _read(self, lane: Lane, most: int) -> Piece | None:
        stream = self.streams[lane.stream]
        try:
            piece = lane.read(most)
        except OSError as error:
            stream.error = f"{lane.kind}: {error}"
            return None
        if piece is not None:
            stream.error = ""
        return piece

    def finished(self, names: Iterable[str], kind: str) -> list[str]:
        """Those of some streams that are over, or gone, and of which all of a kind was read."""
        return [
            name
            for name in names
            if (stream := self.streams.get(name)) is None or (stream.is_over() and stream.lanes[kind].is_done())
        ]

    def rewind(self, offsets: Mapping[tuple[str, str], tuple[int, int]]) -> None:
        """Go back to what the store has: what was read since is read again."""
        self._turns = deque(lane for stream in self.streams.values() for lane in stream.lanes.values())
        for lane in self._turns:
            lane.rewind(offsets.get((lane.stream, lane.kind)))

    def collect(
        self, offsets: Mapping[tuple[str, str], tuple[int, int]], keep: Callable[[], Collection[str]] = tuple
    ) -> list[str]:
        """Delete segments that the store holds for good, and streams that are over.

        Args:
            offsets: positions that a checkpoint has made final.
            keep: gives the names of streams that are to stay for now, even if they are over.

        Returns:
            Streams that are gone for good: their positions can be dropped now.
        """
        over, kept = [], set(keep())
        for stream in list(self.streams.values()):
            for kind, lane in stream.lanes.items():
                held = offsets.get((stream.name, kind), (0, 0))[0]
                for number in [number for number in lane.numbers if number < held]:
                    with contextlib.suppress(OSError):
                        (stream.directory / str(SegmentName(kind, number))).unlink()
                    lane.numbers = [other for other in lane.numbers if other != number]
            if stream.name not in kept and self._is_over(stream):
                over.append(stream)
        if over and self._before_removal is not None:
            self._before_removal([stream.name for stream in over])
        gone = [stream.name for stream in over if self._remove(stream)] + self._long_gone(offsets)
        for name in gone:
            self.streams.pop(name, None)
        self._turns = deque(lane for lane in self._turns if lane.stream in self.streams)
        return gone

    def _is_over(self, stream: Stream) -> bool:
        if not stream.directory.exists():
            return False
        if stream.shipped and stream.alive:
            try:
                age = time.time() - stream.directory.stat().st_mtime
            except OSError:
                return False
            return age > _KEEP_SHIPPED and not listing(stream.directory)
        return not stream.alive and not listing(stream.directory)

    def _remove(self, stream: Stream) -> bool:
        """Remove the folder of a stream that is over. One with anything in it that is not ours stays."""
        names = _names(stream.directory)
        if all(map(_is_ours, names)):
            # The lock goes last: as long as it is there, it can be seen that nobody holds it.
            for name in sorted(names, key=lambda name: name == LOCK):
                with contextlib.suppress(OSError):
                    (stream.directory / name).unlink()
            with contextlib.suppress(OSError):
                stream.directory.rmdir()
        if stream.directory.exists():
            return False
        if not stream.name.startswith(BATCH):
            self.removed.append(stream.summary(0) | {"alive": False})
            self.dropped_by_removed += sum(_counts(stream.status.get("dropped")).values())
        return True

    def _long_gone(self, offsets: Mapping[tuple[str, str], tuple[int, int]]) -> list[str]:
        """Streams of which there is nothing but positions, and that for a long time."""
        clock = time.monotonic()
        absent = {
            name
            for name in {stream for stream, _ in offsets} | self.streams.keys()
            if not any((root / name).exists() for root in self._roots)
        }
        self._gone = {name: self._gone.get(name, clock) for name in absent}
        return [name for name, since in self._gone.items() if clock - since > _FORGET]

    def summaries(self) -> list[dict[str, Any]]:
        """What the status page says of every stream, with what waits to be read of it."""
        return [
            stream.summary(sum(lane.lag() for lane in stream.lanes.values()))
            for stream in self.streams.values()
            if not stream.name.startswith(BATCH)
        ]


def _is_ours(name: str) -> bool:
    """Whether a file of a stream other than its segments may go with it; a writer keeps its next segment ready."""
    ours = name in {LOCK, PROCESS, STATUS, COMPLETE} or name.startswith("spare-") or name.endswith(".closed")
    return ours or cells.is_cells_file(name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _names(directory: Path) -> list[str]:
    try:
        return [entry.name for entry in directory.iterdir()]
    except OSError:
        return []
