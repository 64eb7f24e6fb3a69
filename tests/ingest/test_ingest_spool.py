"""From the spool to the store: every line once, whatever the spool looks like."""

from __future__ import annotations

import os
import random
import shutil
import time

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from spool_stream import Stream, log_line, span_line

from plainview.ingest import lane, pipeline, spool
from plainview.ingest.ndjson import MAX_LINE
from plainview.ingest.spool import Follower
from plainview.segments import LOCK


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """What is waited for in life, for safety's sake, is not waited for so long here."""
    monkeypatch.setattr(spool, "_LOOK", 0.0)
    monkeypatch.setattr(spool, "_LOOK_STREAM", 0.0)
    monkeypatch.setattr(spool, "_NEWBORN", 0.0)
    monkeypatch.setattr(pipeline, "_SUMMARY", 0.0)


def lines(first: int, last: int) -> list[bytes]:
    return [log_line(number) for number in range(first, last)]


def expected(first: int, last: int) -> list[str]:
    return [f"line {number}" for number in range(first, last)]


def test_lines_are_stored_as_they_come(desk, eventually):
    stream = desk.stream()
    pipeline = desk.running()
    stream.write(*lines(0, 10))
    eventually(lambda: desk.messages() == expected(0, 10))
    stream.write(*lines(10, 15))
    stream.write(span_line(1), span_line(2), kind="span")
    eventually(lambda: desk.messages() == expected(0, 15))
    eventually(lambda: desk.store.last_id("spans") == 2)
    assert pipeline.stats()["lines"] == 17
    assert pipeline.stats()["garbage_lines"] == 0


def test_a_line_that_is_being_written_is_taken_when_it_is_whole(desk):
    stream = desk.stream()
    pipeline = desk.running()
    line = log_line(1) + b"\n"
    stream.write(log_line(0))
    stream.tear(line[:50])
    assert pipeline.drain()
    assert desk.messages() == ["line 0"]
    stream.tear(line[50:-1])
    assert pipeline.drain()
    assert desk.messages() == ["line 0"]
    stream.tear(line[-1:])
    assert pipeline.drain()
    assert desk.messages() == ["line 0", "line 1"]


def test_a_line_behind_one_that_is_still_being_copied_waits_for_it(desk):
    stream = desk.stream()
    pipeline = desk.running()
    first, second = log_line(0) + b"\n", log_line(1) + b"\n"
    stream.begin()
    place = stream.maps["log"]
    place[len(first) : len(first) + len(second)] = second
    assert pipeline.drain()
    assert desk.messages() == []
    place[20 : len(first)] = first[20:]
    assert pipeline.drain()
    assert desk.messages() == []
    place[:20] = first[:20]
    assert pipeline.drain()
    assert desk.messages() == ["line 0", "line 1"]


def test_segments_follow_one_another(desk):
    stream = desk.stream(size=2000)
    stream.write(*lines(0, 100))
    stream.write(*map(span_line, range(50)), kind="span")
    assert stream.numbers["log"] > 5
    desk.ingest()
    assert desk.messages() == expected(0, 100)
    assert desk.store.last_id("spans") == 50
    stream.write(*lines(100, 150))
    desk.ingest()
    assert desk.messages() == expected(0, 150)


def test_a_segment_that_its_writer_left_but_did_not_cut_is_finished(desk, monkeypatch):
    monkeypatch.setattr(lane, "_SETTLE", 0.05)
    stream = desk.stream()
    stream.write(*lines(0, 5))
    stream.begin(cut=False)
    stream.write(*lines(5, 10))
    pipeline = desk.running()
    while pipeline.drain() and len(desk.messages()) < 10:
        time.sleep(0.01)
    assert desk.messages() == expected(0, 10)
    assert pipeline.stats()["garbage_lines"] == 0


def test_nothing_is_read_twice_after_a_restart(desk):
    stream = desk.stream(size=4000)
    for step in range(6):
        stream.write(*lines(step * 20, step * 20 + 20))
        desk.ingest()
        desk.reopen()
    assert desk.messages() == expected(0, 120)


def test_what_is_stored_for_good_is_cleared_away_and_nothing_before(desk):
    stream = desk.stream(size=2000)
    stream.write(*lines(0, 50))
    last = stream.numbers["log"]
    pipeline = desk.ingest()
    assert len(desk.segments()) == last, "no checkpoint has been made"
    pipeline.settle()
    assert desk.segments() == [f"spool/{stream.name}/log-{last:06d}.ndjson"]
    assert stream.directory.exists()
    stream.write(*lines(50, 60))
    desk.ingest()
    assert desk.messages() == expected(0, 60)


