"""Lines from other machines land here, on the disk before they are acknowledged, and are followed like the spool.

Three ways in:

- a body of lines: appended to a stream of this process's own, in segments like any writer's;
- the same with a batch id: a stream by itself, which appears whole or not at all; its name comes from the id, so the
  same batch is taken once, however often it is sent;
- segments of a stream of another machine, byte for byte, resumable at any offset.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from plainview.ingest.batches import Batches
from plainview.ingest.disk import sync_folder, write_new
from plainview.ingest.landing import PREFIX, Landing
from plainview.ingest.lane import closed_marker
from plainview.ingest.ndjson import MAX_LINE, decode, kind_of, tabulate
from plainview.ingest.spool import BATCH, COMPLETE
from plainview.records import KINDS
from plainview.segments import SegmentName, listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Held", "Inbox", "OffsetConflict", "Receipt"]

_STREAM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
#: Errors that a receipt lists.
_LISTED: Final = 20


class OffsetConflict(Exception):  # noqa: N818 - the word of the protocol (409 Conflict)
    """Bytes were sent for an offset that is not the end of what is held.

    Attributes:
        held: how far the segment is held, bytes.
    """

    def __init__(self, held: int) -> None:
        super().__init__(f"this segment is held up to byte {held}")
        self.held = held


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a body of lines."""

    accepted: int
    rejected: int
    #: The first of the rejected lines: number in the body (from 1) and reason.
    errors: list[tuple[int, str]] = field(default_factory=list)
    #: This batch had been taken before; nothing was stored again.
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """How much of a segment is held, and whether it is complete."""

    offset: int
    closed: bool


