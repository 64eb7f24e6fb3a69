"""Capture, started from the environment in a program that knows nothing of it. It keeps no program from running."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from plainview.bootstrap.program import Program

__all__ = ["start"]

#: The name of a program's service, for its children that have no name: those of `multiprocessing`.
_PARENT: Final = "PLAINVIEW_PARENT_SERVICE"


def start() -> None:
    """Configure from the environment, and treat each library that we know when it is imported."""
    try:
        from plainview.bootstrap.program import Program  # noqa: PLC0415 - whatever fails, fails in here

        program = Program.of(sys.orig_argv)
        if program.is_application():
            _capture(program)
    except Exception as error:  # noqa: BLE001 - the program goes on without
        sys.stderr.write(f"plainview: not captured: {type(error).__name__}: {error}\n")


def _capture(program: Program) -> None:
    from plainview.bootstrap.levels import own_output  # noqa: PLC0415 - as above
    from plainview.capture.runtime import configure  # noqa: PLC0415 - as above
    from plainview.integrations.hooks import install_all  # noqa: PLC0415 - as above

    own_output()
    if configure(service=_service(program)).enabled:
        install_all()


def _service(program: Program) -> str | None:
    """The service's name; None where the environment gives one."""
    if os.environ.get("PLAINVIEW_SERVICE") or os.environ.get("OTEL_SERVICE_NAME"):
        return None
    inherited = os.environ.get(_PARENT)
    name = inherited if program.kind == "command" and inherited else program.service(os.getcwd(), os.environ)  # noqa: PTH109 - pathlib's is the same, as a string it is needed
    os.environ[_PARENT] = name
    return name
