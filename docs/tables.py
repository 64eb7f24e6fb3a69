"""Writes the tables of the reference out of the code, so that the pages cannot fall behind.

`make docs` runs it; a test fails when a page is not what this makes of the code. What people wrote around the tables
stays as it is.
"""

from __future__ import annotations

import html
import inspect
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import typer

from plainview.capture.metrics.families import BOUNDS, GROUPS, Family, http_families
from plainview.capture.runs import summary as run_summary
from plainview.cli import COMMANDS, build
from plainview.grouping import catalogue
from plainview.settings import PROFILES, QUIET_LOGGERS, Settings, descriptions, environment_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["PAGES", "written"]

_BEGIN, _END = "<!-- begin: written by docs/tables.py -->", "<!-- end -->"

#: The first setting of each group, and the group's title.
_GROUPS: Final = {
    "service": "Who you are",
    "level": "What is kept",
    "capture_errors": "Errors",
    "console": "Where records go besides the spool",
    "endpoint": "Server and shipping",
    "segment_bytes": "The spool",
    "max_string": "Bounds of a record",
    "scrub": "Scrubbing",
    "sample": "Sampling and limits",
    "trace_sample": "Traces",
    "metrics_interval": "Metrics",
    "runs_dir": "Runs",
}


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _settings() -> Iterator[str]:
    says = descriptions()
    for field in msgspec.inspect.type_info(Settings).fields:  # type: ignore[attr-defined] # a struct's
        if field.name in _GROUPS:
            yield from ("", f"## {_GROUPS[field.name]}", "", _row("setting", "takes", "default", "what it does"))
            yield "|---|---|---|---|"
        default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
        shown = [_value(default)]
        shown += [
            f"{environment}: {_value(values[field.name])}"
            for environment, values in PROFILES.items()
            if field.name in values and values[field.name] != default
        ]
        names = f"`{field.name}`<br>`{environment_name(field.name)}`"
        yield _row(names, _takes(field.type), "<br>".join(filter(None, shown)), says[field.name])
    quiet = ", ".join(f"`{name}`" for name in sorted(QUIET_LOGGERS, key=str.lower))
    yield from ("", f"With `quiet` on, these loggers keep warnings and worse: {quiet}.")


def _takes(kind: msgspec.inspect.Type) -> str:
    """What a setting takes, in words."""
    match kind.type if isinstance(kind, msgspec.inspect.Metadata) else kind:
        case msgspec.inspect.LiteralType(values=values):
            return " · ".join(f"`{value}`" for value in values)
        case msgspec.inspect.BoolType():
            return "`true` · `false`"
        case (
            msgspec.inspect.IntType(ge=least, le=most, gt=above)
            | msgspec.inspect.FloatType(ge=least, le=most, gt=above)
        ):
            bounds = {"≥": least, ">": above, "≤": most}
            given = (f"{sign} {bound:,.10g}" for sign, bound in bounds.items() if bound is not None)
            return f"number {', '.join(given)}".strip()
        case msgspec.inspect.DictType():
            return "`name=value,name=value`"
        case msgspec.inspect.VarTupleType():
            return "`one,two`"
        case _:
            return "text"


