"""Runs of a made-up simulation, night after night, and of an import; as lines for ingest."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import httpx
from faulty import error
from records import at, log

#: Nights on which the simulation went well, the last of them slowly.
NIGHTS = 22
YEARS = 12
ROWS = 42_331
#: Seconds that a night took, but for the last.
USUAL = 120.0
SLOW = 1.9
#: All runs: the nights, the one that failed, the one that goes on, the one that was abandoned, the import.
RUNS = NIGHTS + 4
MESSAGE = "no rate of leavers for the year 2031"
#: Operation within a year → its part of it.
ENGINES = (("hire", 0.25), ("promote", 0.2), ("leave", 0.45))
#: Samples of the run that goes on.
SAMPLES = 14
MIB = 1 << 20


class Runs:
    """Three weeks of runs, ending now.

    Attributes:
        ids: ``run_id`` of the runs that tests look at, by what they are.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)
        self.lines: list[str] = []
        self.ids: dict[str, str] = {}
        self._number = 0
        for night in range(NIGHTS):
            self._night(night)
        self._failed()
        self._abandoned()
        self._import()
        self._running()

    def _event(self, moment: datetime, event: str, operation: dict[str, object], **members: object) -> None:
        origin = {
            "service": "workforce",
            "environment": "production",
            "version": "2.3.0",
            "host": "batch-1",
            "pid": 4711,
        }
        self.lines.append(json.dumps({"timestamp": at(moment), "event": event, **origin, **operation, **members}))

    def _operation(self, kind: str, name: str, start: datetime, **members: object) -> dict[str, object]:
        self._number += 1
        id_ = f"{self._number + (1 << 44):016x}"
        begun = round(start.timestamp() * 1e6) * 1000
        return {
            "operation_id": id_,
            "kind": kind,
            "name": name,
            "start_time_unix_nano": begun,
            "span_id": id_,
            **members,
        }

    def _begin(self, name: str, start: datetime, called: str, **parameters: object) -> dict[str, object]:
        run_id = f"{start:%Y%m%d_%H%M%S}-{self._number + 0x5EED0000:08x}"
        self.ids[called] = run_id
        run = self._operation("run", name, start, key=run_id, run_id=run_id, trace_id=f"{self._number + 1:032x}")
        commit = "b7e23ec29af22b0b4e41da31e868d57226121c84" if called in {"failed", "running"} else "c0ffee" + "4" * 34
        environment = {
            "python": "3.13.1",
            "platform": "Linux 6.12 x86_64",
            "host": "batch-1",
            "cpu_count": 8,
            "command": "python simulate.py --years 12",
            "git_commit": commit,
            "git_branch": "main",
            "git_dirty": False,
            "packages": {"duckdb": "2.0.1" if called == "failed" else "2.0.0", "numpy": "2.4.0", "polars": "1.39.0"},
        }
        self._event(start, "open", run, data={"parameters": parameters, "environment": environment})
        self._log(start, "INFO", f"run started: {name}", run)
        return run

    def _log(self, moment: datetime, level: str, message: str, run: dict[str, object], **fields: object) -> None:
        context = {"run_id": run["run_id"], "trace_id": run["trace_id"]}
        origin = {"service": "workforce", "logger": "simulate", "host": "batch-1"}
        self.lines.append(log(moment, level, message, **origin, **context, **fields))

    def _end(self, run: dict[str, object], start: datetime, seconds: float, **members: object) -> None:
        used = {"cpu_ms": seconds * 870, "memory_peak_bytes": 640 * MIB, "memory_delta_bytes": 21 * MIB}
        members = {"status": "completed", "duration_ms": seconds * 1000, **used, **members}
        self._event(start + timedelta(seconds=seconds), "close", run, **members)

    def _within(
        self, run: dict[str, object], kind: str, name: str, start: datetime, seconds: float, **members: object
    ) -> dict[str, object]:
        """A short operation inside: told of at its end."""
        context = {"parent_id": run["operation_id"], "run_id": run["run_id"], "trace_id": run["trace_id"]}
        inside = self._operation(kind, name, start, **{**context, **members})
        used = {"cpu_ms": seconds * 800, "memory_peak_bytes": 500 * MIB}
        self._event(
            start + timedelta(seconds=seconds),
            "close",
            {**inside, "status": "completed", **members},
            duration_ms=seconds * 1000,
            **used,
        )
        return inside

    def _years(self, run: dict[str, object], start: datetime, seconds: float, *, fails: bool = False) -> datetime:
        """The years one after the other; the seventh may fail. Gives when they ended."""
        moment = start
        for year in range(2025, 2025 + YEARS):
            took = seconds / YEARS * (0.9 + (year % 3) * 0.1)
            broken = fails and year == 2031
            why = {"status": "failed", "reason": f"KeyError: {MESSAGE}", "error_type": "KeyError"} if broken else {}
            stage = self._within(run, "stage", "year", moment, took, rows=ROWS // YEARS, **why)
            begun = moment
            for name, part in ENGINES:
                ends = why if name == "leave" else {}
                self._within(run, "engine", name, begun, took * part, parent_id=stage["operation_id"], **ends)
                begun += timedelta(seconds=took * part)
            moment += timedelta(seconds=took)
            if broken:
                return moment
            self._log(moment, "INFO", f"year {year} simulated: {ROWS // YEARS} events", run)
        return moment

    def _used(self, run: dict[str, object], start: datetime, seconds: float, most: float = 640.0) -> None:
        for number in range(60):
            wave = (number % 5) * 6
            memory = round((220 + (most - 220) * min(1.0, number / 45) - wave) * MIB)
            data = {"memory_bytes": memory, "cpu_percent": 60 + wave + (number * 7 % 30)}
            self._event(start + timedelta(seconds=seconds * number / 60), "sample", run, data=data)

    def _checked(self, moment: datetime, run: dict[str, object], headcount: int) -> None:
        for name, value, thresholds, result in (
            ("headcount", headcount, {"min": 1000, "warn_max": 5000}, "warning" if headcount > 5000 else "pass"),
            ("events without a person", 0, {"equal": 0}, "pass"),
            ("share of leavers", 0.0831, {"min": 0.02, "max": 0.2}, "pass"),
        ):
            data = {"name": name, "value": value, "thresholds": thresholds, "result": result}
            self._event(moment, "check", run, data=data)

    def _night(self, night: int) -> None:
        last = night == NIGHTS - 1
        start = self.now - timedelta(days=NIGHTS - night, hours=3)
        seconds = USUAL * (SLOW if last else 0.97 + (night * 5 % 7) / 100)
        called = "slow" if last else "before" if night == NIGHTS - 2 else f"night {night}"
        run = self._begin("simulate", start, called, years=YEARS, seed=7, rate=0.03 if last else 0.02)
        end = self._years(run, start + timedelta(seconds=2), seconds * 0.9)
        self._within(run, "stage", "write", end, seconds * 0.06)
        self._used(run, start, seconds, 1900.0 if last else 640.0)
        headcount = 5210 if last else 4820 + night
        self._checked(end, run, headcount)
        if last:
            text = "headcount is beyond what the plan allows"
            self._event(end, "warning", run, reason=text)
            self._log(end, "WARNING", text, run)
        self._event(end, "backup", run, data={"path": f"/srv/backups/{run['run_id']}.duckdb", "bytes": 310 * MIB})
        self._event(end, "artifact", run, data={"path": f"out/{run['run_id']}/headcount.parquet", "bytes": 4_200_000})
        peak = round((1900 if last else 640 + night % 4) * MIB)
        summary = {"execution_summary": {"results": {"headcount": headcount, "years": YEARS}}}
        self._end(run, start, seconds, rows=ROWS * YEARS, memory_peak_bytes=peak, data={"summary": summary})
        self._log(start + timedelta(seconds=seconds), "INFO", "run completed: simulate", run)

    def _failed(self) -> None:
        start = self.now - timedelta(hours=2)
        run = self._begin("simulate", start, "failed", years=YEARS, seed=8, rate=0.03)
        end = self._years(run, start + timedelta(seconds=2), USUAL * 0.9, fails=True)
        self._log(end - timedelta(seconds=1), "WARNING", "no rates of the year 2031, a default is looked for", run)
        fault = json.loads(error(end, "KeyError", "", MESSAGE, 90))
        fault |= {
            "error_id": f"{0xFA17:032x}",
            "run_id": run["run_id"],
            "service": "workforce",
            "category": "configuration",
        }
        fault["trace_id"] = run["trace_id"]
        self.lines.append(json.dumps(fault))
        told = {"type": "KeyError", "message": MESSAGE, "error_id": fault["error_id"]}
        self._log(end, "ERROR", "run failed: simulate", run, exception=told)
        seconds = (end - start).total_seconds()
        self._used(run, start, seconds)
        self._end(
            run,
            start,
            seconds,
            status="failed",
            rows=ROWS * 6,
            reason=f"KeyError: {MESSAGE}",
            error_type="KeyError",
            error_id=fault["error_id"],
            failed_in="engine leave",
        )

    def _abandoned(self) -> None:
        start = self.now - timedelta(hours=30)
        run = self._begin("reconcile", start, "abandoned", book="2026-10")
        self._event(start + timedelta(seconds=40), "progress", run, done=400, total=1000, step="accounts")
        self._event(start + timedelta(seconds=44), "abandon", run, status="abandoned", done=400, total=1000)

    def _import(self) -> None:
        start = self.now - timedelta(hours=5)
        run = self._begin("import_census", start, "import", file="census.csv")
        data = {"name": "rows", "value": 0, "thresholds": {"min": 1}, "result": "fail"}
        self._event(start + timedelta(seconds=1), "check", run, data=data)
        self._end(run, start, 1.4, rows=0, memory_peak_bytes=90 * MIB)

    def _running(self) -> None:
        start = self.now - timedelta(seconds=70)
        run = self._begin("simulate", start, "running", years=YEARS, seed=8, rate=0.02)
        self._within(run, "stage", "year", start, 25.0)
        self._event(self.now, "progress", run, done=7, total=YEARS, step="year 2032")
        for number in range(SAMPLES):
            data = {"memory_bytes": (300 + number * 12) * MIB, "cpu_percent": 80 + number % 4}
            self._event(start + timedelta(seconds=5 * number), "sample", run, data=data)


def fill(server) -> Runs:
    """Send the runs, and wait until all of them can be found, and the error of the one that failed is an issue."""
    runs = Runs()
    body = "\n".join(runs.lines).encode()
    answer = httpx.post(f"{server.url}/v1/ingest", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert answer.raise_for_status().json()["rejected"] == 0, answer.text
    deadline = time.monotonic() + 30
    while True:
        going, failed = (httpx.get(f"{server.url}/v1/runs/{runs.ids[called]}") for called in ("running", "failed"))
        arrived = going.is_success and len(going.json()["resources"]) == SAMPLES
        if arrived and failed.is_success and any(error["issue"] for error in failed.json()["errors"]):
            return runs
        assert time.monotonic() < deadline, (going.text, failed.text)
        time.sleep(0.1)
