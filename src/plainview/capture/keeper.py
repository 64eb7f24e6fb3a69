"""The thread behind the recorder: everything about the spool that takes time or goes wrong.

It has the next segment ready, cuts full ones to size, feeds the sinks, rewrites the status file, keeps the spool
within its bounds, tidies what dead processes left, and gets the spool going again after the disk was full or the
folder was removed; and it takes its turn at what others want done (`plainview.capture.chores`). The hot path needs none
of it to be running.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from plainview import segments
from plainview.capture import chores
from plainview.capture.daemon import begin
from plainview.capture.spool import remove

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.capture.channel import Channel
    from plainview.capture.metrics.snapshot import Snapshots
    from plainview.capture.pump import Outlet
    from plainview.capture.segment import Segment
    from plainview.capture.shipping import Shipper
    from plainview.capture.spool import Spool

__all__ = ["Keeper"]

_WITH_SINKS, _WITHOUT_SINKS = 0.05, 0.5
#: Between two turns, whatever a chore wishes, seconds.
_SHORTEST: Final = 0.02
_CHECK_SECONDS: Final = 1.0
_SWEEP_SECONDS: Final = 30.0


class Keeper:
    """Looks after one spool."""

    def __init__(self, spool: Spool, outlets: list[Outlet], each_second: Callable[[], None]) -> None:
        self._spool: Final = spool
        self._outlets: Final = outlets
        self._each_second: Final = each_second
        #: How much of each segment the sinks have been given.
        self._given: dict[Segment, int] = {}
        #: Sends the spool to a server on another machine; None: there is none.
        self.shipper: Shipper | None = None
        #: Tells what the metrics have come to; None: there are none.
        self.metrics: Snapshots | None = None
        spool.wake = self._wake
        spool.on_open = self.start
        self.after_fork()

    def after_fork(self) -> None:
        """A forked child has no thread; the first record of its own starts one."""
        self._given.clear()
        self._event = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._checked = self._swept = 0.0
        self._last_status: dict[str, Any] = {}
        self._pumping = threading.Lock()
        #: Held while a segment is made, which would be left behind if the process ended meanwhile.
        self._preparing = threading.Lock()

    def start(self) -> None:
        """Start the thread, once a process."""
        if self._thread is not None or self._stopping:
            return
        self._thread = threading.Thread(target=self._run, name="plainview-keeper", daemon=True)
        for outlet in self._outlets:  # now: by the time there is something for them it may be too late for a thread
            outlet.start()
        if begin(self._thread) and self.shipper is not None:
            self.shipper.start()

    def _wake(self) -> None:
        self._event.set()

    def finish(self, timeout: float) -> None:
        """Leave the spool tidy and let the sinks finish, within ``timeout`` seconds. Nothing depends on it."""
        deadline = time.monotonic() + timeout
        self._stopping = True
        self._event.set()
        if self.metrics is not None:
            self.metrics.finish(timeout)
        self._hand_over(timeout)
        for outlet in self._outlets:
            outlet.finish(max(0.0, deadline - time.monotonic()))
        waited = self._preparing.acquire(timeout=max(0.0, deadline - time.monotonic()))
        self._spool.exclusively(self._close)
        if waited:
            self._preparing.release()

    def show(self, timeout: float) -> None:
        """Have the console show what was logged so far, if it can within ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        self._hand_over(timeout)
        for outlet in self._outlets:
            if outlet.sink.name == "console":
                outlet.wait(max(0.0, deadline - time.monotonic()))

    def _hand_over(self, timeout: float) -> None:
        if self._outlets and self._pumping.acquire(timeout=timeout):
            try:
                self._pump()
            finally:
                self._pumping.release()

    def _close(self) -> None:
        for channel in self._spool.channels.values():
            channel.close()
        self._spool.write_status()

    def _run(self) -> None:
        rhythm = pause = _WITH_SINKS if self._outlets else _WITHOUT_SINKS
        due = 0.0
        while not self._stopping:
            woken = self._event.wait(pause)
            self._event.clear()
            clock = time.monotonic()
            if woken or clock >= due:
                due = clock + rhythm
                try:
                    self._tick()
                except Exception as error:  # noqa: BLE001 - the thread goes on
                    self._spool.failed(error)
            pause = max(_SHORTEST, min(due - clock, chores.turn(clock, self._spool.failed)))

    def _tick(self) -> None:
        spool = self._spool
        if self._outlets:
            with self._pumping:
                self._pump()
        clock = time.monotonic()
        if clock - self._checked >= _CHECK_SECONDS or clock < self._checked:
            self._checked = clock
            self._each_second()
            self._check()
        if self.metrics is not None:
            self.metrics.tick()
        for channel in spool.channels.values():
            self._release(channel)
            self._prepare(channel)
        if clock - self._swept >= _SWEEP_SECONDS:
            self._swept = clock
            self._sweep()

    def _prepare(self, channel: Channel) -> None:
        """Have the next segment of a channel ready."""
        spool = self._spool
        if not spool.opened or spool.degraded_since is not None or channel.active is None or channel.spare is not None:
            return
        with self._preparing:
            if self._stopping:
                return
            try:
                spare = channel.prepare()  # outside the spool's lock: it writes zeros to the disk
            except OSError:
                return  # the caller that needs it will find out, and degrade
            with spool.lock:
                channel.spare = spare

    def _pump(self) -> None:
        for kind, channel in self._spool.channels.items():
            for segment in (*channel.retired, channel.active):
                if segment is None:
                    continue
                start, end = self._given.get(segment, 0), segment.used()
                if end > start:
                    data = segment.map[start:end]
                    cut = segments.complete(data)
                    self._given[segment] = start + cut
                    for outlet in self._outlets:
                        outlet.put(kind, data[:cut])

    def _release(self, channel: Channel) -> None:
        done: list[Segment] = []

        def sort() -> None:
            done.extend(segment for segment in channel.retired if not self._owed(segment))
            channel.retired = [segment for segment in channel.retired if segment not in done]

        self._spool.exclusively(sort)
        for segment in done:
            self._given.pop(segment, None)
            segment.release()

    def _owed(self, segment: Segment) -> bool:
        """Whether the sinks still have to be given part of a segment."""
        return bool(self._outlets) and self._given.get(segment, 0) < segment.used()

    def _check(self) -> None:
        """Find out whether files can be written where they should be, and go back to them when they can again."""
        spool = self._spool
        if not spool.opened and spool.degraded_since is not None:
            spool.open()
        if spool.opened:
            try:
                spool.exclusively(self._mend_all)
                spool.degraded_since = None
            except OSError as error:
                spool.degrade(error)
        snapshot = spool.counters.snapshot() | {"degraded_since": spool.degraded_since}
        if snapshot != self._last_status:
            self._last_status = snapshot
            spool.write_status()

    def _mend_all(self) -> None:
        spool = self._spool
        if not os.path.exists(os.path.join(spool.path, segments.LOCK)):
            spool.remake()
        for channel in spool.channels.values():
            self._mend(channel)

    def _mend(self, channel: Channel) -> None:
        for segment in channel.retired:
            if segment.path is not None and segment.end is not None and not os.path.exists(segment.path):
                with open(segment.path, "wb") as file:
                    file.write(segment.map[: segment.end])
        active = channel.active
        if active is None:
            return
        if active.path is None or not os.path.exists(active.path):
            given = self._given.pop(active, None)
            channel.restore(same_name=active.path is not None)
            if given is not None and channel.active is not None:
                self._given[channel.active] = given
        if channel.spare is not None and channel.spare.path is not None and not os.path.exists(channel.spare.path):
            channel.spare = None

    def _sweep(self) -> None:
        """Keep this stream within its size, and tidy streams whose processes are gone."""
        spool = self._spool
        if not spool.opened:
            return
        closed = [
            (number, kind, os.path.join(spool.path, str(segments.SegmentName(kind, number))))
            for kind, number in segments.listing(spool.path)
            if number < spool.channels[kind].next_number - 1
        ]
        sizes = {path: _size(path) for _, _, path in closed}
        total = sum(sizes.values())
        for _, kind, path in sorted(closed):
            if total <= spool.settings.spool_max_bytes and not self._too_old(path):
                continue
            spool.counters.dropped[kind] += _lines(path)
            spool.counters.reason = "the spool was full or too old, and no server collected it"
            with contextlib.suppress(OSError):
                os.unlink(path)
            total -= sizes[path]
        for stream in _streams(os.path.dirname(spool.path)):
            if stream != spool.path and not segments.is_alive(stream):
                self._tidy(stream)

    def _tidy(self, stream: str) -> None:
        for name in segments.listing(stream):
            path = os.path.join(stream, str(name))
            with contextlib.suppress(OSError):
                end = segments.content_end(path)
                if end < _size(path):
                    os.truncate(path, end)
        with contextlib.suppress(OSError):
            for left in os.listdir(stream):
                if left.startswith("spare-"):
                    os.unlink(os.path.join(stream, left))
        if self._too_old(stream):
            remove(stream)

    def _too_old(self, path: str) -> bool:
        with contextlib.suppress(OSError):
            return time.time() - os.stat(path).st_mtime > self._spool.settings.spool_max_age_hours * 3600
        return False


def _streams(folder: str) -> list[str]:
    with contextlib.suppress(OSError):
        return [entry.path for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith(".")]
    return []


def _size(path: str) -> int:
    with contextlib.suppress(OSError):
        return os.stat(path).st_size
    return 0


def _lines(path: str) -> int:
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    return 0