def _value(value: Any) -> str:  # noqa: ANN401 - any setting's value
    if value in ("", {}, ()):
        return ""
    if isinstance(value, tuple):
        value = ",".join(value)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:_}`" if isinstance(value, int) and value >= 10_000 else f"`{value}`"  # noqa: PLR2004 - long ones are grouped


def _commands() -> Iterator[str]:
    group = typer.main.get_command(build(COMMANDS))
    yield from _subcommands("plainview", group, "##")


def _subcommands(path: str, group: Any, heading: str) -> Iterator[str]:  # noqa: ANN401 - Typer does not export its group
    for name, command in group.commands.items():
        yield from ("", f"{heading} `{path} {name}`", "", inspect.cleandoc(command.help or ""), "")
        if hasattr(command, "commands"):
            yield from _subcommands(f"{path} {name}", command, f"{heading}#")
            continue
        yield from (_row("argument, option", "what it does"), "|---|---|")
        for parameter in command.params:
            if parameter.param_type_name == "argument":
                yield _row(f"`{parameter.name.upper()}`", parameter.help or "")
            elif not parameter.hidden:
                value = "" if parameter.is_flag else " …"
                names = " ".join(f"`{option}{value}`" for option in (*parameter.opts, *parameter.secondary_opts))
                default = "" if parameter.is_flag or callable(parameter.default) else _value(parameter.default or "")
                says = re.sub(r"\s+\[default: (.*)\]$", r" Default: `\1`.", parameter.help or "")
                yield _row(names, says + (f" Default: {default}." if default else ""))


def _metrics() -> Iterator[str]:
    for title, families in {"HTTP": http_families("http"), **GROUPS}.items():
        yield from ("", f"## {title}", "", _row("metric", "kind", "labels", "what it is", "fed by"))
        yield "|---|---|---|---|---|"
        yield from map(_family, families)
    yield from ("", "## Buckets", "", _row("of", "classic buckets, upper bounds"), "|---|---|")
    for name, bounds in BOUNDS.items():
        yield _row(name, ", ".join(f"{bound:_}" if bound >= 10_000 else f"{bound:g}" for bound in bounds))  # noqa: PLR2004 - long ones are grouped


def _family(family: Family) -> str:
    kind = f"{family.kind}, {family.bounds}" if family.kind == "histogram" else family.kind
    if family.kind == "gauge":
        kind = f"gauge, {family.aggregation}"
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return _row(f"`{family.name}`", kind, labels, family.description, family.fed_by or "your code")


def _categories() -> Iterator[str]:
    yield from (_row("category", "what to do first"), "|---|---|")
    yield from (_row(f"**{name}**", action) for name, action in catalogue.ACTIONS.items())
    for title, table in {
        "By words that say more than the type": catalogue.PARTICULAR,
        "By type": catalogue.TYPES,
        "By errno": catalogue.CODES,
        "By HTTP status": catalogue.STATUSES,
        "By message": catalogue.MESSAGES,
    }.items():
        yield from ("", f"### {title}", "", _row("what matches", "category", "what to do"), "|---|---|---|")
        words = table in (catalogue.PARTICULAR, catalogue.MESSAGES)
        for kind in table:
            # HTML, as a pattern has the table's own bar in it.
            matches = [kind.matches] if words else kind.matches.split()
            shown = " ".join(f"<code>{html.escape(one)}</code>" for one in matches)
            yield _row(shown, kind.category, kind.action or catalogue.ACTIONS[kind.category])


def _run_summary() -> Iterator[str]:
    """The members of a run's summary: a table for each object of its schema, the outermost first."""
    objects = run_summary.schema()["$defs"]
    for name in sorted(objects, key=list(run_summary.ORDER).index):
        kind = objects[name]
        yield from ("", f"### {run_summary.ORDER[name]}", "", kind["description"], "")
        yield from (_row("member", "type", "what"), "|---|---|---|")
        for member, form in kind["properties"].items():
            always = "" if member in kind["required"] else " May be left out."
            yield _row(f"`{member}`", _json_type(form), form.get("description", "") + always)


def _json_type(form: Mapping[str, Any]) -> str:
    """The type of a member of a JSON Schema, in words."""
    if "$ref" in form:
        return f"[object](#{_anchor(run_summary.ORDER[form['$ref'].rpartition('/')[2]])})"
    if "anyOf" in form:
        return " · ".join(map(_json_type, form["anyOf"]))
    if "enum" in form:
        return " · ".join(f"`{value}`" for value in form["enum"])
    if form.get("type") == "array":
        return f"array of {_json_type(form['items'])}"
    inner = form.get("additionalProperties")
    if isinstance(inner, dict) and inner:
        return f"object of {_json_type(inner)}"
    return str(form.get("type", "any"))


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", title.lower()).strip("-")


#: Page → what makes its tables.
PAGES: Final[Mapping[Path, Callable[[], Iterator[str]]]] = {
    Path(__file__).parent / "reference/settings.md": _settings,
    Path(__file__).parent / "reference/cli.md": _commands,
    Path(__file__).parent / "reference/metrics.md": _metrics,
    Path(__file__).parent / "explanation/grouping.md": _categories,
    Path(__file__).parent / "reference/run-summary.md": _run_summary,
}


#: The JSON Schema of a run's summary, which comes with the package.
SCHEMA: Final = Path(run_summary.__file__).with_name("summary.schema.json")


def written(page: Path) -> str:
    """A page with its tables made anew."""
    text = "\n".join(PAGES[page]()).strip()
    pattern = f"(?s){re.escape(_BEGIN)}.*?{re.escape(_END)}"
    return re.sub(pattern, lambda _: f"{_BEGIN}\n\n{text}\n\n{_END}", page.read_text(encoding="utf-8"))


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(written(page), encoding="utf-8")
    SCHEMA.write_text(json.dumps(run_summary.schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
