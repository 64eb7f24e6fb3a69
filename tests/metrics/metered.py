"""A configuration under test: what it shows, what it tells the server, and programs that run beside it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

import plainview
from plainview import cells, exposition, segments

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
import os, signal, sys, threading, time, plainview
plainview.configure(service="shop", environment="production", file="", dir={directory!r}, metrics_interval={interval})
"""


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


def samples(text: str, *, modern: bool = False) -> dict:
    """(name, labels) → value, as prometheus_client's parser understands a text."""
    parse = parse_openmetrics if modern else parse_text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse(text)
        for sample in family.samples
    }


class Metered:
    """A folder, and what the service ``shop`` counts in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def configure(self, **given):
        settings = {
            "service": "shop",
            "environment": "production",
            "file": "",
            "dir": str(self.directory),
            "metrics_interval": 3600.0,
        }
        return plainview.configure(**(settings | given))

    def text(self, content_type: str = exposition.TEXT) -> str:
        from plainview.capture.metrics.scrape import families

        return exposition.render(families(), content_type).decode()

    def value(self, name: str, **labels: str):
        """One sample of the exposition of this process; None: there is none."""
        return samples(self.text()).get((name, tuple(sorted(labels.items()))))

    def lines(self) -> list[dict]:
        """All metric lines of all streams, by stream."""
        return self._read("metric")

    def logs(self) -> list[dict]:
        """All log lines."""
        return self._read("log")

    def _read(self, kind: str) -> list[dict]:
        found = []
        for stream in sorted((self.directory / "spool").glob("[!.]*")):
            for segment in segments.listing(stream):
                if segment.kind == kind:
                    data = (stream / str(segment)).read_bytes()
                    found += [json.loads(line) for line in data[: segments.complete(data)].splitlines()]
        return found

    def told(self, name: str) -> dict:
        """What the server has been told of a counter: the sum of all increases, by labels."""
        sums = defaultdict(float)
        for line in self.lines():
            if line.get("name") == name:
                for point in line["points"]:
                    sums[tuple(sorted(point.get("labels", {}).items()))] += point.get("value", 0.0)
        return dict(sums)

    def finalise(self) -> None:
        """The last word of all that are gone; the keeper of this process looks after them as well."""
        for stream in (self.directory / "spool").iterdir():
            wait_for(lambda stream=stream: segments.is_alive(stream) or cells.finalise(stream))

    def start(self, source: str, interval: float = 3600.0) -> subprocess.Popen:
        """A program of the same service, configured, in a process of its own."""
        path = self.directory.parent / f"program-{time.monotonic_ns()}.py"
        head = HEAD.format(directory=str(self.directory), interval=interval)
        path.write_text(head + textwrap.dedent(source))
        return subprocess.Popen([sys.executable, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, source: str, interval: float = 3600.0) -> str:
        """What such a program prints."""
        program = self.start(source, interval)
        output, _ = program.communicate(timeout=60)
        assert program.returncode in {0, -9}
        return output
