"""Writes the tables of `docs/reference/settings.md` out of `plainview.settings`: the page cannot fall behind.

`make docs` runs it; a test fails when the page is not what this makes of the settings.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import msgspec

from plainview.settings import PROFILES, QUIET_LOGGERS, Settings, environment_name

__all__ = ["PAGE", "page", "tables"]

PAGE: Final = Path(__file__).parent / "reference/settings.md"
_BEGIN, _END = "<!-- begin: written by docs/settings_table.py -->", "<!-- end -->"

#: The first setting of each group, and the group's title.
_GROUPS: Final = {
    "service": "Who you are",
    "level": "What is kept",
    "console": "Where records go besides the spool",
    "endpoint": "Server and shipping",
    "segment_bytes": "The spool",
    "max_string": "Bounds of a record",
    "scrub": "Scrubbing",
    "sample": "Sampling and limits",
    "trace_sample": "Traces",
}


def _form(kind: msgspec.inspect.Type) -> tuple[str, str]:
    """What a setting takes, in words; and its one line of description."""
    description = ""
    if isinstance(kind, msgspec.inspect.Metadata):
        description = str((kind.extra_json_schema or {}).get("description", ""))
        kind = kind.type
    match kind:
        case msgspec.inspect.LiteralType(values=values):
            return " · ".join(f"`{value}`" for value in values), description
        case msgspec.inspect.BoolType():
            return "`true` · `false`", description
        case (
            msgspec.inspect.IntType(ge=least, le=most, gt=above)
            | msgspec.inspect.FloatType(ge=least, le=most, gt=above)
        ):
            parts = [f"≥ {least:,.10g}"] if least is not None else []
            parts += [f"> {above:,.10g}"] if above is not None else []
            parts += [f"≤ {most:,.10g}"] if most is not None else []
            return " ".join(["number", ", ".join(parts)]).strip(), description
        case msgspec.inspect.DictType():
            return "`name=value,name=value`", description
        case msgspec.inspect.VarTupleType():
            return "`one,two`", description
        case _:
            return "text", description


def _shown(value: Any) -> str:  # noqa: ANN401 - any setting's value
    if value in ("", {}, ()):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:_}`" if isinstance(value, int) and value >= 10_000 else f"`{value}`"  # noqa: PLR2004 - long ones are grouped


def tables() -> str:
    """The tables as Markdown."""
    lines: list[str] = []
    for field in msgspec.inspect.type_info(Settings).fields:  # type: ignore[attr-defined] # a struct's
        if field.name in _GROUPS:
            lines += [
                "",
                f"## {_GROUPS[field.name]}",
                "",
                "| setting | takes | default | what it does |",
                "|---|---|---|---|",
            ]
        default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
        shown = [_shown(default)]
        shown += [
            f"{environment}: {_shown(values[field.name])}"
            for environment, values in PROFILES.items()
            if field.name in values and values[field.name] != default
        ]
        takes, description = _form(field.type)
        lines.append(
            f"| `{field.name}`<br>`{environment_name(field.name)}` | {takes} | {'<br>'.join(filter(None, shown))} "
            f"| {description.replace('|', '&#124;')} |"
        )
    quiet = ", ".join(f"`{name}`" for name in sorted(QUIET_LOGGERS, key=str.lower))
    lines += ["", f"With `quiet` on, these loggers keep warnings and worse: {quiet}."]
    return "\n".join(lines).strip()


def page(text: str) -> str:
    """The page with its tables made anew; what people wrote around them stays."""
    pattern = f"(?s){re.escape(_BEGIN)}.*?{re.escape(_END)}"
    return re.sub(pattern, lambda _: f"{_BEGIN}\n\n{tables()}\n\n{_END}", text)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
