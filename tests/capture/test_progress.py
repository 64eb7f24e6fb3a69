"""Progress: what a person sees of it on a terminal, in a file and in the UI, and what it never does to a loop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from captured import read
from hypothesis import given, strategies as st
from terminal import Terminal

import plainview
from plainview.capture.operations.operation import job
from plainview.capture.operations.progress import progress
from plainview.capture.operations.track import Track


def events(directory, *kinds: str) -> list[dict]:
    return [line for line in read(directory, "operation") if not kinds or line["event"] in kinds]


@pytest.fixture
def terminal(tmp_path):
    return Terminal(tmp_path)


# -- a terminal -------------------------------------------------------------------------------------------------------


def test_on_a_terminal_loops_are_bars_inside_each_other_and_the_log_and_prints_come_above_them(terminal):
    code = terminal.run(
        """
        import sys, time, plainview
        log = plainview.get_logger("batch")
        for year in plainview.progress(range(3), name="years"):
            for event in plainview.progress(range(25), name="events"):
                time.sleep(0.02)
            log.info("year is done", year=year, text="y" * 200)
            print("printed", year)
        print("end")
        """,
        console="pretty",
    )
    assert code == 0
    drawn = terminal.written.decode()
    assert "  events " in drawn
    (bar,) = [line for line in terminal.lines if line.startswith("years")]
    assert "3/3" in bar
    assert not [line for line in terminal.lines if line.lstrip().startswith("events")]
    assert terminal.lines.index("printed 0") < terminal.lines.index(bar) < terminal.lines.index("end")
    logged = [line for line in terminal.lines if "year is done" in line]
    assert [line.rpartition("year=")[2][:1] for line in logged] == ["0", "1", "2"]
    assert terminal.lines.index(logged[-1]) < terminal.lines.index(bar)
    assert "".join(terminal.lines).count("y" * 200) == 3


def test_several_bars_stand_there_at_once(terminal):
    code = terminal.run(
        """
        import threading, time, plainview
        def work(name):
            for _ in plainview.progress(range(40), name=name):
                time.sleep(0.02)
        threads = [threading.Thread(target=work, args=(f"part {n}",)) for n in range(3)]
        [thread.start() for thread in threads]; [thread.join() for thread in threads]
        """
    )
    assert code == 0
    bars = [line for line in terminal.lines if line.startswith("part")]
    assert [bar[:6] for bar in sorted(bars)] == ["part 0", "part 1", "part 2"]
    assert all("40/40" in bar for bar in bars)


def test_what_an_operation_tells_of_its_progress_is_a_bar_as_well_as_long_as_it_lasts(terminal):
    code = terminal.run(
        """
        import time, plainview
        with plainview.job("render") as job:
            for frame in range(40):
                job.progress(frame + 1, total=40, step=f"frame {frame}")
                time.sleep(0.02)
        with plainview.job("convert") as job:
            for percent in range(0, 101, 2):
                job.progress(percent)
                time.sleep(0.01)
        """
    )
    assert code == 0
    render, convert = [line for line in terminal.lines if line.startswith("job ")]
    assert "40/40" in render
    assert "frame 39" in render
    assert "100 %" in convert


def test_a_loop_that_is_over_at_once_draws_nothing(terminal):
    assert terminal.run("import plainview\nfor _ in plainview.progress(range(1000), name='quick'): pass") == 0
    assert "quick" not in terminal.written.decode()


def test_names_and_steps_cannot_play_tricks_on_the_terminal(terminal):
    code = terminal.run(
        r"""
        import time, plainview
        with plainview.job("j\x1b[2J\nforged") as job:
            for n in plainview.progress(range(30), name="[red]\x1b]0;title\x07 :smile:"):
                job.progress(n, 30, "step\x1b[1A")
                time.sleep(0.02)
        """
    )
    assert code == 0
    written = terminal.written.decode()
    assert "\x1b[2J" not in written
    assert "\x1b]0;" not in written
    assert any(line.lstrip().startswith(r"[red]\x1b]0;title\x07 :smile:") for line in terminal.lines)


def test_standard_output_that_is_no_terminal_is_left_alone(terminal, tmp_path):
    code = terminal.run(
        """
        import time, plainview
        for n in plainview.progress(range(30), name="rows"):
            print(n)
            time.sleep(0.02)
        """,
        output=tmp_path / "rows.csv",
    )
    assert code == 0
    assert (tmp_path / "rows.csv").read_text() == "".join(f"{n}\n" for n in range(30))
    assert any("30/30" in line for line in terminal.lines)


def test_a_process_that_is_forked_or_started_by_multiprocessing_does_not_draw_over_its_parent(terminal):
    code = terminal.run(
        """
        import multiprocessing, os, sys, time, plainview
        def work(name):
            for _ in plainview.progress(range(30), name=name):
                time.sleep(0.02)
        if __name__ == "__main__":
            for _ in plainview.progress(range(2), name="parent"):
                time.sleep(0.3)
                child = os.fork()
                if child == 0:
                    sys.stdout.write("printed by the child\\n")
                    sys.stdout.flush()
                    work("forked")
                    os._exit(0)
                os.waitpid(child, 0)
                spawned = multiprocessing.get_context("spawn").Process(target=work, args=("spawned",))
                spawned.start()
                spawned.join()
        """
    )
    assert code == 0
    written = terminal.written.decode()
    assert "printed by the child" in written
    assert "forked" not in written
    assert "spawned" not in written
    assert any("2/2" in line for line in terminal.lines)


def test_an_error_that_leaves_the_loop_is_shown_above_the_bar_and_the_cursor_is_back(terminal):
    code = terminal.run(
        """
        import time, plainview
        for n in plainview.progress(range(100), name="fails"):
            time.sleep(0.02)
            if n == 30:
                raise ValueError("theirs")
        """
    )
    assert code == 1
    assert any(line == "ValueError: theirs" for line in terminal.lines)
    (bar,) = [line for line in terminal.lines if line.startswith("fails")]
    assert "30/100" in bar
    written = terminal.written.decode()
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")


def test_a_terminal_that_is_held_up_holds_up_neither_the_loop_nor_the_exit(terminal):
    code = terminal.run(
        """
        import os, time, plainview
        os.set_blocking(2, False)
        try:
            while os.write(2, b"x" * 1000):
                pass
        except BlockingIOError:
            os.set_blocking(2, True)
        for n in plainview.progress(range(30), name="held up"):
            time.sleep(0.02)
        """,
        read=False,
    )
    assert code == 0


def test_without_rich_there_are_lines(terminal):
    code = terminal.run(
        """
        import sys, time
        sys.modules["rich"] = None
        import plainview
        for n in plainview.progress(range(20), name="bare"):
            time.sleep(0.02)
        """,
        progress_interval="0.1",
    )
    assert code == 0
    lines = [line for line in terminal.lines if line.startswith("bare: ")]
    assert len(lines) >= 2
    assert lines[-1].startswith("bare: 20 of 20 (100.0 %)")


def test_it_can_be_turned_off(terminal, tmp_path):
    code = terminal.run(
        """
        import time, plainview
        for n in plainview.progress(range(20), name="unseen"):
            time.sleep(0.02)
        """,
        progress="off",
    )
    assert code == 0
    assert "unseen" not in terminal.written.decode()
    assert events(tmp_path / "data", "close")[0]["done"] == 20


# -- a file, a pipe ---------------------------------------------------------------------------------------------------


def test_elsewhere_there_is_a_line_every_few_seconds_and_one_at_the_end(capture):
    done = capture.program(
        """
        plainview.configure(service='test', environment='production', file='', dir=sys.argv[1], progress_interval=0.2)
        with plainview.job("night", id="j-1"):
            for n in plainview.progress(range(40), name="events"):
                time.sleep(0.02)
        """,
        str(capture.directory),
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) >= 3
    assert all(line.startswith("events: ") and " of 40 (" in line for line in lines)
    assert lines[-1].startswith("events: 40 of 40 (100.0 %), ")
    logged = [line for line in capture.logs() if line["logger"] == "plainview.progress"]
    assert [line["message"] for line in logged] == ["progress: events"] * (len(lines) - 1) + ["done: events"]
    assert {line["job_id"] for line in logged} == {"j-1"}
    assert logged[-1]["extra"]["done"] == logged[-1]["extra"]["total"] == 40


def test_where_the_console_shows_the_log_a_line_is_not_written_twice(capture):
    done = capture.program(
        """
        plainview.configure(
            service='test', console='json', file='', dir=sys.argv[1], progress_interval=0.1, level='INFO')
        for n in plainview.progress(range(20), name="events"):
            time.sleep(0.02)
        """,
        str(capture.directory),
    )
    assert done.returncode == 0, done.stderr
    assert all(line.startswith("{") for line in done.stderr.splitlines())
    assert '"message":"progress: events"' in done.stderr


def test_what_an_operation_tells_goes_to_the_log_and_not_to_standard_error(capture):
    done = capture.program(
        """
        plainview.configure(service='test', environment='production', file='', dir=sys.argv[1], progress_interval=0.1)
        with plainview.job("render") as job:
            for n in range(20):
                job.progress(n, 20)
                time.sleep(0.02)
        """,
        str(capture.directory),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "progress: job render" in {line["message"] for line in capture.logs()}


def test_lines_to_a_pipe_that_nobody_reads_do_not_hold_up_the_loop(capture):
    reader, writer = os.pipe()
    path = capture.directory.parent / "pipe.py"
    path.write_text(
        "import os, time, plainview\n"
        f"plainview.configure(console='off', dir={str(capture.directory)!r}, progress_interval=0.1)\n"
        "os.set_blocking(2, False)\n"
        "try:\n"
        "    while os.write(2, b'x' * 1000): pass\n"
        "except BlockingIOError:\n"
        "    os.set_blocking(2, True)\n"
        "for n in plainview.progress(range(30)): time.sleep(0.02)\n"
    )
    try:
        assert subprocess.run([sys.executable, str(path)], stderr=writer, timeout=60, check=False).returncode == 0
    finally:
        os.close(reader)
        os.close(writer)


def test_a_standard_error_that_is_closed_or_gone_is_passed_over(capture):
    done = capture.program(
        """
        plainview.configure(service='test', environment='production', file='', dir=sys.argv[1], progress_interval=0.1)
        sys.stderr.close()
        print(sum(plainview.progress(range(100))))
        sys.stderr = None
        print(sum(plainview.progress(range(100))))
        """,
        str(capture.directory),
    )
    assert done.stdout == "4950\n4950\n"


# -- the record -------------------------------------------------------------------------------------------------------


def test_the_operation_around_it_has_its_progress(capture):
    capture.configure()
    with job("night", id="j-1"):
        for _ in progress(range(7), name="events"):
            pass
    told, close = events(capture.directory, "progress", "close")
    assert (told["kind"], told["key"], told["done"], told["total"]) == ("job", "j-1", 1, 7)
    assert (close["done"], close["total"], close["status"]) == (7, 7, "completed")


def test_where_there_is_none_it_is_a_task_of_its_own(capture):
    capture.configure()
    for _ in progress(iter(range(5)), name="rows"):
        assert "task" not in {span["name"] for span in capture.spans()}
    told, close = events(capture.directory)
    assert [(line["event"], line["kind"], line["name"]) for line in (told, close)] == [
        ("progress", "task", "rows"),
        ("close", "task", "rows"),
    ]
    assert told["operation_id"] == close["operation_id"]
    assert close["done"] == 5


def test_what_is_logged_in_a_loop_is_no_part_of_its_task(capture):
    """The body of the loop is the caller's: whatever it does belongs to where the caller is."""
    capture.configure()
    with plainview.context(request_id="r-1"):
        for _ in progress(range(2)):
            plainview.get_logger("t").info("inside")
    assert {line["request_id"] for line in capture.logs() if line["message"] == "inside"} == {"r-1"}
    assert not [line for line in capture.logs() if "trace_id" in line and line["message"] == "inside"]


