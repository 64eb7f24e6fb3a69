"""Made-up metrics of two hours with everything that is hard about metrics, for Prometheus and for the evaluation."""

from __future__ import annotations

import math
import random

import numpy as np

from plainview.query.promql import regex
from plainview.query.promql.series import Series

#: When the recording begins and ends, seconds since 1970.
START = 1_795_176_000
END = START + 7_200
STEP = 15

#: Name of a metric → its series: labels and samples (milliseconds, value).
Recording = dict[str, list[tuple[dict[str, str], list[tuple[int, float]]]]]


def record() -> Recording:
    """Counters that are reset and have gaps, gauges with NaN and infinities, classic histograms, series that end."""
    chance = random.Random(4)
    found: Recording = {}
    times = [START * 1000 + place * STEP * 1000 for place in range((END - START) // STEP)]

    def add(name, labels, values, *, gaps=0.0, jitter=0, first=0, last=None):
        samples = [
            (time + (chance.randrange(-jitter, jitter) if jitter else 0), value)
            for time, value in zip(times[first:last], values[first:last], strict=True)
            if chance.random() >= gaps
        ]
        found.setdefault(name, []).append((labels, samples))

    def counter(pace, reset=0.0):
        total, values = 0.0, []
        for _ in times:
            total = 0.0 if chance.random() < reset else total
            total += chance.randrange(int(pace * 2) + 1)
            values.append(total)
        return values

    def gauge(middle, spread):
        return [chance.gauss(middle, spread) for _ in times]

    for instance in ("a:1", "b:2"):
        for path in ("/", "/items", "/items/{id}"):
            for code in ("200", "404", "500"):
                labels = {"job": "shop", "instance": instance, "path": path, "status_code": code}
                add("http_requests_total", labels, counter(7, 0.01), gaps=0.05, jitter=900)
    for status in ("200", "201", "500", "503"):
        add("greenstack_requests_total", {"status": status}, counter(4, 0.004))
    for status in ("ok", "failed"):
        add("greenstack_iodd_uploads_total", {"status": status}, counter(3))
    # A series that has gone and come again, one that begins late, one that ends early, and one that hardly is.
    add("jobs_total", {"kind": "gap"}, counter(2), gaps=0.9)
    add("jobs_total", {"kind": "late"}, counter(2), first=300)
    add("jobs_total", {"kind": "early"}, counter(2), last=100)
    add("jobs_total", {"kind": "once"}, counter(2), first=250, last=251)
    add("jobs_total", {"kind": "still"}, [5.0 for _ in times])
    for place, (city, floor) in enumerate([("Rome", "1"), ("Rome", "2"), ("Köln", "1"), ('a"b\\c\nd', "1")]):
        add("temperature", {"city": city, "floor": floor}, gauge(10 * place - 5, 3), jitter=400)
    add("huge", {"n": "1"}, [1e15 + value for value in gauge(0, 1)])
    add("huge", {"n": "2"}, [value * 1e308 for value in gauge(1, 0.1)])
    add("cancels", {}, [(1.0, 1e100, 1.0, -1e100)[place % 4] for place in range(len(times))])
    strange = [math.nan, math.inf, -math.inf, 0.0, 1.0, -1.0]
    add("strange", {"kind": "all"}, [chance.choice(strange) for _ in times])
    add("strange", {"kind": "nan"}, [math.nan for _ in times])
    add("strange", {"kind": "inf"}, [math.inf for _ in times])
    add("strange", {"kind": "sometimes"}, [chance.choice([math.nan, 2.0, 3.5]) for _ in times])
    for instance, total in (("a:1", 8e9), ("b:2", 16e9)):
        add("node_memory_MemTotal_bytes", {"instance": instance}, [total for _ in times])
        add("node_memory_MemAvailable_bytes", {"instance": instance}, gauge(total / 5, total / 50))
        for mount in ("/", "/home"):
            labels = {"instance": instance, "mountpoint": mount}
            add("node_filesystem_size_bytes", labels, [1e11 for _ in times])
            add("node_filesystem_avail_bytes", labels, gauge(1e10, 1e9))
    for job in ("greenstack-api", "social-flow-backend", "shop"):
        for instance in ("a:1", "b:2"):
            add("up", {"job": job, "instance": instance}, [float(chance.random() > 0.1) for _ in times])
    add("celery_workers_active", {}, [float(chance.randrange(4)) for _ in times])
    add("greenstack_database_connections", {}, [float(chance.randrange(3)) for _ in times])
    for name, labels in (
        ("http_request_duration_seconds", {"path": "/"}),
        ("http_request_duration_seconds", {"path": "/items"}),
        ("greenstack_request_duration_seconds", {"method": "GET"}),
    ):
        bounds = ["0.1", "0.25", "0.5", "1", "2.5", "+Inf"]
        parts = [counter(3) for _ in bounds]
        below = np.cumsum(parts, axis=0)
        for bound, values in zip(bounds, below.tolist(), strict=True):
            add(f"{name}_bucket", labels | {"le": bound}, values)
        add(f"{name}_count", labels, below[-1].tolist())
        add(f"{name}_sum", labels, [value * 0.4 for value in below[-1].tolist()])
        add(name, labels, gauge(0.5, 0.1))
    # Buckets that disagree, that lack an end, and whose bound is none.
    for bound, value in (("0.1", 5.0), ("0.5", 3.0), ("1", 9.0), ("+Inf", 9.0)):
        add("odd_bucket", {"kind": "falls", "le": bound}, [value for _ in times])
    for bound, value in (("0.1", 5.0), ("0.5", 8.0)):
        add("odd_bucket", {"kind": "endless", "le": bound}, [value for _ in times])
    for bound, value in (("-5", 5.0), ("-1", 8.0), ("+Inf", 9.0), ("x", 3.0)):
        add("odd_bucket", {"kind": "negative", "le": bound}, [value for _ in times])
    add("odd_bucket", {"kind": "one", "le": "+Inf"}, [4.0 for _ in times])
    return found


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
