"""Lines of JSON become rows; those that do not are handed back with the reason, and never harm the others."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings, strategies as st
from spool_stream import log_line, span_line

import plainview.store
from plainview.ingest.ndjson import MAX_LINE, decode, tabulate
from plainview.store.interface import Batch
from plainview.store.rows import OF_KIND


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = plainview.store.open(tmp_path_factory.mktemp("store"))
    yield store
    store.close()


def stored(store, kind: str, data: bytes) -> tuple[int, list[str]]:
    """Take lines in as far as they go. Gives the number of rows and the reasons for the rest."""
    records, rejected = decode(kind, data)
    rows, unfit = tabulate(kind, records, "stream")
    reasons = [one.reason for one in (*rejected, *unfit.values())]
    if rows is None:
        return 0, reasons
    assert store.accepts(rows)
    store.write(Batch([rows]))
    return rows.count, reasons


def test_good_lines_become_records_in_order(store):
    assert stored(store, "log", b"\n".join(map(log_line, range(5))) + b"\n") == (5, [])
    assert stored(store, "span", b"\n".join(map(span_line, range(5))) + b"\n") == (5, [])
    assert stored(store, "log", b"\n\n  \r\n" + log_line(1) + b"\r\n\n") == (1, [])
    assert stored(store, "log", b"") == (0, [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"no json", "JSON"),
        (b"{", "truncated"),
        (b"[]", "array"),
        (b"null", "null"),
        (b"{}", "timestamp"),
        (log_line(1)[:-5], "truncated"),
        (log_line(1, message=None), "message"),
        (log_line(1, message=5), "message"),
        (log_line(1, pid="x"), "pid"),
        (log_line(1, pid=10**30), "pid"),
        (log_line(1, pid=10**10), "pid"),
        (log_line(1, pid=1.5), "pid"),
        (log_line(1, level="LOUD"), "level"),
        (log_line(1, timestamp="now"), "timestamp"),
        (log_line(1, timestamp="20000-01-01T00:00:00Z"), "timestamp"),
        (log_line(1, timestamp="1582-10-15T00:00:00Z"), "timestamp"),
        (log_line(1, extra=[1]), "extra"),
        (log_line(1, extra="{}"), "extra"),
        (log_line(1, source={"line": 10**12}), "source_line"),
        (log_line(1, source="here"), "source"),
        (log_line(1, exception=[]), "exception"),
        (log_line(1, trace_id=5), "trace_id"),
        (log_line(1, duration_ms="long"), "duration_ms"),
        (log_line(1).replace(b"line 1", b"\xff\xfe"), "UTF-8"),
        (log_line(1).replace(b'"n":1', b'"n":"\xff\xfe"'), "UTF-8"),
        (log_line(1, message="\ud800 alone"), "surrogate"),
        (log_line(1, extra={"x": "\udc00 alone"}), "surrogate"),
        (log_line(1).replace(b'{"n":1}', b'{"n":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "deep"),
        (log_line(1).replace(b'"n":1', b'"n":NaN'), ""),
        (log_line(1).replace(b"line 1", b"line\0"), "NUL"),
        (log_line(1).replace(b"line 1", b"line\x01"), ""),
        (b"\xef\xbb\xbf" + log_line(1), ""),
        (span_line(1), "timestamp"),
    ],
)
def test_a_bad_line_is_refused_with_its_reason_and_the_others_are_taken(store, line, reason):
    data = log_line(100) + b"\n" + line + b"\n" + log_line(101) + b"\n"
    count, reasons = stored(store, "log", data)
    assert count == 2
    assert len(reasons) == 1
    assert reason in reasons[0]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (span_line(1, start_time_unix_nano=2**64), "start_time_unix_nano"),
        (span_line(1, start_time_unix_nano=-(10**19)), "start_time_unix_nano"),
        (span_line(1, end_time_unix_nano=10**25), "end_time_unix_nano"),
        (span_line(1, start_time_unix_nano="1"), "start_time_unix_nano"),
        (span_line(1, attributes=[]), "attributes"),
        (span_line(1, events={}), "events"),
        (span_line(1, links=None), "links"),
        (log_line(1), "trace_id"),
    ],
)
def test_a_bad_span_is_refused_with_its_reason(store, line, reason):
    count, reasons = stored(store, "span", span_line(100) + b"\n" + line + b"\n" + span_line(101) + b"\n")
    assert count == 2
    assert len(reasons) == 1
    assert reason in reasons[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"message": "\x00 and \x7f and 😀 and \u2028"},
        {"message": ""},
        {"message": "x" * 500_000},
        {"extra": {"\x00": "\x00", "a/b~c": {"'": '"'}, "": None}},
        {"extra": {}},
        {"extra": {"n": 10**400, "m": -0.0, "big": 1e308}},
        {"new_field_of_a_newer_writer": {"x": 1}},
        {"level": "warn"},
        {"level": "Critical"},
        {"timestamp": "2026-11-22T01:47:55+05:30"},
        {"timestamp": "2026-11-22 01:47:55.5Z"},
        {"duration_ms": 3},
        {"pid": -1},
        {"source": {"file": "f", "unknown": 1}},
    ],
)
def test_what_is_odd_but_well_formed_is_taken_and_can_be_asked(store, fields):
    assert stored(store, "log", log_line(1, **fields) + b"\n") == (1, [])
    dialect = store.dialect
    sql = (
        f"SELECT message, {dialect.attribute('extra', ['n'])}, {dialect.attribute_keys('extra')} FROM logs WHERE id = ?"
    )
    ((message, _, keys),) = store.query(sql, [store.last_id("logs")]).rows
    assert message == fields.get("message", "line 1")
    assert keys == list(fields.get("extra", {"n": 1}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.dictionaries(
    st.sampled_from(
        ["timestamp", "level", "message", "pid", "extra", "source", "exception", "trace_id", "duration_ms", "logger"]
    )
    | st.text(max_size=5),
    JSON,
    max_size=4,
)
LINES = st.one_of(
    st.binary(max_size=60),
    FIELDS.map(lambda fields: log_line(1, **fields)),
    FIELDS.map(lambda fields: json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.tuples(st.binary(max_size=4), st.integers(0, 200)).map(
        lambda drawn: log_line(1)[: drawn[1]] + drawn[0] + log_line(1)[drawn[1] + len(drawn[0]) :]
    ),
)


@given(st.lists(LINES, max_size=6))
@settings(deadline=None, max_examples=150)
def test_whatever_comes_in_no_line_harms_another(store, lines):
    """Every line is a row or a reason; the good ones among them are rows; the store can be asked afterwards."""
    lines = [line.replace(b"\n", b" ") for line in lines]
    data = b"\n".join([log_line(7), *lines, log_line(8)]) + b"\n"
    before = store.last_id("logs")
    count, reasons = stored(store, "log", data)
    blank = sum(not line or line.isspace() for line in lines)
    assert count + len(reasons) == len(lines) + 2 - blank
    assert count >= 2
    n = store.dialect.attribute("extra", ["n"])
    found = store.query(f"SELECT message, {n}, level, timestamp FROM logs WHERE id > ? ORDER BY id", [before]).rows
    assert len(found) == count
    assert [found[0][:2], found[-1][:2]] == [("line 7", "7"), ("line 8", "8")]


def test_rows_of_several_streams_keep_their_streams_when_one_is_refused():
    records, _ = decode("log", b"\n".join([log_line(1), log_line(2, pid=2**40), log_line(3), log_line(4)]) + b"\n")
    rows, unfit = tabulate("log", records, ["a", "b", "c", "a"])
    assert list(unfit) == [1]
    assert json.loads(unfit[1].line)["message"] == "line 2"
    assert list(rows.columns["stream"]) == ["a", "c", "a"]
    assert rows.count == 3
    assert tabulate("log", records[1:2], "b")[0] is None


def test_every_kind_has_its_table():
    assert set(OF_KIND) == {"log", "span", "operation"}
    assert MAX_LINE == 1 << 20
