"""Measures one contender in one case, in this process: ``python -m bench.worker CASE CONTENDER COUNT FOLDER``.

The figures are the last line of its output, as JSON.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

from bench import measure
from bench.cases import CASES
from bench.contenders import MODULES

__all__ = ["main"]


def main(name: str, contender: str, count: int, folder: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    module = import_module(MODULES[contender])
    made = getattr(module, case.makes)(folder)
    print(json.dumps(getattr(measure, case.measure)(made, count, folder)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
