"""``/v1/logs`` over HTTP."""

from __future__ import annotations

import csv
import io
import json
import socket

import pytest
from live_server import assert_problem


@pytest.fixture(scope="module", autouse=True)
def stored(server):
    server.ingest(
        {
            "message": "book created",
            "service": "studio",
            "logger": "studio.api",
            "request_id": "r1",
            "extra": {"step": 3},
        },
        {
            "message": "book 7 failed\n\x1b[31m<b>",
            "level": "ERROR",
            "service": "studio",
            "exception": {"type": "ValueError"},
        },
        {"message": "=cmd()", "level": "WARNING", "service": "worker", "duration_ms": 5.5},
    )


def test_search_is_s_own_table_and_more(server):
    everything = {
        "start_time": "2026-11-20T00:00:00Z",
        "end_time": "now",
        "level": "INFO",
        "logger": "studio.*",
        "request_id": "r1",
        "message_contains": "BOOK",
        "limit": 5,
        "filters": {"extra.step": 3},
        "exclude": {"service": "worker"},
        "q": "created -failed",
        "order": "desc",
    }
    found = server.post("/v1/logs/search", everything)
    (entry,) = found["logs"]
    assert entry["message"] == "book created"
    assert entry["extra"] == {"step": 3}
    assert (found["total"], found["next"], found["last_id"]) == (1, None, "3")
    assert server.post("/v1/logs/search", {})["total"] == 3


def test_pages_follow_the_cursor(server):
    first = server.post("/v1/logs/search", {"limit": 2})
    second = server.post("/v1/logs/search", {"limit": 2, "cursor": first["next"]})
    assert [entry["id"] for entry in first["logs"] + second["logs"]] == ["3", "2", "1"]
    assert second["next"] is None


def test_an_entry_and_its_context(server):
    assert server.get("/v1/logs/2")["message"] == "book 7 failed\n\x1b[31m<b>"
    around = server.get("/v1/logs/2/context", before=5, after=5)
    assert [entry["id"] for entry in [*around["before"], around["entry"], *around["after"]]] == ["1", "2", "3"]
    assert server.get("/v1/logs/1/context", scope="request", before=0)["before"] == []
    assert_problem(server.client.get("/v1/logs/2/context?scope=request"), 422, "scope")
    assert_problem(server.client.get("/v1/logs/99"), 404)
    assert_problem(server.client.get("/v1/logs/99/context"), 404)


def test_facets_fields_histogram_patterns(server):
    found = server.post("/v1/logs/facets", {"fields": ["service", "extra.step"], "limit": 1})
    assert found["facets"] == [
        {"field": "service", "values": [{"value": "studio", "count": 2}], "more": True},
        {"field": "extra.step", "values": [{"value": "3", "count": 1}], "more": False},
    ]
    assert {"field": "extra.step", "type": "number"} in server.get("/v1/logs/fields")["fields"]
    found = server.post(
        "/v1/logs/histogram", {"start_time": "2026-11-20T11:59:00Z", "end_time": "2026-11-20T12:01:00Z"}
    )
    assert sum(sum(bucket["counts"].values()) for bucket in found["buckets"]) == 3
    found = server.post("/v1/logs/patterns", {"q": "book"})
    assert [pattern["pattern"] for pattern in found["patterns"]] == ["book <num> failed <b>", "book created"]


def test_export_as_lines_and_as_a_table(server):
    lines = server.client.get("/v1/logs/export", params={"q": "book", "order": "asc"})
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert lines.headers["content-disposition"] == 'attachment; filename="logs.ndjson"'
    assert [json.loads(line)["id"] for line in lines.text.splitlines()] == ["1", "2"]
    table = server.client.get("/v1/logs/export", params={"format": "csv", "limit": 1})
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(table.text))
    # A spreadsheet does not take it for a formula.
    assert (row["id"], row["message"], row["duration_ms"]) == ("3", "'=cmd()", "5.5")
    assert_problem(server.client.get("/v1/logs/export", params={"q": '"'}), 422, "q")


