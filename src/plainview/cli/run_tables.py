"""Runs on the terminal as tables: a list, two side by side, a trend."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from plainview.cli.asking import local_time, plain_console
from plainview.cli.run_card import FIGURES, figure
from plainview.sinks.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

__all__ = ["show_comparison", "show_list", "show_trend"]

_BARS: Final = "▁▂▃▄▅▆▇█"
_COLOURS: Final = {
    "completed": "green",
    "failed": "red",
    "dead_lettered": "red",
    "abandoned": "red",
    "cancelled": "yellow",
    "running": "cyan",
}
#: Runs whose durations are drawn beside that of one.
_DRAWN: Final = 12
#: Width of a terminal that has room for all columns.
_NARROW: Final = 110
#: Entries of each list, and characters of a value.
_FEW, _LONGEST = 20, 60
_THRESHOLD: Final = 1.1


def _table(*columns: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return table


def show_list(found: Sequence[Mapping[str, Any]], total: int) -> None:
    """Print a list of runs; ``!`` beside a duration says that a figure of the run is out of line."""
    console = plain_console()
    if not found:
        console.print("no such runs")
        return
    wide = console.width >= _NARROW
    table = _table("began", "run", "name", "status", right=())
    for name in ("duration", "", *(("rows", "errors", "warnings", "checks") if wide else ("errors",))):
        table.add_column(name, justify="left" if name == "" else "right", no_wrap=True)
    for run in found:
        checks = run["checks"]
        bad = checks["fail"] + checks["warning"]
        more = (figure("rows", run["rows"]), str(run["errors"]), str(run["warnings"]))
        table.add_row(
            Text(local_time(run["started_at"])),
            Text(visible(run["run_id"])),
            Text(visible(run["name"])),
            Text(run["status"], _COLOURS.get(run["status"], "")),
            Text(figure("duration_ms", run["duration_ms"]) + (" !" if run["out_of_line"] else "  ")),
            Text(_drawn(run)),
            *([*map(Text, more), Text(f"{sum(checks.values()) - bad}/{sum(checks.values())}")] if wide else [more[1]]),
        )
    console.print(table)
    if total > len(found):
        console.print(f"{total - len(found)} more: --limit {total}", style="dim")


def _drawn(run: Mapping[str, Any]) -> str:
    """Durations of the runs before it and its own."""
    values = [*run["earlier_durations_ms"][-_DRAWN:], run["duration_ms"] or 0.0]
    most = max(values) or 1.0
    return "".join(_BARS[round(value / most * (len(_BARS) - 1))] for value in values)


def show_comparison(found: Mapping[str, Any], *, everything: bool) -> None:
    """Print two runs side by side.

    Args:
        found: as `/v1/runs/compare` tells it.
        everything: what is the same in both, too.
    """
    console = plain_console()
    for side in ("a", "b"):
        run = found[side]
        head = f"{side}  {visible(run['run_id'])}  {visible(run['name'])}  {local_time(run['started_at'])}  "
        console.print(Text(head, "bold"), Text(run["status"], _COLOURS.get(run["status"], "")), sep="")
    for note in found["notes"]:
        console.print(Text(f"Note: {visible(note)}", "yellow"))
    _titled(console, "Figures", _figures(found["figures"]))
    for title in ("parameters", "environment", "checks"):
        rows = [each for each in found[title] if everything or not each["same"]]
        _titled(console, title.capitalize(), _pairs(rows), "the same in both" if found[title] else "none")
    _titled(console, "Operations", _operations(found["operations"], everything=everything))
    _titled(console, "Only one of them logged", _only(found["patterns"], "pattern"))
    _titled(console, "Errors that only one of them met", _only(found["errors"], "error_message"))


def _titled(console: Console, title: str, table: Table, otherwise: str = "none") -> None:
    console.print()
    console.print(Text(title, "bold"))
    console.print(table if table.row_count else Text(otherwise, "dim"))


def _figures(figures: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("", "a", "b", "b ÷ a", right=("a", "b", "b ÷ a"))
    for each in figures:
        if each["a"] is not None or each["b"] is not None:
            name = each["name"]
            table.add_row(FIGURES[name][0], figure(name, each["a"]), figure(name, each["b"]), _ratio(each["ratio"]))
    return table


def _ratio(ratio: float | None) -> Text:
    if ratio is None:
        return Text("-", "dim")
    far = ratio > _THRESHOLD or ratio < 1 / _THRESHOLD
    return Text(f"{ratio:.2f}", "bold" if far else "dim")


def _pairs(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("", "a", "b")
    for each in rows:
        table.add_row(
            Text(visible(each["name"]), "dim" if each["same"] else ""), *(_value(each[side]) for side in ("a", "b"))
        )
    return table


def _value(value: Any) -> Text:  # noqa: ANN401 - any JSON
    if value is None:
        return Text("(none)", "dim")
    if isinstance(value, dict) and "result" in value:  # a check
        return Text(visible(f"{value['result']}: {value['value']}")[:_LONGEST])
    text = visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return Text(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def _operations(operations: Sequence[Mapping[str, Any]], *, everything: bool) -> Table:
    table = _table("", "a", "b", "b ÷ a", "times", right=("a", "b", "b ÷ a", "times"))
    for each in operations if everything else operations[:_FEW]:
        counts = (each["a_count"], each["b_count"])
        table.add_row(
            Text(visible(f"{each['kind']} {each['name']}")),
            figure("duration_ms", each["a_ms"]),
            figure("duration_ms", each["b_ms"]),
            _ratio(each["ratio"]),
            str(counts[0]) if counts[0] == counts[1] else f"{counts[0]} → {counts[1]}",
        )
    return table


def _only(changes: Mapping[str, Sequence[Mapping[str, Any]]], text: str) -> Table:
    table = _table("", "times", "", "", right=("times",))
    for side, of in (("b", "new"), ("a", "gone")):
        for each in changes[of][:_FEW]:
            what = each.get("level") or each["error_type"]
            table.add_row(side, f"{each['count']:,}", Text(visible(what)), Text(visible(each[text])[: 2 * _LONGEST]))
        if len(changes[of]) > _FEW:
            table.add_row(side, "", "", Text(f"and {len(changes[of]) - _FEW} more", "dim"))
    return table


def show_trend(found: Mapping[str, Any]) -> None:
    """Print the last runs of a name, and how the newest stands to those before it."""
    console = plain_console()
    of = " ".join(filter(None, (found["name"], found["service"], found["environment"])))
    console.print(Text(visible(of), "bold"))
    figures = [each["figure"] for each in found["figures"]]
    names = [FIGURES[name][0] for name in figures]
    table = _table("began", "run", "status", *names, "", right=names)
    most = max((point["duration_ms"] or 0.0 for point in found["points"]), default=0.0) or 1.0
    for point in found["points"]:
        bar = "█" * round((point["duration_ms"] or 0.0) / most * 20)
        table.add_row(
            local_time(point["started_at"]),
            Text(visible(point["run_id"] or "")),
            Text(point["status"], _COLOURS.get(point["status"], "")),
            *(figure(name, point[name]) for name in figures),
            Text(bar, "cyan"),
        )
    console.print(table)
    console.print()
    judged = _table("", "newest", "median before", "usual distance", "score", "", "", right=("newest", "median before"))
    for each in found["figures"]:
        if each["newest"] is None:
            continue
        name = each["figure"]
        said = f"out of line: {each['direction']}" if each["out_of_line"] else "in line"
        judged.add_row(
            FIGURES[name][0],
            *(figure(name, each[value]) for value in ("newest", "median", "mad")),
            "-" if each["score"] is None else f"{each['score']:+.1f}",
            Text(said if each["median"] is not None else "the first", "bold red" if each["out_of_line"] else "dim"),
            _drift(each["drift"]),
        )
    if found["judged"] is None:
        console.print("None of them completed: there is nothing to judge.")
        return
    console.print(Text(f"{visible(found['judged'])}, the newest that completed, beside those before it:"))
    console.print(judged)


def _drift(drift: Mapping[str, Any]) -> Text:
    """Where a figure goes over all the runs."""
    if not drift["drifts"]:
        return Text("")
    change = f"{drift['change']:+.0%}" if drift["change"] is not None else "up" if drift["score"] > 0 else "down"
    return Text(f"drifts: {change} over these runs", "bold yellow")