def test_of_loops_inside_each_other_the_outer_one_counts_and_the_inner_one_is_its_step(capture):
    capture.configure()
    with job("night"):
        for year in progress(range(3), name="years"):
            for _ in progress(range(100), name="events"):
                time.sleep(0.011 if year == 0 else 0)
    told = events(capture.directory, "progress")
    assert {line["total"] for line in told} == {3}
    assert told[0]["step"] == "events 1/100"
    close = events(capture.directory, "close")[-1]
    assert (close["done"], close["total"]) == (3, 3)


def test_a_loop_inside_one_without_an_operation_is_a_part_of_the_same_task(capture):
    capture.configure()
    for _ in progress(range(3), name="outer"):
        for _ in progress(range(3), name="inner"):
            pass
    (close,) = events(capture.directory, "close")
    assert close["name"] == "outer"


def test_loops_one_after_the_other_have_tasks_of_their_own_even_when_one_was_left(capture):
    capture.configure()
    left = progress(range(3), name="left")
    next(left)
    for _ in progress(range(2), name="inside"):
        pass
    left.close()
    for _ in progress(range(2), name="after"):
        pass
    assert [(line["name"], line["status"]) for line in events(capture.directory, "close")] == [
        ("left", "cancelled"),
        ("after", "completed"),
    ]