SEARCH = "/v1/logs/search"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (SEARCH, {"limit": 0}, "limit"),
        (SEARCH, {"limit": 10_001}, "limit"),
        (SEARCH, {"limit": 10**40}, "limit"),
        (SEARCH, {"limit": "many"}, "limit"),
        (SEARCH, {"limit": None}, "limit"),
        (SEARCH, {"cursor": "nonsense"}, "cursor"),
        (SEARCH, {"order": "up"}, "order"),
        (SEARCH, {"level": "LOUD"}, "level"),
        (SEARCH, {"level": 30}, "level"),
        (SEARCH, {"levels": "INFO"}, "levels"),
        (SEARCH, {"start_time": "yesterday"}, "start_time"),
        (SEARCH, {"start_time": "now", "end_time": "-1h"}, "start_time"),
        (SEARCH, {"end_time": 5}, "end_time"),
        (SEARCH, {"service": {"a": 1}}, "service"),
        (SEARCH, {"service": "a\0b"}, "service"),
        (SEARCH, {"service": "x" * 5000}, "service"),
        (SEARCH, {"filters": {"pid": 10**40}}, "filters.pid"),
        (SEARCH, {"filters": {"nope": 1}}, "filters.nope"),
        (SEARCH, {"filters": {"extra.a": [[]]}}, None),
        (SEARCH, {"q": 'a "b'}, "q"),
        (SEARCH, {"q": "x" * 5000}, "q"),
        (SEARCH, {"colour": "red"}, "colour"),
        (SEARCH, [], "body"),
        (SEARCH, "text", "body"),
        ("/v1/logs/facets", {"fields": ["nope"]}, "fields.0"),
        ("/v1/logs/facets", {"limit": 1001}, "limit"),
        ("/v1/logs/histogram", {"buckets": 501}, "buckets"),
        ("/v1/logs/histogram", {"buckets": 0}, "buckets"),
        ("/v1/logs/patterns", {"limit": -1}, "limit"),
        ("/v1/traces/search", {"status": "WRONG"}, "status"),
        ("/v1/traces/search", {"min_duration_ms": -1}, "min_duration_ms"),
        ("/v1/traces/search", {"order_by": "name"}, "order_by"),
        ("/v1/traces/histogram", {"name": ["a\0"]}, "name"),
    ],
)
def test_a_bad_field_is_named(server, path, body, field):
    assert_problem(server.client.post(path, json=body), 422, field)


def test_a_bad_query_tells_the_place(server):
    problem = assert_problem(server.client.post(SEARCH, json={"q": "ok level:loud"}), 422, "q")
    assert problem["errors"][0]["position"] == 9
    assert "character 10" in problem["detail"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"limit": 1' + b"0" * 5000 + b"}", 400),
        (b"[" * 100_000, 400),
        (b'{"filters": {"pid": NaN}}', 422),
        (b'{"filters": {"duration_ms": 1e999}}', 422),
        (b'{"filters": {"\\ud800": 1}}', 422),
        (b'{"q": "\\ud800"}', 422),
        (b'{"q": "\\u0000"}', 422),
        (b'{"filters": {"extra.\\u0000": 1}}', 422),
        (b'{"q": "' + b"x" * (1 << 20) + b'"}', 413),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(server, content, status):
    answer = server.client.post(SEARCH, content=content, headers={"Content-Type": "application/json"})
    assert_problem(answer, status)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", SEARCH, 405),
        ("PUT", SEARCH, 405),
        ("DELETE", "/v1/logs/1", 405),
        ("POST", "/v1/logs/1", 405),
        ("POST", "/", 405),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/", 404),
        ("GET", "/v1/logs/search/", 404),
        ("GET", "/v1/logs/x", 404),
        ("GET", "/v1/logs/%00", 404),
        ("GET", "/v1/logs/-1", 404),
        ("GET", f"/v1/logs/{10**30}", 422),
        ("GET", "/v1/logs/1/context?before=1001", 422),
        ("GET", "/v1/logs/1/context?before=x", 422),
        ("GET", "/v1/logs/1/context?nope=1", 422),
        ("GET", "/v1/logs/tail?level=loud", 422),
        ("GET", "/v1/logs/tail?after=-1", 422),
        ("GET", "/v1/logs/export?format=xml", 422),
        ("GET", "/v1/logs/export?limit=0", 422),
        ("GET", "/v1/resolve", 422),
        ("GET", "/v1/resolve?id=%00", 422),
        ("GET", "/v1/traces/%00", 422),
        ("GET", "/v1/traces/x", 404),
    ],
)
def test_a_bad_address_is_refused(server, method, path, status):
    answer = server.client.request(method, path, headers={"Content-Type": "application/json"})
    assert_problem(answer, status)
    if status == 405:
        assert answer.headers["allow"]


def test_json_must_say_that_it_is(server):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml", ""):
        answer = server.client.post(SEARCH, content=b"{}", headers={"Content-Type": kind})
        assert_problem(answer, 415, "Content-Type")
    answer = server.client.post(SEARCH, content=b"{}", headers={"Content-Type": "application/json; charset=utf-8"})
    assert answer.status_code == 200


def test_large_answers_are_compressed_when_the_client_likes_that(server):
    server.ingest(*({"message": f"filler {n}", "level": "DEBUG"} for n in range(200)))
    plain = server.client.post(SEARCH, json={"q": "filler"}, headers={"Accept-Encoding": "identity"})
    packed = server.client.post(SEARCH, json={"q": "filler"}, headers={"Accept-Encoding": "br, gzip"})
    refused = server.client.post(SEARCH, json={"q": "filler"}, headers={"Accept-Encoding": "gzip;q=0"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in refused.headers
    assert plain.json()["logs"] == packed.json()["logs"] == refused.json()["logs"]
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 5


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01",
    ],
)
def test_what_is_no_http_is_refused_too(server, raw):
    with socket.create_connection(server.serving.listener.getsockname(), timeout=10) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    if head:  # what ends in the middle of a line may get no answer
        assert head.startswith(b"HTTP/1.1 400")
        assert b"application/problem+json" in head
        assert json.loads(body)["status"] == 400