def test_a_stream_whose_process_ended_goes_when_all_of_it_is_stored(desk):
    one, other = desk.stream(size=2000), desk.stream()
    one.write(*lines(0, 50))
    other.write(*lines(50, 60))
    one.tear(b'{"timestamp":"2026-')
    one.die()
    (one.directory / "spare-log-41-1234").write_bytes(bytes(100))
    pipeline = desk.ingest()
    assert set(desk.messages()) == set(expected(0, 60))
    assert (one.name, "log") in desk.store.offsets()
    pipeline.settle()
    assert not one.directory.exists()
    assert other.directory.exists()
    assert {stream for stream, _ in desk.store.offsets()} == {other.name}
    assert pipeline.stats()["ended_streams"][0]["stream"] == one.name
    assert len(desk.aside()) == 1


def test_a_stream_that_never_wrote_anything_goes_with_its_process(desk):
    stream = desk.stream()
    pipeline = desk.ingest()
    pipeline.settle()
    assert stream.directory.exists()
    stream.die()
    desk.ingest().settle()
    assert not stream.directory.exists()


def test_a_stream_that_was_just_made_is_left_alone(desk, monkeypatch):
    monkeypatch.setattr(spool, "_NEWBORN", 60.0)
    directory = desk.directory / "spool" / "studio-1-00000000"
    directory.mkdir(parents=True)
    (directory / LOCK).touch()
    desk.ingest().settle()
    assert directory.exists()


@pytest.mark.parametrize(
    "torn",
    [
        b"\0" * 30,
        b"garbage without an end" + b"\0" * 50,
        b"garbage\n" + b"\0" * 3 + b"more garbage\n",
        b"\0\0half a line: " + log_line(999)[40:] + b"\n",
        log_line(998)[:60] + b"\0" * 500 + log_line(998)[560:] + b"\n",
        b"\xff\xfe\xfd\n\n\n",
        b"[1, 2]\n" * 20,
    ],
)
def test_what_is_torn_or_garbage_is_skipped_kept_and_counted(desk, torn):
    stream = desk.stream()
    stream.write(*lines(0, 5))
    stream.tear(torn)
    stream.write(*lines(5, 10))
    stream.die()
    pipeline = desk.ingest()
    assert desk.messages() == expected(0, 10)
    pieces = [piece for piece in torn.replace(b"\0", b"\n").split(b"\n") if piece]
    assert pipeline.stats()["garbage_lines"] == len(pieces)
    kept = desk.aside()
    assert [entry["line"] for entry in kept] == [piece.decode(errors="replace") for piece in pieces]
    assert all(entry["reason"] and entry["stream"] == stream.name and entry["kind"] == "log" for entry in kept)


def test_a_last_line_without_its_newline_counts_if_it_is_whole(desk):
    stream = desk.stream()
    stream.write(log_line(0))
    stream.tear(log_line(1))
    stream.end()
    desk.ingest()
    assert desk.messages() == ["line 0", "line 1"]


@pytest.mark.parametrize("size", [MAX_LINE - 300, MAX_LINE, MAX_LINE + 1, 3 * MAX_LINE + 17])
@pytest.mark.parametrize("ended", [True, False])
def test_a_line_longer_than_any_may_be_is_left_out(desk, size, ended):
    long = log_line(1, message="x" * (size - len(log_line(1, message=""))))
    stream = desk.stream(size=8 << 20)
    stream.write(log_line(0), long, log_line(2))
    if ended:
        stream.die()
    pipeline = desk.ingest()
    fits = size <= MAX_LINE
    assert len(desk.messages()) == 2 + fits
    assert pipeline.stats()["garbage_lines"] == (not fits)
    assert [len(entry["line"]) <= 16 << 10 for entry in desk.aside()] == [True] * (not fits)


def test_a_long_line_that_is_still_being_written_is_waited_for(desk):
    stream = desk.stream(size=8 << 20)
    pipeline = desk.running()
    stream.write(log_line(0))
    stream.tear(b"x" * (2 * MAX_LINE))
    assert pipeline.drain()
    assert pipeline.stats()["garbage_lines"] == 0
    stream.tear(b"x\n")
    stream.write(log_line(1))
    assert pipeline.drain()
    assert desk.messages() == ["line 0", "line 1"]
    assert pipeline.stats()["garbage_lines"] == 1


