"""``plainview runs``: the runs of a running server, listed, shown, compared, over time, and taken out."""

from __future__ import annotations

import csv
import io
import json as texts
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import typer

from plainview.cli.asking import Dir, Json, Url, ago, as_json, asking, listed

if TYPE_CHECKING:
    from plainview.cli.api import Api

__all__ = ["runs"]

runs = typer.Typer(no_args_is_help=True, help="List runs, look at one, compare two, see how they change.")

#: A run may be given as `-1`.
_PLACES: Final = {"ignore_unknown_options": True}
#: Exit code of `trend --check`; 1 and 2 say that there is no answer.
_OUT_OF_LINE: Final = 3
#: Columns of a table of operations, below which they are exported.
_CSV: Final = (
    *("kind", "name", "count", "failed", "total_ms", "mean_ms", "max_ms", "share"),
    *("cpu_ms", "memory_peak_bytes", "rows"),
)

Option = typer.Option
Run = Annotated[
    str, typer.Argument(help="Id of a run or the beginning of one; last, last-good, -1 (the last), -2 …", metavar="RUN")
]
Output = Annotated[Path | None, Option(help="A file; standard output when left out.")]
Name = Annotated[str | None, Option(help="With last and its like: of the runs of this name.")]
Service = Annotated[str | None, Option(help="As --name: of this service.")]


class Form(StrEnum):
    """The forms that a run is exported in."""

    json = "json"
    csv = "csv"


@runs.command("list")
def list_(  # noqa: PLR0913 - each is an option of the command
    name: Annotated[list[str] | None, typer.Argument(help="Names of runs, any of; all when left out.")] = None,
    *,
    status: Annotated[
        list[str] | None, Option(help="running, completed, failed, cancelled, abandoned; may be repeated.")
    ] = None,
    service: Annotated[list[str] | None, Option(help="Of this service; may be repeated.")] = None,
    environment: Annotated[list[str] | None, Option(help="Of this environment; may be repeated.")] = None,
    since: Annotated[str | None, Option(help="Not ended before: 15m, 2h, 7d ago, or a time.")] = None,
    limit: Annotated[int, Option(min=1, help="Most runs.")] = 20,
    json: Json = False,
    url: Url = None,
    directory: Dir = None,
) -> None:
    """List runs, those that began last first, each with its duration beside those of the runs before it."""
    query = {
        "name": name,
        "status": status,
        "service": service,
        "environment": environment,
        "start_time": ago(since),
    }
    with asking("runs", directory, url) as api:
        found, total = listed(api, "/v1/runs", query, "runs", limit)
    if json:
        sys.stdout.writelines(as_json(run) + "\n" for run in found)
        return
    from plainview.cli.run_tables import show_list

    show_list(found, total)


@runs.command(context_settings=_PLACES)
def show(  # noqa: PLR0913 - each is an option of the command
    run: Run = "last",
    *,
    name: Name = None,
    service: Service = None,
    json: Json = False,
    url: Url = None,
    directory: Dir = None,
) -> None:
    """Show one run: its summary as it was printed at its end, and of one that failed, why."""
    with asking("runs", directory, url) as api:
        whole, analysis = _whole(api, run, name, service)
        screen = api.url
    if json:
        sys.stdout.write(as_json(whole | {"analysis": analysis}) + "\n")
        return
    from plainview.cli.run_card import show_run

    show_run(whole, analysis, screen)


@runs.command(context_settings=_PLACES)
def compare(  # noqa: PLR0913 - each is an option of the command
    a: Annotated[str, typer.Argument(help="The run that the other is measured by; as RUN of `show`.", metavar="A")],
    b: Annotated[str, typer.Argument(help="The other run.", metavar="B")] = "last",
    *,
    name: Name = None,
    service: Service = None,
    all_: Annotated[bool, Option("--all", help="What is the same in both, too.")] = False,
    json: Json = False,
    url: Url = None,
    directory: Dir = None,
) -> None:
    """Compare two runs: parameters, environment, operations, figures, checks, and what only one of them logged."""
    query = _given(a=a, b=b, name=name, service=service)
    with asking("runs", directory, url) as api:
        found = texts.loads(api.get("/v1/runs/compare", query))
    if json:
        sys.stdout.write(as_json(found) + "\n")
        return
    from plainview.cli.run_tables import show_comparison

    show_comparison(found, everything=all_)


@runs.command()
def trend(  # noqa: PLR0913 - each is an option of the command
    name: Annotated[str, typer.Argument(help="Name of the runs.")],
    *,
    last: Annotated[int, Option(min=1, max=1000, help="How many runs, the newest included.")] = 20,
    service: Annotated[str | None, Option(help="Of this service; that of the newest run when left out.")] = None,
    environment: Annotated[str | None, Option(help="Of this environment; likewise.")] = None,
    check: Annotated[
        bool, Option("--check", help="End with the exit code 3 when it is out of line, or a figure drifts.")
    ] = False,
    json: Json = False,
    url: Url = None,
    directory: Dir = None,
) -> None:
    """Show the last runs of a name, and say whether the newest is out of line."""
    with asking("runs", directory, url) as api:
        query = _given(name=name, last=last, service=service, environment=environment)
        found = texts.loads(api.get("/v1/runs/trend", query))
    if json:
        sys.stdout.write(as_json(found) + "\n")
    else:
        from plainview.cli.run_tables import show_trend

        show_trend(found)
    if check and any(figure["out_of_line"] or figure["drift"]["drifts"] for figure in found["figures"]):
        raise typer.Exit(_OUT_OF_LINE)


@runs.command(context_settings=_PLACES)
def export(  # noqa: PLR0913 - each is an option of the command
    run: Run,
    *,
    form: Annotated[
        Form, Option("--format", help="json: all of it; csv: its operations, a row for each kind and name.")
    ] = Form.json,
    output: Output = None,
    name: Name = None,
    service: Service = None,
    url: Url = None,
    directory: Dir = None,
) -> None:
    """Take a run out: as JSON with all that `show` knows, or its operations as CSV."""
    with asking("runs", directory, url) as api:
        whole, analysis = _whole(api, run, name, service)
    text = texts.dumps(whole | {"analysis": analysis}, indent=2) + "\n" if form is Form.json else _csv(whole)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        sys.stderr.write(f"plainview: cannot write {output}: {error.strerror}\n")
        raise typer.Exit(1) from None


def _whole(api: Api, run: str, name: str | None, service: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """A run, and its analysis."""
    whole = texts.loads(api.get(f"/v1/runs/{quote(run, safe='')}", _given(name=name, service=service)))
    meant = quote(whole["run"]["run_id"], safe="")
    return whole, texts.loads(api.get(f"/v1/runs/{meant}/analysis"))


def _given(**values: object) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _csv(whole: dict[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("run_id", *_CSV))
    for row in whole["operations"]:
        writer.writerow(_cell(value) for value in (whole["run"]["run_id"], *(row[name] for name in _CSV)))
    return text.getvalue()


def _cell(value: object) -> object:
    """A value as a cell. Text that a spreadsheet would take for a formula gets an apostrophe (OWASP: CSV injection)."""
    return "'" + value if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
