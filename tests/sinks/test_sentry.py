"""The Sentry sink: what Sentry's own SDK would have sent, when the receiver wants it, and a key that stays secret."""

from __future__ import annotations

import json
import logging
import time

import msgspec
import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

import plainview
from plainview.sinks import Rejected, Unavailable
from plainview.sinks.sentry import Sentry


def dsn(receiver, project="42", path=""):
    return receiver.url.replace("://", "://publickey@") + f"{path}/{project}"


@pytest.fixture
def error_line():
    def make(error_id="0" * 31 + "1", **fields) -> bytes:
        return msgspec.json.encode(
            {"timestamp": "2026-11-22T01:47:55.123456Z", "error_id": error_id, "level": "CRITICAL", **fields}
        )

    return make


def sent(receiver) -> list[dict]:
    """The events that arrived, read by Sentry's own code."""
    envelopes = [Envelope.deserialize(request.body) for request in receiver.requests]
    for envelope in envelopes:
        (item,) = envelope.items
        assert item.headers["type"] == "event"
        assert envelope.headers["event_id"] == item.get_event()["event_id"]
    return [envelope.get_event() for envelope in envelopes]


def test_an_error_arrives_as_an_event(receiver, error_line):
    line = error_line(
        message="cannot pay", logger="shop.pay", service="shop", environment="production", version="1.2.3", host="box",
        request_id="r-1", trace_id="4bf92f3577b34da6a3ce929d0e0e4736", span_id="00f067aa0ba902b7", user_id="u-1",
        mechanism="asgi", handled=False, component="billing", fingerprint=["{{ default }}", "x"], count=7,
        extra={"order": 4711},
        context={"tags": {"plan": "free"}, "user": {"email": "a@b.example"},
                 "contexts": {"runtime": {"name": "cpython"}},
                 "request": {"method": "GET", "path": "/pay/3", "route": "/pay/{id}", "headers": {"Host": "x"}}},
        exceptions=[{"type": "PayError", "module": "shop.pay", "message": "declined", "notes": ["twice"],
                     "frames_omitted": [1, 9],
                     "frames": [{"file": "shop/pay.py", "path": "/app/shop/pay.py", "module": "shop.pay",
                                 "function": "Till.pay", "line": 3, "source": "raise", "before": ["a"], "after": ["b"],
                                 "locals": {"sum": 5}},
                                {"file": "httpx/x.py", "path": "/venv/lib/site-packages/httpx/x.py", "line": 1}]}],
    )  # fmt: skip
    Sentry(dsn(receiver, path="/sub")).write("error", [line])
    (request,) = receiver.requests
    assert request.path == "/sub/api/42/envelope/"
    assert "sentry_key=publickey" in request.headers["X-Sentry-Auth"]
    assert "sentry_version=7" in request.headers["X-Sentry-Auth"]
    (event,) = sent(receiver)
    assert event == {
        "event_id": "0" * 31 + "1",
        "timestamp": "2026-11-22T01:47:55.123456Z",
        "platform": "python",
        "level": "fatal",
        "logger": "shop.pay",
        "release": "1.2.3",
        "environment": "production",
        "server_name": "box",
        "tags": {"request_id": "r-1", "component": "billing", "service": "shop", "plan": "free"},
        "user": {"id": "u-1", "email": "a@b.example"},
        "contexts": {
            "runtime": {"name": "cpython"},
            "trace": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7", "op": "error"},
        },
        "request": {"method": "GET", "url": "/pay/3", "headers": {"Host": "x"}},
        "transaction": "GET /pay/{id}",
        "extra": {"order": 4711, "occurrences": 7},
        "fingerprint": ["{{ default }}", "x"],
        "logentry": {"formatted": "cannot pay"},
        "exception": {
            "values": [
                {
                    "type": "PayError",
                    "module": "shop.pay",
                    "value": "declined\ntwice",
                    "mechanism": {"type": "asgi", "exception_id": 0, "handled": False},
                    "stacktrace": {
                        "frames_omitted": [1, 9],
                        "frames": [
                            {
                                "filename": "shop/pay.py",
                                "abs_path": "/app/shop/pay.py",
                                "module": "shop.pay",
                                "function": "pay",
                                "lineno": 3,
                                "context_line": "raise",
                                "pre_context": ["a"],
                                "post_context": ["b"],
                                "vars": {"sum": 5},
                                "in_app": True,
                            },
                            {
                                "filename": "httpx/x.py",
                                "abs_path": "/venv/lib/site-packages/httpx/x.py",
                                "lineno": 1,
                                "in_app": False,
                            },
                        ],
                    },
                }
            ]
        },
    }