def test_a_record_is_written_once_a_second_at_most_however_many_items_there_are(capture):
    capture.configure()
    with job("many"):
        for _ in range(50):
            for _ in progress(range(1000)):
                pass
    begun, ended = (events(capture.directory, event)[0]["timestamp"] for event in ("open", "close"))
    seconds = (_seconds(ended) - _seconds(begun)) % 86_400
    assert len(events(capture.directory, "progress")) <= seconds + 2


def _seconds(timestamp: str) -> float:
    hours, minutes, seconds = timestamp[11:-1].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def test_kill_9_leaves_how_far_it_was(capture):
    """What is killed has its last progress in the spool."""
    path = capture.directory.parent / "killed.py"
    path.write_text(
        "import sys, time, plainview\n"
        f"plainview.configure(service='t', environment='production', file='', dir={str(capture.directory)!r})\n"
        "with plainview.job('killed', id='j-9'):\n"
        "    for n in plainview.progress(range(1000), name='events'):\n"
        "        time.sleep(0.05)\n"
        "        if n == 30: print('so far', flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout.readline() == b"so far\n"
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    process.stdout.close()
    told = events(capture.directory)
    assert told[-1]["event"] == "progress"
    assert (told[-1]["key"], told[-1]["total"]) == ("j-9", 1000)
    assert 1 <= told[-1]["done"] <= 32
    assert not events(capture.directory, "close")


# -- the loop ---------------------------------------------------------------------------------------------------------


@given(
    items=st.lists(st.integers()),
    total=st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.booleans(), st.binary(), st.lists(st.none())),
    name=st.text(max_size=100),
)
def test_whatever_is_given_the_items_come_as_they_are(items, total, name):
    assert list(progress(items, total, name)) == items
    assert list(progress(iter(items), total=total, name=name)) == items


