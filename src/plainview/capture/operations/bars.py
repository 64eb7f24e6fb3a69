"""Bars on a terminal, drawn by `rich` in a thread of their own: a terminal that is held up holds up nobody else.

While they are there, what is printed, and what our console shows of the log, comes above them.
"""

from __future__ import annotations

import atexit
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.file_proxy import FileProxy
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from plainview.capture.daemon import begin
from plainview.capture.runtime import runtime
from plainview.sinks import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import RenderableType

    from plainview.capture.operations.track import Track

__all__ = ["Bars"]

_SECONDS: Final = 0.1
#: How long whoever ends the last bar waits for the log above it and for it to be drawn, seconds.
_PATIENCE: Final = 0.5
#: Bars that stay when they have ended, until all have.
_STAY: Final = 8


class Bars:
    """What is drawn on standard error.

    Args:
        tracks: tells what there is to draw.
    """

    def __init__(self, tracks: Callable[[], list[Track]]) -> None:
        self._tracks: Final = tracks
        self._lock: Final = threading.Lock()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopped = False
        atexit.register(self._at_exit)

    def start(self) -> None:
        """Draw, until there is nothing to draw any more."""
        with self._lock:
            if self._thread is None and not self._stopped:
                self._wanted.clear()
                self._thread = threading.Thread(target=self._run, name="plainview-bars", daemon=True)
                if not begin(self._thread):
                    self._thread = None

    def finish(self) -> None:
        """The last one has ended: have it drawn as it stands, under what was logged, before the program goes on."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            deadline = time.monotonic() + _PATIENCE
            runtime().keeper.show(_PATIENCE)
            self._wanted.set()
            thread.join(max(0.0, deadline - time.monotonic()))

    def abandon(self) -> None:
        """In a forked child: nothing of it is there, but the streams are still wrapped up."""
        atexit.unregister(self._at_exit)
        console.above = None
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if isinstance(stream, FileProxy):
                setattr(sys, name, stream.rich_proxied_file)

    def _at_exit(self) -> None:
        self._stopped = True
        self.finish()

    def _run(self) -> None:
        try:
            self._draw()
        except Exception as error:  # noqa: BLE001 - a terminal that went away; the application goes on, without bars
            self._stopped = True
            runtime().recorder.spool.failed(error)
        finally:
            console.above = None
            self._thread = None

    def _draw(self) -> None:
        table = _Table(sys.stderr)
        console.above = table.above
        try:
            table.start()
            while True:
                tracks = self._tracks()
                table.take(tracks)
                if self._stopped or not tracks:
                    return
                table.refresh()
                self._wanted.wait(_SECONDS)
                self._wanted.clear()
        finally:
            table.stop()
            console.above = None


class _Screen(Console):
    """What everything is written through while there are bars.

    Rich keeps each print whole, but not what is printed while the bars are being started or stopped: that waits here.
    """

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - a text stream
        super().__init__(file=stream, soft_wrap=True, highlight=False, force_terminal=True)
        #: Taken before any lock of Rich's.
        self.turn: Final = threading.RLock()

    def print(self, *objects: Any, **how: Any) -> None:  # noqa: ANN401 - as Rich has it
        with self.turn:
            super().print(*objects, **how)


class _Table(Progress):
    """The bars that are there, in the order of what they are parts of."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - a text stream
        self._screen: Final = _Screen(stream)
        super().__init__(
            _Name(),
            BarColumn(),
            _Figures(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            _Step(),
            console=self._screen,
            auto_refresh=False,
            # What goes elsewhere stays as it is.
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
            redirect_stderr=True,
        )
        self._rows: Final[dict[Track, TaskID]] = {}

    def take(self, tracks: Iterable[Track]) -> None:
        """Take over how far each is."""
        for track in tracks:
            if track not in self._rows:
                self._rows[track] = self.add_task("", track=track)
        for track, row in tuple(self._rows.items()):
            track.take()
            total = 100 if track.in_percent else track.total
            self.update(row, total=total, completed=track.done)
            if track.ended:
                self.stop_task(row)
        ended = [track for track in self._rows if track.ended]
        outermost = [track for track in ended if track.outer is None]
        for track in ended:
            if track.outer is not None or track in outermost[:-_STAY]:
                self.remove_task(self._rows.pop(track))

    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table(sorted(self.tasks, key=lambda task: _track(task).place))

    def start(self) -> None:
        with self._screen.turn:
            super().start()

    def refresh(self) -> None:
        with self._screen.turn:
            super().refresh()

    def stop(self) -> None:
        with self._screen.turn:
            super().stop()

    def above(self, text: str) -> bool:
        """Write text above the bars."""
        self._screen.print(Text.from_ansi(text.removesuffix("\n")))
        return True


def _track(task: Task) -> Track:
    found: Track = task.fields["track"]
    return found


class _Name(ProgressColumn):
    max_refresh = None

    def render(self, task: Task) -> Text:
        track = _track(task)
        return Text("  " * (len(track.place) - 1) + track.name)


class _Figures(ProgressColumn):
    max_refresh = None

    def render(self, task: Task) -> Text:
        track = _track(task)
        if track.in_percent:
            return Text(f"{track.done:.0f} %", "progress.percentage")
        figures = f"{task.completed:,.12g}" + (f"/{task.total:,.12g}" if task.total else "")
        speed = task.finished_speed or task.speed
        return Text(figures + (f"  {speed:,.1f}/s" if speed else ""), "progress.download")


class _Step(ProgressColumn):
    max_refresh = None

    def render(self, task: Task) -> Text:
        return Text(_track(task).step, "dim")
