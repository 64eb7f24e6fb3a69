"""The accounts: a batch script that forecasts royalties, year by year, again and again; each time is a run."""

from __future__ import annotations

import csv
import random
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select
from sqlalchemy.orm import selectinload

import plainview
from studio.catalogue import open_catalogue, royalties
from studio.database import Book, Session
from studio.settings import DATABASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = plainview.get_logger("studio.accounts")

_EVERY_SECONDS: Final = 25.0
_FIRST_SECONDS: Final = 4.0
_KEPT_REPORTS: Final = 20
_REPORTS: Final = DATABASE.parent / "reports"

stopping = threading.Event()


class Insolvent(Exception):  # noqa: N818 - says what happened
    """In a forecast there is a year without money."""


def main() -> None:
    """Make forecasts until SIGTERM or SIGINT."""
    plainview.configure(service="studio-accounts", version="2.4.1", level="DEBUG", levels={"studio.database": "INFO"})
    plainview.instrument()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    open_catalogue()
    with plainview.worker("accounts") as worker:
        for parameters in _plan():
            try:
                forecast(**parameters)
            except Exception:  # noqa: BLE001 - the run has told of it
                worker.beat(failed=1)
            else:
                worker.beat(completed=1)


def _plan() -> Iterator[dict[str, Any]]:
    """What is forecast next: nearly always the same, now and then with something changed."""
    number, wait = 0, _FIRST_SECONDS
    while not stopping.wait(wait):
        number, wait = number + 1, _EVERY_SECONDS
        parameters = {"years": 12, "growth": 0.03, "scenarios": 40}
        if number % 4 == 0:
            parameters["growth"] = -0.4  # somebody's typing
        elif number % 7 == 0:
            parameters["scenarios"] = 160
        yield parameters


def forecast(years: int, growth: float, scenarios: int) -> None:
    """Forecast what is due to authors, and write a report.

    Raises:
        Insolvent: there is a year without money.
    """
    parameters = {"years": years, "growth": growth, "scenarios": scenarios, "database": str(DATABASE)}
    with plainview.run(
        "royalty forecast", params=parameters, summary_dir=_REPORTS / "runs", print_summary=False
    ) as run:
        with plainview.operation("step", "load books"):
            rates = _load(run)
        totals = []
        for year in plainview.progress(range(1, years + 1), name="years"):
            with plainview.operation("step", "simulate a year", year=year):
                totals.append(_simulate(rates, year, growth, scenarios))
                run.rows(len(rates) * scenarios)
            log.info("year simulated", year=year, total=totals[-1])
            if totals[-1] < 0.25 * totals[0]:
                msg = f"year {year} has {totals[-1]:.0f} of {totals[0]:.0f} euros left"
                raise Insolvent(msg)
        run.check("growth of the last year", totals[-1] / totals[-2] - 1, warn_min=0.0, max=0.25)
        run.check("years", len(totals), equal=years)
        with plainview.operation("step", "write report"):
            run.artifact(_write(run.run_id, totals))
        run.set(total=round(sum(totals), 2))


def _load(run: plainview.Run) -> list[float]:
    """What a copy of each book brings its author."""
    with Session() as session:
        books = session.scalars(select(Book).options(selectinload(Book.chapters))).all()
    rates, missing = [], set()
    for book in books:
        try:
            rates.append(float(royalties(book, 1)["amount"]))
        except KeyError as error:
            missing.add(str(error.args[0]))
    if missing:
        run.warn("books without a rate are left out", currencies=sorted(missing), books=len(books) - len(rates))
    run.check("share of books with a rate", len(rates) / max(1, len(books)), min=0.5, warn_min=0.99)
    return rates


def _simulate(rates: list[float], year: int, growth: float, scenarios: int) -> float:
    """What is due in a year, the mean of some scenarios."""
    chance = random.Random(year)
    total = sum(rate * chance.lognormvariate(5, 0.3) * (1 + growth) ** year for rate in rates for _ in range(scenarios))
    time.sleep(0.05)  # what a larger studio would take
    return round(total / scenarios, 2)


def _write(run_id: str, totals: list[float]) -> Path:
    _REPORTS.mkdir(exist_ok=True)
    for old in sorted(_REPORTS.glob("*.csv"))[:-_KEPT_REPORTS]:
        old.unlink(missing_ok=True)
    path = _REPORTS / f"{run_id}.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("year", "total"), *enumerate(totals, 1)])
    return path


if __name__ == "__main__":
    main()
