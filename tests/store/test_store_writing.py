"""What is written is there, once, in order, and after a restart."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, strategies as st
from store_records import NOON, log, messages, one, span, write

from plainview.records import ExceptionInfo, LogRecord, Source
from plainview.store import rows
from plainview.store.interface import Batch, Position, StoreError
from plainview.store.schema import TABLES


def test_every_field_of_a_log_is_stored(opened):
    store = opened()
    record = LogRecord(
        timestamp="2026-11-22T01:47:55.123456Z",
        level="warn",
        logger="studio.api",
        message="käse 😀 \x00 end",
        service="studio",
        environment="production",
        version="1.2.0",
        host="box",
        pid=41,
        request_id="r",
        trace_id="t" * 32,
        span_id="s" * 16,
        job_id="j",
        batch_id="b",
        run_id="run",
        user_id="u",
        project_id="p",
        session_id="se",
        tenant_id="te",
        duration_ms=12.25,
        extra=msgspec.Raw(b'{"a": {"b": [1, "\\u0000"]}}'),
        source=Source("/app/api.py", "create", 12),
        exception=ExceptionInfo("ValueError", "no", "Traceback …", "f00", "e11"),
    )
    write(store, [record])
    found = store.query("SELECT * FROM logs").dicts()[0]
    assert tuple(found) == TABLES["logs"].names
    assert found == {
        "id": 1,
        "timestamp": datetime(2026, 11, 22, 1, 47, 55, 123456),  # noqa: DTZ001 - naive UTC, as the store gives it
        "level": 30,
        **{
            name: getattr(record, name)
            for name in ("logger", "message", "service", "environment", "version", "host", "pid", "duration_ms")
        },
        **{name: getattr(record, name) for name in ("request_id", "trace_id", "span_id", "job_id", "batch_id")},
        **{name: getattr(record, name) for name in ("run_id", "user_id", "project_id", "session_id", "tenant_id")},
        "stream": "stream-1-00000000",
        "extra": '{"a": {"b": [1, "\\u0000"]}}',
        "source_file": "/app/api.py",
        "source_function": "create",
        "source_line": 12,
        "exception_type": "ValueError",
        "exception_message": "no",
        "exception_stack_trace": "Traceback …",
        "exception_fingerprint": "f00",
        "exception_error_id": "e11",
    }


def test_every_field_of_a_span_is_stored(opened):
    store = opened()
    record = span(
        7,
        parent_span_id="p" * 16,
        kind="SERVER",
        status="ERROR",
        status_message="broke",
        scope="lib",
        service="studio",
        pid=3,
        request_id="r",
        attributes=msgspec.Raw(b'{"http.route": "/x"}'),
        events=msgspec.Raw(b'[{"name": "e"}]'),
        links=msgspec.Raw(b"[]"),
    )
    write(store, [record])
    found = store.query("SELECT * FROM spans").dicts()[0]
    assert tuple(found) == TABLES["spans"].names
    assert found["start_ns"] == record.start_time_unix_nano
    assert found["start_time"] == NOON.replace(tzinfo=None)
    assert found["duration_ns"] == 1000
    assert (found["kind"], found["status"], found["status_message"]) == ("SERVER", "ERROR", "broke")
    assert (found["attributes"], found["events"], found["links"]) == (
        '{"http.route": "/x"}',
        '[{"name": "e"}]',
        "[]",
    )
    assert found["job_id"] is None


def test_what_a_record_lacks_is_null(opened):
    store = opened()
    write(store, [log(1), log(2, source=Source(), exception=ExceptionInfo())])
    assert (
        store.query("SELECT request_id, duration_ms, source_file, source_line, exception_type FROM logs").rows
        == [(None,) * 5] * 2
    )


def test_a_field_that_few_rows_have_is_stored_for_those(opened):
    store = opened()
    records = [log(number) for number in range(5000)]
    records[4321] = log(4321, duration_ms=1.5, job_id="late", source=Source("f.py", "g", 3))
    write(store, records)
    assert store.query(
        "SELECT message, duration_ms, source_line FROM logs WHERE job_id IS NOT NULL OR duration_ms > 0"
    ).rows == [("line 4321", 1.5, 3)]


def test_ids_rise_in_the_order_of_commits_and_are_never_given_twice(opened, tmp_path):
    store = opened()
    write(store, [log(1), log(2)])
    write(store, [span(1), log(3)])
    assert (store.last_id("logs"), store.last_id("spans")) == (3, 1)
    assert messages(store) == ["line 1", "line 2", "line 3"]
    store.retention(-10_000)  # everything is too old: the rows go, their ids do not come back
    store.close()
    store = opened()
    assert one(store, "SELECT count(*) FROM logs") == 0
    write(store, [log(4)])
    assert store.query("SELECT id FROM logs").rows == [(4,)]


def test_positions_are_stored_with_the_rows_and_survive_a_restart(opened):
    store = opened()
    write(store, [log(1)], Position("a", "log", 1, 100))
    write(store, [], Position("b", "span", 3, 5))
    write(store, [log(2)], Position("a", "log", 2, 50))
    expected = {("a", "log"): (2, 50), ("b", "span"): (3, 5)}
    assert store.offsets() == expected
    store.close()
    store = opened()
    assert store.offsets() == expected
    store.checkpoint()
    store.close()
    store = opened()
    assert store.offsets() == expected
    store.forget(["a", "unknown"])
    assert store.offsets() == {("b", "span"): (3, 5)}
    store.close()
    assert opened().offsets() == {("b", "span"): (3, 5)}


def test_a_batch_that_fails_leaves_nothing(opened):
    store = opened()
    good = rows.of_logs([log(1)], "s")
    bad = rows.Rows("logs", 1, good.columns | {"level": None})
    assert store.accepts(good)
    assert not store.accepts(bad)
    with pytest.raises(StoreError):
        store.write(Batch([good, bad], [Position("s", "log", 1, 1)]))
    assert messages(store) == []
    assert store.offsets() == {}
    assert store.last_id("logs") == 0
    store.write(Batch([good]))
    assert messages(store) == ["line 1"]


def test_several_streams_in_one_batch(opened):
    store = opened()
    store.write(Batch([rows.of_logs([log(1), log(2), log(3)], ["a", "b", "a"])]))
    assert store.query("SELECT stream FROM logs ORDER BY id").rows == [("a",), ("b",), ("a",)]


def test_writers_in_many_threads_take_turns(opened):
    store = opened()

    def work(thread: int) -> None:
        for number in range(20):
            write(store, [log(thread * 100 + number)], Position(f"s{thread}", "log", 1, number))

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one(store, "SELECT count(DISTINCT message) FROM logs") == 120
    assert store.query("SELECT min(id), max(id), count(*) FROM logs").rows == [(1, 120, 120)]
    assert store.offsets() == {(f"s{thread}", "log"): (1, 19) for thread in range(6)}


def test_use_after_close_is_an_error_that_says_so(opened):
    store = opened()
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        write(store, [log(1)])
    with pytest.raises(StoreError, match="closed"):
        store.query("SELECT 1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T01:47:55.123456Z", datetime(2026, 11, 22, 1, 47, 55, 123456, UTC)),
        ("2026-11-22T01:47:55Z", datetime(2026, 11, 22, 1, 47, 55, 0, UTC)),
        ("2026-11-22T01:47:55.5z", datetime(2026, 11, 22, 1, 47, 55, 500000, UTC)),
        ("2026-11-22t01:47:55.123456789Z", datetime(2026, 11, 22, 1, 47, 55, 123456, UTC)),
        ("2026-11-22 03:17:55.123+01:30", datetime(2026, 11, 22, 1, 47, 55, 123000, UTC)),
        ("2026-11-21T20:47:55-05:00", datetime(2026, 11, 22, 1, 47, 55, 0, UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2026-11-22T01:47:55", datetime(2026, 11, 22, 1, 47, 55, 0, UTC)),
    ],
)
def test_any_rfc_3339_time_is_taken(text, expected):
    for others in ([], [log(0)]):
        columns = rows.of_logs([*others, log(1, timestamp=text)], "s").columns
        assert columns["timestamp"][-1].item() == expected.replace(tzinfo=None)


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30)),  # noqa: DTZ001 - the offset is drawn apart
    st.integers(-14 * 60, 14 * 60),
)
def test_times_keep_their_microseconds(moment, minutes):
    moment = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    canonical = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    records = [log(0, timestamp=canonical), log(1, timestamp=canonical)]
    assert rows.of_logs(records, "s").columns["timestamp"][1].item() == moment.astimezone(UTC).replace(tzinfo=None)
    records[0].timestamp = moment.isoformat()
    assert rows.of_logs(records, "s").columns["timestamp"][0].item() == moment.astimezone(UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"timestamp": "yesterday"}, "timestamp: 'yesterday' is no RFC 3339 time"),
        ({"timestamp": "2026-13-22T01:47:55.123456Z"}, "timestamp"),
        ({"timestamp": "NaT                       Z"}, "timestamp"),
        ({"timestamp": "\uff19026-11-22T01:47:55.12345Z"}, "timestamp"),  # a digit, but not one of ours
        ({"timestamp": "0001-01-01T00:00:00.000000Z"}, "year"),
        ({"timestamp": "9999-12-31T23:59:59.999999Z"}, "year"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp"),
        ({"level": "LOUD"}, "level"),
        ({"pid": 2**40}, "pid: does not fit 32 bits"),
        ({"pid": 2**100}, "pid: does not fit 32 bits"),
        ({"source": Source("f", "g", 2**40)}, "source_line"),
        ({"duration_ms": float("inf")}, "duration_ms: is not finite"),
        ({"extra": msgspec.Raw(b"[1]")}, "extra: not a JSON object"),
        ({"extra": msgspec.Raw(b'"{"')}, "extra: not a JSON object"),
    ],
)
def test_a_log_that_does_not_fit_says_why(fields, reason):
    with pytest.raises(rows.RowError, match=reason.split("'")[0]):
        rows.of_logs([log(1, **fields)], "s")


@pytest.mark.parametrize(
    "fields",
    [
        {"start_time_unix_nano": 2**63},
        {"start_time_unix_nano": -1},
        {"end_time_unix_nano": 2**70},
        {"start_time_unix_nano": 8 * 10**18, "end_time_unix_nano": 9 * 10**18},
        {"attributes": msgspec.Raw(b"[]")},
        {"events": msgspec.Raw(b"{}")},
    ],
)
def test_a_span_that_does_not_fit_says_why(fields):
    with pytest.raises(rows.RowError):
        rows.of_spans([span(1, **fields)], "s")


def test_a_span_that_ends_before_it_starts_lasts_nothing(opened):
    store = opened()
    write(store, [span(1, end_time_unix_nano=5)])
    assert one(store, "SELECT duration_ns FROM spans") == 0
