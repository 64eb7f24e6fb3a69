"""What a filter lets through, asked of a real store."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from query_fill import START

from plainview.query import logs
from plainview.query.errors import BadInput
from plainview.query.filters import of_logs
from plainview.query.reader import Reader


@pytest.fixture
def found(reader):
    """The messages that a filter lets through, oldest first."""

    def ask(**filter_):
        return [entry["message"] for entry in logs.search(reader(), filter_, order="asc", limit=1000)["logs"]]

    return ask


def rfc3339(offset):
    return (START + timedelta(seconds=offset)).isoformat()


def test_a_range_of_time_has_its_start_and_not_its_end(fill, found):
    fill.logs("a", "b", "c", "d")
    assert found(start_time=rfc3339(1), end_time=rfc3339(3)) == ["b", "c"]
    assert found(start_time=rfc3339(2)) == ["c", "d"]
    assert found(end_time=rfc3339(1)) == ["a"]
    assert found(start_time=rfc3339(1), end_time=rfc3339(1)) == []


def test_a_level_means_it_and_above(fill, found):
    fill.logs(*({"level": level, "message": level} for level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")))
    assert found(level="WARN") == ["WARNING", "ERROR", "CRITICAL"]
    assert found(levels=["warn", "DEBUG"]) == ["DEBUG", "WARNING"]
    assert found(q="level:error") == ["ERROR", "CRITICAL"]
    assert found(q="-level:error") == ["DEBUG", "INFO", "WARNING"]
    assert found(q="level:=error") == ["ERROR"]
    assert found(q="level:debug,critical") == ["DEBUG", "CRITICAL"]
    assert found(q="level:<warning") == ["DEBUG", "INFO"]
    assert found(filters={"level": "INFO"}) == ["INFO"]
    assert found(filters={"level": [10, 20]}) == ["DEBUG", "INFO"]


def test_text_is_found_in_any_case_and_to_the_letter(fill, found):
    fill.logs("Timed OUT after 5 s", "100% done", "a_b", "a*b", 'say "hi"', "Größe", "it's")
    assert found(q="timed out") == ["Timed OUT after 5 s"]
    assert found(message_contains="TIMED out") == ["Timed OUT after 5 s"]
    assert found(q="%") == ["100% done"]
    assert found(q="_") == ["a_b"]
    assert found(q="a*b") == ["a*b"]
    assert found(q=r'"\"hi\""') == ['say "hi"']
    assert found(q="GRÖSSE") == []
    assert found(q="größe") == ["Größe"]
    assert found(q="message:it's") == ["it's"]
    assert found(q="message:=it's") == ["it's"]
    assert found(q="-o -a") == ["Größe", "it's"]


def test_fields_are_equal_begin_contain_or_exist(fill, found):
    fill.logs(
        {"message": "one", "logger": "studio.api", "job_id": "j1", "host": "box"},
        {"message": "two", "logger": "studio.worker", "job_id": "j2"},
        {"message": "three", "logger": "billing"},
    )
    assert found(logger="studio.*") == found(q="logger:studio.*") == ["one", "two"]
    assert found(logger=["billing", "studio.api"]) == found(q="logger:billing,studio.api") == ["one", "three"]
    assert found(q="logger:*di*") == ["one", "two"]
    assert found(q="logger:studio") == []
    assert found(q="job:*") == ["one", "two"]
    assert found(q="-job:*") == ["three"]
    assert found(q="host:*") == ["one"]
    assert found(q="-job:j1") == found(exclude={"job_id": "j1"}) == ["two", "three"]
    assert found(filters={"job_id": None}) == ["three"]
    assert found(filters={"job_id": [None, "j1"]}) == ["one", "three"]
    assert found(filters={"host": "box"}, exclude={"job": "j2"}) == ["one"]
    assert found(q='host:""') == ["two", "three"]


def test_fields_of_the_record_itself(fill, found):
    fill.logs(
        {"message": "number", "extra": {"step": 3, "http.route": "/x", "deep": {"er": {"still": "yes"}}}},
        {"message": "text", "extra": {"step": "3", "ok": True}},
        {"message": "float", "extra": {"step": 3.0, "ok": "true"}},
        {"message": "more", "extra": {"step": 3.5, "odd ~/'\" key": "v"}},
        {"message": "none", "extra": {"step": None, "deep": {"er": 1}}},
        {"message": "bare"},
    )
    assert found(q="extra.step:3") == found(q="step:3") == ["number", "text", "float"]
    assert found(filters={"extra.step": 3}) == ["number", "text", "float"]
    assert found(filters={"extra.step": "3"}) == ["number", "text"]
    assert found(filters={"extra.step": 3.5}) == ["more"]
    assert found(q="step:>3") == ["more"]
    assert found(q="step:>=3 step:<3.2") == ["number", "text", "float"]
    assert found(q="step:*") == ["number", "text", "float", "more"]
    assert found(q="http.route:/x") == ["number"]
    assert found(q="deep.er.still:yes") == ["number"]
    assert found(filters={"extra.ok": True}) == ["text", "float"]
    assert found(filters={"extra.odd ~/'\" key": "v"}) == ["more"]
    assert found(q="-step:3") == ["more", "none", "bare"]


def test_numbers_and_durations(fill, found):
    fill.logs(
        {"message": "a", "duration_ms": 0.5, "pid": 7, "source": {"file": "/app/a.py", "line": 12}},
        {"message": "b", "duration_ms": 500, "pid": 8},
        {"message": "c", "duration_ms": 61_000.5, "pid": 7},
        {"message": "d"},
    )
    assert found(q="duration:>=500") == ["b", "c"]
    assert found(q="duration:>1m") == ["c"]
    assert found(q="duration:<1ms") == ["a"]
    assert found(q="-duration:<1ms") == ["b", "c", "d"]
    assert found(q="pid:7") == ["a", "c"]
    assert found(filters={"pid": [7, 9], "duration": 0.5}) == ["a"]
    assert found(q="line:12 file:/app/*") == ["a"]
    assert found(q="source.line:<100") == ["a"]


def test_times_may_stand_in_the_query(fill, found):
    fill.logs("a", "b", "c")
    assert found(q=f'timestamp:>"{rfc3339(0)}" timestamp:<={rfc3339(1)}') == ["b"]
    assert found(q="timestamp:<-1m") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("filter_", "field"),
    [
        ({"level": "LOUD"}, "level"),
        ({"levels": ["INFO", "x"]}, "levels"),
        ({"levels": []}, "levels"),
        ({"start_time": "soon"}, "start_time"),
        ({"start_time": "now", "end_time": "-1m"}, "start_time"),
        ({"filters": {"nope": 1}}, "filters.nope"),
        ({"filters": {"pid": "x"}}, "filters.pid"),
        ({"filters": {"pid": 1 << 70}}, "filters.pid"),
        ({"filters": {"pid": 1.5}}, "filters.pid"),
        ({"filters": {"duration_ms": math.nan}}, "filters.duration_ms"),
        ({"filters": {"service": 3}}, "filters.service"),
        ({"filters": {"service": True}}, "filters.service"),
        ({"filters": {"service": "a\0"}}, "filters.service"),
        ({"filters": {"extra.a": "\ud800"}}, "filters.extra.a"),
        ({"filters": {"extra.": 1}}, "filters.extra."),
        ({"filters": {"extra.x": {"y": 1}}}, "filters.extra.x"),
        ({"filters": {"timestamp": "x"}}, "filters.timestamp"),
        ({"exclude": {"service": []}}, "exclude.service"),
        ({"filters": []}, "filters"),
        ({"q": 3}, "q"),
        ({"q": "pid:x"}, "q"),
        ({"q": "logger:>a"}, "q"),
        ({"q": "duration:x"}, "q"),
        ({"q": "logger:a*b"}, "q"),
        ({"q": "pid:1*"}, "q"),
        ({"q": "step:>x"}, "q"),
        ({"q": "level:loud"}, "q"),
        ({"q": "pid:99999999999999999999"}, "q"),
        ({"message_contains": "\0"}, "message_contains"),
        ({"trace_id": "x" * 5000}, "trace_id"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(filter_, field):
    with pytest.raises(BadInput) as caught:
        of_logs(filter_)
    assert caught.value.field == field
    assert caught.value.message


@pytest.mark.parametrize(
    "text",
    ["'", "' OR 1=1 --", '"; DROP TABLE logs; --', "?", "%s", "{}", "$1", "\\", "1); SELECT 1; --", "*/", "''"],
)
def test_no_text_is_taken_for_sql(fill, found, text):
    record = {"message": text, "service": text, "logger": text, "job_id": text, "extra": {text: text, "x": text}}
    fill.logs("other", record)
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert found(message_contains=text) == [text]
    assert found(q=quoted) == [text]
    assert found(q=f"service:{quoted} x:{quoted} -logger:y") == [text]
    assert found(filters={"service": text, "job_id": [text], "extra.x": text}) == [text]
    assert found(filters={f"extra.{text}": text}) == [text]
    assert found(exclude={"logger": text, "extra.x": text}) == ["other"]
    assert len(found()) == 2


_WORDS = st.sampled_from(["a", "b", "ab", "A b", "ü", "'", "%"])
_RECORD = st.fixed_dictionaries(
    {"message": _WORDS, "level": st.sampled_from(["DEBUG", "INFO", "ERROR"]), "service": _WORDS},
    optional={"job_id": _WORDS, "extra": st.dictionaries(st.sampled_from(["k", "l"]), _WORDS | st.integers(-2, 2))},
)
_NUMBER = {"DEBUG": 10, "INFO": 20, "ERROR": 40}
_CONDITION = st.one_of(
    st.tuples(st.just("text"), _WORDS),
    st.tuples(st.just("level"), st.sampled_from(list(_NUMBER))),
    st.tuples(st.sampled_from(["service", "job_id"]), st.lists(_WORDS, min_size=1, max_size=3)),
    st.tuples(st.sampled_from(["extra.k", "extra.l"]), st.lists(_WORDS, min_size=1, max_size=3)),
    st.tuples(st.just("exists"), st.sampled_from(["job_id", "extra.k"])),
)


def holds(record, condition):
    what, value = condition
    if what == "text":
        return value.lower() in record["message"].lower()
    if what == "level":
        return _NUMBER[record["level"]] >= _NUMBER[value]
    if what == "exists":
        return value.removeprefix("extra.") in (record if value == "job_id" else record.get("extra", {}))
    place = record.get("extra", {}) if what.startswith("extra.") else record
    actual = place.get(what.removeprefix("extra."))
    return actual is not None and str(actual) in value


def written(condition):
    what, value = condition
    quoted = ['"' + text.replace('"', '\\"') + '"' for text in ([value] if isinstance(value, str) else value)]
    if what == "text":
        return quoted[0]
    return f"{value}:*" if what == "exists" else f"{what}:{value if what == 'level' else ','.join(quoted)}"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(_RECORD, min_size=1, max_size=8), st.lists(st.tuples(st.booleans(), _CONDITION), max_size=4))
def test_a_query_finds_what_it_says(fill, store, records, terms):
    """Any query over any records finds those for which each of its terms holds."""
    seen = store.last_id("logs")
    fill.logs(*records)
    query = " ".join(f"{'-' * negated}{written(condition)}" for negated, condition in terms)
    page = logs.search(Reader(store), {"q": f"id:>{seen} {query}"}, order="asc")
    expected = [
        record["message"]
        for record in records
        if all(holds(record, condition) != negated for negated, condition in terms)
    ]
    assert [entry["message"] for entry in page["logs"]] == expected
    assert page["total"] == len(expected)
