"""Sinks over HTTP, against a real server: what arrives, what is tried again and what is not."""

from __future__ import annotations

import json
import os
import socket

import pytest

from plainview.sinks import Rejected, Unavailable
from plainview.sinks.loki import Loki
from plainview.sinks.otlp import Otlp
from plainview.sinks.webhook import Webhook

SINKS = [Otlp, Loki, Webhook]
every_sink = pytest.mark.parametrize("make", SINKS)


@every_sink
@pytest.mark.parametrize("status", [400, 401, 403, 404, 301])
def test_a_refusal_is_for_good(receiver, line, make, status):
    receiver.answer(status, b"out of order", Location="http://elsewhere/")
    with pytest.raises(Rejected, match=f"{status} .*out of order") as caught:
        make(receiver.url).write("log", [line(), line()])
    assert caught.value.count == 2


@every_sink
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_not_now_may_be_tried_again(receiver, line, make, status):
    receiver.answer(status)
    sink = make(receiver.url)
    with pytest.raises(Unavailable, match=str(status)):
        sink.write("log", [line()])
    sink.write("log", [line()])
    assert len(receiver.requests) == 2


@every_sink
def test_how_long_the_receiver_asks_to_be_left_alone_is_passed_on(receiver, line, make):
    for text, low, high in (("7", 7, 7), ("Fri, 01 Jan 2100 00:00:00 GMT", 1e9, 1e10), ("soon", None, None)):
        receiver.answer(503, Retry_After=text)
        with pytest.raises(Unavailable) as caught:
            make(receiver.url).write("log", [line()])
        assert caught.value.retry_after is low or low <= caught.value.retry_after <= high


@every_sink
def test_nobody_there_may_be_tried_again(line, make):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        with pytest.raises(Unavailable, match="refused"):
            make(f"http://127.0.0.1:{taken.getsockname()[1]}").write("log", [line()])


@every_sink
def test_a_receiver_that_never_answers_is_left_after_the_timeout(line, make):
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unavailable, match="timed out"):
        make(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.1).write("log", [line()])


@every_sink
def test_a_receiver_that_talks_nonsense_may_be_tried_again(line, make):
    with socket.create_server(("127.0.0.1", 0)) as server:
        sink = make(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=5)
        import threading

        def nonsense():
            connection, _ = server.accept()
            connection.recv(10)
            connection.sendall(b"220 smtp.example.com ESMTP\r\n")
            connection.close()

        thread = threading.Thread(target=nonsense)
        thread.start()
        with pytest.raises(Unavailable):
            sink.write("log", [line()])
        thread.join()


@every_sink
def test_one_connection_serves_all_batches(receiver, line, make):
    sink = make(receiver.url)
    for _ in range(5):
        sink.write("log", [line()])
    assert len({request.connection for request in receiver.requests}) == 1
    sink.close()
    sink.write("log", [line()])
    assert len(receiver.requests) == 6


@every_sink
def test_a_connection_that_was_closed_while_idle_is_replaced(receiver, line, make):
    receiver.hang_up_after = 1
    sink = make(receiver.url)
    for _ in range(3):
        sink.write("log", [line()])
    assert len(receiver.requests) == 3


@every_sink
def test_a_forked_child_opens_a_connection_of_its_own(receiver, line, make):
    sink = make(receiver.url)
    sink.write("log", [line()])
    child = os.fork()
    if not child:
        sink.write("log", [line()])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    sink.write("log", [line()])
    mine, childs, again = (request.connection for request in receiver.requests)
    assert mine == again != childs


@every_sink
def test_too_large_a_batch_goes_in_halves_and_one_too_large_line_is_refused(receiver, line, make):
    receiver.limit = 6000
    noise = os.urandom(6000).hex()
    lines = [line(message=f"m{n}") for n in range(6)] + [line(message=noise)]
    with pytest.raises(Rejected, match="413") as caught:
        make(receiver.url).write("log", lines)
    assert caught.value.count == 1
    arrived = b"".join(request.body for request in receiver.requests)
    positions = [arrived.index(b"m%d" % n) for n in range(6)]
    assert positions == sorted(positions)
    assert [arrived.count(b"m%d" % n) for n in range(6)] == [1] * 6


@pytest.mark.parametrize("make", [Otlp, Loki])
def test_a_line_that_is_no_record_is_refused_alone(receiver, line, make):
    with pytest.raises(Rejected) as caught:
        make(receiver.url).write("log", [line(message="before"), b"{nonsense", line(message="after")])
    assert caught.value.count == 1
    arrived = b"".join(request.body for request in receiver.requests)
    assert b"before" in arrived
    assert b"after" in arrived


@every_sink
def test_a_password_in_the_url_is_sent_and_never_shown(receiver, line, make):
    receiver.answer(200)
    receiver.answer(401, b"who?")
    sink = make(receiver.url.replace("http://", "http://me:hunter%402@"))
    sink.write("log", [line()])
    assert receiver.requests[0].headers["Authorization"] == "Basic bWU6aHVudGVyQDI="
    with pytest.raises(Rejected) as caught:
        sink.write("log", [line()])
    assert "hunter" not in str(caught.value)


def test_the_webhook_gets_the_lines_as_they_are(receiver, line):
    lines = [line(n=1), line(n=2)]
    Webhook(f"{receiver.url}/hook?key=1").write("log", lines)
    request = receiver.requests[0]
    assert request.path == "/hook?key=1"
    assert request.headers["Content-Type"] == "application/x-ndjson"
    assert request.body == lines[0] + b"\n" + lines[1] + b"\n"


def test_loki_gets_three_labels_and_the_lines_as_they_are(receiver, line):
    lines = [line(), line(level="ERROR"), line(request_id="r1"), line(service="other", environment="")]
    Loki(receiver.url).write("log", lines)
    request = receiver.requests[0]
    assert request.path == "/loki/api/v1/push"
    assert request.headers["Content-Encoding"] == "gzip"
    moment = "1795312075123456000"
    studio = {"service": "studio", "environment": "development"}
    assert json.loads(request.body) == {
        "streams": [
            {
                "stream": {**studio, "level": "INFO"},
                "values": [[moment, lines[0].decode()], [moment, lines[2].decode()]],
            },
            {"stream": {**studio, "level": "ERROR"}, "values": [[moment, lines[1].decode()]]},
            {"stream": {"service": "other", "level": "INFO"}, "values": [[moment, lines[3].decode()]]},
        ]
    }


@pytest.mark.parametrize("suffix", ["", "/", "/loki/api/v1/push", "/tenant/loki/api/v1/push"])
def test_loki_takes_its_address_or_the_whole_url(receiver, line, suffix):
    Loki(receiver.url + suffix).write("log", [line()])
    assert receiver.requests[0].path.endswith("/loki/api/v1/push")