def test_errors_of_the_loop_and_of_what_it_goes_over_pass_through_unchanged(capture):
    capture.configure()

    def fails():
        yield 1
        raise error

    error, seen = ValueError("theirs"), []
    with pytest.raises(ValueError, match="theirs") as caught:
        seen.extend(progress(fails(), name="fails"))
    assert caught.value is error
    with pytest.raises(KeyError) as caught:
        for _ in progress([1, 2], name="body"):
            raise KeyError("theirs")
    assert caught.value.args == ("theirs",)
    failed, left = events(capture.directory, "close")
    assert (failed["status"], failed["reason"]) == ("failed", "ValueError: theirs")
    assert left["status"] == "cancelled"


def test_what_cannot_be_gone_over_is_a_type_error_at_once():
    with pytest.raises(TypeError, match="'int' object is not iterable"):
        progress(5)


def test_a_length_that_raises_is_no_length(capture):
    capture.configure()

    class Odd:
        def __len__(self):
            raise ValueError("theirs")

        def __iter__(self):
            return iter("ab")

    assert list(progress(Odd(), name="odd")) == ["a", "b"]
    (close,) = events(capture.directory, "close")
    assert "total" not in close
    assert close["done"] == 2


async def test_asynchronous_iterables_are_counted_as_well(capture):
    capture.configure()

    async def rows():
        for n in range(4):
            yield n

    assert [n async for n in progress(rows(), total=4, name="rows")] == [0, 1, 2, 3]
    (close,) = events(capture.directory, "close")
    assert (close["done"], close["total"], close["status"]) == (4, 4, "completed")


