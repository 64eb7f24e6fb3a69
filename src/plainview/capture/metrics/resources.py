"""What a process uses, and what there is of it: memory, processor, files, threads, the garbage collector, the host.

The keeper looks each time a snapshot is due, and whoever asks for ``/metrics`` has its own process looked at anew;
nothing is read, and `psutil` not imported, before that. What belongs to a process is told by each, and summed over the
service; what belongs to the host is told by one process of the service, the one that holds a lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import threading
import time
import zlib
from typing import TYPE_CHECKING, Any, Final

from plainview.capture.daemon import begin
from plainview.capture.forking import unforked
from plainview.capture.metrics import loops
from plainview.capture.metrics.families import feed

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainview.settings import Settings

__all__ = ["Resources", "also"]

#: Younger than this, a look is not repeated, seconds.
_FRESH_SECONDS: Final = 0.5
#: Devices of the network that only carry what another one carries as well.
_INNER_DEVICES: Final = ("lo", "veth")

#: What the parent of this process had collected before the fork: the interpreter counts on from there.
_inherited: list[dict[str, int]] = [{}, {}, {}]
_others: Final[list[Callable[[], None]]] = []


def _psutil() -> Any:  # noqa: ANN401 - the module
    with unforked:
        import psutil  # noqa: PLC0415 - 15 ms that no start-up is to pay for
    return psutil


def also(look: Callable[[], None]) -> None:
    """Have something else looked at as well, each time; once, however often it is asked for."""
    if look not in _others:
        _others.append(look)


class Resources:
    """Looks at this process and, where no other process of the service does, at the host.

    Args:
        settings: ``resource_paths`` are the paths whose file systems are told; the host is told once for a ``service``.
        directory: the data directory.
    """

    def __init__(self, settings: Settings, directory: str) -> None:
        self._paths: Final = settings.resource_paths
        name = "".join(
            character if character.isascii() and character.isalnum() else "-" for character in settings.service
        )
        number = zlib.crc32(settings.service.encode("utf-8", "surrogatepass"))
        self._lock_path: Final = os.path.join(directory, "metrics", f".{name[:48]}-{number:08x}.host")
        self._lock_descriptor = -1
        self.after_fork()

    def after_fork(self) -> None:
        """A forked child counts from its own beginning, and leaves the host to its parent while that lives."""
        if self._lock_descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._lock_descriptor)
        self._lock_descriptor = -1
        self._looking = threading.Lock()
        self._looked = 0.0
        self._process: Any = None
        self._cpu_seconds = 0.0
        self._host_times: tuple[float, float] | None = None
        self._transferred: dict[str, tuple[int, int]] = {}
        self._disks: threading.Thread | None = None

    def close(self) -> None:
        """Let go of the host: another process, or configuration, may tell of it."""
        descriptor, self._lock_descriptor = self._lock_descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def look(self) -> None:
        """Take all values now, unless that was done a moment ago or is being done."""
        if not self._looking.acquire(blocking=False):
            return
        try:
            clock = time.monotonic()
            if self._looked and clock - self._looked < _FRESH_SECONDS:
                return
            elapsed, self._looked = clock - self._looked if self._looked else 0.0, clock
            psutil = _psutil()
            self._look_at_process(psutil, elapsed)
            _look_at_collector()
            if self._holds_host():
                self._look_at_host(psutil)
            late = loops.lag()
            if late is not None:
                feed("event_loop_lag_seconds").set(late)
            for look in _others:
                look()
        finally:
            self._looking.release()

    def _look_at_process(self, psutil: Any, elapsed: float) -> None:  # noqa: ANN401 - the module
        process = self._process
        if process is None:
            process = self._process = psutil.Process()
            feed("process_start_time_seconds").set(process.create_time())
            feed("processes").set(1)
            with contextlib.suppress(AttributeError):  # not on macOS
                feed("process_max_fds").set(process.rlimit(psutil.RLIMIT_NOFILE)[0])
        with process.oneshot():
            memory, times = process.memory_info(), process.cpu_times()
            feed("process_threads").set(process.num_threads())
        feed("process_open_fds").set(process.num_fds())
        for name in ("memory_usage_bytes", "memory_usage_max_bytes", "process_resident_memory_bytes"):
            feed(name).set(memory.rss)
        feed("process_virtual_memory_bytes").set(memory.vms)
        used = times.user + times.system
        spent, self._cpu_seconds = used - self._cpu_seconds, used
        _count_up_to(feed("process_cpu_seconds_total"), used)
        if elapsed:
            feed("cpu_usage_percent").set(max(0.0, 100 * spent / elapsed))

    def _holds_host(self) -> bool:
        """Whether this process tells of the host: it has the lock, or gets it now. Its end lets go of it."""
        if self._lock_descriptor >= 0:
            return True
        descriptor = -1
        try:
            os.makedirs(os.path.dirname(self._lock_path), mode=0o700, exist_ok=True)
            descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # another one has it; or the folder cannot be written, then nobody tells
            if descriptor >= 0:
                os.close(descriptor)
            return False
        self._lock_descriptor = descriptor
        return True

    def _look_at_host(self, psutil: Any) -> None:  # noqa: ANN401 - the module
        memory = psutil.virtual_memory()
        feed("host_memory_total_bytes").set(memory.total)
        feed("host_memory_available_bytes").set(memory.available)
        with contextlib.suppress(OSError):
            feed("host_load1").set(os.getloadavg()[0])
        times = psutil.cpu_times()._asdict()
        # Linux counts the time of guests as its own users' as well.
        total = sum(times.values()) - times.get("guest", 0.0) - times.get("guest_nice", 0.0)
        idle = times["idle"] + times.get("iowait", 0.0)
        if self._host_times is not None and total > self._host_times[0]:
            share = (idle - self._host_times[1]) / (total - self._host_times[0])
            feed("host_cpu_usage_percent").set(min(100.0, max(0.0, 100 * (1 - share))))
        self._host_times = total, idle
        for device, counters in (psutil.net_io_counters(pernic=True) or {}).items():
            if not device.startswith(_INNER_DEVICES):
                self._count_transferred(device, (counters.bytes_recv, counters.bytes_sent))
        if self._paths and (self._disks is None or not self._disks.is_alive()):
            # In a thread of its own: a file system of another machine that is away would hold up the keeper for hours.
            self._disks = threading.Thread(target=_look_at_disks, args=(self._paths,), daemon=True)
            begin(self._disks)

    def _count_transferred(self, device: str, now: tuple[int, int]) -> None:
        before = self._transferred.get(device)
        self._transferred[device] = now
        if before is not None:  # what was carried before anybody looked is nobody's
            for name, new, old in zip(_TRANSFERRED, now, before, strict=True):
                feed(name).labels(device=device).inc(max(0, new - old))


def _in_child() -> None:
    global _inherited  # noqa: PLW0603 - of this process
    _inherited = gc.get_stats()


os.register_at_fork(after_in_child=_in_child)


def _count_up_to(counter: Any, total: float) -> None:  # noqa: ANN401 - a counter's series
    counter.inc(max(0.0, total - counter.value))


def _look_at_collector() -> None:
    for generation, (now, before) in enumerate(zip(gc.get_stats(), _inherited, strict=False)):
        for name, key in _COLLECTED.items():
            _count_up_to(feed(name).labels(str(generation)), now[key] - before.get(key, 0))


_COLLECTED: Final = {
    "python_gc_collections_total": "collections",
    "python_gc_objects_collected_total": "collected",
    "python_gc_objects_uncollectable_total": "uncollectable",
}
_TRANSFERRED: Final = ("host_network_receive_bytes_total", "host_network_transmit_bytes_total")


def _look_at_disks(paths: tuple[str, ...]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            found = os.statvfs(path)
            feed("disk_usage_bytes").labels(path=path).set((found.f_blocks - found.f_bfree) * found.f_frsize)
            mounted = _mount_point(path)
            feed("host_filesystem_size_bytes").labels(mountpoint=mounted).set(found.f_blocks * found.f_frsize)
            feed("host_filesystem_available_bytes").labels(mountpoint=mounted).set(found.f_bavail * found.f_frsize)


def _mount_point(path: str) -> str:
    path = os.path.realpath(path)
    while not os.path.ismount(path):
        path = os.path.dirname(path)
    return path
