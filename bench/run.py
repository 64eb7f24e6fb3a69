"""Goes round: every contender of a case in a process of its own, one after another, as often as there are rounds.

The rounds are interleaved (A B C A B C …), so that whatever else the machine does hits all alike.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench import machine, report, startup
from bench.cases import CASES, OURS, Case
from bench.results import summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.results import Rounds

__all__ = ["main"]

_ROOT: Final = Path(__file__).resolve().parent.parent
_RESULTS: Final = _ROOT / "bench" / "results"
_PAGE: Final = _ROOT / "docs" / "explanation" / "performance.md"
_QUICK_ROUNDS: Final = 3
#: Seconds for one process; for filling a spool with a million lines and following it.
_TIMEOUT: Final = 120
_INGEST_TIMEOUT: Final = 900
#: Cases that are measured by a program of their own.
_ALONE: Final = {"ingest": "bench.ingest", "grouping": "bench.grouping"}


def main() -> None:
    given = _arguments()
    results: dict[str, Any] = {
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": given.quick,
        "machine": machine.describe(_ROOT),
        "versions": machine.versions(),
        "cases": _kept(given),
    }
    for case in CASES:
        if given.only and case.name not in given.only:
            continue
        measured = _measure(case, given)
        if measured is not None:
            cases = {known["name"]: known for known in [*results["cases"], measured]}
            results["cases"] = [cases[known.name] for known in CASES if known.name in cases]
            _write(given.json, results)
    from rich.console import Console

    console = Console()
    console.print(report.table(results))
    console.print(f"{given.json}", style="dim")
    if given.publish:
        _write(_PAGE.with_suffix(".json"), results)
        report.write_page(_PAGE, results)


def _kept(given: argparse.Namespace) -> list[dict[str, Any]]:
    """The other cases of the last run, where only some are measured again."""
    if not given.only or not given.json.exists():
        return []
    cases: list[dict[str, Any]] = json.loads(given.json.read_text(encoding="utf-8"))["cases"]
    return [case for case in cases if case["name"] not in given.only]


def _write(path: Path, results: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Speed, side by side with others.")
    parser.add_argument("--quick", action="store_true", help="few calls and rounds: minutes become one, noise grows")
    parser.add_argument(
        "--only",
        action="append",
        choices=[case.name for case in CASES],
        help="this case (repeatable); the others stay as they are in the file",
    )
    parser.add_argument("--peers", type=lambda text: text.split(","), help="only these beside ours, by commas")
    parser.add_argument("--rounds", type=int, help="another number of rounds")
    parser.add_argument("--json", type=Path, default=_RESULTS / "latest.json", help="where the figures go")
    parser.add_argument("--publish", action="store_true", help="put the figures into the documentation as well")
    return parser.parse_args()


def _measure(case: Case, given: argparse.Namespace) -> dict[str, Any] | None:
    count = case.quick if given.quick else case.count
    wanted = [name for name in case.contenders if given.peers is None or name in {OURS, "bare", *given.peers}]
    rounds = given.rounds or (min(_QUICK_ROUNDS, case.rounds) if given.quick else case.rounds)
    if case.name in _ALONE:
        return _alone(case, quick=given.quick)
    measured: Rounds = {name: {} for name in wanted}
    absent: dict[str, str] = {}
    once: Callable[[str, Path], dict[str, float]]
    if case.measure:

        def once(contender: str, folder: Path) -> dict[str, float]:
            return _figures("bench.worker", case.name, contender, str(count), str(folder))

    else:
        once = startup.start
        for name in wanted:
            _in_folder(startup.start, name)  # compiles what was not compiled yet
    for number in range(rounds):
        _say(f"{case.name}: round {number + 1} of {rounds}")
        for name in wanted:
            if name in absent:
                continue
            try:
                figures = _in_folder(once, name)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                absent[name] = _reason(error)
                continue
            for figure, value in figures.items():
                measured[name].setdefault(figure, []).append(value)
    _say("")
    return summary(case, count, {name: row for name, row in measured.items() if name not in absent}, absent)


def _alone(case: Case, *, quick: bool) -> dict[str, Any] | None:
    """Ours alone, and measured by a program of its own."""
    module = _ALONE[case.name]
    if importlib.util.find_spec(module) is None:
        return None
    _say(f"{case.name}: one program, which takes its time")
    figures = _figures(module, *(["--quick"] if quick else []), timeout=_INGEST_TIMEOUT)
    _say("")
    return summary(case, int(figures.pop("lines", 0)), {OURS: {name: [value] for name, value in figures.items()}}, {})


def _in_folder(once: Callable[[str, Path], dict[str, float]], contender: str) -> dict[str, float]:
    """Measure once, in a folder on the disk the repository is on: `/tmp` may be memory."""
    _RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_RESULTS, prefix="scratch-") as folder:
        return once(contender, Path(folder))


def _figures(module: str, *arguments: str, timeout: float = _TIMEOUT) -> dict[str, float]:
    """Run a module of ours in a fresh process; its last line are the figures."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PLAINVIEW_", "OTEL_"))}
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, cwd=_ROOT, env=environment, check=True, capture_output=True, text=True, timeout=timeout
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _reason(error: subprocess.CalledProcessError | subprocess.TimeoutExpired) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"hangs: no end after {_TIMEOUT} s"
    output = error.stderr if isinstance(error.stderr, str) else error.stderr.decode(errors="replace")
    return output.strip().splitlines()[-1] if output.strip() else f"exit code {error.returncode}"


def _say(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
