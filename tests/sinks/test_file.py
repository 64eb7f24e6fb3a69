"""The rotating file: bounded, private, shared by several processes, and it survives what is done to it."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from plainview.sinks.file import RotatingFile, filled_in


def content(path):
    """Lines of the file and its rotated ones, oldest first."""
    numbered = sorted(path.parent.glob(path.name + ".*"), key=lambda other: -int(other.suffix[1:]))
    return [part for name in (*numbered, path) if name.exists() for part in name.read_bytes().splitlines()]


def numbers(path):
    return [json.loads(entry)["n"] for entry in content(path)]


def numbered(start, stop, padding=""):
    return [json.dumps({"n": n, "p": padding}).encode() for n in range(start, stop)]


def test_lines_arrive_in_order_and_only_the_owner_may_read(tmp_path):
    sink = RotatingFile(tmp_path / "deep" / "down" / "app.log")
    sink.write("log", numbered(0, 3))
    sink.write("log", numbered(3, 5))
    assert numbers(sink.path) == [0, 1, 2, 3, 4]
    assert sink.path.stat().st_mode & 0o777 == 0o600


@hypothesis_settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 300), min_size=1, max_size=8), max_size=12), st.integers(0, 4))
def test_no_file_is_too_large_and_the_newest_lines_are_kept(tmp_path_factory, batches, backups):
    sink = RotatingFile(tmp_path_factory.mktemp("logs") / "app.log", max_bytes=400, backups=backups)
    sent = []
    for batch in batches:
        lines = [b"%03d" % ((len(sent) + i) % 1000) + b"x" * size for i, size in enumerate(batch)]
        sink.write("log", lines)
        sent += lines
    files = list(sink.path.parent.iterdir())
    assert len(files) <= backups + 1
    assert all(name.stat().st_size <= 400 for name in files)
    kept = content(sink.path)
    assert kept == sent[len(sent) - len(kept) :]
    if sent:
        assert kept


def test_one_line_larger_than_a_file_is_written_all_the_same(tmp_path):
    sink = RotatingFile(tmp_path / "app.log", max_bytes=100, backups=5)
    sink.write("log", [b"a" * 10, b"b" * 500, b"c" * 10])
    assert content(sink.path) == [b"a" * 10, b"b" * 500, b"c" * 10]


@pytest.mark.parametrize("away", ["unlink", "rename", "folder"])
def test_a_file_that_was_taken_away_is_made_anew(tmp_path, away):
    sink = RotatingFile(tmp_path / "logs" / "app.log")
    sink.write("log", numbered(0, 1))
    if away == "unlink":
        sink.path.unlink()
    elif away == "rename":
        sink.path.rename(tmp_path / "elsewhere")
    else:
        sink.path.unlink()
        sink.path.parent.rmdir()
    sink.write("log", numbered(1, 2))
    assert numbers(sink.path) == [1]


def test_half_a_line_of_a_killed_process_spoils_no_other(tmp_path):
    sink = RotatingFile(tmp_path / "app.log")
    sink.path.write_bytes(b'{"n": 0}\n{"n": ')
    sink.write("log", numbered(1, 2))
    assert sink.path.read_bytes() == b'{"n": 0}\n{"n": \n{"n": 1, "p": ""}\n'


def test_a_full_disk_leaves_nothing_of_the_batch_and_a_later_try_writes_it_once(tmp_path, monkeypatch):
    sink = RotatingFile(tmp_path / "app.log")
    sink.write("log", numbered(0, 1))
    real, calls = os.write, []

    def full(descriptor, data):
        calls.append(len(data))
        if len(calls) == 1:
            return real(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            sink.write("log", numbered(1, 100))
    assert numbers(sink.path) == [0]
    sink.write("log", numbered(1, 100))
    assert numbers(sink.path) == list(range(100))


def test_the_path_is_settled_when_it_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sink = RotatingFile("app.log")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    sink.write("log", numbered(0, 1))
    assert (tmp_path / "app.log").exists()


def test_a_pipe_is_written_and_never_rotated(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # there before the writer: a pipe without readers keeps nothing
    try:
        RotatingFile(path, max_bytes=20, backups=1).write("log", [b"a" * 15, b"b"])
        assert os.read(reader, 100) == b"a" * 15 + b"\nb\n"
    finally:
        os.close(reader)
    assert list(tmp_path.iterdir()) == [path]


WRITER = """
import sys
from plainview.sinks.file import RotatingFile
sink = RotatingFile(sys.argv[1], max_bytes=20_000, backups=1000)
for batch in range(60):
    sink.write("log", [b'{"n": "%s-%d"}' % (sys.argv[2].encode(), batch * 20 + i) for i in range(20)])
"""


def test_several_processes_lose_and_repeat_nothing_while_they_rotate(tmp_path):
    path = tmp_path / "app.log"
    running = [subprocess.Popen([sys.executable, "-c", WRITER, path, str(n)]) for n in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    found = numbers(path)
    assert Counter(found) == Counter(f"{n}-{i}" for n in range(4) for i in range(1200))
    for n in range(4):
        own = [int(name.partition("-")[2]) for name in found if name.startswith(f"{n}-")]
        assert own == sorted(own)
    assert len(list(tmp_path.iterdir())) > 3
    assert all(name.stat().st_size <= 20_000 for name in tmp_path.iterdir())


def test_a_forked_child_and_its_parent_share_the_file(tmp_path):
    sink = RotatingFile(tmp_path / "app.log", max_bytes=5000, backups=1000)
    sink.write("log", numbered(0, 1))
    child = os.fork()
    for n in range(50):
        sink.write("log", numbered(*((1000 + n * 10, 1010 + n * 10) if child else (2000 + n * 10, 2010 + n * 10))))
    if not child:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert sorted(numbers(sink.path)) == [0, *range(1000, 1500), *range(2000, 2500)]


@given(st.text())
def test_a_service_name_cannot_lead_out_of_the_folder(service):
    path = filled_in("{dir}/logs/{service}.log", directory="/data", service=service)
    assert str(path.parent) == "/data/logs"
    assert os.path.normpath(path) == str(path)


def test_braces_of_other_kinds_are_left_alone():
    assert str(filled_in("/a/{b}/{service}.log", directory="x", service="s")) == "/a/{b}/s.log"