class Kept(Transport):
    """A transport of sentry-sdk that keeps what it is given."""

    events: list = []  # noqa: RUF012 - emptied by who uses it

    def capture_envelope(self, envelope):
        self.events.append(envelope.get_event())


def chained():
    try:
        try:
            {}["key"]
        except KeyError as cause:
            raise ValueError("outer") from cause
    except ValueError:
        raise OSError("outermost")  # noqa: B904 - the context is meant


def grouped():
    errors = []
    for make in (lambda: 1 / 0, lambda: int("x")):
        try:
            make()
        except (ArithmeticError, ValueError) as error:
            errors.append(error)
    raise ExceptionGroup("several", [errors[0], ExceptionGroup("inner", [errors[1]])])


@pytest.mark.parametrize("fail", [chained, grouped])
def test_it_says_of_an_exception_what_sentry_s_own_sdk_says(receiver, tmp_path, fail):
    # Its integrations would stay in force for all tests after this one.
    alone = {"default_integrations": False, "auto_enabling_integrations": False}
    sentry_sdk.init("http://key@localhost/1", transport=Kept, include_local_variables=False, **alone)
    Kept.events.clear()
    plainview.configure(dir=str(tmp_path), service="shop", environment="production", file="", sentry_dsn=dsn(receiver))
    try:
        fail()
    except Exception as error:  # noqa: BLE001 - any of them
        sentry_sdk.capture_exception(error)
        plainview.capture_exception(error)
    deadline = time.monotonic() + 20
    while not receiver.requests and time.monotonic() < deadline:
        time.sleep(0.02)
    plainview.shutdown()
    sentry_sdk.init(**alone)
    (theirs,), (ours,) = Kept.events, sent(receiver)

    def plain(text):  # their SDK leaves out how many members a group has
        return text.partition(" (")[0]

    def said(event):
        found = event["exception"]["values"]
        by_id = {value["mechanism"]["exception_id"]: value for value in found if "exception_id" in value["mechanism"]}

        def described(value):
            parent = by_id.get(value["mechanism"].get("parent_id"))
            frames = [
                (frame["function"], frame["lineno"], frame["context_line"].strip(), frame["in_app"])
                for frame in (value.get("stacktrace") or {"frames": []})["frames"]
            ]
            return (
                value["type"],
                plain(value["value"]),
                # Of a plain chain, their SDK tells nothing but the order.
                plain(parent["value"]) if parent and fail is grouped else None,
                value["mechanism"].get("source") if parent and fail is grouped else None,
                value["mechanism"].get("is_exception_group", False),
                frames,
            )

        return [described(value) for value in found]

    if fail is chained:
        assert said(ours) == said(theirs)
    assert sorted(map(str, said(ours))) == sorted(map(str, said(theirs)))
    assert said(ours)[-1] == said(theirs)[-1]


@pytest.mark.parametrize(
    "header", [{"Retry-After": "7"}, {"X-Sentry-Rate-Limits": "7:error;transaction:key, 900:span"}]
)
def test_enough_is_enough_for_as_long_as_the_receiver_says(receiver, error_line, header):
    sink = Sentry(dsn(receiver))
    receiver.answers.append((429, header, b""))
    with pytest.raises(Unavailable) as caught:
        sink.write("error", [error_line()])
    assert caught.value.retry_after == 7


