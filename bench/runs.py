"""What a run costs: a simulation as a run that logs each event, beside the same simulation without Plainview.

    .venv/bin/python -m bench.runs            # 100,000 events, a few rounds of each, interleaved
    .venv/bin/python -m bench.runs --alternating    # one run that logs 200 events and does not log the next 200 …
    .venv/bin/python -m bench.runs --whole    # 30 years of 42,331 events each, once

The work is that of an event-sourced simulation of a workforce and its pension plan, kept small: for each event an
employee's state is read from SQLite and compared with that of their peers, the salary and a year's contributions by pay
period are calculated in decimals, the event is written with a checksum of its details for the audit, the state is
updated; a transaction a year. Simulations that have a model or a remote database behind each event do far more, and the
heavier an event is, the less logging it weighs: so it is told as well what an event costs more, and from how heavy an
event on that is under 5 %.

Beside it the same with a logging class of one's own: `logging`, a formatter with `json.dumps`, a `RotatingFileHandler`.
Two processes, one after the other, differ by more than what is looked for on a machine that others use as well. What
alternates does not: what an event costs more is told by neighbours in time, what the other threads and the run itself
take is added.

Each program is a process of its own, timed from its first line behind the imports to its last: configuring, git, the
summary and the printing of it included.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from decimal import Decimal
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

_EVENTS: Final = 100_000
_YEARS: Final = 30
_WHOLE: Final = 42_331
_KINDS: Final = ("hire", "raise", "promotion", "termination", "enrollment")
_EMPLOYEES: Final = 5_000
_PERIODS: Final = 26
#: Events that are logged, and that are not, in turn.
_SLICE: Final = 200
_MATCHED: Final = Decimal("0.03")


class Simulation:
    """The work. It knows nothing of who watches it."""

    def __init__(self, path: Path) -> None:
        self.chance = random.Random(7)
        self.database = database = sqlite3.connect(path)
        database.execute("CREATE TABLE employees (id INTEGER PRIMARY KEY, level INT, salary TEXT, changed INT)")
        database.execute(
            "CREATE TABLE events "
            "(id INTEGER PRIMARY KEY, year INT, employee INT, kind TEXT, details TEXT, checksum TEXT)"
        )
        database.execute("CREATE INDEX by_employee ON events (employee, year)")
        database.execute("CREATE INDEX by_level ON employees (level, salary)")
        people = ((number, number % 7, str(50_000 + number), 0) for number in range(_EMPLOYEES))
        database.executemany("INSERT INTO employees VALUES (?, ?, ?, ?)", people)

    def event(self, year: int) -> tuple[int, str, float]:
        """One event."""
        employee, kind = self.chance.randrange(_EMPLOYEES), self.chance.choice(_KINDS)
        database = self.database
        level, salary = database.execute("SELECT level, salary FROM employees WHERE id = ?", (employee,)).fetchone()
        peers = "SELECT count(*), avg(salary) FROM employees WHERE level = ?"
        count, mean = database.execute(peers, (level,)).fetchone()
        before = Decimal(salary)
        growth = Decimal(str(round(self.chance.uniform(0.0, 0.06), 4)))
        after = before
        if kind in {"raise", "promotion"}:
            after = (before * (1 + growth)).quantize(Decimal("0.01"))
            level += kind == "promotion"
        paid = contributions(after, Decimal("0.06"))
        ratio = round(float(after) / mean, 3) if count else 1.0
        details = {"kind": kind, "level": level, "before": str(before), "after": str(after), "ratio": ratio}
        details["contributed"] = str(paid)
        text = json.dumps(details, sort_keys=True)
        checksum = hashlib.sha256(text.encode()).hexdigest()
        database.execute(
            "INSERT INTO events (year, employee, kind, details, checksum) VALUES (?, ?, ?, ?, ?)",
            (year, employee, kind, text, checksum),
        )
        changed = (level, str(after), year, employee)
        database.execute("UPDATE employees SET level = ?, salary = ?, changed = ? WHERE id = ?", changed)
        return employee, kind, float(after)


def contributions(salary: Decimal, share: Decimal) -> Decimal:
    """What employee and employer pay into the plan in a year, rounded each pay period as payroll does it."""
    period, cent, total = salary / _PERIODS, Decimal("0.01"), Decimal(0)
    for _ in range(_PERIODS):
        deferred = (period * share).quantize(cent)
        total += deferred + min(deferred, period * _MATCHED).quantize(cent)
    return total


def without(folder: Path, years: int, events: int) -> None:
    simulation = Simulation(folder / "events.db")
    for year in range(2025, 2025 + years):
        for _ in range(events // years):
            simulation.event(year)
        simulation.database.commit()


def with_run(folder: Path, years: int, events: int) -> None:
    import plainview

    plainview.configure(service="simulator", environment="production", dir=str(folder / "data"), file="")
    log = plainview.get_logger("simulator")
    simulation = Simulation(folder / "events.db")
    with plainview.run("simulate", params={"years": years}, summary_dir=folder / "runs") as run:
        for year in range(2025, 2025 + years):
            with plainview.stage("year", year=year) as stage:
                for _ in range(events // years):
                    employee, kind, salary = simulation.event(year)
                    log.info("event", year=year, employee=employee, kind=kind, salary=salary)
                simulation.database.commit()
                stage.rows(events // years)
        run.check("events", run.row_count or events, min=1)


def with_logging(folder: Path, years: int, events: int) -> None:
    class Lines(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            told = {"timestamp": datetime.now(UTC).isoformat(), "run_id": "20250818_143022-abc12345"}
            told |= {"level": record.levelname, "message": record.getMessage(), "module": record.module}
            told |= {"function": record.funcName, "line": record.lineno, **record.__dict__["fields"]}
            return json.dumps(told)

    handler = RotatingFileHandler(folder / "simulator.log", maxBytes=10 << 20, backupCount=10)
    handler.setFormatter(Lines())
    log = logging.getLogger("simulator")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    simulation = Simulation(folder / "events.db")
    for year in range(2025, 2025 + years):
        for _ in range(events // years):
            employee, kind, salary = simulation.event(year)
            fields = {"year": year, "employee": employee, "kind": kind, "salary": salary}
            log.info("event", extra={"fields": fields})
        simulation.database.commit()


def alternating(folder: Path, events: int) -> None:
    """One run in which every other slice of events is logged; all in processor time."""
    import plainview

    simulation = Simulation(folder / "events.db")
    started = time.process_time_ns()
    plainview.configure(service="simulator", environment="production", dir=str(folder / "data"), file="")
    log = plainview.get_logger("simulator")
    spent = {False: 0, True: 0}
    own = time.thread_time_ns()
    with plainview.run("simulate", params={"years": 1}, summary_dir=folder / "runs", print_summary=False):
        for number in range(2 * events // _SLICE):
            logged = bool(number % 2)
            before = time.thread_time_ns()
            for _ in range(_SLICE):
                employee, kind, salary = simulation.event(2025)
                if logged:
                    log.info("event", year=2025, employee=employee, kind=kind, salary=salary)
            spent[logged] += time.thread_time_ns() - before
    own, whole = time.thread_time_ns() - own, time.process_time_ns() - started
    plainview.shutdown()  # before its folder goes
    bare, logging_ = spent[False] / events / 1000, (spent[True] - spent[False]) / events / 1000
    around, others = (own - sum(spent.values())) / events / 1000, (whole - own) / events / 1000
    more = logging_ + around + others
    print(
        f"{bare:.1f} µs an event; logging it {logging_:+.1f} µs, other threads and configuring {others:+.1f} µs,",
        end="",
    )
    print(
        f" the run itself {around:+.1f} µs, of {events:,} events: {more / bare:+.1%};"
        f" under 5 % from {more / 0.05:.0f} µs on"
    )


WAYS: Final = {"without": without, "as a run": with_run, "logging": with_logging}


def _child(given: argparse.Namespace) -> None:
    work = WAYS[given.child]
    if work is with_run:
        import plainview  # noqa: F401 - imports are the program's start, not its work
    wall, used = time.perf_counter(), time.process_time()
    work(given.folder, given.years, given.events)
    wall, used = time.perf_counter() - wall, time.process_time() - used
    spooled = sum(file.stat().st_size for file in given.folder.rglob("*.ndjson"))
    print(json.dumps({"wall": wall, "used": used, "spooled": spooled}))


def measured(which: str, years: int, events: int, *, show: bool = False) -> dict[str, float]:
    """Seconds by the clock and of the processor that one program takes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.runs", "--child", which, "--folder", folder]
        done = subprocess.run(
            [*command, "--years", str(years), "--events", str(events)], capture_output=True, text=True, check=True
        )
    if show:
        print(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    given = _arguments()
    if given.child:
        _child(given)
        return
    if given.alternating:
        for _ in range(given.rounds):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                alternating(Path(folder), given.events)
        return
    if given.whole:
        events = _YEARS * _WHOLE
        for which in ("without", "as a run"):
            found = measured(which, _YEARS, events, show=True)
            print(
                f"{which:>8} {events:,} events: {found['wall']:.1f} s, {found['used']:.1f} s of the processor, ", end=""
            )
            print(f"{found['wall'] / events * 1e6:.1f} µs an event, {found['spooled'] / 1e6:.0f} MB of records")
        return
    rounds: dict[str, list[dict[str, Any]]] = {which: [] for which in WAYS}
    for _ in range(given.rounds):
        for which, known in rounds.items():
            known.append(measured(which, _YEARS, given.events))
    for clock, name in (("wall", "by the clock"), ("used", "of the processor")):
        bare = statistics.median(one[clock] for one in rounds["without"])
        print(f"{name}: {bare:.2f} s without, {bare / given.events * 1e6:.0f} µs an event")
        for which in list(WAYS)[1:]:
            # Round by round: what else the machine does changes between two rounds more than within one.
            pairs = zip(rounds[which], rounds["without"], strict=True)
            each = [one[clock] / beside[clock] - 1 for one, beside in pairs]
            more = statistics.median(each)
            weight = more * bare / given.events * 1e6
            shown = ", ".join(f"{one:+.1%}" for one in each)
            print(f"  {which:>8}: {more:+.1%} ({shown}), {weight:.1f} µs an event;", end="")
            print(f" under 5 % from {weight / 0.05:.0f} µs of work an event on")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=_EVENTS)
    parser.add_argument("--years", type=int, default=_YEARS, help=argparse.SUPPRESS)
    parser.add_argument("--alternating", action="store_true")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
