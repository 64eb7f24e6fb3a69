"""``/v1/ingest`` and ``/v1/spool``: what is acknowledged is stored, once; nothing can blow the server up."""

from __future__ import annotations

import errno
import gzip
import json
import time

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings, strategies as st
from live_server import assert_problem

from plainview.server import bodies
from plainview.server.problems import Problem

NDJSON = {"Content-Type": "application/x-ndjson"}


def line(message, **more):
    return (
        json.dumps({"timestamp": "2026-11-20T12:00:00Z", "level": "INFO", "message": message} | more).encode() + b"\n"
    )


def stored(server, message, count):
    """Wait until so many are found, and see that it is no more."""
    until = time.monotonic() + 20
    while server.post("/v1/logs/search", {"message_contains": message})["total"] < count:
        assert time.monotonic() < until
        time.sleep(0.05)
    return server.post("/v1/logs/search", {"message_contains": message})["total"] == count


@pytest.mark.parametrize(
    ("pack", "headers"),
    [
        (bytes, {}),
        (gzip.compress, {"Content-Encoding": "gzip"}),
        (lambda body: gzip.compress(body[:50]) + gzip.compress(body[50:]), {"Content-Encoding": "x-gzip"}),
        (zstandard.compress, {"Content-Encoding": "zstd"}),
        (lambda body: zstandard.compress(body[:50]) + zstandard.compress(body[50:]), {"Content-Encoding": "ZSTD"}),
        (bytes, {"Content-Type": "application/octet-stream", "Content-Encoding": "identity"}),
    ],
)
def test_lines_are_taken_in_any_wrapping(server, pack, headers):
    mark = f"wrapped-{pack}-{sorted(headers.items())}"
    body = b"".join(line(f"{mark} {n}") for n in range(20))
    answer = server.client.post("/v1/ingest", content=pack(body), headers=NDJSON | headers)
    assert answer.json() == {"accepted": 20, "rejected": 0, "errors": []}
    assert stored(server, mark, 20)


def test_bad_lines_are_told_and_the_others_taken(server):
    body = line("good one") + b"garbage\n\n" + line("good two") + b'{"level": "INFO"}\n' + line("no", level="LOUD")
    found = server.client.post("/v1/ingest", content=body, headers=NDJSON).json()
    assert (found["accepted"], found["rejected"]) == (2, 3)
    assert [error["line"] for error in found["errors"]] == [2, 5, 6]
    assert all(error["message"] for error in found["errors"])
    assert stored(server, "good", 2)


def test_a_batch_sent_again_is_taken_once(server):
    for _ in range(3):
        answer = server.client.post("/v1/ingest", content=line("batched"), headers=NDJSON | {"X-Plainview-Batch": "b1"})
        assert answer.status_code == 200
    server.client.post("/v1/ingest", content=line("batched"), headers=NDJSON | {"X-Plainview-Batch": "b2"})
    assert stored(server, "batched", 2)


def test_nothing_is_a_body_too(server):
    assert server.client.post("/v1/ingest", content=b"", headers=NDJSON).json()["accepted"] == 0


@pytest.mark.parametrize(
    ("content", "headers", "status", "field"),
    [
        (line("x"), {"Content-Type": "text/html"}, 415, "Content-Type"),
        (line("x"), {"Content-Type": "application/x-www-form-urlencoded"}, 415, "Content-Type"),
        (line("x"), {"Content-Encoding": "compress"}, 415, "Content-Encoding"),
        (line("x"), {"Content-Encoding": "gzip, gzip"}, 415, "Content-Encoding"),
        (line("x"), {"Content-Encoding": "gzip"}, 400, "body"),
        (line("x"), {"Content-Encoding": "zstd"}, 400, "body"),
        (gzip.compress(line("x") * 99, mtime=0)[:-9], {"Content-Encoding": "gzip"}, 400, "body"),
        (zstandard.compress(line("x") * 99)[:-2], {"Content-Encoding": "zstd"}, 400, "body"),
        (gzip.compress(line("x"), mtime=0) + b"tail", {"Content-Encoding": "gzip"}, 400, "body"),
        (b"x" * (bodies.MOST_PACKED + 1), {}, 413, "body"),
        (line("x"), {"X-Plainview-Batch": "x" * 201}, 422, "X-Plainview-Batch"),
    ],
)
def test_a_body_that_cannot_be_taken_is_refused(server, content, headers, status, field):
    assert_problem(server.client.post("/v1/ingest", content=content, headers=NDJSON | headers), status, field)