async def test_errors_of_an_asynchronous_iterable_pass_through_unchanged(capture):
    capture.configure()
    error = OSError("theirs")

    async def rows():
        yield 1
        raise error

    with pytest.raises(OSError, match="theirs") as caught:
        _ = [n async for n in progress(rows(), name="rows")]
    assert caught.value is error
    assert events(capture.directory, "close")[0]["status"] == "failed"


def test_with_capture_turned_off_a_loop_is_a_loop(capture):
    capture.configure(enabled=False)
    assert list(progress([1, 2], name="off")) == [1, 2]
    assert not read(capture.directory, "operation")


def test_items_that_become_slow_are_seen_all_the_same(capture):
    """A loop that has gone fast looks at the clock seldom; the keeper has it look again."""
    capture.configure()
    with job("slows down"):
        for n in progress(range(200_003), name="events"):
            if n >= 200_000:
                time.sleep(1.2)
    told = [line["done"] for line in events(capture.directory, "progress")]
    assert [done for done in told if 200_000 < done < 200_003]


def test_a_callback_that_tells_of_progress_and_fails_fails_as_it_would(capture):
    """The error is the callback's, and comes to whoever called it; what it told before is told."""
    capture.configure()
    error = RuntimeError("theirs")

    def callback(done):
        work.progress(done, total=4)
        if done == 3:
            raise error

    with pytest.raises(RuntimeError, match="theirs") as caught, job("calls back") as work:
        for done in range(4):
            callback(done)
    assert caught.value is error
    (close,) = events(capture.directory, "close")
    assert (close["status"], close["done"], close["total"]) == ("failed", 3, 4)


def test_a_name_may_be_anything(capture):
    capture.configure()

    class Hostile:
        def __str__(self):
            raise ValueError("theirs")

    for name in (None, 5, b"x", Hostile()):
        assert list(progress([1], name=name)) == [1]


def test_what_an_operation_says_of_its_progress_may_be_anything(capture):
    capture.configure()
    with job("odd") as work:
        for done in (float("nan"), -1, "half", None, 10**400, object()):
            work.progress(done, total=done, step=done)
    assert events(capture.directory, "close")[0]["status"] == "completed"


def test_speed_and_the_time_that_is_left_are_told_where_they_are_known():
    track = Track("t", 10)
    assert (track.percent, track.speed, track.remaining) == (0, None, None)
    threading.Event().wait(0.06)
    track.done = 5
    assert track.percent == 50
    assert track.speed > 0
    assert track.remaining > 0
    track.stop()
    assert track.remaining is None
    assert Track("t", None).percent is None


def test_a_total_may_be_of_any_kind_of_whole_number(capture):
    capture.configure()

    class Whole:
        def __index__(self):
            return 3

    for total in (3, 3.0, Whole()):
        with job("counts"):
            list(progress([1, 2, 3], total))
    assert [line["total"] for line in events(capture.directory, "close")] == [3, 3, 3]
    for total in (10**400, -1, float("inf"), True, "3"):
        with job("does not know"):
            list(progress(iter([1, 2, 3]), total))
    assert not [
        line for line in events(capture.directory, "close") if line["name"] == "does not know" and "total" in line
    ]
