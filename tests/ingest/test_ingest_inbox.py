"""What arrives from other machines is on the disk before it is acknowledged, and is stored once."""

from __future__ import annotations

import json
import random
import shutil
import signal
import threading
from contextlib import ExitStack

import pytest
from ingest_desk import Desk
from spool_stream import log_line, span_line

from plainview.ingest import batches, spool
from plainview.ingest.inbox import Held, Inbox, OffsetConflict
from plainview.ingest.ndjson import MAX_LINE


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(spool, "_NEWBORN", 0.0)
    monkeypatch.setattr(spool, "_LOOK", 0.0)
    monkeypatch.setattr(spool, "_LOOK_STREAM", 0.0)


def body(first: int, last: int) -> bytes:
    return b"".join(log_line(number) + b"\n" for number in range(first, last))


def test_lines_of_both_kinds_are_taken_and_stored(desk):
    pipeline = desk.running()
    lines = [log_line(1), span_line(2), b"", log_line(3, extra={"start_time_unix_nano": 5}), b"  ", span_line(4)]
    receipt = pipeline.inbox.accept(b"\r\n".join(lines))
    assert (receipt.accepted, receipt.rejected, receipt.errors, receipt.repeated) == (4, 0, [], False)
    assert pipeline.drain()
    assert sorted(desk.messages()) == ["line 1", "line 3"]
    assert desk.store.last_id("spans") == 2


def test_lines_that_are_none_are_told_by_their_number_and_not_taken(desk):
    pipeline = desk.running()
    lines = [log_line(1), b"garbage", log_line(2, pid="x"), b'{"start_time_unix_nano": 1}', b"x" * (MAX_LINE + 1)]
    lines += [log_line(3), b"\0", log_line(4, level="LOUD")]
    receipt = pipeline.inbox.accept(b"\n".join(lines))
    assert (receipt.accepted, receipt.rejected) == (2, 6)
    assert [number for number, _ in receipt.errors] == [2, 3, 4, 5, 7, 8]
    assert all(reason for _, reason in receipt.errors)
    assert pipeline.drain()
    assert desk.messages() == ["line 1", "line 3"]
    assert pipeline.stats()["garbage_lines"] == 0
    many = pipeline.inbox.accept(b"garbage\n" * 100)
    assert (many.accepted, many.rejected, len(many.errors)) == (0, 100, 20)
    assert pipeline.inbox.accept(b"").accepted == 0


@pytest.mark.parametrize("segment_bytes", [500, 1 << 20])
def test_many_senders_at_once(desk, segment_bytes):
    pipeline = desk.running()
    pipeline.inbox._landing._segment_bytes = segment_bytes

    def send(sender: int) -> None:
        for part in range(10):
            first = sender * 1000 + part * 7
            assert pipeline.inbox.accept(body(first, first + 7)).accepted == 7

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pipeline.drain()
    assert desk.counts() == (560, 560)


def test_what_was_taken_outlives_the_process(process, tmp_path):
    """Every body that was acknowledged before kill -9 is stored once."""
    program = process(
        """
import pathlib
from plainview.ingest.inbox import Inbox
from test_ingest_inbox import body
inbox = Inbox(pathlib.Path(sys.argv[1]) / "inbox", segment_bytes=5000)
number = 0
while True:
    assert inbox.accept(body(number, number + 10), f"batch {number}" if number % 3 == 0 else None).accepted == 10
    number += 10
    print(number, flush=True)
""",
        tmp_path,
    )
    for _ in range(60):
        acknowledged = int(program.stdout.readline())
    program.send_signal(signal.SIGKILL)
    rest = program.stdout.read().split()
    acknowledged = int(rest[-1]) if rest else acknowledged
    with ExitStack() as stack:
        desk = Desk(tmp_path, stack)
        pipeline = desk.ingest()
        assert desk.counts() in {(count, count) for count in range(acknowledged, acknowledged + 11)}
        pipeline.settle()
        assert [path for path in (tmp_path / "inbox").iterdir() if path.is_dir()] == []


