"""The spool's disk is full, read-only, or taken away: the application goes on, drops are counted, it recovers."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from captured import Capture, read, status

import plainview
from plainview.capture import runtime

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    where = tmp_path / "small"
    where.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(where)], check=False)
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield where
    plainview.shutdown()
    subprocess.run(["umount", "-l", str(where)], check=True)


def wait_for(condition, seconds=15.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


def fill(path):
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))


@needs_root
def test_a_full_disk_is_survived_counted_shown_and_recovered_from(small_disk, capfd):
    capture = Capture(small_disk / "data")
    capture.configure(spool_memory_bytes=65536)
    log = plainview.get_logger("a")
    log.info("line", n=0)
    fill(small_disk / "filler")
    for n in range(1, 10_000):
        log.info("line", n=n)
    counters = runtime.runtime().recorder.spool.counters
    assert counters.dropped["log"] > 0
    assert "No space left" in counters.reason
    assert capfd.readouterr().err.count("plainview: cannot write to") == 1
    wait_for(lambda: status(capture.directory)["dropped"]["log"] == counters.dropped["log"])
    assert status(capture.directory)["degraded_since"]

    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    wait_for(lambda: status(capture.directory)["degraded_since"] is None)
    log.info("after")
    kept = [line["extra"]["n"] for line in capture.logs() if line["message"] == "line"]
    assert kept == sorted(set(kept))
    assert len(kept) + counters.dropped["log"] == 10_000
    assert capture.last()["message"] == "after"


@needs_root
def test_a_read_only_disk_from_the_start_keeps_records_in_memory_until_it_can_write(small_disk, capfd):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    capture = Capture(small_disk / "data")
    capture.configure()
    with plainview.span("s"):
        plainview.get_logger("a").info("early")
    assert "Read-only file system" in capfd.readouterr().err
    subprocess.run(["mount", "-o", "remount,rw,size=64m", str(small_disk)], check=True)
    wait_for(lambda: capture.directory.exists() and capture.logs() and capture.spans())
    plainview.get_logger("a").info("late")
    assert [line["message"] for line in capture.logs()] == ["early", "late"]


@pytest.mark.parametrize("gone", ["stream", "spool", "data"])
def test_a_folder_removed_under_a_running_application_comes_back_with_its_lines(capture, tmp_path, gone):
    log = plainview.get_logger("a")
    for n in range(100):
        log.info("line", n=n)
    (stream,) = (capture.directory / "spool").glob("[!.]*")
    # Away in one step, then emptied: it may be made again before the emptying is done.
    {"stream": stream, "spool": stream.parent, "data": capture.directory}[gone].rename(tmp_path / "removed")
    shutil.rmtree(tmp_path / "removed")
    for n in range(100, 200):
        log.info("line", n=n)
    wait_for(lambda: len(capture.logs()) == 200)
    log.info("line", n=200)
    assert [line["extra"]["n"] for line in capture.logs()] == list(range(201))
    assert stream.exists(), "the stream keeps its name, so that what was read of it is not read again"


def test_segments_closed_but_not_yet_collected_come_back_too(capture):
    capture.configure(segment_bytes=65536)
    log = plainview.get_logger("a")
    keeper = runtime.runtime().keeper
    keeper._stopping = True  # nothing is released meanwhile
    keeper._wake()
    if keeper._thread is not None:
        keeper._thread.join()
    for n in range(3000):
        log.info("line", n=n)
    shutil.rmtree(capture.directory)
    runtime.runtime().keeper._check()
    assert [line["extra"]["n"] for line in capture.logs()] == list(range(3000))


def test_a_spool_that_nobody_collects_stays_within_its_size(capture):
    capture.configure(segment_bytes=65536, spool_max_bytes=1 << 20)
    log = plainview.get_logger("a")
    for n in range(20_000):
        log.info("line", n=n)
    runtime.runtime().keeper._tick()
    runtime.runtime().keeper._sweep()
    counters = runtime.runtime().recorder.spool.counters
    size = sum(path.stat().st_size for path in (capture.directory / "spool").glob("*/log-*"))
    assert size < 2 << 20
    kept = [line["extra"]["n"] for line in capture.logs()]
    assert kept == list(range(20_000 - len(kept), 20_000)), "the oldest go first"
    assert counters.dropped["log"] == 20_000 - len(kept)
    assert "no server collected it" in counters.reason


def test_when_full_drop_never_makes_a_caller_open_a_segment(capture):
    capture.configure(when_full="drop", segment_bytes=65536)
    log = plainview.get_logger("a")
    runtime.runtime().keeper._stopping = True
    for n in range(5000):
        log.info("line", n=n)
    counters = runtime.runtime().recorder.spool.counters
    assert counters.dropped["log"] > 0
    assert len(capture.logs()) + counters.dropped["log"] == 5000


def test_folders_and_files_are_for_the_owner_only(capture):
    plainview.get_logger("a").info("x")
    (stream,) = (capture.directory / "spool").glob("[!.]*")
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in (stream, stream.parent, capture.directory))
    assert all(path.stat().st_mode & 0o077 == 0 for path in stream.glob("log-*"))


def test_a_second_configuration_begins_a_stream_of_its_own(capture, tmp_path):
    plainview.get_logger("a").info("one")
    other = Capture(tmp_path / "other")
    other.configure()
    plainview.get_logger("a").info("two")
    assert [line["message"] for line in read(capture.directory)] == ["one"]
    assert [line["message"] for line in read(other.directory)] == ["two"]


def test_an_internal_error_is_counted_said_once_and_never_raised(capture, capfd, monkeypatch):
    recorder = runtime.runtime().recorder
    monkeypatch.setattr(recorder, "static", None)
    for _ in range(5):
        plainview.get_logger("a").info("x")
    assert recorder.spool.counters.internal_errors == 5
    assert capfd.readouterr().err.count("internal error") == 1


def test_standard_error_that_nobody_reads_does_not_hold_up_the_application(tmp_path):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(4096))
    os.set_blocking(writer, True)
    (tmp_path / "file").touch()
    source = (
        f"import plainview; plainview.configure(dir={str(tmp_path / 'file' / 'x')!r}, environment='x', file='')\n"
        "plainview.get_logger('a').info('x'); print('went on')"
    )
    done = subprocess.run([sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=writer, timeout=30, check=True)
    os.close(reader)
    os.close(writer)
    assert done.stdout == b"went on\n"


def test_the_data_directory_is_found_from_the_start_whatever_the_program_changes_to(capture, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plainview.configure(dir="relative", environment="production", file="")
    monkeypatch.chdir("/")
    plainview.get_logger("a").info("x")
    assert [line["message"] for line in read(Path(tmp_path / "relative"))] == ["x"]
