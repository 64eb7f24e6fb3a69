"""``/api/v1``: Prometheus's HTTP API, so that whatever asks Prometheus can ask Plainview.

Requests, answers and errors have Prometheus's form, not this server's own: they are described in Prometheus's
documentation (https://prometheus.io/docs/prometheus/latest/querying/api/).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from plainview.query.metrics.source import EVER, StoredMetrics
from plainview.query.promql.errors import BadQuery, PromqlError
from plainview.query.promql.labels import NAME
from plainview.query.promql.nodes import Selector, selectors
from plainview.query.promql.parsing import formatted, parse
from plainview.query.promql.query import at_once, over_time
from plainview.query.promql.regex import BadPattern
from plainview.query.promql.rendering import rendered
from plainview.query.promql.series import Matcher
from plainview.query.reader import Reader
from plainview.server.answers import answer
from plainview.server.periods import Asked, BadParameter
from plainview.server.problems import Problem
from plainview.server.state import Here
from plainview.store.interface import QueryCancelled, QueryTimeout, StoreError

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["prometheus"], include_in_schema=False)

Question: TypeAlias = "Callable[[Reader, Asked], Any]"

#: The Prometheus whose API and PromQL this is; Grafana asks, to know what it may use.
_VERSION: Final = "2.42.0"
#: What went wrong → status and Prometheus's ``errorType``.
_FAILURES: Final[tuple[tuple[type[Exception], int, str], ...]] = (
    (BadParameter, 400, "bad_data"),
    (BadQuery, 400, "bad_data"),
    (BadPattern, 400, "bad_data"),
    (PromqlError, 422, "execution"),
    (QueryTimeout, 503, "timeout"),
    (QueryCancelled, 503, "canceled"),
    (StoreError, 503, "internal"),
    (Problem, 503, "unavailable"),
)
_CAUGHT: Final = tuple(kind for kind, _, _ in _FAILURES)
_FORM: Final = "application/x-www-form-urlencoded"


async def _asked(request: Request) -> Asked:
    """The parameters, from the address and from a form."""
    pairs = request.query_params.multi_items()
    if request.method == "POST" and request.headers.get("content-type", "").partition(";")[0].strip() == _FORM:
        body = (await request.body()).decode("utf-8", "replace")
        try:
            pairs = [*parse_qsl(body, keep_blank_values=True, max_num_fields=10_000), *pairs]
        except ValueError as error:
            msg = "body"
            raise BadParameter(msg, str(error)) from None
    return Asked(pairs, time.time_ns() // 1_000_000)


async def _answered(request: Request, here: Here, question: Question) -> Response:
    try:
        asked = await _asked(request)

        def work(reader: Reader) -> Response:
            return answer({"status": "success", "data": question(reader, asked)}, request.headers)

        return await here.questions.run(work, request)
    except _CAUGHT as error:
        return _failed(error)


def _failed(error: Exception) -> Response:
    status, kind = next((status, kind) for sort, status, kind in _FAILURES if isinstance(error, sort))
    told = {"status": "error", "errorType": kind, "error": _clean(str(error))}
    return Response(msgspec.json.encode(told), status, media_type="application/json")


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _query(asked: Asked, name: str = "query") -> str:
    return _clean(asked.text(name))


def _told(query: str, error: BadQuery) -> BadParameter:
    """Where in a query the fault is, as Prometheus says it: line and column."""
    place = ""
    if error.position is not None:
        before = query[: error.position]
        place = f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}: "
    return BadParameter("query", f"{place}parse error: {error.message}")


def _check(reader: Reader, asked: Asked) -> Callable[[], None]:
    """What ends a query whose time is up or whose client is gone."""
    limit = asked.duration("timeout", 0)
    until = time.monotonic() + limit / 1000

    def check() -> None:
        reader.left()
        if limit and time.monotonic() > until:
            msg = f"the query took longer than {limit / 1000:g} s"
            raise QueryTimeout(msg)

    return check


def _parsed(query: str, question: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the question gives
    try:
        return question()
    except BadQuery as error:
        raise _told(query, error) from None


@router.api_route("/query", methods=["GET", "POST"])
async def instant(request: Request, here: Here) -> Response:
    """What an expression is worth at one time."""

    def look(reader: Reader, asked: Asked) -> dict[str, Any]:
        query, moment = _query(asked), asked.moment("time", asked.now)
        check = _check(reader, asked)
        found = _parsed(query, lambda: at_once(StoredMetrics(reader), query, moment, check=check))
        return rendered(found, moment) | _stats(asked, found.samples)

    return await _answered(request, here, look)


@router.api_route("/query_range", methods=["GET", "POST"])
async def range_(request: Request, here: Here) -> Response:
    """What an expression is worth at each step of a range of time."""

    def look(reader: Reader, asked: Asked) -> dict[str, Any]:
        query = _query(asked)
        start, end = asked.moment("start"), asked.moment("end")
        if end < start:
            msg = "end"
            raise BadParameter(msg, "end timestamp must not be before start time")
        step = asked.duration("step")
        if step <= 0:
            text = "zero or negative query resolution step widths are not accepted. Try a positive integer"
            msg = "step"
            raise BadParameter(msg, text)
        check = _check(reader, asked)
        found = _parsed(query, lambda: over_time(StoredMetrics(reader), query, start, end, step, check=check))
        return rendered(found, end) | _stats(asked, found.samples)

    return await _answered(request, here, look)


def _stats(asked: Asked, samples: int) -> dict[str, Any]:
    """What Grafana shows of a query, when it asks for it."""
    return {"stats": {"samples": {"totalQueryableSamples": samples}}} if asked.text("stats", "") else {}


def _selected(reader: Reader, asked: Asked, *, required: bool = False) -> list[dict[str, str]]:
    """Labels of all series that one of the selectors ``match[]`` finds."""
    given = asked.all("match[]")
    if required and not given:
        msg = "match[]"
        raise BadParameter(msg, "no match[] parameter provided")
    start, end = asked.moment("start", 0), asked.moment("end", EVER)
    if end < start:
        msg = "end"
        raise BadParameter(msg, "end timestamp must not be before start time")
    metrics = StoredMetrics(reader)
    found: dict[int, dict[str, str]] = {}
    for matchers in [_matchers(text) for text in given] if given else [()]:
        found.update((one.series_id, one.labels) for one in metrics.series(matchers, start, end))
    return list(found.values())


def _matchers(text: str) -> tuple[Matcher, ...]:
    try:
        node = parse(_clean(text))
    except BadQuery as error:
        msg = "match[]"
        raise BadParameter(msg, f"parse error: {error.message}") from None
    if not isinstance(node, Selector):
        msg = "match[]"
        raise BadParameter(msg, f"{text!r} is not a selector of series")
    return node.matchers


@router.api_route("/series", methods=["GET", "POST"])
async def series(request: Request, here: Here) -> Response:
    """Which series there are."""

    def look(reader: Reader, asked: Asked) -> list[dict[str, str]]:
        found = _selected(reader, asked, required=True)
        return asked.limited(sorted(found, key=lambda labels: sorted(labels.items())))

    return await _answered(request, here, look)


@router.api_route("/labels", methods=["GET", "POST"])
async def labels(request: Request, here: Here) -> Response:
    """Names of labels."""

    def look(reader: Reader, asked: Asked) -> list[str]:
        return asked.limited(sorted({name for one in _selected(reader, asked) for name in one}))

    return await _answered(request, here, look)


@router.get("/label/{name}/values")
async def values(request: Request, here: Here, name: str) -> Response:
    """Values of a label."""

    def look(reader: Reader, asked: Asked) -> list[str]:
        return asked.limited(sorted({one[name] for one in _selected(reader, asked) if name in one}))

    return await _answered(request, here, look)


@router.get("/metadata")
async def metadata(request: Request, here: Here) -> Response:
    """Type, help and unit of metrics."""

    def look(reader: Reader, asked: Asked) -> dict[str, list[dict[str, str]]]:
        wanted = asked.text("metric", "")
        found: dict[str, list[dict[str, str]]] = {}
        for one in StoredMetrics(reader).series(()):
            if not wanted or one.family == wanted:
                told = {"type": one.kind or "unknown", "help": one.description, "unit": one.unit}
                found[one.family] = [told]
        return {name: found[name] for name in asked.limited(sorted(found))}

    return await _answered(request, here, look)


@router.api_route("/format_query", methods=["GET", "POST"])
async def format_query(request: Request, here: Here) -> Response:
    """A query, neatly laid out."""

    def look(_: Reader, asked: Asked) -> str:
        query = _query(asked)
        return str(_parsed(query, lambda: formatted(query)))

    return await _answered(request, here, look)


@router.api_route("/query_exemplars", methods=["GET", "POST"])
async def exemplars(request: Request, here: Here) -> Response:
    """Exemplars of the series that an expression selects."""

    def look(reader: Reader, asked: Asked) -> list[dict[str, Any]]:
        query, start, end = _query(asked), asked.moment("start", 0), asked.moment("end", EVER)
        metrics = StoredMetrics(reader)
        found: dict[int, dict[str, Any]] = {}
        for selector in _parsed(query, lambda: selectors(parse(query))):
            for one, those in metrics.exemplars(selector.matchers, start, end):
                told = [
                    {"labels": msgspec.Raw(own.encode()), "value": f"{value:.17g}", "timestamp": moment / 1000}
                    for moment, value, own in those
                ]
                found[one.series_id] = {"seriesLabels": one.labels, "exemplars": told}
        return sorted(found.values(), key=lambda one: str(one["seriesLabels"].get(NAME)))

    return await _answered(request, here, look)


@router.get("/status/buildinfo")
async def buildinfo(request: Request, here: Here) -> Response:
    """Which Prometheus this answers as."""
    told = {
        "version": _VERSION,
        "revision": "plainview",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    }
    return await _answered(request, here, lambda _reader, _asked: told)
