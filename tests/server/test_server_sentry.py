"""Sentry's protocol: the real SDK with nothing changed but the DSN; keys, limits, and whatever else may be sent."""

from __future__ import annotations

import gzip
import json
import os
import random
import time
import zlib
from collections import Counter
from urllib.parse import urlsplit

import cramjam
import pytest
import sentry_programs as programs
import zstandard
from live_server import run_server

from plainview.state import keys

EVENT_ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A server with a key for an application called shop, and its DSN."""
    with run_server(tmp_path_factory.mktemp("sentry")) as server:
        key, _ = keys.create(server.serving.app.state.plainview.database, kind="dsn", name="shop", project=3)
        server.dsn = f"http://{key.public}@{urlsplit(server.url).netloc}/3"
        server.auth = {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={key.public}, sentry_client=test/1"}
        yield server


def rows(server, sql: str) -> list:
    return server.serving.store.query(sql).rows


def stored(server, sql: str, count: int) -> list:
    """The rows of a query, once there are so many; never more."""
    until = time.monotonic() + 30
    while len(found := rows(server, sql)) < count:
        assert time.monotonic() < until, found
        time.sleep(0.05)
    server.serving.pipeline.drain()
    found = rows(server, sql)
    assert len(found) == count, found
    return found


def envelope(*items: tuple[dict, bytes], **headers) -> bytes:
    head = json.dumps({"event_id": EVENT_ID, **headers}).encode()
    parts = [json.dumps({"length": len(payload), **about}).encode() + b"\n" + payload for about, payload in items]
    return b"\n".join([head, *parts]) + b"\n"


def event(**fields) -> bytes:
    raised = {"type": "ValueError", "value": "no", "stacktrace": {"frames": [{"filename": "a.py", "lineno": 1}]}}
    return json.dumps({"event_id": EVENT_ID, "exception": {"values": [raised]}} | fields).encode()


def send(server, body: bytes, path: str = "/api/3/envelope/", **headers):
    return server.client.post(path, content=body, headers=server.auth | headers)


# -- the SDK itself ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "program"), [("script", programs.SCRIPT), ("api", programs.API), ("celery", programs.CELERY)]
)
def test_an_application_moves_by_its_dsn_and_loses_nothing(tmp_path, name, program):
    with run_server(tmp_path / "data") as server:
        key, _ = keys.create(server.serving.app.state.plainview.database, kind="dsn", name=name)
        sent = programs.run(program, f"http://{key.public}@{urlsplit(server.url).netloc}/{key.project}", tmp_path)
        items = Counter(sent["items"])
        assert items["event"] == len(sent["events"]) > 0
        found = stored(server, f"SELECT error_id FROM error_occurrences WHERE service = '{name}'", items["event"])
        assert sorted(error_id for (error_id,) in found) == sorted(sent["events"])
        assert rows(server, "SELECT count(DISTINCT span_id) FROM spans")[0][0] >= items["transaction"]
        server.serving.pipeline.drain()
        assert rows(server, f"SELECT count(*) FROM logs WHERE service = '{name}'")[0][0] == items["log"]


def test_what_the_sdk_says_of_an_event_is_kept(shop, tmp_path):
    sent = programs.run(programs.SCRIPT, shop.dsn, tmp_path)
    assert sent["items"]["log"] == 253  # with the one of the standard library's logging
    stored(shop, f"SELECT 1 FROM error_occurrences WHERE error_id IN ({', '.join(map(repr, sent['events']))})", 4)
    issues = {issue["error_type"]: issue for issue in shop.get("/v1/errors", service="shop")["errors"]}
    until = time.monotonic() + 20
    while "RuntimeError" not in issues and time.monotonic() < until:
        time.sleep(0.1)
        issues = {issue["error_type"]: issue for issue in shop.get("/v1/errors", service="shop")["errors"]}
    issue = issues["RuntimeError"]
    detail = shop.get(f"/v1/errors/{issue['id']}")
    whole = shop.get(f"/v1/errors/{issue['id']}/occurrences/{detail['latest']}")
    assert [one["type"] for one in whole["exceptions"]] == ["RuntimeError", "ValueError"]
    cause = whole["exceptions"][1]
    assert (cause["parent"], cause["relation"]) == (0, "cause")
    assert cause["frames"][-1]["function"] == "charge"
    assert cause["frames"][-1]["source"].strip().startswith("raise ValueError")
    assert cause["frames"][-1]["locals"]["amount"] in (12, "12")
    assert (whole["version"], whole["environment"], whole["user_id"]) == ("shop@1.4.0", "staging", "u-7")
    assert whole["context"]["tags"]["plan"] == "pro"
    assert any(crumb.get("message") == "3 items" for crumb in whole["context"]["breadcrumbs"])
    groups = [one for one in issues.values() if "ExceptionGroup" in one["error_type"]]
    assert groups
    spans = rows(shop, "SELECT name, parent_span_id IS NULL, kind FROM spans ORDER BY start_ns")
    assert {(name, kind) for name, _, kind in spans} >= {("nightly", "INTERNAL"), ("SELECT orders", "CLIENT")}
    line = rows(shop, "SELECT level, version, trace_id FROM logs WHERE message = 'stock is wrong'")
    assert (line[0][0], line[0][1]) == (40, "shop@1.4.0")
    assert len(rows(shop, "SELECT 1 FROM logs WHERE message LIKE 'line %'")) == 250


# -- keys -------------------------------------------------------------------------------------------------------------


def test_a_wrong_key_or_project_is_refused_and_nothing_is_kept(shop):
    before = rows(shop, "SELECT count(*) FROM error_occurrences")
    body = envelope(({"type": "event"}, event(event_id="f" * 32)))
    wrong = {"X-Sentry-Auth": "Sentry sentry_key=00000000000000000000000000000000"}
    assert shop.client.post("/api/3/envelope/", content=body, headers=wrong).status_code == 403
    assert shop.client.post("/api/3/envelope/", content=body).status_code == 403
    answer = send(shop, body, "/api/4/envelope/")
    assert answer.status_code == 403
    assert "plainview tokens" in answer.json()["detail"]
    shop.serving.pipeline.drain()
    assert rows(shop, "SELECT count(*) FROM error_occurrences") == before


def test_the_key_may_stand_in_the_header_the_query_or_the_envelope(shop):
    public = urlsplit(shop.dsn).username
    for number, (params, headers) in enumerate([({}, {}), ({"sentry_key": public}, {})]):
        id_ = f"{number:031x}a"
        dsn = {} if params else {"dsn": shop.dsn}
        body = envelope(({"type": "event"}, event(event_id=id_)), event_id=id_, **dsn)
        answer = shop.client.post("/api/3/envelope/", content=body, params=params, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"id": id_})


def test_a_revoked_key_is_refused_soon(tmp_path):
    with run_server(tmp_path / "data") as server:
        database = server.serving.app.state.plainview.database
        key, _ = keys.create(database, kind="dsn", name="x")
        auth = {"X-Sentry-Auth": f"Sentry sentry_key={key.public}"}
        body = envelope(({"type": "event"}, event()))
        assert server.client.post("/api/1/envelope/", content=body, headers=auth).status_code == 200
        keys.revoke(database, key.id)
        until = time.monotonic() + 20
        while server.client.post("/api/1/envelope/", content=body, headers=auth).status_code != 403:
            assert time.monotonic() < until
            time.sleep(0.2)


def test_with_a_server_token_the_key_alone_lets_in(tmp_path):
    with run_server(tmp_path / "data", "a-token-for-tests-only") as server:
        key, _ = keys.create(server.serving.app.state.plainview.database, kind="dsn", name="x")
        server.client.headers.pop("Authorization")
        body = envelope(({"type": "event"}, event()))
        auth = {"X-Sentry-Auth": f"Sentry sentry_key={key.public}"}
        assert server.client.post("/api/1/envelope/", content=body, headers=auth).status_code == 200
        assert server.client.get("/v1/errors").status_code == 401
        assert server.client.get("/api/v1/labels").status_code == 401


def test_pages_of_other_sites_may_send_but_not_read(shop):
    origin = {"Origin": "https://shop.example.org"}
    answer = send(shop, envelope(({"type": "event"}, event())), **origin)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    preflight = shop.client.options("/api/3/envelope/", headers=origin | {"Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 204
    assert "access-control-allow-origin" not in shop.client.get("/v1/errors", headers=origin).headers


# -- bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("br", lambda body: bytes(cramjam.brotli.compress(body))),
        ("zstd", zstandard.compress),
    ],
    ids=["gzip", "deflate", "bare deflate", "br", "zstd"],
)
def test_bodies_may_be_packed(shop, encoding, pack):
    answer = send(shop, pack(envelope(({"type": "event"}, event()))), **{"Content-Encoding": encoding})
    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", lambda body: bytes(cramjam.brotli.compress(body, level=3))),
        ("zstd", zstandard.compress),
    ],
    ids=["gzip", "deflate", "br", "zstd"],
)
def test_a_bomb_is_refused_before_it_goes_off(shop, encoding, pack):
    body = pack(b'{"event_id":"' + b" " * (80 << 20) + b'"}\n')
    assert len(body) < 1 << 20
    assert send(shop, body, **{"Content-Encoding": encoding}).status_code == 413


def test_a_damaged_body_is_a_bad_request(shop):
    assert send(shop, b"\x1f\x8bnothing", **{"Content-Encoding": "gzip"}).status_code == 400
    assert send(shop, b"nothing", **{"Content-Encoding": "br"}).status_code == 400
    assert send(shop, b"x", **{"Content-Encoding": "rot13"}).status_code == 415


def test_one_event_by_the_older_endpoint(shop):
    answer = send(shop, event(event_id="b" * 32, message="old"), "/api/3/store/")
    assert (answer.status_code, answer.json()) == (200, {"id": "b" * 32})
    stored(shop, f"SELECT 1 FROM error_occurrences WHERE error_id = '{'b' * 32}'", 1)


def transaction(id_: str, trace: str) -> bytes:
    return json.dumps(
        {
            "event_id": id_,
            "type": "transaction",
            "transaction": "GET /twice",
            "start_timestamp": 1_790_000_000.0,
            "timestamp": 1_790_000_001.0,
            "contexts": {"trace": {"trace_id": trace, "span_id": "e" * 16, "op": "http.server", "status": "ok"}},
            "spans": [
                {
                    "span_id": "f" * 16,
                    "parent_span_id": "e" * 16,
                    "op": "db",
                    "description": "SELECT 1",
                    "timestamp": 1_790_000_000.5,
                    "start_timestamp": 1_790_000_000.25,
                }
            ],
        }
    ).encode()


def test_the_same_event_twice_is_one_and_so_is_a_transaction(shop):
    id_, trace = "c" * 32, "d" * 32
    for _ in range(3):
        send(shop, envelope(({"type": "event"}, event(event_id=id_)), event_id=id_))
        send(shop, envelope(({"type": "transaction"}, transaction(id_, trace)), event_id=id_))
    stored(shop, f"SELECT 1 FROM error_occurrences WHERE error_id = '{id_}'", 1)
    spans = stored(
        shop, f"SELECT name, kind, status, duration_ns FROM spans WHERE trace_id = '{trace}' ORDER BY name", 2
    )
    assert spans == [("GET /twice", "SERVER", "OK", 1_000_000_000), ("SELECT 1", "CLIENT", "UNSET", 250_000_000)]


def test_what_is_sent_again_after_a_restart_is_not_taken_again(tmp_path):
    id_, trace = "c" * 32, "d" * 32
    auth = {}
    for _ in range(3):
        with run_server(tmp_path) as server:
            if not auth:
                key, _ = keys.create(server.serving.app.state.plainview.database, kind="dsn", name="shop", project=3)
                auth = {"X-Sentry-Auth": f"Sentry sentry_key={key.public}"}
            server.auth = auth
            for item in ({"type": "event"}, event(event_id=id_)), ({"type": "transaction"}, transaction(id_, trace)):
                answer = send(server, envelope(item, event_id=id_))
                assert (answer.status_code, answer.json()) == (200, {"id": id_})
            stored(server, f"SELECT 1 FROM error_occurrences WHERE error_id = '{id_}'", 1)
            stored(server, f"SELECT 1 FROM spans WHERE trace_id = '{trace}'", 2)


def test_what_is_unknown_is_skipped_and_the_rest_is_kept(shop):
    id_ = "9" * 32
    items = [
        ({"type": "made_up"}, b"\x00\x01"),
        ({"type": "profile"}, b"{}"),
        ({"type": "event"}, b"no json"),
        ({"type": "event"}, event(event_id=id_)),
        ({"type": "attachment", "filename": "notes.txt", "content_type": "text/plain"}, b"what I saw"),
    ]
    assert send(shop, envelope(*items, event_id=id_)).status_code == 200
    ((context,),) = stored(shop, f"SELECT context FROM error_occurrences WHERE error_id = '{id_}'", 1)
    (attachment,) = json.loads(context)["attachments"]
    assert attachment == {"filename": "notes.txt", "content_type": "text/plain", "size": 10, "text": "what I saw"}


def test_what_is_only_counted_is_counted_exactly(tmp_path):
    report = {"discarded_events": [{"reason": "queue_overflow", "category": "error", "quantity": 4}]}
    ended = {"aggregates": [{"exited": 3, "crashed": 1}], "attrs": {"release": "1"}}
    items = [
        ({"type": "client_report"}, json.dumps(report).encode()),
        ({"type": "sessions"}, json.dumps(ended).encode()),
        ({"type": "profile"}, b"{}"),
        ({"type": "made_up"}, b"?"),
    ]
    with run_server(tmp_path, metrics_interval=1) as server:
        key, _ = keys.create(server.serving.app.state.plainview.database, kind="dsn", name="shop", project=3)
        server.auth = {"X-Sentry-Auth": f"Sentry sentry_key={key.public}"}
        for _ in range(2):
            assert send(server, envelope(*items)).status_code == 200
        found = {}
        until = time.monotonic() + 30
        while sum(found.values()) < 20 and time.monotonic() < until:
            time.sleep(0.2)
            for name in ("discarded_events", "sessions", "skipped_items"):
                for one in server.get("/api/v1/query", query=f"sentry_{name}_total")["data"]["result"]:
                    told = one["metric"]
                    found[name, told.get("status") or told.get("reason") or told["type"]] = float(one["value"][1])
        assert found == {
            ("discarded_events", "queue_overflow"): 8,
            ("sessions", "exited"): 6,
            ("sessions", "crashed"): 2,
            ("skipped_items", "profile"): 2,
            ("skipped_items", "unknown"): 2,
        }


def test_check_ins_and_feedback_are_lines_of_log(shop):
    check = {
        "check_in_id": "1" * 32,
        "monitor_slug": "nightly",
        "status": "error",
        "duration": 3.5,
        "environment": "prod",
    }
    report = {"event_id": EVENT_ID, "name": "Ada", "email": "ada@example.org", "comments": "it broke"}
    send(
        shop,
        envelope(
            ({"type": "check_in"}, json.dumps(check).encode()), ({"type": "user_report"}, json.dumps(report).encode())
        ),
    )
    ((level, message, duration),) = stored(
        shop, "SELECT level, message, duration_ms FROM logs WHERE logger = 'sentry.check_in'", 1
    )
    assert (level, message, duration) == (40, "check-in of nightly: error", 3500.0)
    ((message,),) = stored(shop, "SELECT message FROM logs WHERE logger = 'sentry.feedback'", 1)
    assert message == "it broke"


def test_an_event_of_ten_megabytes_is_cut_to_what_a_line_holds(shop):
    id_ = "8" * 32
    body = envelope(
        ({"type": "event"}, event(event_id=id_, extra={f"k{n}": "x" * 100_000 for n in range(100)})), event_id=id_
    )
    assert len(body) > 10_000_000
    assert send(shop, body).status_code == 200
    stored(shop, f"SELECT 1 FROM error_occurrences WHERE error_id = '{id_}'", 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"[]\n",
        b"{}\nnothing",
        b'{}\n{"type":"event","length":99}\n{}',
        b'{}\n{"type":"event","length":-1}\n{}',
        b'{}\n{"type":"event","length":1e9}\n{}',
        b'{}\n{"type":"event","length":1}\n{}\n',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_is_no_envelope_is_a_bad_request(shop, body):
    answer = send(shop, body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"]


def test_bent_envelopes_are_answered_whatever_they_are(shop):
    chance = random.Random(7)
    sound = envelope(({"type": "event"}, event()), ({"type": "transaction"}, transaction("8" * 32, "8" * 32)))
    statuses = Counter()
    for _ in range(int(os.environ.get("PLAINVIEW_FUZZ", "20000")) // 50):
        body = bytearray(sound)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(body))
            body[at : at + chance.randrange(3)] = chance.choice((b"{", b"]", b'"', b"\n", b"-1", b"\xff", b"1e999"))
        statuses[
            send(shop, bytes(body), "/api/3/store/" if chance.random() < 0.1 else "/api/3/envelope/").status_code
        ] += 1
    assert set(statuses) == {200, 400}
    assert shop.get("/v1/health/ready")["status"] == "healthy"


def test_odd_values_become_an_error_all_the_same(shop):
    odd = {
        "event_id": "7" * 32,
        "timestamp": "a" * 1000,
        "level": {"x": 1},
        "logger": 3,
        "release": None,
        "tags": [["a", 1], ["b"], 7],
        "user": "nobody",
        "request": [],
        "breadcrumbs": {"values": [None, 1, {"message": "\ud800"}]},
        "contexts": [1],
        "exception": {
            "values": [
                None,
                {"type": 5, "value": {"x": 1}, "stacktrace": {"frames": [None, {"lineno": -1, "vars": []}]}},
            ]
        },
        "fingerprint": "text",
        "modules": {"a": None},
    }
    body = envelope(({"type": "event"}, json.dumps(odd).encode()), event_id="7" * 32)
    assert send(shop, body).status_code == 200
    stored(shop, f"SELECT 1 FROM error_occurrences WHERE error_id = '{'7' * 32}'", 1)


def test_a_full_disk_asks_to_come_later(shop, monkeypatch):
    def full(lines):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shop.serving.pipeline.inbox, "land", full)
    answer = send(shop, envelope(({"type": "event"}, event())))
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["x-sentry-rate-limits"] == "60::organization"