def test_a_batch_is_taken_once_however_often_it_is_sent(desk, tmp_path):
    pipeline = desk.running()
    lines = body(0, 5) + span_line(1)
    first = pipeline.inbox.accept(lines, "the id / of\nthe sender")
    again = pipeline.inbox.accept(lines, "the id / of\nthe sender")
    assert (first.accepted, first.repeated, again.accepted, again.repeated) == (6, False, 6, True)
    assert pipeline.drain()
    assert pipeline.inbox.accept(lines, "the id / of\nthe sender").repeated
    pipeline.stop()
    pipeline.settle()
    assert [path for path in (tmp_path / "inbox").iterdir() if path.is_dir()] == []
    assert pipeline.inbox.accept(lines, "the id / of\nthe sender").repeated
    pipeline = desk.running()  # another life
    assert pipeline.inbox.accept(lines, "the id / of\nthe sender").repeated
    assert not pipeline.inbox.accept(body(5, 6), "another").repeated
    assert pipeline.drain()
    assert desk.counts() == (6, 6)
    assert desk.store.last_id("spans") == 1
    assert {stream.partition("-")[0] for stream, _ in desk.store.offsets()} == {"batch"}


def test_a_batch_sent_by_many_at_once_is_taken_once(desk):
    pipeline = desk.running()
    repeated: list[bool] = []
    threads = [
        threading.Thread(target=lambda: repeated.append(pipeline.inbox.accept(body(0, 50), "same").repeated))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(repeated) == [False] + [True] * 7
    assert pipeline.drain()
    assert desk.counts() == (50, 50)


def test_the_memory_of_batches_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "_REMEMBERED", 10)
    inbox = Inbox(tmp_path / "inbox")
    inbox.directory.mkdir()
    for number in range(100):
        inbox.remember([f"batch-{number:032x}", "studio-1-00000000"])
    names = (tmp_path / "inbox" / "taken").read_text().splitlines()
    assert 10 <= len(names) <= 20
    assert names[-1] == f"batch-{99:032x}"
    assert list(Inbox(tmp_path / "inbox")._batches._taken) == names


def test_half_a_batch_is_no_batch(desk, tmp_path):
    """A batch that was being written when the process ended is not there afterwards."""
    half = tmp_path / "inbox" / ".batch-00-1234"
    half.mkdir(parents=True)
    (half / "log-000001.ndjson").write_bytes(body(0, 5))
    desk.ingest()
    assert desk.messages() == []
    assert not half.exists()


def test_segments_arrive_in_parts_and_are_read_as_they_come(desk):
    pipeline = desk.running()
    inbox = pipeline.inbox
    data = body(0, 100)
    assert inbox.held("web-7-0000abcd", "log", 1) == Held(0, closed=False)
    assert inbox.put("web-7-0000abcd", "log", 1, 0, data[:1234]) == 1234
    assert inbox.held("web-7-0000abcd", "log", 1) == Held(1234, closed=False)
    assert pipeline.drain()
    assert 0 < desk.counts()[0] < 100
    assert inbox.put("web-7-0000abcd", "log", 1, 1234, data[1234:]) == len(data)
    assert inbox.finish("web-7-0000abcd", "log", 1, len(data)) == len(data)
    assert inbox.finish("web-7-0000abcd", "log", 1, len(data)) == len(data)
    assert inbox.put("web-7-0000abcd", "log", 2, 0, body(100, 110)) > 0
    assert pipeline.drain()
    assert desk.counts() == (110, 110)
    pipeline.stop()
    pipeline.settle()
    assert inbox.held("web-7-0000abcd", "log", 1) == Held(len(data), closed=True)
    assert inbox.put("web-7-0000abcd", "log", 1, 0, data) == len(data), "sent again, and known"
    assert desk.segments() == ["inbox/web-7-0000abcd/log-000002.ndjson"]
    assert desk.store.query("SELECT DISTINCT stream FROM logs").rows == [("web-7-0000abcd",)]


