"""How well and how fast errors are grouped: ``python -m bench.grouping``.

Precision and recall are those over the corpus in `tests/grouping`; time is that of one error with 20 frames, with a
message that was not seen before, whose places were.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from plainview.grouping.categories import categorise
from plainview.grouping.fingerprint import group

__all__ = ["main"]

_CORPUS: Final = Path(__file__).resolve().parent.parent / "tests" / "grouping"
_FRAMES: Final = 20
_ROUNDS: Final = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.grouping", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer errors")
    count = 500 if parser.parse_args().quick else 5_000
    print(json.dumps({**_quality(), **_speed(count)}))


def _quality() -> dict[str, float]:
    """Precision and recall over the corpus, as parts of one."""
    logging.disable()  # libraries that are made to fail say so
    sys.path.insert(0, str(_CORPUS))
    corpus_pairs, raised_pairs = import_module("corpus_pairs"), import_module("raised_pairs")
    pairs = [*corpus_pairs.written(), *(pair for name in raised_pairs.PROGRAMS for pair in raised_pairs.raised(name))]
    reached = corpus_pairs.score(pairs)
    return {"lines": reached.pairs, "precision": reached.precision, "recall": reached.recall}


def _speed(count: int) -> dict[str, float]:
    """CPU time of grouping and categorising one error, the best of some rounds."""
    frames = [
        {"module": f"shop.part{i}", "path": f"/srv/shop/shop/part{i}.py", "function": f"Part.step{i}", "line": i}
        for i in range(_FRAMES)
    ]
    taken: dict[str, list[float]] = {"known_us": [], "cpu_us": []}
    for number in range(_ROUNDS):
        for figure, fresh in (("known_us", False), ("cpu_us", True)):
            errors = [_error(frames, number * count + i if fresh else 0) for i in range(count)]
            before = time.process_time_ns()
            for error in errors:
                group(error)
                categorise(error)
            taken[figure].append((time.process_time_ns() - before) / count / 1e3)
    return {figure: min(values) for figure, values in taken.items()}


def _error(frames: list[dict[str, Any]], number: int) -> dict[str, Any]:
    message = f"order {number} of user-{number} has no address"
    return {"exceptions": [{"type": "ValueError", "message": message, "frames": frames}]}


if __name__ == "__main__":
    main()
