"""The command line: ``plainview COMMAND``. One module a command, imported when it is used."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import typer

__all__ = ["COMMANDS", "build", "main"]

#: Command → module and function, or the app of its subcommands. Another command is another line.
COMMANDS: Final[Mapping[str, str]] = {
    "run": "plainview.cli.run:run",
    "demo": "plainview.cli.demo:demo",
    "serve": "plainview.cli.serve:serve",
    "stop": "plainview.cli.stop:stop",
    "logs": "plainview.cli.logs:logs",
    "errors": "plainview.cli.errors:errors",
    "jobs": "plainview.cli.jobs:jobs",
    "workers": "plainview.cli.workers:workers",
    "runs": "plainview.cli.runs:runs",
    "tokens": "plainview.cli.tokens:tokens",
    "level": "plainview.cli.level:level",
    "doctor": "plainview.cli.doctor:doctor",
    "agent": "plainview.cli.agent:agent",
    "version": "plainview.cli.version:version",
}

_HELP: Final = "A Python application in plain view: its logs and traces, on one screen."
#: Commands that are no ordinary ones: `logs` takes terms that may begin with `-` (not); what follows the name of a
#: program is that program's.
_CONTEXTS: Final[Mapping[str, dict[str, bool]]] = {
    "logs": {"ignore_unknown_options": True},
    "run": {"allow_interspersed_args": False},
}
#: How shells name an end by Ctrl-C, and by a reader that went away.
_INTERRUPTED, _PIPE = 130, 141


def build(names: Iterable[str]) -> typer.Typer:
    """An app of these commands, of those in :data:`COMMANDS`."""
    import typer

    app = typer.Typer(name="plainview", help=_HELP, no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(lambda: None)  # a command stays a command when it is the only one
    for name in names:
        module, _, function = COMMANDS[name].partition(":")
        found = getattr(import_module(module), function)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name, context_settings=_CONTEXTS.get(name))(found)
    return app


def main() -> None:
    """Run the command that the arguments name."""
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        build([asked] if asked in COMMANDS else COMMANDS)()
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("plainview"):
            raise
        sys.exit(f"plainview: {error.name} is missing. Install all of it:  pip install 'plainview[server]'")
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        # Nobody reads any more (`plainview logs | head`); keep the interpreter from writing the rest at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_PIPE)