def test_a_segment_that_the_next_one_follows_is_not_finished_before_it_is_said(desk):
    pipeline = desk.running()
    data = body(0, 20)
    pipeline.inbox.put("web-7-0000abcd", "log", 1, 0, data[:500])
    pipeline.inbox.put("web-7-0000abcd", "log", 2, 0, body(20, 30))
    assert pipeline.drain()
    pipeline.inbox.put("web-7-0000abcd", "log", 1, 500, data[500:])
    assert pipeline.drain()
    assert desk.counts() == (20, 20)
    pipeline.inbox.finish("web-7-0000abcd", "log", 1, len(data))
    assert pipeline.drain()
    assert desk.counts() == (30, 30)


def test_bytes_for_another_offset_are_refused_with_the_one_that_is_held(tmp_path):
    inbox = Inbox(tmp_path / "inbox")
    inbox.put("s", "log", 1, 0, b"12345")
    for offset in (0, 4, 6, 10**9):
        with pytest.raises(OffsetConflict) as caught:
            inbox.put("s", "log", 1, offset, b"x")
        assert caught.value.held == 5
        if offset != 5:
            with pytest.raises(OffsetConflict):
                inbox.finish("s", "log", 1, offset)
    inbox.finish("s", "log", 1, 5)
    with pytest.raises(OffsetConflict) as caught:
        inbox.put("s", "log", 1, 5, b"x")
    assert caught.value.held == 5
    assert (tmp_path / "inbox" / "s" / "log-000001.ndjson").read_bytes() == b"12345"


@pytest.mark.parametrize(
    ("stream", "kind", "segment", "data"),
    [
        ("../evil", "log", 1, b"x"),
        ("..", "log", 1, b"x"),
        ("a/b", "log", 1, b"x"),
        ("", "log", 1, b"x"),
        ("a\n", "log", 1, b"x"),
        ("x" * 300, "log", 1, b"x"),
        ("batch-00000000000000000000000000000000", "log", 1, b"x"),
        ("ingest-1-00000000", "log", 1, b"x"),
        ("good", "core", 1, b"x"),
        ("good", "log", 0, b"x"),
        ("good", "log", -1, b"x"),
        ("good", "log", 10**12, b"x"),
        ("good", "log", 1, b"a\0b"),
    ],
)
def test_names_and_data_are_checked(tmp_path, stream, kind, segment, data):
    inbox = Inbox(tmp_path / "inbox")
    with pytest.raises(ValueError, match="."):
        inbox.put(stream, kind, segment, 0, data)
    assert not (tmp_path / "inbox").exists() or list((tmp_path / "inbox").iterdir()) == []


def test_a_sender_that_is_cut_off_anywhere_goes_on_and_every_line_is_stored_once(desk):
    """The sender asks how far it is held, sends from there in parts, and is cut off again and again."""
    chance = random.Random(5)
    pipeline = desk.running()
    inbox = pipeline.inbox
    segments = {1: body(0, 300), 2: body(300, 310), 3: body(310, 800)}
    for number, data in segments.items():
        while True:
            held = inbox.held("web-7-0000abcd", "log", number)
            if held.offset == len(data):
                if chance.random() < 0.5:
                    continue  # cut off before it could say that this was all
                inbox.finish("web-7-0000abcd", "log", number, len(data))
                if chance.random() < 0.5:
                    inbox.finish("web-7-0000abcd", "log", number, len(data))
                break
            inbox.put("web-7-0000abcd", "log", number, held.offset, data[held.offset :][: chance.randrange(1, 9000)])
            if chance.random() < 0.2:
                assert pipeline.drain()
            if chance.random() < 0.1:
                pipeline.stop()
                pipeline.settle()
                desk.reopen()
                pipeline = desk.running()
                inbox = pipeline.inbox
    assert pipeline.drain()
    assert desk.counts() == (800, 800)


