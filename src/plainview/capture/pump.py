"""From the recorder to the sinks: each sink has a thread and a bounded queue, so none can hold up another."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from plainview.capture.daemon import begin
from plainview.sinks.interface import Rejected

if TYPE_CHECKING:
    from plainview.capture.spool import Spool
    from plainview.sinks.interface import Sink

__all__ = ["Outlet"]

_QUEUE_BYTES: Final = 8 << 20
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


class Outlet:
    """One sink with its queue and thread."""

    def __init__(self, sink: Sink, spool: Spool) -> None:
        self.sink: Final = sink
        self._spool: Final = spool
        self.after_fork()

    def after_fork(self) -> None:
        """Begin with an empty queue and no thread, as a forked child must."""
        self._queue: deque[tuple[str, bytes]] = deque()
        self._queued = 0
        self._ready = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._closing = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, once a process. Without it what is queued waits for `finish`."""
        thread = threading.Thread(target=self._run, name=f"plainview-{self.sink.name}", daemon=True)
        if begin(thread):
            self._thread = thread

    def put(self, kind: str, data: bytes) -> None:
        """Queue whole lines; count them as dropped by this sink when it is too far behind."""
        if kind not in self.sink.kinds:
            return
        if self._queued + len(data) > _QUEUE_BYTES:
            self._dropped(data.count(b"\n"))
            return
        self._idle.clear()
        self._queue.append((kind, data))
        self._queued += len(data)
        self._ready.set()

    def finish(self, timeout: float) -> None:
        """Give the sink at most ``timeout`` seconds to write what is queued, then leave it.

        Where there was no thread to be had it is written here, once, however long that takes.
        """
        self._closing = True
        if self._thread is None and self._queue:
            self._write()
            self.sink.close()
        self._ready.set()
        self.wait(timeout)

    def wait(self, timeout: float) -> None:
        """Wait until all that is queued is written, at most ``timeout`` seconds."""
        self._idle.wait(timeout)

    def _dropped(self, count: int) -> None:
        dropped = self._spool.counters.sink_dropped
        dropped[self.sink.name] = dropped.get(self.sink.name, 0) + count

    def _run(self) -> None:
        while True:
            self._ready.wait()
            self._ready.clear()
            self._write()
            if self._closing:
                self.sink.close()
                return

    def _write(self) -> None:
        pause = _FIRST_PAUSE
        while self._queue:
            kind, data = self._queue[0]
            try:
                self.sink.write(kind, data.split(b"\n")[:-1])
            except Exception as error:  # noqa: BLE001 - a failing sink is reported, never raised
                self._spool.complain(f"sink {self.sink.name}: {type(error).__name__}: {error}")
                if not self._closing and not isinstance(error, Rejected):
                    time.sleep(getattr(error, "retry_after", None) or pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
                    continue
                refused = error.count if isinstance(error, Rejected) else None
                self._dropped(data.count(b"\n") if refused is None else refused)
            pause = _FIRST_PAUSE
            self._queue.popleft()
            self._queued -= len(data)
        self._idle.set()