def test_what_is_foreign_in_the_spool_is_left_alone(desk):
    stream = desk.stream()
    stream.write(*lines(0, 5))
    root = desk.directory / "spool"
    (root / "notes.txt").write_text("mine")
    (root / "photos").mkdir()
    (root / "photos" / "cat.jpg").write_bytes(b"\xff\xd8")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "log-000001.ndjson").write_bytes(log_line(99) + b"\n")
    (root / "link").symlink_to(stream.directory)
    for name in ("log-1.ndjson", "log-000001.ndjson.gz", "core-000001.ndjson", "log-00000a.ndjson", "core"):
        (stream.directory / name).write_bytes(log_line(98) + b"\n")
    (stream.directory / "log-000007.ndjson").mkdir()
    foreign = {path for path in desk.directory.glob("spool/**/*") if path.is_file()}
    stream.die()
    pipeline = desk.ingest()
    assert desk.messages() == expected(0, 5)
    pipeline.settle()
    left = {path for path in foreign if path.exists()}
    assert foreign - left <= {stream.path()}
    assert (root / "photos" / "cat.jpg") in left
    assert (stream.directory / "core") in left


def test_a_stream_that_cannot_be_read_does_not_hold_up_the_others(desk, monkeypatch):
    bad, good = desk.stream(), desk.stream()
    bad.begin()
    bad.path().unlink()
    bad.path().mkdir()
    good.write(*lines(0, 5))
    pipeline = desk.running()
    assert pipeline.drain()
    assert desk.messages() == expected(0, 5)
    errors = {stream["stream"]: stream["error"] for stream in pipeline.stats()["streams"]}
    assert "directory" in errors[bad.name]
    assert errors[good.name] == ""


def test_a_folder_that_vanishes_and_comes_back_is_read_on_where_it_was_left(desk):
    stream = desk.stream()
    stream.write(*lines(0, 30))
    pipeline = desk.running()
    assert pipeline.drain()
    copy = desk.directory / "copy"
    shutil.copytree(stream.directory, copy)
    shutil.rmtree(stream.directory)
    assert pipeline.drain()
    pipeline.stop()
    pipeline.settle()
    desk.reopen()
    pipeline = desk.running()
    assert pipeline.drain()
    os.close(stream.lock)
    shutil.copytree(copy, stream.directory)
    with stream.path().open("r+b") as file:
        file.seek(stream.maps["log"].tell())
        file.write(log_line(30) + b"\n")
    assert pipeline.drain()
    assert pipeline.drain()
    assert desk.messages() == expected(0, 31)


def test_a_file_that_shrank_is_waited_for(desk):
    stream = desk.stream()
    stream.write(*lines(0, 30))
    pipeline = desk.running()
    assert pipeline.drain()
    content = stream.path().read_bytes()
    stream.path().write_bytes(content[:1000])
    assert pipeline.drain()
    end = stream.maps["log"].tell()
    stream.path().write_bytes(content[:end] + log_line(30) + b"\n" + bytes(500))
    assert pipeline.drain()
    assert desk.messages() == expected(0, 31)


def test_segments_that_were_dropped_unread_are_passed_over_and_counted(desk):
    stream = desk.stream(size=2000)
    stream.write(*lines(0, 100))
    for number in (2, 3):
        stream.path(number=number).unlink()
    pipeline = desk.running()
    assert pipeline.drain()
    found = [int(message.split()[1]) for message in desk.messages()]
    assert found == sorted(set(found))
    assert found[0] == 0
    assert found[-1] == 99
    assert len(found) < 100
    assert pipeline.stats()["streams"][0]["missing_segments"] == 1


def test_the_first_segment_need_not_be_number_one(desk):
    stream = desk.stream()
    stream.numbers["log"] = 41
    stream.write(*lines(0, 5))
    desk.ingest()
    assert desk.messages() == expected(0, 5)


def test_many_streams_at_once(desk):
    streams = [desk.stream(size=8000) for _ in range(120)]
    chance = random.Random(3)
    numbers = iter(range(6000))
    for number in numbers:
        chance.choice(streams).write(log_line(number))
    pipeline = desk.running()
    for stream in streams[::2]:
        stream.end()
    for number in range(6000, 6500):
        chance.choice(streams[1::2]).write(log_line(number))
    assert pipeline.drain()
    assert desk.counts() == (6500, 6500)
    pipeline.stop()
    pipeline.settle()
    assert {stream.directory.exists() for stream in streams[::2]} == {False}
    assert {stream.directory.exists() for stream in streams[1::2]} == {True}