def test_a_full_disk_is_told_and_nothing_half_is_left(tmp_path, monkeypatch):
    inbox = Inbox(tmp_path / "inbox")
    inbox.accept(body(0, 5))

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.posix_fallocate", full)
        patch.setattr(batches, "write_new", full)
        patch.setattr("os.fdatasync", full)
        with pytest.raises(OSError, match="No space"):
            inbox.accept(body(5, 10_0000))
        with pytest.raises(OSError, match="No space"):
            inbox.accept(body(5, 10), "batch")
        with pytest.raises(OSError, match="No space"):
            inbox.put("s", "log", 1, 0, body(0, 5))
    assert inbox.held("s", "log", 1).offset == 0
    assert not inbox.accept(body(5, 10), "batch").repeated
    inbox.accept(body(10, 15))
    assert inbox.put("s", "log", 1, 0, body(15, 20)) > 0
    inbox.finish("s", "log", 1, inbox.held("s", "log", 1).offset)
    inbox.close()
    with ExitStack() as stack:
        desk = Desk(tmp_path, stack)
        desk.ingest()
        assert desk.counts() == (20, 20)


def test_a_stream_of_another_machine_is_kept_for_its_sender_and_goes_in_the_end(desk, monkeypatch):
    pipeline = desk.running()
    pipeline.inbox.put("web-7-0000abcd", "log", 1, 0, body(0, 5))
    size = len(body(0, 5))
    pipeline.inbox.finish("web-7-0000abcd", "log", 1, size)
    assert pipeline.drain()
    pipeline.stop()
    pipeline.settle()
    assert pipeline.inbox.held("web-7-0000abcd", "log", 1) == Held(size, closed=True)
    monkeypatch.setattr(spool, "_KEEP_SHIPPED", -1.0)
    pipeline = desk.ingest()
    pipeline.settle()
    assert not (desk.directory / "inbox" / "web-7-0000abcd").exists()
    assert desk.store.offsets() == {}


def test_a_stream_that_is_over_goes_when_all_of_it_is_stored(desk):
    pipeline = desk.running()
    for number in (1, 2):
        pipeline.inbox.put("web-7-0000abcd", "log", number, 0, body(5 * number, 5 * number + 5))
        pipeline.inbox.finish("web-7-0000abcd", "log", number, len(body(5 * number, 5 * number + 5)))
    pipeline.inbox.end("web-7-0000abcd")
    pipeline.inbox.end("web-7-0000abcd")
    assert pipeline.drain()
    pipeline.stop()
    pipeline.settle()
    assert not (desk.directory / "inbox" / "web-7-0000abcd").exists()
    assert desk.counts() == (10, 10)
    assert desk.store.offsets() == {}
    pipeline.inbox.end("web-7-0000abcd")
    assert not (desk.directory / "inbox" / "web-7-0000abcd").exists(), "of what is gone there is nothing to end"


@pytest.mark.parametrize("closed", [True, False])
def test_lines_after_the_end_of_a_stream_are_stored_all_the_same(desk, closed, eventually):
    pipeline = desk.running()
    size = pipeline.inbox.put("s", "log", 1, 0, body(0, 5))
    if closed:
        pipeline.inbox.finish("s", "log", 1, size)
    pipeline.inbox.end("s")
    assert pipeline.inbox.held("s", "log", 1) == Held(size, closed=True)
    assert pipeline.drain()
    pipeline.inbox.put("s", "log", 2, 0, body(5, 10))
    eventually(lambda: pipeline.drain() and desk.counts() == (10, 10))
    pipeline.inbox.finish("s", "log", 2, len(body(5, 10)))
    pipeline.inbox.end("s")
    assert pipeline.drain()
    assert desk.counts() == (10, 10)


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "batch-1", "ingest-1", "x" * 201])
def test_what_is_no_stream_has_no_end(tmp_path, name):
    with pytest.raises(ValueError, match="stream"):
        Inbox(tmp_path / "inbox").end(name)


def test_a_broken_marker_counts_as_none(tmp_path):
    inbox = Inbox(tmp_path / "inbox")
    inbox.put("s", "log", 1, 0, b"123\n")
    (tmp_path / "inbox" / "s" / "log-000001.closed").write_text("what?")
    assert inbox.held("s", "log", 1) == Held(4, closed=False)
    shutil.rmtree(tmp_path / "inbox" / "s")
    assert inbox.held("s", "log", 1) == Held(0, closed=False)
    assert json.loads(log_line(1))["message"] == "line 1"
