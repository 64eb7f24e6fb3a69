"""Following along over server-sent events."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from itertools import pairwise

import httpx
import pytest
from live_server import assert_problem, run_server

from plainview.server import tail as tails


@contextmanager
def following(server, last=None, **params):
    """The events of a stream as they come: (name, id, data)."""
    headers = {} if last is None else {"Last-Event-ID": last}
    with server.client.stream("GET", "/v1/logs/tail", headers=headers, params=params) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        events = parsed(response.iter_lines())
        assert next(events)[0] == "ping"  # connected
        yield events


def parsed(lines):
    fields = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        else:
            yield fields["event"], fields.get("id"), json.loads(fields["data"])
            fields = {}


def messages(data):
    return [entry["message"] for entry in data["logs"]]


def test_new_logs_come_as_they_are_stored_oldest_first(server):
    server.ingest({"message": "before"})
    with following(server) as events:
        server.ingest({"message": "one"}, {"message": "two\n\r\x1b"})
        name, _, data = next(events)
        assert (name, messages(data)) == ("logs", ["one", "two\n\r\x1b"])
        server.ingest({"message": "three"})
        assert messages(next(events)[2]) == ["three"]


def test_a_filter_applies(server):
    with following(server, q="-noise", level="warning", service=["a", "b"]) as events:
        server.ingest(
            {"message": "noise", "level": "ERROR", "service": "a"},
            {"message": "low", "service": "a"},
            {"message": "right", "level": "ERROR", "service": "b"},
            {"message": "other", "level": "ERROR", "service": "c"},
        )
        assert messages(next(events)[2]) == ["right"]


def test_who_comes_back_misses_nothing_and_sees_nothing_twice(server):
    with following(server) as events:
        server.ingest({"message": "seen"})
        name, last, _ = next(events)
    assert name == "logs"
    server.ingest({"message": "missed 1"})
    server.ingest({"message": "missed 2"})
    with following(server, last) as events:
        assert messages(next(events)[2]) == ["missed 1", "missed 2"]
    with following(server, after=last) as events:
        assert messages(next(events)[2]) == ["missed 1", "missed 2"]
    page = server.post("/v1/logs/search", {})
    with following(server, after=page["last_id"]) as events:
        server.ingest({"message": "after the search"})
        assert messages(next(events)[2]) == ["after the search"]


@pytest.mark.parametrize("last", ["x", "-1", "9" * 30, "1.5"])
def test_a_place_that_is_none_is_refused(server, last):
    answer = server.client.get("/v1/logs/tail", headers={"Last-Event-ID": last})
    assert_problem(answer, 422, "Last-Event-ID")


def test_a_quiet_stream_gives_signs_of_life(server, monkeypatch):
    monkeypatch.setattr(tails, "_PING", 0.5)
    with following(server, q="never") as events:
        assert next(events)[0] == "ping"


def test_only_so_many_follow_at_once(server, monkeypatch):
    monkeypatch.setattr(tails, "_FOLLOWERS", 2)
    with ExitStack() as stack:
        stack.enter_context(following(server))
        stack.enter_context(following(server))
        answer = server.client.get("/v1/logs/tail")
        assert_problem(answer, 503)
        assert answer.headers["retry-after"]


def test_a_client_that_does_not_keep_up_gets_the_newest_and_the_number_of_the_rest(server):
    big = "x" * 15_000
    with socket.create_connection(server.serving.listener.getsockname()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
        connection.sendall(b"GET /v1/logs/tail?q=slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = connection.recv(10)  # connected; reads no further for now
        for _ in range(4):
            server.ingest(*({"message": f"slow {big}"} for _ in range(600)))
        server.ingest({"message": "slow last"})
        connection.settimeout(20)
        while b"slow last" not in received[-100_000:]:
            received += connection.recv(1 << 20)
    events = [line for line in received.decode().split("\n") if line.startswith(("event:", "data:"))]
    skipped = sum(json.loads(data[5:])["count"] for name, data in pairwise(events) if name == "event: skipped")
    assert skipped > 0
    assert received.count(b'"message":"slow ') + skipped == 2401


def test_a_client_that_takes_nothing_at_all_is_let_go(server, monkeypatch):
    monkeypatch.setattr(tails, "_STALLED", 0.5)
    followers = server.serving.app.state.plainview.tails
    until = time.monotonic() + 60
    with socket.create_connection(server.serving.listener.getsockname()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        connection.sendall(b"GET /v1/logs/tail?q=stall HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while not followers._followers:
            assert time.monotonic() < until
        while followers._followers:
            assert time.monotonic() < until
            server.ingest(*({"message": "stall" + "x" * 15_000} for _ in range(300)))


def test_streams_end_with_the_server(tmp_path):
    ended = threading.Event()
    with run_server(tmp_path) as server, httpx.Client(base_url=server.url, timeout=20, trust_env=False) as client:
        connected = threading.Event()

        def follow():
            with client.stream("GET", "/v1/logs/tail") as response:
                for _ in response.iter_lines():
                    connected.set()
            ended.set()

        thread = threading.Thread(target=follow)
        thread.start()
        assert connected.wait(10)
        server.serving.app.state.server.should_exit = True
        thread.join(10)
        assert ended.is_set()
