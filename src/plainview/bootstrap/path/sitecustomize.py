"""Starts to capture in a program under `plainview run`, then lets the ``sitecustomize`` run that it would have had."""  # noqa: INP001 - a folder of the path, not a package

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec


def _start() -> None:
    try:
        from plainview.bootstrap.start import start  # noqa: PLC0415 - it may not be there, see below
    except ImportError as error:
        # Another interpreter than the one that Plainview is installed for. Only the program itself says so.
        if os.environ.get("PLAINVIEW_RUN_PID") == str(os.getpid()):
            sys.stderr.write(f"plainview: not captured: {sys.executable} cannot import plainview ({error})\n")
        return
    start()


def _go_on() -> None:
    here = os.path.realpath(os.path.dirname(__file__))  # noqa: PTH120 - pathlib is slow to import
    rest = [entry for entry in sys.path if os.path.realpath(entry or ".") != here]
    spec = PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


_start()
_go_on()
