"""What a run costs: a simulation as a run that logs each event, beside the same simulation without Plainview.

    .venv/bin/python -m bench.runs            # 100,000 events, a few rounds of each, interleaved
    .venv/bin/python -m bench.runs --whole    # 30 years of 42,331 events each, once

The work is that of an event-sourced workforce simulation, kept small: for each event an employee's state is read from
SQLite and compared with that of their peers, the salary is calculated in decimals, the event is written with a checksum
of its details for the audit, the state is updated; a transaction a year. Simulations that have a model or a remote
database behind each event do far more, and the heavier an event is, the less logging it weighs: so it is told as well
what an event costs more, and from how heavy an event on that is under 5 %. Each program is a process of its own, timed
from its first line behind the imports to its last: configuring, git, the summary and the printing of it included.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

_EVENTS: Final = 100_000
_YEARS: Final = 30
_WHOLE: Final = 42_331
_KINDS: Final = ("hire", "raise", "promotion", "termination", "enrollment")
_EMPLOYEES: Final = 5_000


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
        ratio = round(float(after) / mean, 3) if count else 1.0
        details = {"kind": kind, "level": level, "before": str(before), "after": str(after), "ratio": ratio}
        text = json.dumps(details, sort_keys=True)
        checksum = hashlib.sha256(text.encode()).hexdigest()
        database.execute(
            "INSERT INTO events (year, employee, kind, details, checksum) VALUES (?, ?, ?, ?, ?)",
            (year, employee, kind, text, checksum),
        )
        changed = (level, str(after), year, employee)
        database.execute("UPDATE employees SET level = ?, salary = ?, changed = ? WHERE id = ?", changed)
        return employee, kind, float(after)


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


def _child(given: argparse.Namespace) -> None:
    work = {"with": with_run, "without": without}[given.child]
    if given.child == "with":
        import plainview  # noqa: F401 - imports are the program's start, not its work
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        wall, used = time.perf_counter(), time.process_time()
        work(Path(folder), given.years, given.events)
        wall, used = time.perf_counter() - wall, time.process_time() - used
        spooled = sum(file.stat().st_size for file in Path(folder).rglob("*.ndjson"))
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
    if given.whole:
        events = _YEARS * _WHOLE
        for which in ("without", "with"):
            found = measured(which, _YEARS, events, show=True)
            print(
                f"{which:>8} {events:,} events: {found['wall']:.1f} s, {found['used']:.1f} s of the processor, ", end=""
            )
            print(f"{found['wall'] / events * 1e6:.1f} µs an event, {found['spooled'] / 1e6:.0f} MB of records")
        return
    rounds: dict[str, list[dict[str, Any]]] = {"without": [], "with": []}
    for _ in range(given.rounds):
        for which, known in rounds.items():
            known.append(measured(which, _YEARS, given.events))
    for clock, name in (("wall", "by the clock"), ("used", "of the processor")):
        bare, ours = (statistics.median(one[clock] for one in rounds[which]) for which in ("without", "with"))
        each = [ours[clock] / bare[clock] for bare, ours in zip(*rounds.values(), strict=True)]
        more = (ours - bare) / given.events * 1e6
        print(f"{name:>16}: {bare:.2f} s without, {ours:.2f} s as a run: {ours / bare - 1:+.1%}", end="")
        print(f" ({more:.2f} µs more an event of {bare / given.events * 1e6:.1f} µs;", end="")
        print(f" rounds {', '.join(f'{one - 1:+.1%}' for one in each)})")
        print(f"{'':>16}  under 5 % from {more / 0.05:.0f} µs of work an event on")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=_EVENTS)
    parser.add_argument("--years", type=int, default=_YEARS, help=argparse.SUPPRESS)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