def test_a_body_of_unknown_length_is_bounded_too(server):
    def without_end():
        for _ in range(40):
            yield b"x" * (1 << 20)

    assert_problem(server.client.post("/v1/ingest", content=without_end(), headers=NDJSON), 413, "body")


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_a_bomb_does_not_go_off(server, encoding, pack):
    bomb = pack(b"\n" * (bodies.MOST_UNPACKED + (32 << 20)))
    assert len(bomb) < 1 << 20
    answer = server.client.post("/v1/ingest", content=bomb, headers=NDJSON | {"Content-Encoding": encoding})
    assert_problem(answer, 413, "body")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=3000), st.sampled_from(["gzip", "zstd"]), st.booleans(), st.integers(0, 400))
def test_packed_bodies_are_whole_or_refused(body, encoding, whole, cut):
    packed = {"gzip": gzip.compress, "zstd": zstandard.compress}[encoding](body)
    if whole:
        assert bodies.unpack(packed, encoding) == body
    elif cut < len(packed):
        try:
            assert bodies.unpack(packed[:cut], encoding) == b""
            assert cut == 0
        except Problem as problem:
            assert problem.status == 400  # noqa: PT017 - either is right, by length


def test_a_full_disk_is_told_and_nothing_is_kept(server, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(server.serving.pipeline.inbox, "accept", full)
    assert_problem(server.client.post("/v1/ingest", content=line("x"), headers=NDJSON), 507)


SEGMENT = "/v1/spool/app-1-abcdef01/log/1"


def test_a_segment_is_shipped_in_pieces_each_once(server):
    first, second = line("shipped 1"), line("shipped 2") + line("shipped 3")
    end = len(first) + len(second)
    assert server.get(SEGMENT) == {"offset": 0}
    put = server.client.put
    assert put(f"{SEGMENT}?offset=0", content=first, headers=NDJSON).json() == {"offset": len(first)}
    # Sent again, because the answer was lost: told where to go on.
    problem = assert_problem(put(f"{SEGMENT}?offset=0", content=first, headers=NDJSON), 409, "offset")
    assert problem["offset"] == len(first)
    assert put(
        f"{SEGMENT}?offset={len(first)}", content=gzip.compress(second), headers=NDJSON | {"Content-Encoding": "gzip"}
    ).json() == {"offset": end}
    assert server.get(SEGMENT) == {"offset": end}
    assert_problem(put(f"{SEGMENT}/close?offset=1"), 409, "offset")
    assert put(f"{SEGMENT}/close?offset={end}").json() == {"offset": end}
    assert put(f"{SEGMENT}/close?offset={end}").json() == {"offset": end}
    assert stored(server, "shipped", 3)


@pytest.mark.parametrize(
    ("path", "content", "status", "field"),
    [
        ("/v1/spool/..%2f..%2fetc/log/1?offset=0", b"", 404, None),
        ("/v1/spool/.hidden/log/1?offset=0", b"", 422, "stream"),
        ("/v1/spool/batch-1/log/1?offset=0", b"", 422, "stream"),
        ("/v1/spool/a%00b/log/1?offset=0", b"", 422, "stream"),
        ("/v1/spool/app/core/1?offset=0", b"", 422, "kind"),
        ("/v1/spool/app/log/0?offset=0", b"", 422, "segment"),
        ("/v1/spool/app/log/x?offset=0", b"", 422, "segment"),
        (f"/v1/spool/app/log/{10**20}?offset=0", b"", 422, "segment"),
        ("/v1/spool/app/log/1?offset=-1", b"", 422, "offset"),
        ("/v1/spool/app/log/1", b"", 422, "offset"),
        ("/v1/spool/app/log/1?offset=5", line("x"), 409, "offset"),
        ("/v1/spool/app/log/1?offset=0", b"a\0b\n", 422, "body"),
        ("/v1/spool/app/log/1/close?offset=7", b"", 409, "offset"),
    ],
)
def test_a_shipment_that_makes_no_sense_is_refused(server, path, content, status, field):
    assert_problem(server.client.put(path, content=content, headers=NDJSON), status, field)


def test_a_stream_is_said_to_be_over_as_often_as_one_likes(server):
    body = line("over")
    server.client.put("/v1/spool/app-1-abcdef09/log/1?offset=0", content=body, headers=NDJSON)
    server.client.put(f"/v1/spool/app-1-abcdef09/log/1/close?offset={len(body)}")
    for stream in ("app-1-abcdef09", "app-1-abcdef09", "nobody-1-abcdef01"):
        answer = server.client.put(f"/v1/spool/{stream}/end")
        assert (answer.status_code, answer.content) == (204, b"")
    assert stored(server, "over", 1)


@pytest.mark.parametrize("stream", [".hidden", "batch-1", "ingest-1", "a%00b", "x" * 201])
def test_the_end_of_what_is_no_stream_is_refused(server, stream):
    assert_problem(server.client.put(f"/v1/spool/{stream}/end"), 422, "stream")
