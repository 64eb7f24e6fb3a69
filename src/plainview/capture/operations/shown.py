"""Where progress is shown: bars on a terminal, plain lines elsewhere. The keeper sees to it; who counts only counts.

What is shown where, with the setting ``progress`` at ``auto``: bars, where standard error is a terminal, `rich` is
installed, and this is the process that the terminal was given to (children of it would draw over each other); nothing
in such a child; lines in all other cases. Bars come after a fifth of a second, lines every few seconds: what is done
sooner shows neither. A line goes to the log at INFO. Where no console shows the log it goes to standard error as well,
if somebody asked to be shown it: `plainview.progress` asks, `Operation.progress` only tells.
"""

from __future__ import annotations

import math
import os
import select
import sys
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal

from plainview.capture import chores
from plainview.capture.forking import is_forked, unforked
from plainview.capture.operations.track import Track, number
from plainview.capture.runtime import get_logger, runtime
from plainview.sinks.text import visible

if TYPE_CHECKING:
    from plainview.capture.operations.bars import Bars
    from plainview.settings import Settings

__all__ = ["Report", "hide", "show"]

#: Age at which a bar comes, seconds.
_QUIET_SECONDS: Final = 0.2
_LOGGER: Final = "plainview.progress"
_MINUTE, _HOUR = 60, 3600
#: Longest step that is shown, characters.
_STEP: Final = 60

#: What is shown, in the order of its beginning, and when its next line is due; infinite: it has a bar.
_shown: Final[dict[Track, float]] = {}
#: What had a line already.
_told: Final[set[Track]] = set()
_bars: Bars | None = None
_with_rich: bool | None = None


class Report(Track):
    """What an operation tells of itself.

    Args:
        kind: of the operation.
        name: of the operation.
        outer: that of the one around it.
    """

    __slots__ = ("_told",)

    def __init__(self, kind: str, name: str, outer: Track | None) -> None:
        super().__init__(f"{kind} {name}", None, outer, asked=False)
        self._told: tuple[object, object, object] = (0, None, "")
        show(self)

    def report(self, done: object, total: object, step: object) -> None:
        """Note what it says: ``done`` of ``total``, or in percent where that is none. Looked at when shown."""
        self._told = done, total, step

    def take(self) -> None:
        """Before it is shown: take over what was said last."""
        done, total, step = self._told
        self.done, self.total = number(done) or 0, number(total) or None
        self.in_percent = self.total is None
        self.step = visible(step)[:_STEP] if type(step) is str else ""

    def close(self) -> None:
        """The operation has ended."""
        hide(self)


def show(track: Track) -> None:
    """Show it from now on."""
    now = runtime()
    how = _how(now.settings)
    if how == "off":
        return
    _shown[track] = math.inf if how == "bars" else monotonic() + now.settings.progress_interval
    chores.add(_turn)
    now.keeper.start()
    if how == "bars":
        now.recorder.spool.wake()


def hide(track: Track) -> None:
    """It has ended: say so, where it was shown."""
    track.stop()
    if _shown.pop(track, None) is None:
        return
    if track in _told:
        _told.discard(track)
        _tell(track)
    bars = _bars
    if bars is not None and not any(math.isinf(due) for due in tuple(_shown.values())):
        bars.finish()


def _how(settings: Settings) -> Literal["bars", "lines", "off"]:
    stream = sys.stderr
    try:
        terminal = stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:  # it has been closed
        return "off"
    if settings.progress != "auto":
        wanted = settings.progress
    elif terminal and _is_child():
        wanted = "off"
    else:
        wanted = "bars" if terminal else "lines"
    return "lines" if wanted == "bars" and not _rich() else wanted


def _is_child() -> bool:
    if is_forked():
        return True
    started = sys.modules.get("multiprocessing.process")
    return started is not None and started.parent_process() is not None


def _rich() -> bool:
    global _with_rich  # noqa: PLW0603 - found out once
    if _with_rich is None:
        _with_rich = find_spec("rich") is not None
    return _with_rich


def _turn(_clock: float) -> float:
    """The keeper comes by."""
    clock, soonest = monotonic(), math.inf
    for track, due in tuple(_shown.items()):
        if track.ended:
            _shown.pop(track, None)
        elif math.isinf(due):
            wait = _QUIET_SECONDS - track.seconds
            if wait <= 0:
                _draw()
            else:
                soonest = min(soonest, wait)
        elif clock < due:
            soonest = min(soonest, due - clock)
        else:
            interval = runtime().settings.progress_interval
            _told.add(track)
            _shown[track] = clock + interval
            track.context.copy().run(_tell, track)
            soonest = min(soonest, interval)
    if not _shown:
        chores.remove(_turn)
    return soonest


def _draw() -> None:
    global _bars  # noqa: PLW0603 - one terminal, one thing that draws on it
    if _bars is None:
        with unforked:
            from plainview.capture.operations.bars import Bars  # noqa: PLC0415 - rich, where there is something to draw

        _bars = Bars(lambda: [track for track, due in tuple(_shown.items()) if math.isinf(due)])
    _bars.start()


def _tell(track: Track) -> None:
    """A line of progress."""
    track.take()
    figures = {
        "done": None if track.in_percent else track.done,
        "total": track.total,
        "percent": _rounded(track.percent),
        "step": track.step or None,
        "per_second": _rounded(track.speed),
        "remaining_seconds": _rounded(track.remaining),
        "seconds": round(track.seconds, 1),
    }
    told = {name: value for name, value in figures.items() if value is not None}
    get_logger(_LOGGER).info(f"{'done' if track.ended else 'progress'}: {track.name}", **told)
    if track.asked and runtime().settings.console == "off":
        _put(f"{_text(track)}\n")


def _put(line: str) -> None:
    """Write to standard error, if it takes it at once."""
    stream = sys.stderr
    try:
        try:
            descriptor = stream.fileno()
        except OSError:  # no file behind it
            stream.write(line)
            return
        if select.select((), (descriptor,), (), 0)[1]:  # a full pipe is not waited for
            os.write(descriptor, line.encode(stream.encoding or "utf-8", "backslashreplace"))
    except (OSError, ValueError, AttributeError):  # it is gone, closed, or something else altogether
        return


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1) if value < 100 else round(value)  # noqa: PLR2004 - three digits


def _text(track: Track) -> str:
    parts = [f"{track.percent:.0f} %" if track.in_percent else f"{track.done:,.12g}"]
    if track.total and not track.in_percent:
        parts = [f"{track.done:,.12g} of {track.total:,.12g} ({track.percent:.1f} %)"]
    if track.speed is not None:
        parts.append(f"{_rounded(track.speed):,} a second")
    if track.ended:
        parts.append(f"took {_span(track.seconds)}")
    elif track.remaining is not None:
        parts.append(f"about {_span(track.remaining)} left")
    return f"{track.name}: {', '.join(parts)}" + (f"  {track.step}" if track.step else "")


def _span(seconds: float) -> str:
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"  # noqa: PLR2004 - two digits
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def _in_child() -> None:
    """The terminal is the parent's, and so are the bars on it."""
    global _bars
    bars, _bars = _bars, None
    _shown.clear()
    _told.clear()
    if bars is not None:
        bars.abandon()


os.register_at_fork(after_in_child=_in_child)
