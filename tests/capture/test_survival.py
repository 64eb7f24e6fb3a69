"""Whatever ends a process or multiplies it: what was logged is in the spool, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest

from plainview import segments

ROUNDS = int(os.environ.get("PLAINVIEW_TEST_ROUNDS", "3"))

LOGS_FROM_FOUR_THREADS = """
import os, sys, threading, plainview
plainview.configure(service="test", environment="production", file="", dir=sys.argv[1], segment_bytes=1 << 20)
log = plainview.get_logger("crash")
# What a call has returned for is told by a byte a thread on a pipe of its own, written after the call.
def work(number, pipe):
    for step in range(100_000_000):
        log.info("step", thread=number, n=step)
        os.write(pipe, b"x")
for number, pipe in enumerate(map(int, sys.argv[2:])):
    threading.Thread(target=work, args=(number, pipe)).start()
"""


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_kill_9_while_four_threads_log_loses_no_line_whose_call_returned(capture, tmp_path, round_):
    program = tmp_path / "crash.py"
    program.write_text(LOGS_FROM_FOUR_THREADS)
    pipes = [os.pipe() for _ in range(4)]
    writers = [writer for _, writer in pipes]
    process = subprocess.Popen(
        [sys.executable, str(program), str(capture.directory), *map(str, writers)], pass_fds=writers
    )
    for writer in writers:
        os.close(writer)
    returned = [0, 0, 0, 0]
    while sum(returned) < 20_000 + 5_000 * round_:
        for number, (reader, _) in enumerate(pipes):
            returned[number] += len(os.read(reader, 4096))
    process.kill()
    process.wait()
    for number, (reader, _) in enumerate(pipes):
        while chunk := os.read(reader, 65536):
            returned[number] += len(chunk)
        os.close(reader)
    seen = Counter((line["extra"]["thread"], line["extra"]["n"]) for line in capture.logs())
    assert max(seen.values()) == 1
    for number, count in enumerate(returned):
        assert [n for n in range(count) if (number, n) not in seen] == []


ENDINGS = {
    "returns": "",
    "sys.exit": "sys.exit(3)",
    "os._exit": "os._exit(3)",
    "unhandled exception": "raise RuntimeError('unhandled')",
    "SIGTERM, default action": "import signal; os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)",
    "SIGKILL": "import signal; os.kill(os.getpid(), signal.SIGKILL); time.sleep(60)",
    "abort": "os.abort()",
    "exec": "os.execv('/bin/true', ['true'])",
    "a thread still logging": textwrap.dedent(
        """
        def go():
            while True: log.debug('noise')
        threading.Thread(target=go, daemon=True).start()
        """
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_that_was_logged_is_lost_however_a_process_ends(capture, ending):
    capture.program("for n in range(5000): log.info('line', n=n)\n" + ENDINGS[ending])
    assert [line["extra"]["n"] for line in capture.logs() if line["message"] == "line"] == list(range(5000))


def test_an_orderly_end_leaves_plain_files(capture):
    capture.program("log.info('a')\nwith plainview.span('s'): pass")
    for path in (capture.directory / "spool").glob("[!.]*/*.ndjson"):
        assert b"\0" not in path.read_bytes()
        assert segments.content_end(path) == path.stat().st_size
    assert not list((capture.directory / "spool").glob("*/spare-*"))


MULTIPLYING = {
    "os.fork": """
        for child in range(3):
            if os.fork() == 0:
                for n in range(500): log.info('line', who=f'child{child}', n=n)
                os._exit(0)
        for n in range(500): log.info('line', who='parent', n=n)
        for _ in range(3): os.wait()
        """,
    "multiprocessing fork": """
        import multiprocessing
        def work(child):
            for n in range(500): log.info('line', who=child, n=n)
        if __name__ == '__main__':
            context = multiprocessing.get_context('fork')
            work('parent')
            children = [context.Process(target=work, args=(name,)) for name in 'abc']
            for child in children: child.start()
            for child in children: child.join()
        """,
    "multiprocessing spawn": """
        import multiprocessing
        def work(child):
            for n in range(500): log.info('line', who=child, n=n)
        if __name__ == '__main__':
            context = multiprocessing.get_context('spawn')
            work('parent')
            children = [context.Process(target=work, args=(name,)) for name in 'abc']
            for child in children: child.start()
            for child in children: child.join()
        """,
    "fork while other threads log": """
        stop = threading.Event()
        def work(who):  # not the thread's ident: the next thread may get the same
            n = 0
            while not stop.is_set() and n < 500: log.info('line', who=who, n=n); n += 1
            while n < 500: log.info('line', who=who, n=n); n += 1
        threads = [threading.Thread(target=work, args=(who,)) for who in range(3)]
        for thread in threads: thread.start()
        if os.fork() == 0:
            for n in range(500): log.info('line', who='child', n=n)
            os._exit(0)
        for thread in threads: thread.join()
        os.wait()
        """,
}


@pytest.mark.parametrize("how", MULTIPLYING)
def test_every_process_keeps_a_stream_of_its_own_nothing_lost_nothing_twice(capture, how):
    result = capture.program(MULTIPLYING[how])
    assert result.returncode == 0, result.stderr
    lines = [line for line in capture.logs() if line["message"] == "line"]
    assert Counter((line["extra"]["who"], line["extra"]["n"]) for line in lines) == {
        (who, n): 1 for who in {line["extra"]["who"] for line in lines} for n in range(500)
    }
    assert len({line["extra"]["who"] for line in lines}) == 4
    if how != "fork while other threads log":
        assert len({line["pid"] for line in lines}) == 4


def test_ids_drawn_after_a_fork_differ(capture):
    capture.program(
        """
        with plainview.span('before'): pass
        for _ in range(3):
            if os.fork() == 0:
                with plainview.span('child'): pass
                os._exit(0)
        with plainview.span('parent'): pass
        for _ in range(3): os.wait()
        """
    )
    spans = capture.spans()
    assert len(spans) == 5
    assert len({span["span_id"] for span in spans}) == 5


def test_a_signal_handler_and_a_finaliser_may_log_in_the_middle_of_a_call(capture):
    result = capture.program(
        """
        import signal
        seen = 0
        def handler(*_):
            global seen
            seen += 1
            log.info('handler', n=seen)
        class Finalised:
            def __str__(self):
                log.info('from __str__')
                return 'text'
            def __del__(self): log.info('from __del__')
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        for n in range(20000):
            log.info('line', n=n, value=Finalised() if n % 100 == 0 else None)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(seen)
        """
    )
    assert result.returncode == 0, result.stderr
    lines = capture.logs()
    assert [line["extra"]["n"] for line in lines if line["message"] == "line"] == list(range(20000))
    assert sum(line["message"] == "handler" for line in lines) == int(result.stdout)
    assert sum(line["message"] == "from __del__" for line in lines) == 200


def test_gevent_with_everything_patched(capture, tmp_path):
    program = tmp_path / "green.py"
    program.write_text(
        textwrap.dedent(
            f"""
            from gevent import monkey; monkey.patch_all()
            import gevent, plainview
            plainview.configure(service='test', environment='production', file='', dir={str(capture.directory)!r})
            log = plainview.get_logger('green')
            def work(who):
                with plainview.context(job_id=who):
                    for n in range(300):
                        log.info('line', n=n)
                        if n % 50 == 0: gevent.sleep(0.001)
            gevent.joinall([gevent.spawn(work, f'g{{number}}') for number in range(5)])
            """
        )
    )
    subprocess.run([sys.executable, str(program)], check=True, timeout=60)
    seen = Counter((line["job_id"], line["extra"]["n"]) for line in capture.logs())
    assert seen == {(f"g{number}", n): 1 for number in range(5) for n in range(300)}


def test_a_dead_process_leaves_nuls_that_the_next_one_cuts_off(capture):
    capture.program("log.info('a'); os._exit(0)")
    (left,) = (capture.directory / "spool").glob("[!.]*/log-000001.ndjson")
    assert b"\0" in left.read_bytes()
    capture.program("log.info('b'); time.sleep(1.5)")
    assert b"\0" not in left.read_bytes()
    assert [line["message"] for line in capture.logs()] == ["a", "b"]


@pytest.mark.parametrize("level", ["SIGTERM", "SIGINT"])
def test_signals_go_to_the_application_not_to_us(capture, tmp_path, level):
    program = tmp_path / "waits.py"
    program.write_text(
        # Whoever runs the tests may have had the signal ignored.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"import plainview, time\nplainview.configure(dir={str(capture.directory)!r}, environment='x', file='')\n"
        "plainview.get_logger('a').info('x')\nprint('ready', flush=True)\ntime.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    process.send_signal(getattr(signal, level))
    assert process.wait(timeout=10) in {-getattr(signal, level), 1, 130}


def test_segments_grow_rotate_and_are_cut(capture):
    capture.configure(segment_bytes=65536)
    capture.program(
        "plainview.configure(segment_bytes=300_000)\nfor n in range(20_000): log.info('line', n=n)",
        env=os.environ
        | {
            "PLAINVIEW_DIR": str(capture.directory),
            "PLAINVIEW_FILE": "",
            "PLAINVIEW_ENVIRONMENT": "testing",
            "PLAINVIEW_CONSOLE": "off",
        },
    )
    files = sorted((capture.directory / "spool").glob("[!.]*/log-*.ndjson"))
    assert len(files) > 10
    assert [line["extra"]["n"] for line in capture.logs()] == list(range(20_000))
    assert all(Path(file).stat().st_size <= 300_000 for file in files)
