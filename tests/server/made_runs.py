"""Lines about runs as applications write them, made up: good ones, one that fails, a slower one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

ENVIRONMENT = {
    "python": "3.11.9",
    "platform": "Linux 6.1 x86_64",
    "host": "h1",
    "cpu_count": 2,
    "command": "python simulate.py",
    "git_commit": "a" * 40,
    "git_dirty": False,
    "packages": {"numpy": "2.1.0", "duckdb": "2.0.1"},
}


@dataclass
class MadeRun:
    """One run, told step by step; ``lines`` are its records.

    Args:
        number: tells its ids from those of others.
        start: when it began.
        name: what is run.
    """

    number: int
    start: datetime
    name: str = "simulate"
    service: str = "planner"
    parameters: dict[str, Any] = field(default_factory=lambda: {"years": 3, "rates": {"growth": 0.03}})
    environment: dict[str, Any] = field(default_factory=lambda: dict(ENVIRONMENT))
    lines: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    _parts: int = 0

    @property
    def run_id(self) -> str:
        return f"{self.start:%Y%m%d_%H%M%S}-{self.number:08x}"

    @property
    def operation_id(self) -> str:
        return f"{self.number:08x}00000000"

    @property
    def trace_id(self) -> str:
        return f"{self.number:032x}"

    def _process(self) -> dict[str, Any]:
        return {"service": self.service, "environment": "test", "host": "h1", "pid": 7, "run_id": self.run_id}

    def _at(self, seconds: float | None = None) -> datetime:
        return self.start + timedelta(seconds=self.seconds if seconds is None else seconds)

    def event(self, event: str, **members: Any) -> None:
        """Something that the run tells of itself."""
        self.lines.append(
            {
                "timestamp": stamp(self._at()),
                "operation_id": self.operation_id,
                "event": event,
                "kind": "run",
                "name": self.name,
                "key": self.run_id,
                "start_time_unix_nano": nanoseconds(self.start),
                "trace_id": self.trace_id,
                "span_id": self.operation_id,
                **self._process(),
                **members,
            }
        )

    def begin(self) -> MadeRun:
        self.event("open", data={"parameters": self.parameters, "environment": self.environment})
        self.say("INFO", "run started: simulate")
        return self

    def part(self, kind: str, name: str, seconds: float, *, parent: str | None = None, **members: Any) -> str:
        """A part that begins now and ends so many seconds later."""
        self._parts += 1
        id_ = f"{self.number:08x}{self._parts:08x}"
        began = self._at()
        self.seconds += seconds
        self.lines.append(
            {
                "timestamp": stamp(self._at()),
                "operation_id": id_,
                "event": "close",
                "kind": kind,
                "name": name,
                "parent_id": parent or self.operation_id,
                "start_time_unix_nano": nanoseconds(began),
                "status": "completed",
                "duration_ms": seconds * 1000.0,
                **self._process(),
                **members,
            }
        )
        return id_

    def say(self, level: str, message: str, **members: Any) -> None:
        """A line in the log."""
        self.lines.append(
            {"timestamp": stamp(self._at()), "level": level, "message": message, "logger": "planner"}
            | self._process()
            | members
        )

    def raise_(self, error_id: str, kind: str, message: str, **members: Any) -> None:
        """An occurrence of an error, as it was captured."""
        frame = {"file": "planner/load.py", "module": "planner.load", "function": "load", "line": 12, "in_app": True}
        self.lines.append(
            {
                "timestamp": stamp(self._at()),
                "error_id": error_id,
                "level": "ERROR",
                "mechanism": "logging",
                "exceptions": [{"type": kind, "message": message, "frames": [frame]}],
                **self._process(),
                **members,
            }
        )

    def end(self, status: str = "completed", **members: Any) -> MadeRun:
        self.say("INFO" if status == "completed" else "WARNING", f"run {status}: simulate")
        self.event("close", status=status, duration_ms=self.seconds * 1000.0, **members)
        return self


def stamp(at: datetime) -> str:
    """A moment as a record has it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def nanoseconds(at: datetime) -> int:
    """A moment as a span has it."""
    return int(at.timestamp() * 1e6) * 1000


def good(number: int, start: datetime, seconds: float = 10.0, **given: Any) -> MadeRun:
    """A run that completes: it loads, simulates three years, and saves."""
    run = MadeRun(number, start, **given).begin()
    run.event("sample", data={"memory_bytes": 50_000_000, "cpu_percent": 90.0})
    run.part("stage", "load", seconds * 0.2, cpu_ms=100.0, rows=1000)
    for year in range(3):
        run.say("INFO", f"year {2025 + year} done")
        run.part("stage", "simulate", seconds * 0.2, cpu_ms=900.0, memory_peak_bytes=60_000_000 + year)
    run.event("check", data={"name": "attrition", "value": 0.1, "thresholds": {"at_most": 0.2}, "result": "pass"})
    run.part("stage", "save", seconds * 0.2)
    run.event("artifact", data={"path": "/tmp/result.parquet", "bytes": 1234})
    run.event("backup", data={"path": "/tmp/backup.duckdb", "bytes": 99})
    summary = {"run_metadata": {"run_id": run.run_id, "status": "completed"}}
    return run.end(rows=42_331, memory_peak_bytes=70_000_000, cpu_ms=3000.0, data={"summary": summary})


def failing(number: int, start: datetime, **given: Any) -> MadeRun:
    """A run that fails: an attempt that is survived first, then a stage that loads."""
    run = MadeRun(number, start, **given).begin()
    run.part("engine", "fetch", 1.0, status="failed", error_type="TimeoutError", reason="TimeoutError: slow")
    run.say("WARNING", "fetching again")
    run.part("engine", "fetch", 1.0)
    error_id = f"{number:08x}" * 4
    for step in range(30):
        run.say("DEBUG", f"row {step} read")
    # The inner one ends first, with the outer one's id as its parent: that is told later.
    outer = f"{number:08x}{run._parts + 2:08x}"
    failed = {"status": "failed", "error_id": error_id, "error_type": "FileNotFoundError"}
    reason = "FileNotFoundError: [Errno 2] No such file or directory: '/data/census.parquet'"
    run.part("stage", "load", 2.0, parent=outer, reason=reason, **failed)
    run.raise_(error_id, "FileNotFoundError", reason.partition(": ")[2])
    run.say(
        "ERROR",
        "cannot load",
        exception={"type": "FileNotFoundError", "message": reason, "stack_trace": "…", "error_id": error_id},
    )
    run.part("job", "import", 2.0, reason=reason, failed_in="stage load", **failed)
    run.say("INFO", "cleaning up")
    run.event("warning", reason="no census")
    return run.end(reason=reason, failed_in="stage load", **failed)


def before(minutes: float) -> datetime:
    """So many minutes ago, to the second."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=minutes)
