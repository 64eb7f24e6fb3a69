"""Made-up metrics of two hours with everything that is hard about metrics, for Prometheus and for the evaluation."""

from __future__ import annotations

import math
import random
from itertools import product

import numpy as np

from plainview.query.promql import regex
from plainview.query.promql.series import Series

#: When the recording begins and ends, seconds since 1970.
START = 1_795_176_000
END = START + 7_200
STEP = 15

#: Name of a metric → its series: labels and samples (milliseconds, value).
Recording = dict[str, list[tuple[dict[str, str], list[tuple[int, float]]]]]


class Recorder:
    """Makes series up, the same ones each time."""

    def __init__(self):
        self.chance = random.Random(4)
        self.found: Recording = {}
        self.times = [START * 1000 + place * STEP * 1000 for place in range((END - START) // STEP)]

    def add(self, name, labels, values, *, gaps=0.0, jitter=0, part=slice(None)):  # noqa: PLR0913 - what a series has
        """A series; some samples left out, none quite in time, only a part of it."""
        samples = [
            (time + (self.chance.randrange(-jitter, jitter) if jitter else 0), value)
            for time, value in zip(self.times[part], values[part], strict=True)
            if self.chance.random() >= gaps
        ]
        self.found.setdefault(name, []).append((labels, samples))

    def steady(self, value):
        return [value for _ in self.times]

    def any_of(self, *values):
        return [self.chance.choice(values) for _ in self.times]

    def gauge(self, middle, spread):
        return [self.chance.gauss(middle, spread) for _ in self.times]

    def counter(self, pace, reset=0.0):
        total, values = 0.0, []
        for _ in self.times:
            total = 0.0 if self.chance.random() < reset else total
            total += self.chance.randrange(int(pace * 2) + 1)
            values.append(total)
        return values


def record() -> Recording:
    """Counters that are reset and have gaps, gauges with NaN and infinities, classic histograms, series that end."""
    made = Recorder()
    _counters(made)
    _gauges(made)
    _strange(made)
    _machines(made)
    _histograms(made)
    return made.found


def _counters(made):
    for instance, path, code in product(("a:1", "b:2"), ("/", "/items", "/items/{id}"), ("200", "404", "500")):
        labels = {"job": "shop", "instance": instance, "path": path, "status_code": code}
        made.add("http_requests_total", labels, made.counter(7, 0.01), gaps=0.05, jitter=900)
    for status in ("200", "201", "500", "503"):
        made.add("greenstack_requests_total", {"status": status}, made.counter(4, 0.004))
    for status in ("ok", "failed"):
        made.add("greenstack_iodd_uploads_total", {"status": status}, made.counter(3))
    # A series that has gone and come again, one that begins late, one that ends early, and one that hardly is.
    made.add("jobs_total", {"kind": "gap"}, made.counter(2), gaps=0.9)
    made.add("jobs_total", {"kind": "late"}, made.counter(2), part=slice(300, None))
    made.add("jobs_total", {"kind": "early"}, made.counter(2), part=slice(100))
    made.add("jobs_total", {"kind": "once"}, made.counter(2), part=slice(250, 251))
    made.add("jobs_total", {"kind": "still"}, made.steady(5.0))


def _gauges(made):
    for place, (city, floor) in enumerate([("Rome", "1"), ("Rome", "2"), ("Köln", "1"), ('a"b\\c\nd', "1")]):
        made.add("temperature", {"city": city, "floor": floor}, made.gauge(10 * place - 5, 3), jitter=400)
    for job, instance in product(("greenstack-api", "social-flow-backend", "shop"), ("a:1", "b:2")):
        made.add("up", {"job": job, "instance": instance}, made.any_of(*[1.0] * 9, 0.0))
    made.add("celery_workers_active", {}, made.any_of(0.0, 1.0, 2.0, 3.0))
    made.add("greenstack_database_connections", {}, made.any_of(0.0, 1.0, 2.0))


def _strange(made):
    made.add("huge", {"n": "1"}, [1e15 + value for value in made.gauge(0, 1)])
    made.add("huge", {"n": "2"}, [value * 1e308 for value in made.gauge(1, 0.1)])
    made.add("cancels", {}, [(1.0, 1e100, 1.0, -1e100)[place % 4] for place in range(len(made.times))])
    made.add("strange", {"kind": "all"}, made.any_of(math.nan, math.inf, -math.inf, 0.0, 1.0, -1.0))
    made.add("strange", {"kind": "nan"}, made.steady(math.nan))
    made.add("strange", {"kind": "inf"}, made.steady(math.inf))
    made.add("strange", {"kind": "sometimes"}, made.any_of(math.nan, 2.0, 3.5))


def _machines(made):
    for instance, total in (("a:1", 8e9), ("b:2", 16e9)):
        made.add("node_memory_MemTotal_bytes", {"instance": instance}, made.steady(total))
        made.add("node_memory_MemAvailable_bytes", {"instance": instance}, made.gauge(total / 5, total / 50))
        for mount in ("/", "/home"):
            labels = {"instance": instance, "mountpoint": mount}
            made.add("node_filesystem_size_bytes", labels, made.steady(1e11))
            made.add("node_filesystem_avail_bytes", labels, made.gauge(1e10, 1e9))


def _histograms(made):
    bounds = ["0.1", "0.25", "0.5", "1", "2.5", "+Inf"]
    for name, labels in (
        ("http_request_duration_seconds", {"path": "/"}),
        ("http_request_duration_seconds", {"path": "/items"}),
        ("greenstack_request_duration_seconds", {"method": "GET"}),
    ):
        below = np.cumsum([made.counter(3) for _ in bounds], axis=0).tolist()
        for bound, values in zip(bounds, below, strict=True):
            made.add(f"{name}_bucket", labels | {"le": bound}, values)
        made.add(f"{name}_count", labels, below[-1])
        made.add(f"{name}_sum", labels, [value * 0.4 for value in below[-1]])
        made.add(name, labels, made.gauge(0.5, 0.1))
    # Buckets that disagree, that lack an end, that begin below zero, that are one; a bound that is none.
    for kind, told in {
        "falls": (("0.1", 5.0), ("0.5", 3.0), ("1", 9.0), ("+Inf", 9.0)),
        "endless": (("0.1", 5.0), ("0.5", 8.0)),
        "negative": (("-5", 5.0), ("-1", 8.0), ("+Inf", 9.0), ("x", 3.0)),
        "one": (("+Inf", 4.0),),
    }.items():
        for bound, value in told:
            made.add("odd_bucket", {"kind": kind, "le": bound}, made.steady(value))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def openmetrics(recording: Recording) -> str:
    """The recording as OpenMetrics text."""
    lines = []
    for name, series in recording.items():
        lines.append(f"# TYPE {name} unknown")
        rows = [(time, labels, value) for labels, samples in series for time, value in samples]
        for time, labels, value in sorted(rows, key=lambda row: row[0]):
            told = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
            number = "NaN" if math.isnan(value) else f"{value!r}".replace("inf", "Inf")
            lines.append(f"{name}{{{told}}} {number} {time / 1000:.3f}")
    return "\n".join([*lines, "# EOF", ""])


class InMemory:
    """A source of series that were given."""

    def __init__(self, series):
        self.series = series

    @classmethod
    def of(cls, recording: Recording) -> InMemory:
        return cls(
            [
                Series(
                    {"__name__": name, **labels},
                    np.array([time for time, _ in samples], np.int64),
                    np.array([value for _, value in samples], np.float64),
                )
                for name, each in recording.items()
                for labels, samples in each
            ]
        )

    def select(self, matchers, start_ms, end_ms):
        found = []
        for series in self.series:
            if all(self._holds(matcher, series.labels.get(matcher.name, "")) for matcher in matchers):
                low, high = np.searchsorted(series.times, [start_ms, end_ms + 1])
                if high > low:
                    native = series.histograms and series.histograms.rows(np.arange(low, high))
                    found.append(Series(series.labels, series.times[low:high], series.values[low:high], native))
        return found

    @staticmethod
    def _holds(matcher, value):
        if matcher.operator in ("=", "!="):
            return (value == matcher.value) == (matcher.operator == "=")
        return regex.matching(matcher.value, [value])[0] == (matcher.operator == "=~")
