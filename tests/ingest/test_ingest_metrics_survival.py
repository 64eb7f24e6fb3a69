"""Whatever is killed while an application counts: in the end each count is there once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

import pytest
from metric_lines import series

import plainview.store

APP = """
import sys, time
import plainview
directory, number = sys.argv[1], int(sys.argv[2])
plainview.configure(dir=directory, service="studio", server="off", metrics_interval=1.0, console="off")
counter = plainview.counter("books_total", labels=["kind"])
books = counter.labels(kind="novel")
wait = plainview.histogram("wait_seconds")
print("ready", flush=True)
for count in range(number):
    books.inc()
    wait.observe(0.1)
    if count % 50 == 0:
        time.sleep(0.005)
print("done", flush=True)
time.sleep(3600)
"""

SERVER = """
import pathlib, sys, time
import plainview.store
from plainview.ingest import pipeline as pipelines, spool
pipelines._CHECKPOINT_SECONDS = 0.3  # clearing away happens while it is killed, too
directory = pathlib.Path(sys.argv[1])
store = plainview.store.open(directory / "store")
pipeline = pipelines.Pipeline(store, directory, metrics_interval=1.0)
pipeline.start()
print("started", flush=True)
time.sleep(3600)
"""


@pytest.mark.slow
def test_a_server_and_applications_that_are_killed_leave_the_exact_total(tmp_path):
    chance, counts = random.Random(7), (40_000, 30_000, 20_000)
    programs = []

    def run(code: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        programs.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return programs[-1]

    try:
        apps = [run(APP, tmp_path, count) for count in counts]
        for _ in range(4):
            server = run(SERVER, tmp_path)
            assert server.stdout.readline() == "started\n"
            time.sleep(1 + chance.random() * 2)
            server.send_signal(signal.SIGKILL)
            server.wait()
        for app in apps:
            assert [app.stdout.readline(), app.stdout.readline()] == ["ready\n", "done\n"]
            app.send_signal(signal.SIGKILL)
            app.wait()
        server = run(SERVER, tmp_path)
        end = time.monotonic() + 60
        while list((tmp_path / "spool").iterdir()):
            assert time.monotonic() < end, "a stream stays"
            time.sleep(0.2)
        server.send_signal(signal.SIGKILL)
        server.wait()
    finally:
        for program in programs:
            program.kill()
            program.communicate()
    store = plainview.store.open(tmp_path / "store")
    try:
        (books,) = series(store, "books_total")
        (seen,) = series(store, "wait_seconds_count")
        (native,) = series(store, "wait_seconds")
    finally:
        store.close()
    for found in (books, seen):
        assert found.values.max() == sum(counts)
        values = found.values[found.values >= 0]
        assert (values[1:] >= values[:-1]).all()  # no reset anywhere
        assert (found.times[1:] - found.times[:-1] == 1000).all()  # and a sample at every tick
    assert native.histograms.data[:, 0].max() == sum(counts)
