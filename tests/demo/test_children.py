"""Processes that live no longer than their parent."""

from __future__ import annotations

import os
import sys
import time

import psutil
from demo_process import eventually

from plainview.cli.children import Child, ending, free_port, stop


def _child(tmp_path, code, **given) -> Child:
    return Child(
        "worker", [sys.executable, "-c", code], environ=dict(os.environ), output=tmp_path / "output.txt", **given
    )


def test_one_that_ignores_sigterm_is_killed_when_patience_ends(tmp_path):
    child = _child(
        tmp_path,
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
    )
    child.start()
    eventually(lambda: child.last_lines() == ["up"], 10, "its first line")
    stop([child], patience=0.2)
    assert child.exit_code == -9
    assert ending(child.exit_code) == "killed by SIGKILL"


def test_one_that_behaves_is_not_waited_for(tmp_path):
    child = _child(tmp_path, "import time; print('up', flush=True); time.sleep(600)")
    child.start()
    eventually(lambda: child.last_lines() == ["up"], 10, "its first line")
    stop([child], patience=60)
    assert child.exit_code == -15


def test_what_a_child_started_itself_ends_with_it(tmp_path):
    code = (
        "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(p.pid, flush=True); time.sleep(600)"
    )
    child = _child(tmp_path, code)
    child.start()
    pid = int(eventually(child.last_lines, 10, "its child")[0])
    stop([child], patience=5)
    eventually(
        lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 5, "it to be gone"
    )


def test_its_last_words_are_kept_over_a_restart_and_forgotten_at_the_next_start(tmp_path):
    child = _child(tmp_path, "print('one'); print('two'); raise SystemExit(3)")
    for _ in range(2):
        child.start()
        eventually(lambda: child.exit_code is not None, 10, "its end")
    assert child.last_lines(3) == ["two", "one", "two"]
    assert ending(child.exit_code) == "ended with code 3"
    again = _child(tmp_path, "")
    again.start()
    eventually(lambda: again.exit_code is not None, 10, "its end")
    assert again.last_lines() == []


def test_it_is_ready_when_it_listens(tmp_path):
    port = free_port()
    child = _child(
        tmp_path,
        f"import socket, time; time.sleep(0.3); s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)",
        port=port,
    )
    assert not child.ready
    child.start()
    assert not child.ready
    eventually(lambda: child.ready, 10, "it to listen")
    assert free_port(port) != port
    stop([child], patience=1)
    assert not child.ready


def test_a_signal_to_the_parents_group_does_not_reach_it(tmp_path):
    child = _child(tmp_path, "import time; time.sleep(600)")
    child.start()
    assert os.getpgid(child.pid) == child.pid
    time.sleep(0)
    stop([child], patience=5)
