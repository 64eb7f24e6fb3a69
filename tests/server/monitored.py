"""A real Prometheus beside the server, and answers compared: what the tests of queries use, from there."""

from __future__ import annotations

import importlib.util
from pathlib import Path

QUERIES = Path(__file__).parents[1] / "query"


def _module(name):
    spec = importlib.util.spec_from_file_location(name, QUERIES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


run_prometheus = _module("prometheus_server").run_prometheus
assert_same = _module("promql_answers").assert_same
