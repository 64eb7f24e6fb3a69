"""Workers: processes, or parts of them, that live long and take work; each tells that it lives.

The heartbeat comes from the keeper, so it says that the process lives, whatever the work does; what says that the work
gets on is `Worker.beat`, which every heartbeat tells the time of. None of its methods raises.
"""

from __future__ import annotations

import atexit
import math
import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Self

from plainview.capture import chores
from plainview.capture.daemon import begin
from plainview.capture.metrics.families import feed
from plainview.capture.operations.kinds import kind_of
from plainview.capture.operations.operation import Operation
from plainview.capture.operations.telling import telling
from plainview.capture.runtime import get_logger, runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plainview.capture.metrics.port import Port
    from plainview.capture.operations.telling import Telling

__all__ = ["Worker", "worker"]

_GAUGE: Final = "worker_heartbeat_timestamp"
_SHORTEST_SECONDS: Final = 0.1
_PORT_SECONDS: Final = 1.0
_PORTS: Final = range(1 << 16)
_NUMBERS: Final = frozenset({int, float})

#: Those that this process is.
_open: Final[set[Worker]] = set()


class Worker(Operation):
    """A worker, while it lives; see `worker`.

    Attributes:
        interval: from one heartbeat to the next, seconds.
        completed: pieces of work that went well, as `beat` was told.
        failed: pieces that did not.
    """

    #: It lives for days: each piece of its work is a trace of its own.
    traced = False
    process = True
    plain = False

    __slots__ = ("_given", "_moved", "_next", "_port", "completed", "failed", "interval")

    def __init__(self, name: str, fields: dict[str, Any], interval: float | None, port: int | None) -> None:
        super().__init__(kind_of("worker"), name, None, fields)
        self._given: Final = interval, port
        self.interval = 0.0
        self.completed = self.failed = 0
        #: When the work last moved, on the monotonic clock; None: it has not.
        self._moved: float | None = None
        self._next = 0.0
        self._port: Port | None = None

    def beat(self, completed: int = 0, failed: int = 0) -> None:
        """Say that the work gets on. As often as you like: it is told with the next heartbeat.

        Args:
            completed: pieces of work that went well since the last call.
            failed: pieces that did not.
        """
        self._moved = time.monotonic()
        if type(completed) is int and type(failed) is int:
            self.completed += completed
            self.failed += failed

    @property
    def port(self) -> int | None:
        """The port that this process answers on for it; None: it has none, or another process of the service has it."""
        return self._port.number if self._port is not None else None

    def let_go(self) -> None:
        """In a forked child: the port is the parent's."""
        port, self._port = self._port, None
        if port is not None:
            port.after_fork()

    def _begin(self, told: Telling) -> None:
        interval, port = self._given
        if type(interval) in _NUMBERS and interval is not None and _SHORTEST_SECONDS <= interval < math.inf:
            self.interval = interval
        else:
            self.interval = told.runtime.settings.heartbeat_interval
        super()._begin(told)
        if not told.runtime.settings.enabled:
            return
        self._port = _port(port, self._live)
        self._feed()
        self._next = time.monotonic() + self.interval
        _open.add(self)
        chores.add(self._turn)
        told.runtime.keeper.start()

    def _opening(self) -> Mapping[str, Any]:
        return {**self._inputs, "interval_seconds": self.interval}

    def _end(self, told: Telling, error: BaseException | None) -> None:
        chores.remove(self._turn)
        _open.discard(self)
        port, self._port = self._port, None
        try:
            if not any(other.name == self.name for other in tuple(_open)):
                feed(_GAUGE).remove(worker=self.name)
            if port is not None:
                # It waits for a thread that may take half a second to notice.
                begin(threading.Thread(target=port.close, name="plainview-port-close", daemon=True))
        except Exception as failure:  # noqa: BLE001 - its end is told all the same
            told.failed(failure)
        self.set(completed=self.completed, failed=self.failed)
        super()._end(told, error)

    def _turn(self, _clock: float) -> float:
        """The keeper comes by."""
        clock, wait = time.monotonic(), math.inf
        port = self._port
        if port is not None and port.number is None:
            port.attempt()
            wait = _PORT_SECONDS
        if clock >= self._next:
            self._next = clock + self.interval
            self._feed()
            self._told = telling(self.kind, self.name, "")  # of the configuration in force by now
            self._record("heartbeat", data=self._state())
        return min(wait, self._next - clock)

    def _feed(self) -> None:
        feed(_GAUGE).labels(worker=self.name).set(time.time())

    def _state(self) -> dict[str, Any]:
        """What a heartbeat tells."""
        moved = self._moved
        ago = None if moved is None else time.monotonic() - moved
        return {
            "interval_seconds": self.interval,
            "moved": None if ago is None else _rfc3339(time.time_ns() - int(ago * 1e9)),
            "moved_seconds_ago": None if ago is None else round(ago, 3),
            "completed": self.completed,
            "failed": self.failed,
        }

    def _live(self, header: Callable[[str], str | None]) -> tuple[int, list[tuple[str, str]], bytes]:
        """The answer to whether it lives: as that of any process, with what a heartbeat tells."""
        from plainview.capture.encoding import encode  # noqa: PLC0415 - for who asks
        from plainview.capture.metrics import answer  # noqa: PLC0415 - the same

        status, headers, body = answer.live(header)
        return status, headers, body.rstrip(b"}\n") + b',"worker":%b}\n' % encode({"name": self.name, **self._state()})

    def _again(self) -> Self:
        interval, port = self._given
        return type(self)(self.name, self._fields, interval, port)


def _port(number: int | None, live: Any) -> Port | None:  # noqa: ANN401 - an answer, as `Port` has them
    if number is None:
        return None
    if type(number) is not int or number not in _PORTS:
        get_logger("plainview.worker").warning(
            "no port for the worker", reason="it is no port", port=repr(number)[:100]
        )
        return None
    from plainview.capture.metrics import answer  # noqa: PLC0415 - http.server, for those who want it
    from plainview.capture.metrics.port import Port  # noqa: PLC0415 - the same

    found = Port((runtime().settings.metrics_host, number), {"/metrics": answer.metrics, "/health/live": live})
    found.attempt()
    return found


def _rfc3339(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1000:06d}Z"


def worker(
    name: str = "",
    /,
    *,
    interval: float | None = None,
    port: int | None = None,
    **fields: Any,  # noqa: ANN401 - any value
) -> Worker:
    """A process that takes work, or a part of it: ``with plainview.worker("encoder") as me:``; or decorate a function.

    While it is open, its record gets a heartbeat every few seconds, and the gauge ``worker_heartbeat_timestamp`` the
    time of it, whatever the work inside does, as long as the process lives; `Worker.beat` says that the work gets on.

    Args:
        name: of the worker; the service's when left out. There should be few of them: several processes may have one.
        interval: from one heartbeat to the next, seconds; the setting ``heartbeat_interval`` when left out.
        port: of its own, for ``/health/live`` and ``/metrics``, on the address ``metrics_host``; 0: any that is free.
        fields: what is to be told of it.
    """
    return Worker(name or runtime().settings.service, fields, interval, port)


def _at_exit() -> None:
    """The clean end of those that nobody ended."""
    for one in tuple(_open):
        one.finish()


def _in_child() -> None:
    """The workers are the parent's; its sockets are let go of."""
    for one in tuple(_open):
        one.let_go()
    _open.clear()


atexit.register(_at_exit)
os.register_at_fork(after_in_child=_in_child)
