"""Whatever is sent as an envelope: it is refused, or becomes lines that are records. Nothing else may happen."""

from __future__ import annotations

import json
import os
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from plainview.ingest.ndjson import MAX_LINE, decode
from plainview.ingest.sentry import MalformedEnvelope, Seen, parse, take

#: How many bent envelopes are tried; ``PLAINVIEW_FUZZ=100000`` tries more.
TRIES = int(os.environ.get("PLAINVIEW_FUZZ", "3000"))

FRAME = {
    "filename": "shop/cart.py",
    "function": "total",
    "lineno": 7,
    "context_line": "x",
    "in_app": True,
    "vars": {"n": 1},
}
EVENT = {
    "event_id": "0" * 32,
    "timestamp": 1_790_000_000.25,
    "level": "error",
    "exception": {
        "values": [
            {"type": "KeyError", "value": "'a'", "mechanism": {"type": "chained", "exception_id": 1, "parent_id": 0}},
            {
                "type": "RuntimeError",
                "value": "no",
                "stacktrace": {"frames": [FRAME, FRAME]},
                "mechanism": {"type": "generic", "handled": False, "exception_id": 0, "is_exception_group": True},
            },
        ]
    },
    "tags": [["plan", "pro"]],
    "user": {"id": 7},
    "request": {"url": "http://x/", "headers": [["Host", "x"]], "data": {"a": [1]}},
    "breadcrumbs": {"values": [{"message": "m", "timestamp": "2026-11-20T12:00:00Z"}]},
    "contexts": {"trace": {"trace_id": "1" * 32, "span_id": "2" * 16}},
    "extra": {"deep": {"er": {"and": {"deeper": {"still": 1}}}}},
    "fingerprint": ["{{ default }}", "x"],
    "threads": {"values": [{"id": 1, "current": True, "stacktrace": {"frames": [FRAME]}}]},
}
TRANSACTION = {
    "event_id": "3" * 32,
    "type": "transaction",
    "transaction": "GET /",
    "start_timestamp": 1_790_000_000,
    "timestamp": "2026-11-20T12:00:01Z",
    "contexts": {"trace": {"trace_id": "4" * 32, "span_id": "5" * 16, "op": "http.server", "status": "internal_error"}},
    "spans": [
        {
            "span_id": "6" * 16,
            "op": "db",
            "description": "SELECT",
            "start_timestamp": 1,
            "timestamp": 2,
            "data": {"a": [1]},
        }
    ],
    "measurements": {"fp": {"value": 3.5}},
}
LOG = {
    "items": [{"timestamp": 1.5, "level": "warn", "body": "b", "trace_id": "7" * 32, "attributes": {"a": {"value": 1}}}]
}
OTHERS = {
    "check_in": {"monitor_slug": "m", "status": "ok", "duration": 1.5},
    "sessions": {"aggregates": [{"exited": 3, "crashed": 1}], "attrs": {"release": "1"}},
    "session": {"status": "exited", "errors": 1, "attrs": {}},
    "client_report": {"discarded_events": [{"reason": "r", "category": "error", "quantity": 2}]},
    "feedback": {"contexts": {"feedback": {"message": "m"}}},
    "profile": {},
}


def whole() -> bytes:
    """An envelope with everything in it."""
    payloads = {"event": EVENT, "transaction": TRANSACTION, "log": LOG, **OTHERS}
    parts = [json.dumps({"event_id": "0" * 32, "dsn": "http://a@b/1"}).encode()]
    for kind, payload in payloads.items():
        data = json.dumps(payload).encode()
        parts.append(json.dumps({"type": kind, "length": len(data)}).encode() + b"\n" + data)
    parts.append(json.dumps({"type": "attachment", "filename": "a", "length": 3}).encode() + b"\nabc")
    return b"\n".join(parts) + b"\n"


def check(body: bytes) -> int:
    """Take an envelope as the server does. Gives the number of records; everything must be one."""
    try:
        envelope = parse(body)
    except MalformedEnvelope:
        return 0
    taken = take(envelope, "shop", time.time_ns(), Seen())
    count = 0
    for kind, lines in taken.lines.items():
        for line in lines:
            assert b"\n" not in line
            assert b"\0" not in line
            assert len(line) <= MAX_LINE
            records, rejected = decode(kind, line)
            assert not rejected, rejected
            count += len(records)
    return count


def test_all_of_a_sound_envelope_is_taken():
    # Error, two spans, log, check-in, two counts of sessions, a client report, feedback; and a count of the profile.
    assert check(whole()) == 10


SPLICES = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\n",
    b",",
    b":",
    b"null",
    b"1e999",
    b"-1",
    b"\xff",
    b"\\ud800",
    b"\\u0000",
    b"[" * 300,
    b"NaN",
]


@pytest.mark.parametrize("seed", range(4))
def test_bent_envelopes_are_refused_or_become_records(seed):
    random_ = random.Random(seed)
    sound = whole()
    for _ in range(TRIES // 4):
        body = bytearray(sound)
        for _ in range(random_.randint(1, 6)):
            at = random_.randrange(len(body)) if body else 0
            choice = random_.randrange(5)
            if choice == 0:
                body[at : at + 1] = bytes([random_.randrange(256)])
            elif choice == 1:
                del body[at : at + random_.randrange(1, 60)]
            elif choice == 2:
                body[at:at] = random_.choice(SPLICES)
            elif choice == 3:
                del body[at:]
            else:
                other = random_.randrange(len(body)) if body else 0
                body[at:at] = body[other : other + random_.randrange(1, 200)]
        check(bytes(body))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *EVENT,
                    *TRANSACTION,
                    "values",
                    "items",
                    "frames",
                    "type",
                    "value",
                    "stacktrace",
                    "mechanism",
                    "exception_id",
                    "parent_id",
                    "attributes",
                    "timestamp",
                    "aggregates",
                    "attrs",
                    "discarded_events",
                    "quantity",
                    "trace",
                    "message",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["event", "transaction", "log", *OTHERS]),
    st.dictionaries(
        st.sampled_from([*EVENT, *TRANSACTION, *LOG, "aggregates", "attrs", "discarded_events", "status", "duration"]),
        JSON,
        max_size=8,
    ),
)
def test_any_json_in_any_place_becomes_records(kind, payload):
    data = json.dumps(payload).encode()
    check(b"{}\n" + json.dumps({"type": kind, "length": len(data)}).encode() + b"\n" + data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_become_records(body):
    check(body)
    check(b"{}\n" + body)
    check(b'{}\n{"type":"event"}\n' + body)
