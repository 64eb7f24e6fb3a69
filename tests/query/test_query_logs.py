"""Search page by page, context, facets, histogram, patterns, following along."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from query_fill import START

from plainview.query import facets, histograms, logs, patterns, resolve, services
from plainview.query.errors import BadInput
from plainview.query.filters import of_logs
from plainview.query.reader import Reader
from plainview.store.interface import Cancellation, QueryCancelled, QueryTimeout


def plain(answer):
    return json.loads(msgspec.json.encode(answer))


FULL = {
    "timestamp": "2026-11-22T01:47:55.123456Z",
    "level": "ERROR",
    "logger": "studio.api",
    "message": "failed\n\x1b[31m",
    "service": "studio",
    "environment": "development",
    "version": "1.2.0",
    "host": "box",
    "pid": 41,
    "request_id": "r1",
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "span_id": "b7ad6b7169203331",
    "job_id": "j1",
    "tenant_id": "acme",
    "duration_ms": 0.0,
    "extra": {"title": "x", "step": 3, "deep": {"a": [1, None, "\u2028"]}},
    "source": {"file": "/app/api.py", "function": "create", "line": 12},
    "exception": {"type": "ValueError", "message": "bad", "stack_trace": "Traceback …"},
}


def test_an_entry_is_the_line_that_was_written_and_its_id(fill, reader):
    fill.logs(FULL)
    (entry,) = plain(logs.search(reader(), {})["logs"])
    assert entry == FULL | {"id": entry["id"]}
    assert plain(logs.entry(reader(), entry["id"])) == entry


def test_what_is_absent_is_left_out(fill, reader):
    fill.logs({"timestamp": "2026-11-22T01:47:55Z", "level": "WARN", "message": ""})
    (entry,) = plain(logs.search(reader(), {})["logs"])
    assert entry == {"id": "1", "timestamp": "2026-11-22T01:47:55.000000Z", "level": "WARNING", "message": ""}


def test_newest_first_and_of_equals_the_latest_stored(fill, reader):
    fill.logs(
        {"timestamp": "2026-11-20T02:00:00Z", "message": "a"}, {"timestamp": "2026-11-20T02:00:00Z", "message": "b"}
    )
    fill.logs({"timestamp": "2026-11-20T01:00:00Z", "message": "older"})
    page = logs.search(reader(), {})
    assert [entry["message"] for entry in page["logs"]] == ["b", "a", "older"]
    page = logs.search(reader(), {}, order="asc")
    assert [entry["message"] for entry in page["logs"]] == ["older", "a", "b"]


_SECONDS = st.lists(st.integers(0, 3), max_size=25)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(_SECONDS, st.integers(1, 7), st.sampled_from(["desc", "asc"]), st.lists(_SECONDS, max_size=6))
def test_the_pages_are_the_list_each_entry_once_whatever_arrives(  # noqa: PLR0913, PLR0917 - all that is varied
    fill, store, seconds, limit, order, arriving
):
    before = store.last_id("logs")

    def write(those):
        if those:
            fill.logs(*({"timestamp": (START + timedelta(seconds=s)).isoformat()} for s in those))

    write(seconds)
    wanted, last, arrivals = {"q": f"id:>{before}"}, store.last_id("logs"), iter(arriving)
    expected = [(s, n) for n, s in enumerate(seconds, before + 1)]
    expected.sort(reverse=order == "desc")
    ids, cursor = [], None
    while True:
        page = logs.search(Reader(store), wanted, limit=limit, cursor=cursor, order=order)
        assert page["total"] == len(seconds)
        assert page["last_id"] == str(last)
        assert len(page["logs"]) == min(limit, len(seconds) - len(ids))
        ids += [int(entry["id"]) for entry in page["logs"]]
        cursor = page["next"]
        if cursor is None:
            break
        write(next(arrivals, ()))
    assert ids == [n for _, n in expected]


def test_relative_times_stand_still_from_page_to_page(fill, reader, monkeypatch):
    moment = START.replace(tzinfo=None) + timedelta(seconds=5)
    monkeypatch.setattr(logs, "now", lambda: moment)
    fill.logs("a", "b", "c")
    page = logs.search(reader(), {"start_time": "-5s"}, limit=1)
    moment += timedelta(seconds=4)
    page = logs.search(reader(), {"start_time": "-5s"}, limit=5, cursor=page["next"])
    assert [entry["message"] for entry in page["logs"]] == ["b", "a"]


def forged(*values):
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        *("x", "!!", "é", "\ud800", "\0", "A" * 5000, forged(), forged(1, 2)),
        *(forged("logs.desc", 1 << 70, "1", 1, 0, 0), forged("logs.desc", 1, "1", 1, 1 << 62, 0)),
        *(forged("logs.asc", 1, "1", 1, 0, 0), forged("logs.desc", 1, "\0", 1, 0, 0)),
        *(forged("logs.desc", "1", "1", 1, 0, 0), forged("traces.start_time", 1, "1", 1, 0, 0)),
    ],
)
def test_a_cursor_that_is_none_is_refused(fill, reader, cursor):
    fill.logs("a")
    with pytest.raises(BadInput) as caught:
        logs.search(reader(), {}, cursor=cursor)
    assert caught.value.field == "cursor"


@pytest.mark.parametrize(
    "values", [(1, "1", 1, 0, 5), (-1, "x'; --", 1, -1, 5), (1, "9" * 30, 1 << 62, 0, 5), (5, "1", 9, 0, 1, 9, -9)]
)
def test_a_forged_cursor_does_no_harm(fill, reader, values):
    fill.logs("a")
    assert logs.search(reader(), {}, cursor=forged("logs.desc", *values))["logs"] == []


@pytest.mark.parametrize("key", [1 << 62, -(1 << 62)])
def test_a_cursor_beyond_the_calendar_is_refused(reader, key):
    with pytest.raises(BadInput, match="cursor"):
        logs.search(reader(), {}, cursor=forged("logs.desc", key, "1", 1, 0, 5))


@pytest.mark.parametrize("gap", [1, 3600, 86400 * 400])
def test_a_page_is_found_however_far_apart_its_entries_lie(fill, reader, gap):
    """Newest and oldest first look at short stretches of time before long ones."""
    times = [START - timedelta(seconds=gap * n) for n in range(30)] + [
        START - timedelta(milliseconds=n) for n in range(99)
    ]
    fill.logs(*({"timestamp": at.isoformat(), "message": "rare" if n % 10 == 0 else "x"} for n, at in enumerate(times)))
    order = sorted((at, n) for n, at in enumerate(times, 1))
    for wanted, expected in (({}, order), ({"q": "rare"}, [pair for pair in order if pair[1] % 10 == 1])):
        for limit in (1, 7, 200):
            newest, oldest = (logs.search(reader(), wanted, limit=limit, order=way)["logs"] for way in ("desc", "asc"))
            assert [int(entry["id"]) for entry in newest] == [n for _, n in expected[::-1]][:limit]
            assert [int(entry["id"]) for entry in oldest] == [n for _, n in expected][:limit]
    around = logs.context(reader(), str(order[-3][1]), before=200, after=200)
    assert [int(entry["id"]) for entry in around["before"]] == [n for _, n in order[:-3]]
    assert [int(entry["id"]) for entry in around["after"]] == [n for _, n in order[-2:]]


def test_context_is_what_came_before_and_after(fill, reader):
    records = [{"message": str(n), "request_id": "r" if n % 2 else None, "trace_id": "t"} for n in range(9)]
    fill.logs(*({k: v for k, v in record.items() if v} for record in records))
    fill.logs({"message": "elsewhere", "timestamp": "2026-11-20T12:00:04.5Z"}, stream="worker-2-00000000")

    def around(**how):
        found = logs.context(reader(), "5", **how)
        return [[entry["message"] for entry in found[side]] for side in ("before", "after")], found["entry"]["message"]

    assert around(before=2, after=2) == ([["2", "3"], ["elsewhere", "5"]], "4")
    assert around(before=2, after=2, scope="process") == ([["2", "3"], ["5", "6"]], "4")
    assert around(before=0, after=0) == ([[], []], "4")
    assert around(scope="trace")[0] == [["0", "1", "2", "3"], ["5", "6", "7", "8"]]
    with pytest.raises(BadInput, match="no request_id"):
        around(scope="request")
    found = logs.context(reader(), "4", scope="request")
    assert [entry["message"] for entry in found["before"]] == ["1"]
    assert [entry["message"] for entry in found["after"]] == ["5", "7"]


@pytest.mark.parametrize("id_", ["0", "99", "-1", "x", "9" * 40, "1.0", "\uff11"])
def test_an_entry_that_is_not_there(fill, reader, id_):
    fill.logs("a")
    assert logs.entry(reader(), id_) is None
    assert logs.context(reader(), id_) is None


def test_facets_count_values(fill, reader):
    services_ = ["api"] * 3 + ["worker"] * 2 + ["cron"]
    fill.logs(*({"service": name, "level": "ERROR" if name == "cron" else "INFO"} for name in services_))
    fill.logs({"service": "api", "job_id": "j1", "extra": {"step": 3}})
    found = {facet["field"]: facet for facet in facets.facets(reader(), {}, limit=2)["facets"]}
    assert found["service"] == {
        "field": "service",
        "values": [{"value": "api", "count": 4}, {"value": "worker", "count": 2}],
        "more": True,
    }
    assert found["level"]["values"] == [{"value": "INFO", "count": 6}, {"value": "ERROR", "count": 1}]
    assert found["host"] == {"field": "host", "values": [], "more": False}
    assert found["job_id"]["values"] == [{"value": "j1", "count": 1}]
    assert "run_id" not in found
    own = facets.facets(reader(), {"q": "service:api"}, fields=["extra.step", "step.x", "request"][::2])
    assert own["facets"] == [
        {"field": "extra.step", "values": [{"value": "3", "count": 1}], "more": False},
        {"field": "request_id", "values": [], "more": False},
    ]
    assert facets.facets(reader(), {}, fields=[]) == {"facets": []}


def test_facets_of_what_is_no_field_are_refused(reader):
    for names, field in ([["service", "nope"], "fields.1"], [["x"] * 33, "fields"]):
        with pytest.raises(BadInput) as caught:
            facets.facets(reader(), {}, fields=names)
        assert caught.value.field == field


def test_the_names_that_can_be_asked_for(fill, reader):
    fill.logs({"extra": {"title": "x", "step": 3, "ok": True}}, {"extra": {"step": 4}})
    found = {field["field"]: field["type"] for field in facets.fields(reader())["fields"]}
    assert (
        found
        | {
            "message": "text",
            "service": "keyword",
            "level": "level",
            "duration_ms": "number",
            "timestamp": "time",
            "extra.step": "number",
            "extra.title": "keyword",
            "extra.ok": "keyword",
        }
        == found
    )
    assert list(found).index("extra.step") < list(found).index("extra.title")


def test_a_histogram_has_every_bucket(fill, reader):
    fill.logs(*({"level": "ERROR" if n % 10 == 0 else "INFO"} for n in range(60)))
    asked = {"start_time": START.isoformat(), "end_time": (START + timedelta(minutes=2)).isoformat()}
    found = histograms.logs(reader(), asked, buckets=12)
    assert (found["width_ms"], len(found["buckets"])) == (10_000, 12)
    assert found["buckets"][0] == {"time": "2026-11-20T12:00:00.000000Z", "counts": {"ERROR": 1, "INFO": 9}}
    assert found["buckets"][6:] == [{"time": f"2026-11-20T12:01:{10 * n:02}.000000Z", "counts": {}} for n in range(6)]
    # What lies outside the range does not count, though its bucket reaches there.
    cut = histograms.logs(reader(), asked | {"start_time": (START + timedelta(seconds=5)).isoformat()}, buckets=12)
    assert cut["buckets"][0] == {"time": "2026-11-20T12:00:00.000000Z", "counts": {"INFO": 5}}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(0, 10**9), max_size=20), st.integers(1, 100), st.booleans())
def test_a_histogram_counts_everything_once(fill, store, offsets, buckets, ranged):
    before = store.last_id("logs")
    if offsets:
        fill.logs(*({"timestamp": (START - timedelta(milliseconds=ms)).isoformat()} for ms in offsets))
    asked = {"q": f"id:>{before}"}
    if ranged:
        asked |= {"start_time": "2026-01-01", "end_time": "2026-12-31"}
    found = histograms.logs(Reader(store), asked, buckets=buckets)
    assert sum(sum(bucket["counts"].values()) for bucket in found["buckets"]) == len(offsets)
    assert 1 <= len(found["buckets"]) <= buckets


def test_a_histogram_of_nothing(reader):
    found = histograms.logs(reader(), {}, buckets=60)
    assert all(not bucket["counts"] for bucket in found["buckets"])
    assert 1 <= len(found["buckets"]) <= 60


def test_messages_are_grouped_by_pattern(fill, reader):
    fill.logs(*(f"book {n} created" for n in range(5)), {"message": "book 7 created", "level": "ERROR"}, "hello")
    found = patterns.patterns(reader(), {})
    assert found == {
        "patterns": [
            {
                "pattern": "book <num> created",
                "count": 6,
                "level": "ERROR",
                "first": "2026-11-20T12:00:00.000000Z",
                "last": "2026-11-20T12:00:05.000000Z",
                "example_id": "6",
            },
            {
                "pattern": "hello",
                "count": 1,
                "level": "INFO",
                "first": "2026-11-20T12:00:06.000000Z",
                "last": "2026-11-20T12:00:06.000000Z",
                "example_id": "7",
            },
        ],
        "total": 2,
        "examined": 7,
    }
    assert len(patterns.patterns(reader(), {"q": "book"}, limit=1)["patterns"]) == 1


def test_following_gives_what_came_since_once(fill, reader):
    fill.logs("a", "b")
    wanted = of_logs({"q": "-x"})
    entries, skipped, last = logs.after(reader(), wanted, 0, 10)
    assert ([entry["message"] for entry in entries], skipped, last) == (["a", "b"], 0, 2)
    assert logs.after(reader(), wanted, last, 10) == ([], 0, 2)
    fill.logs("x", "c", "d", "e")
    entries, skipped, last = logs.after(reader(), wanted, last, 2)
    assert ([entry["message"] for entry in entries], skipped, last) == (["d", "e"], 1, 6)


def test_an_export_has_everything_up_to_its_limit(fill, reader, monkeypatch):
    monkeypatch.setattr(logs, "_EXPORT_PAGE", 3)
    fill.logs(*map(str, range(8)))
    pages = list(logs.export(reader(), {}, limit=100))
    assert [[entry["message"] for entry in page] for page in pages] == [["7", "6", "5"], ["4", "3", "2"], ["1", "0"]]
    pages = list(logs.export(reader(), {}, limit=4, order="asc"))
    assert [entry["message"] for page in pages for entry in page] == ["0", "1", "2", "3"]


def test_services_are_told_with_their_records(fill, reader):
    fill.logs(
        {"service": "api", "environment": "test"}, {"service": "api", "environment": "prod"}, {"service": "worker"}
    )
    fill.spans({"service": "api", "start": 10_000})
    assert services.services(reader()) == {
        "services": [
            {
                "service": "api",
                "environments": ["prod", "test"],
                "last_seen": "2026-11-20T12:00:10.000000Z",
                "logs": 2,
                "spans": 1,
            },
            {
                "service": "worker",
                "environments": [],
                "last_seen": "2026-11-20T12:00:02.000000Z",
                "logs": 1,
                "spans": 0,
            },
        ]
    }


def test_an_id_is_resolved_to_what_it_names(fill, reader):
    fill.logs({"request_id": "r 1", "trace_id": "only-logs", "job_id": "j/1", "run_id": "run", "user_id": "7"})
    fill.spans({"trace_id": "t1", "span_id": "span1"})

    def url(id_):
        found = resolve.resolve(reader(), id_)
        return found and (found["kind"], found["url"].partition("&")[0])

    assert url("t1") == ("trace", "/traces/t1")
    assert url(" span1 ") == ("span", "/traces/t1")
    assert url("only-logs") == ("trace", "/logs?q=trace%3Aonly-logs")
    assert url("r 1") == ("request", "/logs?q=request%3A%22r+1%22")
    assert url("j/1") == ("job", "/logs?q=job%3Aj%2F1")
    assert url("7") == ("user", "/logs?q=user%3A7")
    assert url("1") == ("log", "/logs?log=1")
    assert url("nothing") is None
    assert url("' OR 1=1 --") is None
    assert url("  ") is None


def test_a_question_ends_when_its_time_is_up_or_it_is_cancelled(store, fill):
    fill.logs("a")
    with pytest.raises(QueryTimeout):
        logs.search(Reader(store, timeout=1e-9), {})
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(QueryCancelled):
        logs.search(Reader(store, cancellation=cancellation), {})
