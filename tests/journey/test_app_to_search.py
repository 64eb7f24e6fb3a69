"""From a call in an application to a search over HTTP, with processes that are killed on the way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest
from served import CLEAN, until

ROUNDS = int(os.environ.get("PLAINVIEW_TEST_ROUNDS", "2"))

FOUR_THREADS = """
import os, sys, threading, plainview
plainview.configure(service="crash", environment="production", file="", dir=sys.argv[1])
log = plainview.get_logger("crash")
def work(number, pipe):
    for step in range(100_000_000):
        log.info("step", thread=number, n=step)
        os.write(pipe, b"x")
for number, pipe in enumerate(map(int, sys.argv[2:])):
    threading.Thread(target=work, args=(number, pipe)).start()
"""


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_every_line_whose_call_returned_before_kill_9_is_found_by_search_once(serve, tmp_path, round_):
    server = serve()
    program = tmp_path / "crash.py"
    program.write_text(FOUR_THREADS)
    pipes = [os.pipe() for _ in range(4)]
    writers = [writer for _, writer in pipes]
    process = subprocess.Popen(
        [sys.executable, str(program), str(server.directory), *map(str, writers)], pass_fds=writers, env=CLEAN
    )
    for writer in writers:
        os.close(writer)
    returned = [0, 0, 0, 0]
    while sum(returned) < 10_000 + 1_000 * round_:
        for number, (reader, _) in enumerate(pipes):
            returned[number] += len(os.read(reader, 4096))
    process.kill()
    process.wait()
    for number, (reader, _) in enumerate(pipes):
        while chunk := os.read(reader, 65536):
            returned[number] += len(chunk)
        os.close(reader)
    until(lambda: not list((server.directory / "spool").glob("crash-*")))
    seen = Counter((line["extra"]["thread"], line["extra"]["n"]) for line in server.all(service="crash"))
    assert max(seen.values()) == 1
    for number, count in enumerate(returned):
        assert [n for n in range(count) if (number, n) not in seen] == []


def test_an_application_logs_on_while_the_server_is_killed_and_started_again(serve, tmp_path):
    server = serve()
    program = tmp_path / "steady.py"
    program.write_text(
        "import sys, time, plainview\n"
        f"plainview.configure(service='steady', environment='production', file='', dir={str(server.directory)!r})\n"
        "log = plainview.get_logger('a')\n"
        "for n in range(30_000):\n"
        "    log.info('line', n=n)\n"
        "    if n % 500 == 0: time.sleep(0.05)\n"
    )
    process = subprocess.Popen([sys.executable, str(program)], env=CLEAN)
    for _ in range(3):
        until(lambda: server.search(limit=1)["total"] > 0)
        server.kill()
        server.start()
    assert process.wait(timeout=60) == 0
    until(lambda: server.search(limit=1, service="steady")["total"] >= 30_000)
    assert Counter(line["extra"]["n"] for line in server.all(service="steady")) == dict.fromkeys(range(30_000), 1)


def test_a_directory_removed_while_it_is_served_and_written_is_not_read_twice(serve, tmp_path):
    server = serve()
    program = tmp_path / "removed.py"
    program.write_text(
        "import shutil, time, glob, plainview\n"
        f"plainview.configure(service='removed', environment='production', file='', dir={str(server.directory)!r})\n"
        "log = plainview.get_logger('a')\n"
        "for n in range(1000): log.info('line', n=n)\n"
        "time.sleep(1)\n"
        f"(stream,) = glob.glob({str(server.directory)!r} + '/spool/removed-*')\n"
        "shutil.rmtree(stream)\n"
        "for n in range(1000, 2000): log.info('line', n=n)\n"
        "time.sleep(3)\n"
        "log.info('line', n=2000)\n"
    )
    subprocess.run([sys.executable, str(program)], env=CLEAN, check=True, timeout=60)
    until(lambda: server.search(limit=1, service="removed")["total"] >= 2001)
    assert Counter(line["extra"]["n"] for line in server.all(service="removed")) == dict.fromkeys(range(2001), 1)
