"""`plainview.progress`: a loop that says how far it is, to whoever looks at the terminal, and to who looks at the UI.

A plain generator counts. The clock is looked at every so many items that it comes to twenty times a second, whatever an
item takes; where items become slow all of a sudden, the keeper has it looked at after the next one.
"""

from __future__ import annotations

import math
import operator
from collections.abc import AsyncIterable, Iterable
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from plainview.capture import chores
from plainview.capture.operations.kinds import kind_of
from plainview.capture.operations.operation import Operation
from plainview.capture.operations.shown import hide, show
from plainview.capture.operations.summary import summary
from plainview.capture.operations.track import Track, number
from plainview.capture.runtime import runtime
from plainview.context import current

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

__all__ = ["progress"]

T = TypeVar("T")

#: Between two looks at the clock, and between two records of one loop, seconds.
_LOOK_SECONDS, _RECORD_SECONDS = 0.05, 1.0
#: Between two looks of the keeper at loops that do not look themselves, seconds.
_POKE_SECONDS: Final = 0.5

#: The loop that a loop is inside.
_around: Final[ContextVar[Loop | None]] = ContextVar("plainview_progress", default=None)
_loops: Final[set[Loop]] = set()


class Loop(Track):
    """One loop, while it runs.

    Attributes:
        before: the loop that it is inside.
        due: at how many items the clock is looked at again.
        operation: whose progress it is.
        leader: the loop whose figures are those of the operation; what this one does is told as a step of it. None: it
            is this one.
    """

    __slots__ = ("_counted", "_looked", "_own", "before", "due", "leader", "operation", "recorded")

    def __init__(self, name: str, total: float | None) -> None:
        outer = _around.get()
        while outer is not None and outer.ended:  # left, but not let go of
            outer = outer.before
        self.before: Final[Loop | None] = outer
        around: Operation | None = current.get().operation or (outer.operation if outer is not None else None)
        self.operation: Final[Operation] = around or Operation(kind_of("task"), str(name) or "progress", None, {})
        self._own: Final = around is None
        super().__init__(name or self.operation.name, total, outer)
        leads = outer is None or outer.operation is not self.operation
        self.leader: Final[Loop | None] = None if leads or outer is None else outer.leader or outer
        self.due: float = 1
        self._counted: float = 0
        self._looked = monotonic()
        #: When it was last noted on the operation.
        self.recorded = -math.inf

    def begin(self) -> None:
        """The first item is asked for."""
        try:
            if self._own:
                self.operation.activate = False  # what is between two items is the caller's
                self.operation.start()
            _around.set(self)
            _loops.add(self)
            chores.add(_poke)
            show(self)
        except Exception as error:  # noqa: BLE001 - never into the application
            runtime().recorder.spool.failed(error)

    def look(self) -> None:
        """Some items are done: see how far that is."""
        try:
            now = monotonic()
            elapsed, counted = now - self._looked, self.done - self._counted
            ahead = counted * _LOOK_SECONDS / elapsed if elapsed > 0 else math.inf
            self.due = self.done + max(1, int(min(ahead, 4 * counted)))
            self._looked, self._counted = now, self.done
            self._record(now)
        except Exception as error:  # noqa: BLE001 - never into the application
            runtime().recorder.spool.failed(error)

    def _record(self, now: float) -> None:
        """Note it on the operation, once a second."""
        leader = self.leader or self
        if now - leader.recorded >= _RECORD_SECONDS:
            leader.recorded = now
            self._reach()

    def _reach(self) -> None:
        leader = self.leader
        reached = (leader or self).figures()
        if leader is not None:
            of = f"/{self.total:.12g}" if self.total is not None else ""
            reached["step"] = f"{self.name} {self.done:.12g}{of}"
        self.operation._reach(reached)  # noqa: SLF001 - a part of it

    def figures(self) -> dict[str, Any]:
        """How far it is, as a record has it."""
        return {"done": self.done} if self.total is None else {"done": self.done, "total": self.total}

    def stale(self, now: float) -> bool:
        """Whether the clock has not been looked at for long."""
        return now - self._looked > _POKE_SECONDS

    def end(self, error: BaseException | None = None) -> None:
        """No item is asked for any more."""
        try:
            _loops.discard(self)
            if _around.get() is self:
                _around.set(self.before)
            if self.leader is None:
                self._reach()
            hide(self)
        except Exception as failure:  # noqa: BLE001 - never into the application
            runtime().recorder.spool.failed(failure)
        if self._own:
            self.operation.finish(error)


def _poke(_clock: float) -> float:
    """The keeper comes by."""
    now = monotonic()
    for loop in tuple(_loops):
        if loop.stale(now):
            loop.due = 0
    if not _loops:
        chores.remove(_poke)
        return math.inf
    return _POKE_SECONDS


@overload
def progress(iterable: Iterable[T], total: float | None = None, name: str = "") -> Iterator[T]: ...
@overload
def progress(iterable: AsyncIterable[T], total: float | None = None, name: str = "") -> AsyncIterator[T]: ...
def progress(iterable: Any, total: float | None = None, name: str = "") -> Any:
    """Loop over something, and show how far that is: ``for order in plainview.progress(orders):``.

    On a terminal that is a bar, elsewhere a line every few seconds (settings ``progress``, ``progress_interval``); in
    the UI it is the progress of the operation around it, or of a ``task`` of its own. Loops may be inside each other,
    and several may run at once. Errors of the loop and of what it goes over pass through unchanged.

    Args:
        iterable: what is gone over, with ``for`` or ``async for``.
        total: how many items there are; asked of the iterable when left out.
        name: of what is done; that of the operation around it when left out.

    Raises:
        TypeError: it cannot be gone over.
    """
    name = name if type(name) is str else str(summary(name))
    if isinstance(iterable, AsyncIterable) and not isinstance(iterable, Iterable):
        return _counted_async(iterable, total, name) if runtime().settings.enabled else aiter(iterable)
    iterator = iter(iterable)
    if not runtime().settings.enabled:
        return iterator
    return _counted(iterator, _size(iterable) if total is None else number(total), name)


def _size(iterable: object) -> float | None:
    try:
        return operator.length_hint(iterable) or None
    except Exception:  # noqa: BLE001 - the application's own __len__
        return None


def _counted(iterator: Iterator[T], total: float | None, name: str) -> Iterator[T]:
    loop = Loop(name, total)
    loop.begin()
    done = 0
    try:
        for item in iterator:
            yield item
            loop.done = done = done + 1
            if done >= loop.due:
                loop.look()
    except BaseException as error:
        loop.end(error)
        raise
    loop.end()


async def _counted_async(iterable: AsyncIterable[T], total: float | None, name: str) -> AsyncIterator[T]:
    loop = Loop(name, number(total))
    loop.begin()
    done = 0
    try:
        async for item in iterable:
            yield item
            loop.done = done = done + 1
            if done >= loop.due:
                loop.look()
    except BaseException as error:
        loop.end(error)
        raise
    loop.end()
