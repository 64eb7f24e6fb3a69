"""The results as people read them: a table on the terminal, and the same in the documentation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from bench.cases import CASES, FIGURES, OURS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.table import Table

__all__ = ["table", "write_page"]

_BEGIN: Final = "<!-- figures: written by `python -m bench --publish` -->"
_END: Final = "<!-- end of figures -->"


def table(results: dict[str, Any]) -> Table:
    """All cases in one table for the terminal."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(title="quick: few rounds, noisy" if results["quick"] else None, title_justify="left")
    shown.add_column("")
    shown.add_column("figures")
    shown.add_column("times ours", justify="right")
    shown.add_column("goal")
    for case in results["cases"]:
        shown.add_section()
        shown.add_row(Text(case["title"], style="bold"))
        for name, figures, times in _rows(case):
            shown.add_row(f"  {name}", figures, times, *([_goals(case)] if name == OURS else []))
        for name, reason in case["absent"].items():
            shown.add_row(f"  {name}", reason, style="dim")
    return shown


def write_page(page: Path, results: dict[str, Any]) -> None:
    """Put the figures between the two marks of a page of the documentation.

    Raises:
        ValueError: the page has no such marks.
    """
    text = page.read_text(encoding="utf-8")
    if _BEGIN not in text or _END not in text:
        msg = f"{page} has no place for the figures"
        raise ValueError(msg)
    inside = re.compile(rf"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)
    page.write_text(inside.sub(lambda _: "\n".join([_BEGIN, *_markdown(results), _END]), text), encoding="utf-8")


def _markdown(results: dict[str, Any]) -> Iterator[str]:
    machine = ", ".join(filter(None, results["machine"].values()))
    yield f"\nTaken {results['taken'][:10]} on {machine}."
    for case in results["cases"]:
        yield f"\n### {case['title']}\n"
        columns = [name for name in _figures(case["name"]) if any(name in row for row in case["contenders"].values())]
        titles = [f"{FIGURES[name].title}, {FIGURES[name].unit}" for name in columns]
        yield f"| | {' | '.join(titles)} | times ours |"
        yield f"|---|{'---:|' * (len(columns) + 1)}"
        for name, row in case["contenders"].items():
            cells = [_number(figure, row[figure]["median"]) if figure in row else "" for figure in columns]
            yield f"| {name} | {' | '.join(cells)} | {_times(case, name)} |"
        for name, reason in case["absent"].items():
            yield f"| {name} | {reason} |{' |' * len(columns)}"
        yield ""
        for goal in case["goals"]:
            yield f"- {goal['text']}: **{_value(goal)}**, {'reached' if goal['reached'] else 'not reached'}"
    yield "\n### Versions\n"
    yield ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + "."
    yield ""


def _rows(case: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, row in case["contenders"].items():
        parts = [
            f"{FIGURES[figure].title} {_number(figure, row[figure]['median'])} {FIGURES[figure].unit}"
            for figure in _figures(case["name"])
            if figure in row
        ]
        yield name, " · ".join(parts), _times(case, name)


def _figures(name: str) -> tuple[str, ...]:
    return next(case.figures for case in CASES if case.name == name)


def _number(figure: str, value: float) -> str:
    if FIGURES[figure].unit == "%":
        value *= 100
    return f"{value:,.{FIGURES[figure].digits}f}"


def _times(case: dict[str, Any], name: str) -> str:
    """How many times ours a peer's first figure is (of those that the goals are about)."""
    goals = next(known.goals for known in CASES if known.name == case["name"])
    figure = goals[0].figure
    ours, theirs = case["contenders"].get(OURS, {}).get(figure), case["contenders"][name].get(figure)
    if name == OURS or ours is None or theirs is None or ours["median"] <= 0:
        return ""
    return f"{theirs['median'] / ours['median']:.1f}"


def _value(goal: dict[str, Any]) -> str:
    value = goal["value"]
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def _goals(case: dict[str, Any]) -> str:
    return "\n".join(
        f"[{'green' if goal['reached'] else 'red'}]{'✓' if goal['reached'] else '✗'} {goal['text']}: {_value(goal)}[/]"
        for goal in case["goals"]
    )
