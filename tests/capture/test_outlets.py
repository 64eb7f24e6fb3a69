"""Sinks beside the spool: each behind its own queue, none able to hold up or break the application."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

import plainview
from plainview.capture import runtime
from plainview.sinks.interface import Rejected


class Recording:
    """A sink that does what the test wants of it."""

    name = "recording"
    kinds = frozenset({"log"})

    def __init__(self, behave=lambda _lines: None):
        self.behave = behave
        self.lines: list[bytes] = []

    def write(self, _kind, lines):
        self.behave(lines)
        self.lines.extend(lines)

    def close(self):
        self.closed = True


@pytest.fixture
def with_sink(capture, monkeypatch):
    def start(sink, **given):
        monkeypatch.setattr("plainview.sinks.chosen", lambda _settings: [sink])
        capture.configure(**given)
        return sink

    return start


def wait_for(condition):
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_sink_gets_every_line_once_in_order_over_many_segments(with_sink):
    sink = with_sink(Recording(), segment_bytes=65536)
    log = plainview.get_logger("a")
    for n in range(10_000):
        log.info("line", n=n)
    wait_for(lambda: len(sink.lines) >= 10_000)
    assert [json.loads(line)["extra"]["n"] for line in sink.lines] == list(range(10_000))


def test_a_sink_that_blocks_holds_up_nobody_and_what_it_misses_is_counted(with_sink, capture):
    release = threading.Event()
    with_sink(Recording(lambda _lines: release.wait(30)))
    log = plainview.get_logger("a")
    for n in range(60_000):
        log.info("line", n=n)
    wait_for(lambda: runtime.runtime().recorder.spool.counters.sink_dropped.get("recording", 0) > 0)
    assert len(capture.logs()) == 60_000, "the spool has them all"
    release.set()


def test_a_sink_that_fails_is_said_once_and_tried_again(with_sink, capfd):
    failures = iter([ConnectionError("away"), ConnectionError("away still")])

    def fail_twice(_lines):
        for error in failures:
            raise error

    sink = with_sink(Recording(fail_twice))
    plainview.get_logger("a").info("x")
    wait_for(lambda: sink.lines)
    assert capfd.readouterr().err.count("sink recording: ConnectionError: away") == 1


def test_lines_that_a_receiver_refuses_are_dropped_and_counted(with_sink):
    def refuse(_lines):
        raise Rejected("no")

    with_sink(Recording(refuse))
    plainview.get_logger("a").info("x")
    wait_for(lambda: runtime.runtime().recorder.spool.counters.sink_dropped == {"recording": 1})


def test_the_last_lines_reach_the_console_and_the_file_at_exit(capture):
    done = capture.program(
        f"""
        plainview.configure(service='test', console='json', file={str(capture.directory / "app.log")!r},
                            dir={str(capture.directory)!r})
        for n in range(1000): log.info('line', n=n)
        """
    )
    on_console = [json.loads(line)["extra"]["n"] for line in done.stderr.splitlines()]
    in_file = [json.loads(line)["extra"]["n"] for line in (capture.directory / "app.log").read_text().splitlines()]
    assert on_console == in_file == list(range(1000))


def test_a_forked_child_has_its_own_queue_and_the_parents_lines_come_once(capture):
    done = capture.program(
        f"""
        plainview.configure(service='test', console='json', file='', dir={str(capture.directory)!r})
        log.info('before')
        pid = os.fork()
        log.info('child' if pid == 0 else 'parent')
        if pid: os.wait()
        """
    )
    told = map(json.loads, done.stderr.splitlines())
    # From 3.12 on Python warns of a fork of a process that has threads, as one has that writes to a console.
    assert sorted(line["message"] for line in told if line["logger"] != "py.warnings") == ["before", "child", "parent"]


def test_without_threads_the_sinks_get_everything_at_the_end(capture):
    """The system may have no more of them, and Python 3.12 has none while it ends."""
    done = capture.program(
        f"""
        import threading
        def start(thread): raise RuntimeError("can't create new thread at interpreter shutdown")
        threading.Thread.start = start
        plainview.configure(service='test', console='json', file={str(capture.directory / "app.log")!r},
                            dir={str(capture.directory)!r}, metrics_port=0)
        with plainview.worker('w', port=0): log.info('one')
        log.info('two')
        """
    )
    for written in (done.stderr, (capture.directory / "app.log").read_text()):
        told = [json.loads(line)["message"] for line in written.splitlines()]
        assert [message for message in told if message in {"one", "two"}] == ["one", "two"]
    assert "internal error" not in done.stderr


def test_a_port_without_a_thread_to_answer_on_it_holds_nothing_up(capture):
    """That of a worker and that of the process: neither is there, and the program ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = capture.program(
        f"""
        tried, begin = [], threading.Thread.start
        def start(thread):
            if thread.name == 'plainview-port':
                tried.append(thread)
                raise RuntimeError("can't start new thread")
            begin(thread)
        threading.Thread.start = start
        with plainview.worker('w', port=0): pass
        assert len(tried) == 1
        plainview.configure(service='test', environment='production', file='', dir={str(capture.directory)!r},
                            metrics_port={port})
        until = time.monotonic() + 60
        while len(tried) < 2 and time.monotonic() < until: time.sleep(0.02)
        plainview.shutdown()
        print(len(tried) > 1)
        """
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "True\n")


def test_a_console_whose_reader_is_gone_breaks_nothing(capture):
    capture.program(
        f"""
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 2)
        plainview.configure(service='test', console='json', file='', dir={str(capture.directory)!r})
        for n in range(100): log.info('line', n=n)
        time.sleep(0.3)
        log.info('went on')
        """
    )
    assert [line["message"] for line in capture.logs()] == ["line"] * 100 + ["went on"]
