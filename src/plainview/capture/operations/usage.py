"""What an operation uses: processor time, and resident memory.

**Processor time** is that of the process between begin and end, or that of the thread, whichever is nearer to the
truth. It is the thread's where the operation begins and ends in one thread and others work beside it: another
operation, not a part of this one, is open in another thread meanwhile; or it was itself handed to another thread than
that of the operation around it, as a pool does. It is the process's in all other cases, and always where the operation
is the whole of what the process does, a run: threads that it starts and libraries with threads of their own are counted
then. Tasks of one event loop share its thread: each is charged with what the loop does between its begin and its end.
Both are exact to 0.1 ms; what is shorter is taken to
have worked all the time.

**Memory** is resident memory of the process: nobody can say which part is whose. It is read when an operation begins
and ends, and by the keeper in between: ten times a second for ten seconds after one began, then at longer times, up to
a second, whatever the number of operations. The system's own high-water mark finds a peak between two looks, where it
is the process's highest so far. What takes less than 10 ms has no figures of memory, and nothing is read for it as a
rule: a reading is shared by all that begin within 10 ms.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
from _thread import get_ident
from bisect import bisect_left
from resource import RUSAGE_SELF, getrusage
from time import perf_counter_ns, process_time_ns, thread_time_ns
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from plainview.capture import chores
from plainview.capture.forking import unforked

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Sample", "Usage", "Watching", "begin", "end", "resident_bytes", "watch"]

#: Readings of the clocks this near to each other are one system call; in between, all time is taken to be worked time.
_NEAR_NS: Final = 100_000
#: Age up to which a reading of memory is good enough, and duration from which on an operation has figures of it.
_FRESH_NS: Final = 10_000_000
#: Between two looks of the keeper, at least and at most, and as a share of the time since an operation began.
_LOOK_SECONDS, _LONGEST_SECONDS, _LOOK_SHARE = 0.1, 1.0, 0.01
#: Samples that are kept; beyond it every other one goes.
_MOST_SAMPLES: Final = 1024

_STATM: Final = "/proc/self/statm"
_STATUS: Final = "/proc/self/status"
_STATM_FIELDS: Final = 7
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
#: Of `ru_maxrss`, bytes.
_UNIT: Final = 1 if sys.platform == "darwin" else 1024
#: What that was at first: a process inherits it from the one that started it.
_INHERITED: Final = getrusage(RUSAGE_SELF).ru_maxrss * _UNIT
_descriptor = -1

#: Thread, and its clocks when they were read: perf_counter, of the process, of the thread.
Clocks: TypeAlias = tuple[int, int, int, int]
#: perf_counter, resident bytes, and the most there ever were, when memory was read by an operation.
Memory: TypeAlias = tuple[int, int, int]
#: What an operation keeps from its beginning to its end: perf_counter; the thread; whether that one's processor time is
#: taken, None: it depends on what begins meanwhile; `_crowded`; the clocks; the memory. A tuple, as there are many.
Usage: TypeAlias = tuple[int, int, bool | None, int, Clocks, Memory]

#: As they were last read.
_clocks: Clocks = (0, -_NEAR_NS, 0, 0)
_memory: Memory = (-_FRESH_NS, 0, 0)
#: What the keeper saw: perf_counter and resident bytes, the latter falling: the first at or after a moment is the most
#: since then.
_samples: tuple[tuple[int, int], ...] = ()
#: When the latest operation began, by perf_counter; when the keeper looks again, by the monotonic clock.
_latest, _due = 0, 0.0
#: Operations that are open and no part of another, by their identity.
_open: Final[set[int]] = set()
#: The same of those that all the process does is part of.
_wholes: Final[set[int]] = set()
#: The thread that all of the former began in; 0: there were several.
_thread = 0
#: How often one began beside that of another thread.
_crowded = 0


def begin(within: Usage | None = None, whole: bool = False, now: int | None = None) -> Usage:  # noqa: FBT001, FBT002 - called often
    """An operation begins.

    Args:
        within: what the operation around it uses.
        whole: whether all that the process does is part of it, as of a run.
        now: by ``perf_counter_ns``.

    Returns:
        What `end` is to be given, once.
    """
    global _crowded, _latest, _thread  # noqa: PLW0603 - what two threads do to them at once may be lost
    if now is None:
        now = perf_counter_ns()
    _latest = now
    thread = get_ident()
    clocks, memory = _clocks, _memory
    if now - clocks[1] >= _NEAR_NS or clocks[0] != thread:
        clocks = _read_clocks(now, thread)
    if now - memory[0] >= _FRESH_NS:
        memory = _read_memory(now)
    own: bool | None = None
    if whole:
        own = False
    elif within is not None:
        if within[2] is True or within[1] != thread:
            own = True
        return now, thread, own, _crowded, clocks, memory
    elif not _open:
        _thread = thread
    elif _thread != thread:
        _thread, own = 0, True
        _crowded += 1
    used = now, thread, own, _crowded, clocks, memory
    (_wholes if whole else _open).add(id(used))
    return used


def end(used: Usage, now: int | None = None) -> tuple[int, int | None, int | None]:
    """It ends.

    Args:
        used: what `begin` has returned.
        now: by ``perf_counter_ns``.

    Returns:
        Processor time in nanoseconds; resident memory at its most, and at the end less at the beginning, in bytes:
        None where it was too short.
    """
    began, thread, own, crowded, before, known = used
    (_wholes if own is False else _open).discard(id(used))
    if now is None:
        now = perf_counter_ns()
    duration, clocks, here = now - began, _clocks, get_ident()
    if clocks is before and duration < _NEAR_NS and thread == here:
        return duration, None, None
    if now - clocks[1] >= _NEAR_NS or clocks[0] != here:
        clocks = _read_clocks(now, here)
    of = 3 if thread == here and (own or (own is None and crowded != _crowded)) else 2
    # From reading to reading, and from the readings to its beginning and to its end.
    spent = max(0, clocks[of] - before[of] + (now - clocks[1]) - (began - before[1]))
    if duration < _FRESH_NS:
        return spent, None, None
    memory = _memory
    if now - memory[0] >= _FRESH_NS:
        memory = _read_memory(now)
    peak = max(known[1], memory[1], _most_since(began))
    if memory[2] > known[2]:
        peak = max(peak, memory[2])
    return spent, peak, memory[1] - known[1]


def _read_clocks(now: int, thread: int) -> Clocks:
    """Read the clocks of the processor, and remember them for what comes next."""
    global _clocks  # noqa: PLW0603 - one value, replaced whole
    _clocks = found = (thread, now, process_time_ns(), thread_time_ns())
    return found


def _read_memory(now: int) -> Memory:
    global _memory  # noqa: PLW0603 - as above
    resident = resident_bytes()
    _memory = found = (now, resident, _most_ever())
    return found


def _most_ever() -> int:
    """The most resident memory that this process ever had, bytes."""
    highest = getrusage(RUSAGE_SELF).ru_maxrss * _UNIT
    if highest == _INHERITED:
        with contextlib.suppress(OSError, ValueError, IndexError), open(_STATUS, "rb") as file:
            return int(file.read().partition(b"VmHWM:")[2].split(None, 1)[0]) << 10
    return highest


def resident_bytes() -> int:
    """Resident memory of this process, bytes; 0 where it cannot be told."""
    global _descriptor  # noqa: PLW0603 - of this process
    for _ in range(2):
        try:
            if _descriptor < 0:
                _descriptor = os.open(_STATM, os.O_RDONLY | os.O_CLOEXEC)
            parts = os.pread(_descriptor, 128, 0).split()
            if len(parts) == _STATM_FIELDS:
                return int(parts[1]) * _PAGE
        except (OSError, ValueError):
            if not os.path.exists(_STATM):
                return _resident_elsewhere()
        _descriptor = -1  # somebody has closed it, and may use its number for a file of theirs
    return _resident_elsewhere()


def _resident_elsewhere() -> int:
    with contextlib.suppress(Exception), unforked:
        import psutil  # noqa: PLC0415 - where there is no /proc

        return int(psutil.Process().memory_info().rss)
    return 0


def _look(clock: float) -> float:
    """The keeper comes by."""
    global _due, _samples  # noqa: PLW0603 - replaced by one thread
    if not _open and not _wholes:
        _samples, _due = (), 0.0
        return math.inf
    if clock < _due:
        return _due - clock
    now, resident = perf_counter_ns(), resident_bytes()
    kept = _samples
    while kept and kept[-1][1] <= resident:
        kept = kept[:-1]
    if len(kept) > _MOST_SAMPLES:
        kept = kept[::2]
    _samples = (*kept, (now, resident))
    pause = min(max(_LOOK_SECONDS, _LOOK_SHARE * (now - _latest) / 1e9), _LONGEST_SECONDS)
    _due = clock + pause
    return pause


def _most_since(moment: int) -> int:
    samples = _samples
    place = bisect_left(samples, (moment, 0))
    return samples[place][1] if place < len(samples) else 0


class Sample(NamedTuple):
    """What the process uses.

    Attributes:
        memory_bytes: resident.
        cpu_percent: of one core, since the sample before.
    """

    memory_bytes: int
    cpu_percent: float


class Watching:
    """Samples that somebody is given; see `watch`."""

    def __init__(self, callback: Callable[[Sample], object], seconds: float) -> None:
        self._callback: Final = callback
        self._nanoseconds: Final = max(_LOOK_SECONDS, seconds) * 1e9
        self._last = perf_counter_ns()
        self._process = process_time_ns()

    def take(self) -> Sample:
        """A sample, now; the next one's share of the processor counts from here."""
        now, process = perf_counter_ns(), process_time_ns()
        elapsed = max(1, now - self._last)
        share = 100 * max(0, process - self._process) / elapsed
        self._last, self._process = now, process
        return Sample(resident_bytes(), round(share, 1))

    def stop(self) -> None:
        """No more of them."""
        chores.remove(self._turn)

    def _turn(self, _clock: float) -> float:
        if perf_counter_ns() - self._last >= self._nanoseconds:
            self._callback(self.take())
        return (self._last + self._nanoseconds - perf_counter_ns()) / 1e9


def watch(callback: Callable[[Sample], object], seconds: float) -> Watching:
    """Have a callback given a `Sample` every few seconds, in the keeper's thread, until `Watching.stop`.

    What it raises is counted as an error of ours. A forked child does not go on with it.

    Args:
        callback: is given the sample.
        seconds: from one to the next.
    """
    watching = Watching(callback, seconds)
    chores.add(watching._turn)  # noqa: SLF001 - made here
    return watching


def _in_child() -> None:
    """Nothing of the parent's is read: neither its memory, through the kept descriptor, nor its clocks."""
    global _clocks, _crowded, _descriptor, _due, _memory, _samples
    descriptor, _descriptor = _descriptor, -1
    with contextlib.suppress(OSError):  # and nobody else's file by now
        if descriptor >= 0 and os.readlink(f"/proc/self/fd/{descriptor}").endswith("/statm"):
            os.close(descriptor)
    _clocks, _memory, _samples, _crowded, _due = (0, -_NEAR_NS, 0, 0), (-_FRESH_NS, 0, 0), (), 0, 0.0
    _open.clear()
    _wholes.clear()


chores.add(_look, lasting=True)
os.register_at_fork(after_in_child=_in_child)
