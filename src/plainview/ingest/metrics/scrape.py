"""One answer of a target becomes series with one sample each."""

from __future__ import annotations

import gzip
import http.client
import io
import urllib.request
import zlib
from array import array
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from plainview.records import SampledSeries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from plainview.ingest.metrics.targets import Target

__all__ = ["ACCEPT", "MOST_BODY", "Failed", "fetch", "read", "sampled"]

ACCEPT: Final = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
#: Most bytes of an answer, unpacked; most series in it; most characters of a label.
MOST_BODY: Final = 32 << 20
_MOST_SERIES: Final = 200_000
_MOST_VALUE: Final = 16_384


class Failed(Exception):  # noqa: N818 - it says what became of the scrape
    """The target could not be scraped; the message says why."""


class _Here(urllib.request.HTTPRedirectHandler):
    """Follows nobody elsewhere: the secrets of a target are for that target."""

    def redirect_request(self, *_: object) -> None:
        """None: the redirection is the answer, and no good one."""


def fetch(target: Target) -> tuple[str, str]:
    """A target's answer and its type.

    Raises:
        Failed: it does not answer, or not so.
    """
    headers = {
        "Accept": ACCEPT,
        "Accept-Encoding": "gzip",
        "User-Agent": "plainview",
        "X-Prometheus-Scrape-Timeout-Seconds": f"{target.timeout:g}",
    }
    request = urllib.request.Request(target.url, headers=headers | target.headers)  # noqa: S310 - http(s), by the file
    try:
        # A target is asked directly, whatever proxy this process has in its environment.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Here)
        with opener.open(request, timeout=target.timeout) as answer:
            source: Any = answer
            if answer.headers.get("Content-Encoding", "").lower() == "gzip":
                source = gzip.GzipFile(fileobj=io.BufferedReader(answer))
            body = source.read(MOST_BODY + 1)
            kind = str(answer.headers.get("Content-Type", ""))
    except (OSError, EOFError, ValueError, zlib.error, http.client.HTTPException) as error:
        raise Failed(str(error)) from None
    if len(body) > MOST_BODY:
        msg = f"the answer is larger than {MOST_BODY >> 20} MiB"
        raise Failed(msg)
    return body.decode("utf-8", "replace"), kind


def read(text: str, kind: str, target: Target, moment: int) -> Iterator[SampledSeries]:
    """The series of an answer, each once.

    Args:
        text: the answer.
        kind: its Content-Type.
        target: whose it is.
        moment: when it was scraped, milliseconds.

    Raises:
        Failed: it is no exposition, or too large.
    """
    parse = parse_openmetrics if kind.startswith("application/openmetrics-text") else parse_text
    seen: set[frozenset[tuple[str, str]]] = set()
    try:
        for family in parse(text):
            for sample in family.samples:
                labels = _labels(sample.name, sample.labels, target)
                key = frozenset(labels.items())
                if key in seen:
                    continue
                seen.add(key)
                _bounded(len(seen))
                own = sample.timestamp if target.honor_timestamps else None
                series = sampled(labels, moment if own is None else round(float(own) * 1000), float(sample.value))
                # A counter is called after its one series, as the applications' own are.
                series.family = sample.name if family.type in ("counter", "gauge", "unknown") else family.name
                series.kind, series.unit, series.description = family.type, family.unit, family.documentation
                series.exemplars = list(_exemplars(sample, moment))
                yield series
    except Failed:
        raise
    except Exception as error:  # noqa: BLE001 - whatever an answer does to the parser, it is no exposition
        msg = f"the answer is no exposition: {error}"
        raise Failed(msg) from None


def sampled(labels: dict[str, str], moment: int, value: float) -> SampledSeries:
    """A series with one sample."""
    return SampledSeries(labels, times=array("q", [moment]).tobytes(), values=array("d", [value]).tobytes())


def _bounded(count: int) -> None:
    if count > _MOST_SERIES:
        msg = f"more than {_MOST_SERIES} series"
        raise Failed(msg)


def _labels(name: str, own: Mapping[str, str], target: Target) -> dict[str, str]:
    labels = {key: value for key, value in own.items() if value}
    for key, value in target.labels.items():
        before = labels.get(key)
        if before is None:
            labels[key] = value
        elif not target.honor_labels:
            shown = f"exported_{key}"
            while shown in labels:
                shown = f"exported_{shown}"
            labels[shown], labels[key] = before, value
    if any(len(value) > _MOST_VALUE or "\0" in value for value in labels.values()):
        msg = f"a label of {name[:60]} is longer than {_MOST_VALUE} characters, or has a NUL in it"
        raise Failed(msg)
    return {"__name__": name} | labels


def _exemplars(sample: Any, moment: int) -> Iterable[tuple[int, float, dict[str, str]]]:  # noqa: ANN401 - the parser's
    one = sample.exemplar
    if one is not None and isfinite(float(one.value)):
        when = moment if one.timestamp is None else round(float(one.timestamp) * 1000)
        yield when, float(one.value), dict(one.labels)
