"""A run in the processes that it starts: through the environment into them, and out of it there.

While a run is open, ``PLAINVIEW_RUN_ID`` holds its id and ``TRACEPARENT`` its span (W3C's header, by the name that
OpenTelemetry gives it: https://opentelemetry.io/docs/specs/otel/context/env-carriers/). A process that finds both when
it configures Plainview is a part of that run from its first record on.
"""

from __future__ import annotations

import os
import sys
import threading
from _thread import RLock  # native even where gevent has patched `threading`: it is never held across a switch
from typing import TYPE_CHECKING, Final

from plainview.capture.propagation import frame_from, inject
from plainview.capture.runs.ongoing import elsewhere, ongoing
from plainview.context import EMPTY, Bound, Frame, current

if TYPE_CHECKING:
    from plainview.capture.spans import Span

__all__ = ["RUN_ID", "TRACEPARENT", "Everywhere", "adopt", "after_fork", "alone", "publish"]

RUN_ID: Final = "PLAINVIEW_RUN_ID"
TRACEPARENT: Final = "TRACEPARENT"
_LONGEST: Final = 128

_lock = RLock()
#: What the variables were before the first run; None: no run is open.
_before: dict[str, str | None] | None = None
#: What they were set to last.
_ours: dict[str, str] = {}


def publish() -> None:
    """Set the variables for the run that began last of those that are open; put them back where none is."""
    global _before, _ours  # noqa: PLW0603 - there is one environment
    with _lock:
        if _before is None:
            _before = {name: os.environ.get(name) for name in (RUN_ID, TRACEPARENT)}
        latest = next(reversed(ongoing.values()), None)
        wanted: dict[str, str | None] = dict(_before)
        if latest is not None:
            wanted = {RUN_ID: latest.run_id, TRACEPARENT: _header(latest.span) or _before[TRACEPARENT]}
        for name, value in wanted.items():
            if latest is None and os.environ.get(name) != _ours.get(name):
                continue  # the application has set it to something else meanwhile
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _ours = {name: value for name, value in wanted.items() if value is not None}
        if latest is None:
            _before, _ours = None, {}


def after_fork() -> None:
    """In a forked child: another thread of the parent may have held the lock."""
    global _lock  # noqa: PLW0603 - of this process
    _lock = RLock()


def _header(span: Span | None) -> str | None:
    if span is None:
        return None
    headers: dict[str, str] = {}
    token = current.set(Frame(Bound({}), span, None))
    try:
        inject(headers)
    finally:
        current.reset(token)
    return headers.get("traceparent")


def adopt() -> None:
    """Be a part of the run that the environment names, if there is one and it is not this process's own.

    Its id and span are what everything begins with here, in whichever thread.
    """
    run_id = os.environ.get(RUN_ID, "")
    if not run_id or len(run_id) > _LONGEST or ongoing or "run_id" in current.get().bound.fields:
        return
    outside = {"traceparent": os.environ.get(TRACEPARENT)}
    arrived = frame_from(outside.get, run_id=run_id)
    if arrived.span is not None:
        elsewhere[run_id] = f"{arrived.span.get_span_context().span_id:016x}"
    EMPTY.bound, EMPTY.span, EMPTY.ids = Bound({"run_id": run_id}), arrived.span, arrived.ids
    frame = current.get()
    if frame is not EMPTY:
        current.set(Frame(arrived.bound, frame.span or arrived.span, None, frame.otel, frame.operation))


def alone() -> bool:
    """Whether what begins here is all that the process does: in the main thread, outside of an event loop."""
    if threading.current_thread() is not threading.main_thread():
        return False
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return True
        return False
    return True


class Everywhere:
    """A run that is all that its process does: work in threads that nobody gave a context belongs to it as well."""

    def __init__(self, run_id: str) -> None:
        self._previous: Final = EMPTY.bound
        self._bound: Final = Bound({**EMPTY.bound.fields, "run_id": run_id})
        EMPTY.bound = self._bound

    def end(self) -> None:
        """It is over."""
        if EMPTY.bound is self._bound:
            EMPTY.bound = self._previous
