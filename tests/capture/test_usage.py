"""What operations use: processor time and memory, looked at while they are open."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest
from captured import read

import plainview
from plainview.capture.operations import usage
from plainview.capture.operations.operation import job, operation, task
from plainview.capture.runtime import runtime

MIB = 1 << 20


def closed(directory, name: str) -> dict:
    (found,) = [
        line for line in read(directory, "operation") if line["event"] == "close" and line["name"] == name
    ]  # fmt: skip
    return found


def compute(milliseconds: float) -> None:
    """Take processor time of this thread."""
    from time import thread_time

    end = thread_time() + milliseconds / 1000
    while thread_time() < end:
        sum(range(1000))


def test_an_operation_tells_the_processor_time_that_it_took(capture):
    capture.configure()
    with job("computes"):
        compute(30)
    with job("waits"):
        threading.Event().wait(0.03)
    assert closed(capture.directory, "computes")["cpu_ms"] >= 29
    assert closed(capture.directory, "waits")["cpu_ms"] < closed(capture.directory, "computes")["cpu_ms"]


def test_threads_that_an_operation_starts_count_for_it(capture):
    capture.configure()
    with job("starts a thread"):
        worker = threading.Thread(target=compute, args=(30,))
        worker.start()
        worker.join()
    assert closed(capture.directory, "starts a thread")["cpu_ms"] >= 29


def test_operations_in_several_threads_are_not_charged_with_each_other(capture):
    """A thread that waits beside one that computes has taken no time, though their process has."""
    capture.configure()
    both, over = threading.Barrier(2), threading.Event()

    def waits():
        with job("waits beside"):
            both.wait()
            over.wait(30)

    thread = threading.Thread(target=waits)
    thread.start()
    with job("computes beside"):
        both.wait()
        compute(60)
        over.set()
        thread.join()
    assert closed(capture.directory, "computes beside")["cpu_ms"] >= 59
    assert closed(capture.directory, "waits beside")["cpu_ms"] < 30


def test_what_is_handed_to_a_pool_is_charged_with_its_own_thread_and_the_whole_with_all(capture):
    capture.configure()
    outer = usage.begin(whole=True)
    figures = []

    def piece():
        inner = usage.begin(outer)
        compute(20)
        figures.append(usage.end(inner)[0])

    threads = [threading.Thread(target=piece) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(19e6 <= spent < 39e6 for spent in figures)
    assert usage.end(outer)[0] >= 39e6


def test_memory_is_told_at_its_most_and_by_what_is_left_of_it(capture):
    done = capture.program(
        """
        from plainview import job
        with job("frees"):
            held = bytearray(os.urandom(1)) * (64 << 20)
            time.sleep(0.5)
            del held
            time.sleep(0.2)
        with job("keeps"):
            kept = bytearray(os.urandom(1)) * (32 << 20)
            time.sleep(0.05)
        """
    )
    assert done.returncode == 0, done.stderr
    frees, keeps = closed(capture.directory, "frees"), closed(capture.directory, "keeps")
    assert abs(frees["memory_delta_bytes"]) < 16 * MIB
    assert frees["memory_peak_bytes"] > keeps["memory_peak_bytes"] + 16 * MIB
    assert 24 * MIB < keeps["memory_delta_bytes"] < 48 * MIB


def test_a_peak_between_two_looks_is_found_where_it_is_the_highest_of_the_process(capture):
    done = capture.program(
        """
        with plainview.job("before"):
            time.sleep(0.05)
        with plainview.job("spikes"):
            bytearray(os.urandom(1)) * (64 << 20)
            time.sleep(0.05)
        """
    )
    assert done.returncode == 0, done.stderr
    spikes = closed(capture.directory, "spikes")
    assert spikes["memory_peak_bytes"] > closed(capture.directory, "before")["memory_peak_bytes"] + 48 * MIB
    assert abs(spikes["memory_delta_bytes"]) < 16 * MIB


def test_a_peak_below_the_highest_of_the_process_is_found_by_the_samples(capture):
    done = capture.program(
        """
        bytearray(os.urandom(1)) * (256 << 20)
        with plainview.job("later"):
            held = bytearray(os.urandom(1)) * (64 << 20)
            time.sleep(1.2)
            del held
            time.sleep(0.05)
        """
    )
    assert done.returncode == 0, done.stderr
    later = closed(capture.directory, "later")
    assert abs(later["memory_delta_bytes"]) < 16 * MIB
    assert 64 * MIB < later["memory_peak_bytes"] < 200 * MIB


def test_what_is_over_at_once_has_no_figures_of_memory(capture):
    capture.configure()
    with task("short"):
        pass
    short = closed(capture.directory, "short")
    assert "cpu_ms" in short
    assert not {"memory_peak_bytes", "memory_delta_bytes"} & set(short)


def test_as_many_as_you_like_may_be_open_and_looking_at_them_costs_the_same(capture):
    """A sample is one for all: what is kept of the samples does not grow with the operations."""
    capture.configure()
    opened = [usage.begin() for _ in range(100_000)]
    usage._look(0.0)
    usage._look(0.0)
    assert len(usage._samples) < 100
    threading.Event().wait(0.02)
    figures = [usage.end(one) for one in opened]
    assert all(peak >= MIB for _, peak, _ in figures)
    usage._look(0.0)
    assert not usage._samples


def test_a_forked_child_looks_at_itself(capture):
    done = capture.program(
        """
        with plainview.job("parent"):
            time.sleep(0.05)
            child = os.fork()
            if child == 0:
                with plainview.job("child"):
                    held = bytearray(os.urandom(1)) * (64 << 20)
                    time.sleep(0.3)
                os._exit(0)
            os.waitpid(child, 0)
        """
    )
    assert done.returncode == 0, done.stderr
    parent, child = closed(capture.directory, "parent"), closed(capture.directory, "child")
    assert parent["pid"] != child["pid"]
    assert child["memory_delta_bytes"] > 48 * MIB
    assert parent["memory_peak_bytes"] < child["memory_peak_bytes"] - 32 * MIB


def test_a_descriptor_that_the_application_closed_and_reused_is_neither_read_nor_closed(tmp_path):
    assert usage.resident_bytes() > MIB
    (tmp_path / "theirs").write_text("1 2 3")
    theirs = os.open(tmp_path / "theirs", os.O_RDONLY)
    taken = usage._descriptor
    os.dup2(theirs, taken)
    try:
        assert usage.resident_bytes() > MIB
        assert os.pread(taken, 5, 0) == b"1 2 3"
        os.close(theirs)
        usage._descriptor = taken
        usage._in_child()
        assert os.pread(taken, 5, 0) == b"1 2 3"
    finally:
        os.close(taken)


def test_whoever_wants_samples_is_given_them(capture):
    capture.configure()
    plainview.get_logger("t").info("the keeper runs")
    taken, enough = [], threading.Event()

    def take(sample):
        taken.append(sample)
        if len(taken) == 3:
            enough.set()

    watching = usage.watch(take, 0.1)
    assert enough.wait(30)
    watching.stop()
    assert all(sample.memory_bytes > MIB and sample.cpu_percent >= 0 for sample in taken)
    assert watching.take().memory_bytes > MIB


def test_a_callback_that_raises_is_counted_and_called_again(capture):
    capture.configure()
    plainview.get_logger("t").info("the keeper runs")
    calls, again = [], threading.Event()

    def fails(_sample):
        calls.append(1)
        if len(calls) == 2:
            again.set()
        raise ValueError("theirs")

    watching = usage.watch(fails, 0.1)
    assert again.wait(30)
    watching.stop()
    assert runtime().recorder.spool.counters.internal_errors >= 1


def test_a_child_does_not_go_on_with_its_parents_samples(capture):
    done = capture.program(
        """
        from plainview.capture.operations import usage
        log.info("the keeper runs")
        usage.watch(lambda sample: os.write(1, b"%d\\n" % os.getpid()), 0.1)
        if os.fork() == 0:
            log.info("so does the child's")
            time.sleep(1)
            os._exit(0)
        time.sleep(0.5)
        os.write(1, b"parent %d\\n" % os.getpid())
        os.wait()
        """
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("\n")
    (parent,) = [line.split()[1] for line in lines if line.startswith("parent")]
    assert {line for line in lines if line and not line.startswith("parent")} == {parent}


def test_an_operation_that_is_open_does_not_keep_the_interpreter_from_exiting(capture):
    done = capture.program("work = plainview.job('open').start(); time.sleep(0.6); print('end')")
    assert (done.returncode, done.stdout) == (0, "end\n")


def test_under_gevent_operations_that_begin_at_once_tell_what_they_use(capture):
    """The first of them opens the spool, which lets the others run; there is one stream all the same."""
    pytest.importorskip("gevent")
    path = capture.directory.parent / "green.py"
    path.write_text(
        "from gevent import monkey; monkey.patch_all()\n"
        "import sys, threading, time, plainview\n"
        f"plainview.configure(service='green', environment='production', file='', dir={str(capture.directory)!r})\n"
        "def work(name):\n"
        "    with plainview.job(name):\n"
        "        time.sleep(0.3)\n"
        "threads = [threading.Thread(target=work, args=(f'green {n}',)) for n in range(3)]\n"
        "[thread.start() for thread in threads]; [thread.join() for thread in threads]\n"
    )
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list((capture.directory / "spool").glob("green-*"))) == 1
    for number in range(3):
        line = closed(capture.directory, f"green {number}")
        assert line["memory_peak_bytes"] > MIB
        assert line["cpu_ms"] >= 0


def test_of_a_kind_of_ones_own_it_is_told_as_well(capture):
    capture.configure()
    with operation("import", "books"):
        threading.Event().wait(0.02)
    line = json.loads(json.dumps(closed(capture.directory, "books")))
    assert (line["kind"], line["memory_peak_bytes"] > MIB) == ("import", True)


def test_nothing_that_has_ended_is_taken_for_open(capture):
    """Else all that comes after would be charged as if something worked beside it."""
    capture.configure()
    before = set(usage._open), set(usage._wholes)
    run = plainview.run("nightly", print_summary=False, summary_dir=capture.directory)
    with plainview.worker("encoder"), run, job("render"), task("draw"):
        pass
    with task("draw") as drawn, job("render") as rendered:
        rendered.detach()
        drawn.progress(1, 2)
    assert (set(usage._open), set(usage._wholes)) == before