class Inbox:
    """The inbox of a data directory. Methods may be called from any thread.

    Args:
        directory: ``inbox/`` of the data directory.
        segment_bytes: size of a segment of this process's own stream.
    """

    def __init__(self, directory: Path, *, segment_bytes: int = 4 << 20) -> None:
        self.directory = directory
        self._landing = Landing(directory, segment_bytes)
        self._batches = Batches(directory)
        #: Told the names of streams that are stored and about to go.
        self.remember = self._batches.remember
        self._shipping = [threading.Lock() for _ in range(64)]

    # -- bodies of lines --------------------------------------------------------------------------------------------

    def accept(self, body: bytes, batch: str | None = None) -> Receipt:
        """Take the lines of a body, of logs and spans in any order. What was taken is on the disk when this returns.

        Args:
            body: NDJSON.
            batch: an id of the sender's choice; a body with an id that was taken before is not taken again.

        Raises:
            OSError: there is no room, or the disk failed; the sender should send it all again later.
        """
        lines: dict[str, list[bytes]] = {kind: [] for kind in KINDS}
        numbers: dict[str, list[int]] = {kind: [] for kind in KINDS}
        errors: dict[int, str] = {}
        for number, line in enumerate(body.split(b"\n"), 1):
            if len(line) > MAX_LINE:
                errors[number] = f"longer than {MAX_LINE} bytes"
            elif line and not line.isspace():
                kind = kind_of(line)
                lines[kind].append(line)
                numbers[kind].append(number)
        good: dict[str, list[bytes]] = {}
        for kind in sorted(KINDS, key=lambda kind: kind == "log"):
            good[kind], bad = _checked(kind, lines[kind])
            for index, reason in bad.items():
                line, number = lines[kind][index], numbers[kind][index]
                if kind != "log" and not _checked("log", [line])[1]:
                    lines["log"].append(line)  # a log that speaks of them
                    numbers["log"].append(number)
                else:
                    errors[number] = reason
        accepted = sum(map(len, good.values()))
        data = {kind: b"".join(line + b"\n" for line in those) for kind, those in good.items() if those}
        repeated = False
        if batch is not None:
            repeated = not self._batches.take(batch, data)
        else:
            for kind, content in data.items():
                self._landing.append(kind, content)
        return Receipt(accepted, len(errors), sorted(errors.items())[:_LISTED], repeated)

    def land(self, lines: Mapping[str, Sequence[bytes]]) -> None:
        """Take lines that are records for sure, by kind, without their newlines. They are on the disk afterwards.

        Raises:
            OSError: there is no room, or the disk failed; of this kind and those after it nothing was taken.
        """
        for kind, those in lines.items():
            self._landing.append(kind, b"".join(line + b"\n" for line in those))

    # -- segments of other machines ---------------------------------------------------------------------------------

    def held(self, stream: str, kind: str, segment: int) -> Held:
        """How much of a segment is held.

        Raises:
            ValueError: the stream's name, the kind or the number is not well-formed.
        """
        path, marker = self._paths(stream, kind, segment)
        with contextlib.suppress(OSError, ValueError):
            return Held(int(marker.read_bytes()), closed=True)
        try:
            return Held(path.stat().st_size, closed=False)
        except OSError:
            return Held(0, closed=False)

    def put(self, stream: str, kind: str, segment: int, offset: int, data: bytes) -> int:
        """Append bytes of a segment at the offset up to which it is held; segments of a kind come in order.

        Returns:
            How far it is held now. The bytes are on the disk.

        Raises:
            OffsetConflict: ``offset`` is not where the segment ends.
            ValueError: a name is not well-formed, or there is a NUL byte in the data.
            OSError: there is no room, or the disk failed.
        """
        if b"\0" in data:
            msg = "a segment holds no NUL bytes"
            raise ValueError(msg)
        path, _ = self._paths(stream, kind, segment)
        with self._lock_of(stream):
            held = self.held(stream, kind, segment)
            if held.closed and offset + len(data) <= held.offset:
                return held.offset  # sent again: it had arrived
            if held.closed or offset != held.offset:
                raise OffsetConflict(held.offset)
            (path.parent / COMPLETE).unlink(missing_ok=True)  # it was not over after all
            self._append(path, offset, data)
        return offset + len(data)

    def _append(self, path: Path, offset: int, data: bytes) -> None:
        new = not path.exists()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.pwrite(file, view, offset + len(data) - len(view)) :]
            os.fdatasync(file)
        except OSError:
            os.ftruncate(file, offset)
            raise
        finally:
            os.close(file)
        if new:
            sync_folder(path.parent)
            sync_folder(self.directory)

    def finish(self, stream: str, kind: str, segment: int, offset: int) -> int:
        """Mark a segment as complete.

        Returns:
            Its size.

        Raises:
            OffsetConflict: ``offset`` is not where the segment ends.
            ValueError: a name is not well-formed.
            OSError: there is no room, or the disk failed.
        """
        _, marker = self._paths(stream, kind, segment)
        with self._lock_of(stream):
            held = self.held(stream, kind, segment)
            if offset != held.offset:
                raise OffsetConflict(held.offset)
            if not held.closed:
                _mark(marker, offset)
        return offset

    def end(self, stream: str) -> None:
        """Mark a stream as over: its process has ended, and all that it wrote is held. It may be said again.

        Where nothing of the stream is held there is nothing to mark.

        Raises:
            ValueError: the stream's name is not well-formed.
            OSError: there is no room, or the disk failed.
        """
        folder = self._folder(stream)
        with self._lock_of(stream), contextlib.suppress(FileExistsError, FileNotFoundError):
            for segment in listing(folder):  # as a rule all of them are closed: nothing is added behind what was read
                held = self.held(stream, *segment)
                if not held.closed:
                    _mark(folder / closed_marker(segment), held.offset)
            write_new(folder / COMPLETE, b"")
            sync_folder(folder)

    def _lock_of(self, stream: str) -> threading.Lock:
        return self._shipping[hash(stream) % len(self._shipping)]

    def _folder(self, stream: str) -> Path:
        if not _STREAM.fullmatch(stream) or stream.startswith((BATCH, PREFIX)):
            msg = "stream: letters, digits, '.', '_' and '-' only, beginning with a letter or a digit"
            raise ValueError(msg)
        return self.directory / stream

    def _paths(self, stream: str, kind: str, segment: int) -> tuple[Path, Path]:
        folder = self._folder(stream)
        if kind not in KINDS:
            msg = f"kind: one of {', '.join(KINDS)}"
            raise ValueError(msg)
        if not 0 < segment < 10**12:
            msg = "segment: a number from 1"
            raise ValueError(msg)
        name = SegmentName(kind, segment)
        return folder / str(name), folder / closed_marker(name)

    def close(self) -> None:
        """End this process's own stream."""
        self._landing.close()


def _mark(marker: Path, offset: int) -> None:
    """Say on the disk that a segment is complete."""
    marker.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = marker.with_name(f".{marker.name}")
    draft.unlink(missing_ok=True)
    write_new(draft, str(offset).encode())
    draft.replace(marker)
    sync_folder(marker.parent)


def _checked(kind: str, lines: list[bytes]) -> tuple[list[bytes], dict[int, str]]:
    """The lines that are records, and by their index the reasons for those that are none."""
    if not lines:
        return [], {}
    records, rejected = decode(kind, b"\n".join(lines))
    if not rejected and len(records) == len(lines):
        _, unfit = tabulate(kind, records, "")
        bad = {index: one.reason for index, one in unfit.items()}
    else:
        bad = {}
        for index, line in enumerate(lines):
            records, rejected = decode(kind, line)
            if not rejected:
                _, unfit = tabulate(kind, records, "")
                rejected = list(unfit.values())
            if rejected or len(records) != 1:
                bad[index] = rejected[0].reason if rejected else "not one record"
    return [line for index, line in enumerate(lines) if index not in bad], bad