def test_a_limit_may_come_with_a_success_and_what_was_sent_is_not_sent_again(receiver, error_line):
    sink = Sentry(dsn(receiver))
    receiver.answers.append((200, {"X-Sentry-Rate-Limits": "1::organization"}, b"{}"))
    lines = [error_line(f"{number:032d}") for number in range(3)]
    with pytest.raises(Unavailable) as caught:
        sink.write("error", lines)
    assert 0 < caught.value.retry_after <= 1
    assert len(receiver.requests) == 1
    time.sleep(caught.value.retry_after)
    sink.write("error", lines)
    assert [event["event_id"] for event in sent(receiver)] == [f"{number:032d}" for number in range(3)]


@pytest.mark.parametrize("limits", ["60:transaction;span:key", "soon:error", "", "::::"])
def test_a_limit_of_something_else_or_of_no_sense_holds_up_no_error(receiver, error_line, limits):
    sink = Sentry(dsn(receiver))
    receiver.answers.append((200, {"X-Sentry-Rate-Limits": limits}, b"{}"))
    sink.write("error", [error_line("1" * 32), error_line("2" * 32)])
    assert len(receiver.requests) == 2


def test_what_is_refused_or_no_record_is_counted_and_the_rest_is_sent(receiver, error_line):
    receiver.answer(413, b"too large")
    receiver.answer(400, b"bad")
    with pytest.raises(Rejected) as caught:
        Sentry(dsn(receiver)).write(
            "error", [error_line("1" * 32), error_line("2" * 32), b"no json", error_line("3" * 32)]
        )
    assert caught.value.count == 3
    assert len(receiver.requests) == 3


@pytest.mark.parametrize(
    "bad", ["x", "http://host/1", "ftp://key@host/1", "http://key@host", "http://key@/1", "http://k@h:x/1"]
)
def test_what_is_no_dsn_is_refused_without_repeating_it(tmp_path, bad):
    with pytest.raises(ValueError, match="PLAINVIEW_SENTRY_DSN is no DSN") as caught:
        plainview.configure(dir=str(tmp_path), service="x", sentry_dsn=bad.replace("key", "hunter2"))
    assert "hunter2" not in str(caught.value)


def test_the_key_is_in_no_message_and_in_no_file(receiver, tmp_path, capfd, error_line):
    receiver.answer(403, b"no")
    with pytest.raises(Rejected) as caught:
        Sentry(dsn(receiver)).write("error", [error_line()])
    assert "publickey" not in str(caught.value)
    receiver.answer(403, b"no")
    plainview.configure(dir=str(tmp_path), service="shop", environment="production", file="", sentry_dsn=dsn(receiver))
    logging.getLogger("x").error("failed", exc_info=ValueError("x"))
    deadline = time.monotonic() + 20
    while len(receiver.requests) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    plainview.shutdown()
    assert len(receiver.requests) == 2
    assert "publickey" not in capfd.readouterr().err
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"publickey" in path.read_bytes()]


def test_everything_that_was_captured_arrives_once(receiver, tmp_path):
    """A receiver that hangs up, refuses for a while, and answers again."""
    receiver.hang_up_after = 3
    receiver.answer(503)
    receiver.answer(429, Retry_After="0")
    plainview.configure(dir=str(tmp_path), service="shop", environment="production", file="", sentry_dsn=dsn(receiver))
    for number in range(30):
        plainview.capture_message(f"m{number}")
    deadline = time.monotonic() + 20
    while len({json.dumps(event) for event in sent(receiver)}) < 30 and time.monotonic() < deadline:
        time.sleep(0.05)
    plainview.shutdown()
    told = [event["logentry"]["formatted"] for event in sent(receiver)]
    assert set(told) == {f"m{number}" for number in range(30)}
    # Those that were answered with "not now" came again, and no others.
    assert len(told) - len(set(told)) == 2