def test_a_long_backlog_does_not_hold_up_the_other_streams(desk):
    """Lines of every other stream are in the first batches, not behind the long one."""
    long = desk.stream(size=32 << 20)
    long.write(*(log_line(number, message="x" * 300) for number in range(40_000)))
    others = [desk.stream() for _ in range(20)]
    for other in others:
        other.write(*lines(0, 3))
    follower = Follower(desk.directory, {})
    seen = {piece.stream for piece in follower.poll(1 << 20)}
    assert seen == {long.name, *(other.name for other in others)}
    rounds = [follower.poll(1 << 20) for _ in range(3)]
    assert all(sum(len(piece.data) for piece in pieces) < 3 << 20 for pieces in rounds)
    for other in others:
        other.write(*lines(3, 5))
    assert {other.name for other in others} <= {piece.stream for piece in follower.poll(1 << 20)}


def test_what_waits_to_be_read_is_measured(desk):
    stream = desk.stream(size=3000)
    stream.write(*lines(0, 100))
    follower = Follower(desk.directory, {})
    follower.look()
    (summary,) = follower.summaries()
    content = sum(len(line) + 1 for line in lines(0, 100))
    assert summary["lag_bytes"] == content
    while follower.poll(1 << 20):
        pass
    assert follower.summaries()[0]["lag_bytes"] == 0


def test_the_status_tells_what_each_process_says_of_itself(desk):
    stream = desk.stream()
    stream.write(log_line(1))
    stream.status(dropped={"log": 3, "span": 1}, dropped_reason="disk full", degraded_since="2026-11-22T01:00:00Z")
    pipeline = desk.ingest()
    (summary,) = pipeline.stats()["streams"]
    assert summary["stream"] == stream.name
    assert (summary["service"], summary["environment"], summary["pid"], summary["alive"]) == (
        "studio",
        "test",
        41,
        True,
    )
    assert summary["dropped"] == {"log": 3, "span": 1}
    assert summary["dropped_reason"] == "disk full"
    assert summary["degraded_since"] == "2026-11-22T01:00:00Z"
    assert pipeline.stats()["dropped_total"] == 4
    stream.die()
    pipeline = desk.ingest()
    pipeline.settle()
    assert pipeline.stats()["dropped_total"] == 4
    assert pipeline.stats()["ended_streams"][0]["dropped"] == {"log": 3, "span": 1}


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 4096, b"{", b"[]", b'{"dropped": 5}', b'{"dropped": {"log": "x"}}', b"\xff"]
)
def test_a_status_that_cannot_be_read_is_no_harm(desk, content):
    stream = desk.stream()
    (stream.directory / "status").write_bytes(content)
    (stream.directory / "process.json").write_bytes(content)
    stream.write(log_line(1))
    pipeline = desk.ingest()
    assert desk.messages() == ["line 1"]
    assert pipeline.stats()["streams"][0]["dropped"] == {}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("log"), st.integers(1, 40)),
        st.tuples(st.just("span"), st.integers(1, 10)),
        st.tuples(st.just("rotate"), st.booleans()),
        st.tuples(st.just("read"), st.integers(100, 30_000)),
        st.tuples(st.just("commit"), st.none()),
        st.tuples(st.just("crash"), st.none()),
        st.tuples(st.just("collect"), st.none()),
    ),
    max_size=25,
)


@given(STEPS)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_interleaving_of_writing_reading_committing_and_crashing_gives_each_line_once(  # noqa: C901 - a step each
    tmp_path_factory, steps
):
    """A model of the store: what is committed stays; what was read after that is forgotten by a crash."""
    root = tmp_path_factory.mktemp("spool")
    stream = Stream(root, size=3000)
    offsets: dict[tuple[str, str], tuple[int, int]] = {}
    stored: dict[str, list[bytes]] = {"log": [], "span": []}
    pending: list = []
    written: dict[str, list[bytes]] = {"log": [], "span": []}
    follower = Follower(root, offsets)

    def commit() -> None:
        for piece in pending:
            assert not piece.rejected
            stored[piece.kind] += piece.data.splitlines()
            offsets[piece.stream, piece.kind] = (piece.segment, piece.offset)
        pending.clear()

    def write(kind: str, count: int) -> None:
        make = {"log": log_line, "span": span_line}[kind]
        those = [make(len(written[kind]) + number) for number in range(count)]
        written[kind].extend(those)
        stream.write(*those, kind=kind)

    for step, value in steps:
        match step:
            case "log" | "span":
                write(step, value)
            case "rotate":
                stream.begin(cut=value)
            case "read":
                pending += follower.poll(value)
            case "crash":
                pending.clear()
                follower = Follower(root, dict(offsets))
            case _:
                commit()
                if step == "collect":
                    follower.collect(dict(offsets))
    stream.end()
    follower.look(now=True)
    while pieces := follower.poll(1 << 20):
        pending += pieces
    commit()
    assert stored == written
    assert follower.collect(dict(offsets)) == [stream.name]
    assert not stream.directory.exists()
