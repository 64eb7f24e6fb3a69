"""What processes use: beside what the system itself says, over several processes, and never before it is wanted."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
import time

import psutil
import pytest
import sqlalchemy
from exposed import Samples, exposed
from harness import read

import plainview

pytestmark = pytest.mark.usefixtures("nothing_counted")


async def test_they_agree_with_the_system(spool):
    gc.collect()
    process = psutil.Process()
    files = [open(__file__) for _ in range(20)]  # noqa: ASYNC230, SIM115, PTH123 - to be counted
    samples = await exposed()
    assert samples("memory_usage_bytes") == pytest.approx(process.memory_info().rss, rel=0.1)
    assert (
        samples("process_resident_memory_bytes") == samples("memory_usage_max_bytes") == samples("memory_usage_bytes")
    )
    assert samples("process_virtual_memory_bytes") == pytest.approx(process.memory_info().vms, rel=0.5)
    assert samples("process_start_time_seconds") == pytest.approx(process.create_time(), abs=1)
    assert samples("process_open_fds") == pytest.approx(process.num_fds(), abs=5)
    assert samples("process_threads") == pytest.approx(threading.active_count(), abs=3)
    assert samples("process_cpu_seconds_total") == pytest.approx(sum(process.cpu_times()[:2]), rel=0.1)
    assert samples("processes") == 1
    assert samples("python_gc_collections_total", generation="2") == gc.get_stats()[2]["collections"]
    assert samples("host_memory_total_bytes") == psutil.virtual_memory().total
    assert samples("host_memory_available_bytes") == pytest.approx(psutil.virtual_memory().available, rel=0.2)
    for file in files:
        file.close()
    assert spool.internal_errors() == 0


async def test_the_file_systems_of_the_paths_that_are_wanted(tmp_path):
    paths = ("/", str(tmp_path), str(tmp_path / "not there"))
    plainview.configure(dir=str(tmp_path), service="test", environment="production", file="", resource_paths=paths)
    try:
        await exposed()
        await asyncio.sleep(0.2)  # disks are looked at in a thread, for the next one who asks
        samples = await exposed()
    finally:
        plainview.shutdown()
    usage = psutil.disk_usage("/")
    assert samples("host_filesystem_size_bytes", mountpoint="/") == usage.total
    assert samples("host_filesystem_available_bytes", mountpoint="/") == pytest.approx(usage.free, rel=0.1)
    assert samples("disk_usage_bytes", path="/") == pytest.approx(usage.used, rel=0.1)
    assert samples("disk_usage_bytes", path=str(tmp_path)) > 0
    assert samples("disk_usage_bytes", path=str(tmp_path / "not there")) is None


@pytest.mark.parametrize("given", ["resources=False", "low_resource=True", "enabled=False"])
def test_they_can_be_left_out(programs, given):
    programs.write(
        "without.py",
        f"""
        import sys
        import plainview
        from plainview.capture.metrics.answer import metrics

        plainview.configure(service="without", environment="production", file="", {given})
        plainview.counter("without_total", "Of this test.").inc()
        sys.stdout.write(metrics(lambda _: None)[2].decode())
        """,
    )
    done = programs.run(sys.executable, "without.py", variables={"PYTHONPATH": ""})
    assert done.returncode == 0, done.stderr
    assert set(Samples(done.stdout).families) == {"without"}


async def test_a_loop_that_is_held_up_is_seen(spool):
    from plainview.capture.metrics import loops

    loops.notice(asyncio.get_running_loop())
    loops.probe()
    time.sleep(0.3)  # noqa: ASYNC251 - what a bad application does
    await asyncio.sleep(0.05)
    assert 0.3 <= loops.lag() < 5
    loops.probe()
    await asyncio.sleep(0.05)
    assert loops.lag() < 0.3


def test_a_loop_that_hangs_is_seen_while_it_does(spool):
    from plainview.capture.metrics import loops

    async def hang():
        loops.notice(asyncio.get_running_loop())
        entered.set()
        release.wait(30)

    entered, release = threading.Event(), threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(hang(),))
    thread.start()
    entered.wait(30)
    loops.probe()
    time.sleep(0.2)
    first = loops.lag()
    time.sleep(0.2)
    assert loops.lag() >= first + 0.2 >= 0.4
    release.set()
    thread.join()
    assert loops.lag() is None


async def test_pools_of_connections(spool, tmp_path):
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/test.db", poolclass=sqlalchemy.QueuePool, pool_size=5)
    plainview.instrument("sqlalchemy")  # though the pool is there already
    held = [engine.connect() for _ in range(3)]
    held.pop().close()
    await asyncio.sleep(0.6)  # longer than a look stays fresh
    samples = await exposed()
    assert samples("db_connections_active") == samples("database_connections_active") == 2
    assert samples("db_connections_idle") == samples("database_connections_idle") == 1
    assert samples("database_connections") == 3
    for connection in held:
        connection.close()
    engine.dispose()


@pytest.mark.parametrize("environment", ["production", "development"])
def test_what_the_application_calls_by_the_same_name_stays_its_own(programs, environment):
    programs.write(
        "own.py",
        f"""
        import asyncio, sys
        import plainview
        from plainview.capture.metrics.answer import metrics

        plainview.configure(service="own", environment="{environment}", console="off", file="")
        plainview.gauge("memory_usage_bytes", "Of my caches.", labels=("cache",)).labels("big").set(5)
        plainview.gauge("http_requests_total", "A gauge!", exact=True).set(7)

        async def app(scope, receive, send):
            await send({{"type": "http.response.start", "status": 200, "headers": []}})
            await send({{"type": "http.response.body", "body": b""}})

        async def send(message):
            pass

        scope = {{"type": "http", "method": "GET", "path": "/", "headers": []}}
        asyncio.run(plainview.instrument(app)(scope, None, send))
        sys.stdout.write(metrics(lambda _: None)[2].decode())
        """,
    )
    done = programs.run(sys.executable, "own.py", variables={"PYTHONPATH": ""})
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    samples = Samples(done.stdout)
    assert samples.of("memory_usage_bytes") == {("big",): 5}
    assert samples.of("http_requests_total") == {(): 7}
    assert samples("http_request_duration_seconds_count", method="GET", endpoint="unmatched") == 1
    assert samples("memory_usage_max_bytes") > 0
    assert programs.spool.internal_errors() == 0
    assert len(programs.spool.requests()) == 1


def test_nothing_is_read_before_it_is_wanted(programs):
    """Not at start-up, not by a record, not at exit: short programs pay nothing."""
    programs.write(
        "short.py",
        """
        import sys
        import plainview

        plainview.configure(service="short", environment="production", file="")
        plainview.get_logger("short").info("hello")
        plainview.counter("short_total", "Of this test.").inc()
        print("psutil" in sys.modules, "http.server" in sys.modules)
        """,
    )
    done = programs.run(sys.executable, "short.py", variables={"PYTHONPATH": ""})
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "False"]


def test_a_process_that_lives_a_while_is_looked_at_by_itself(programs):
    """Though it only logs; and so is its child."""
    programs.write(
        "lives.py",
        """
        import os, time
        import plainview

        plainview.configure(service="lives", environment="production", file="", metrics_interval=0.2)
        plainview.get_logger("lives").info("hello")
        pid = os.fork()
        plainview.get_logger("lives").info("hello")
        deadline = time.monotonic() + 60
        while not plainview.metrics() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)
        if pid:
            os.waitpid(pid, 0)
        """,
    )
    done = programs.run(sys.executable, "lives.py", variables={"PYTHONPATH": ""})
    assert done.returncode == 0, done.stderr
    told = [line for line in read(programs.spool.directory, "metric") if line.get("name") == "memory_usage_bytes"]
    assert len({line["pid"] for line in told}) == 2
    assert all(line["points"][0]["value"] > 1_000_000 for line in told)


def test_over_forked_processes_they_are_summed_and_the_host_told_once(programs):
    programs.write(
        "several.py",
        """
        import asyncio, os, signal, sys, time
        import plainview
        from plainview.capture.metrics.answer import metrics

        plainview.configure(service="several", environment="production", file="")
        size = 40_000_000
        metrics(lambda _: None)
        children = []
        for _ in range(3):
            readable, writable = os.pipe()
            pid = os.fork()
            if not pid:
                held = b"x" * size
                metrics(lambda _: None)  # as a scrape of this very process would
                os.write(writable, b"!")
                time.sleep(600)
            children.append(pid)
            os.read(readable, 1)
        time.sleep(1)
        sys.stdout.write(metrics(lambda _: None)[2].decode())
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        time.sleep(1)
        sys.stdout.write("---\\n" + metrics(lambda _: None)[2].decode())
        """,
    )
    done = programs.run(sys.executable, "several.py", variables={"PYTHONPATH": ""})
    assert done.returncode == 0, done.stderr
    before, _, after = done.stdout.partition("---\n")
    before, after = Samples(before), Samples(after)
    assert before("processes") == 4
    assert after("processes") == 1
    assert before("memory_usage_bytes") > 3 * 40_000_000
    assert after("memory_usage_bytes") == after("memory_usage_max_bytes")
    assert before("memory_usage_max_bytes") < before("memory_usage_bytes") / 2
    assert before("host_memory_total_bytes") == after("host_memory_total_bytes") == psutil.virtual_memory().total
    assert after("process_cpu_seconds_total") >= before("process_cpu_seconds_total") > 0
    assert json.loads(next((programs.spool.directory / "spool").glob("*/status")).read_text())["internal_errors"] == 0
