"""Cells: what was counted is there for others, whole, whatever becomes of the process, its folder and its disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from array import array
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from metered import Metered, wait_for

import plainview
from plainview import cells, segments
from plainview.capture.metrics.registry import REGISTRY
from plainview.capture.metrics.snapshot import Snapshots


def spool(metered):
    """The stream of this process."""
    return REGISTRY.board.path


def test_a_process_killed_while_it_counts_leaves_every_increment(metered, name):
    program = metered.start(f"""
        counted = plainview.counter({name!r})
        sizes = plainview.histogram("{name}_sizes")
        counted.inc(0)
        print("ready", flush=True)
        n = 0
        while True:
            counted.inc()
            n += 1
            sizes.observe(0.4)
            if n % 1000 == 0:
                os.write(1, b"%d\\n" % n)
    """)
    assert program.stdout.readline() == "ready\n"
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(program.stdout))
    reader.start()
    plainview.counter(name).inc(0)
    last = 0.0
    for _ in range(10):  # live, from another process: it only rises, and is a whole number
        now = metered.value(f"{name}_total")
        assert now >= last
        assert now == int(now)
        last = now
    wait_for(lambda: len(seen) > 20)
    program.kill()
    program.wait()
    reader.join()
    least = int(seen[-1])
    total = metered.value(f"{name}_total")
    assert least <= total < least + 2000
    assert total - metered.value(f"{name}_sizes_count") in {0, 1}
    metered.finalise()
    assert metered.value(f"{name}_total") == total
    assert metered.told(f"{name}_total") == {(): total}


def test_totals_are_right_over_processes_that_live_are_gone_and_are_killed(metered, name):
    source = f"""
        counted = plainview.counter({name!r}, labels=["worker"])
        level = plainview.gauge("{name}_level")
        counted.labels(sys.argv[0][-4:] and "w").inc(5)
        level.set(2)
        print("ready", flush=True)
        sys.stdin.read(1)
    """
    counted, level = plainview.counter(name, labels=["worker"]), plainview.gauge(f"{name}_level")
    counted.labels("w").inc()
    level.set(1)
    programs = [metered.start(source, interval=0.1) for _ in range(3)]
    for program in programs:
        assert program.stdout.readline() == "ready\n"

    def counts():
        return metered.value(f"{name}_total", worker="w"), metered.value(f"{name}_level")

    assert counts() == (16, 7)
    programs[0].kill()
    programs[0].wait()
    assert counts() == (16, 5)
    programs[1].communicate("x", timeout=30)
    assert counts() == (16, 3)
    metered.finalise()
    assert counts() == (16, 3)
    for stream in list((metered.directory / "spool").iterdir()):  # as the server does once it has them
        if (stream / cells.DONE).exists():
            shutil.rmtree(stream)
    assert counts() == (16, 3)
    programs[2].communicate("x", timeout=30)


@pytest.mark.parametrize(("aggregation", "together"), [("sum", 12), ("max", 7), ("min", 2), ("mean", 4), ("last", 3)])
def test_gauges_of_several_processes_are_aggregated_as_declared(metered, name, aggregation, together):
    plainview.gauge(name, aggregation=aggregation)
    programs = []
    for value in (2, 7, 3):
        program = metered.start(f"""
            plainview.gauge({name!r}, aggregation={aggregation!r}).set({value})
            print("ready", flush=True)
            sys.stdin.read(1)
        """)
        assert program.stdout.readline() == "ready\n"
        programs.append(program)
    assert metered.value(name) == together  # this process has set none: it does not take part
    for program in programs:
        program.communicate("x", timeout=30)
    assert metered.value(name) == (0 if aggregation == "sum" else None)


def test_a_service_of_which_nobody_lives_begins_anew(tmp_path, name):
    metered = Metered(tmp_path / "data")  # not configured: this process is none of the service's
    program = f"""
        from plainview.capture.metrics.scrape import families
        plainview.counter({name!r}).inc(5)
        print([family.samples[0].value for family in families() if family.name == "{name}_total"])
    """
    assert metered.run(program) == metered.run(program) == "[5.0]\n"
    metered.finalise()
    assert metered.run(program) == "[5.0]\n"
    assert metered.told(f"{name}_total") == {(): 15}


def test_another_service_in_the_same_folder_is_another_service(metered, name):
    plainview.counter(name).inc()
    metered.run(f"plainview.configure(service='shop-2', dir={str(metered.directory)!r}, console='off')\n"
                f"plainview.counter({name!r}).inc(5)")  # fmt: skip
    assert metered.value(f"{name}_total") == 1


@pytest.mark.parametrize("kind", ["counter", "histogram"])
@given(
    values=st.lists(st.floats(0, allow_nan=False) | st.sampled_from([0.1, 0.2, 0.3, 0.7]), min_size=1, max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_what_several_processes_have_counted_does_not_change_when_one_of_them_ends(
    tmp_path_factory, kind, values, order
):
    """By no bit: to Prometheus a counter that falls has begun anew."""
    directory = str(tmp_path_factory.mktemp("data"))
    alive = {
        f"s-{number}": cells.Reading([cells.Metric(1, "counted", kind), cells.Row(1, 1)], [0.0, value])
        for number, value in enumerate(values)
    }

    def shown():
        together = cells.Totals()
        for reading in order.sample(list(alive.values()), len(alive)):
            together.add(reading)
        together.merge(cells.totals_of(directory, "s")[0])
        (family,) = together.families()
        return [sample.value for sample in family.samples] + [one.sum for one in family.histograms]

    before = shown()
    for stream in order.sample(list(alive), len(alive)):
        counted = cells.Totals()
        counted.add(alive.pop(stream), gauges=False)
        assert cells.totals.fold(directory, "s", stream, counted)
        assert shown() == before


# fork, exec.


def test_a_forked_child_counts_from_nothing_in_a_stream_of_its_own(metered, name):
    output = metered.run(f"""
        counted = plainview.counter({name!r})
        inc = counted.inc
        plainview.gauge("{name}_level").set(3)
        inc(100)
        child = os.fork()
        inc()
        if child == 0:
            inc()
            print(counted.value, plainview.gauge("{name}_level").value, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print(counted.value, flush=True)
        from plainview.capture.metrics.scrape import families
        print([family.samples[0].value for family in families() if family.name.startswith({name!r})])
    """)
    assert output.splitlines() == ["2.0 0.0", "101.0", "[103.0, 3.0]"]


def test_a_child_that_was_forked_by_a_busy_process_loses_nothing_and_copies_nothing(metered, name):
    output = metered.run(f"""
        counted = plainview.counter({name!r})
        stop = False
        def work():
            n = 0
            while not stop:
                counted.inc()
                n += 1
            done.append(n)
        done = []
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        children = []
        for _ in range(5):
            time.sleep(0.02)
            child = os.fork()
            if child == 0:
                for _ in range(1000):
                    counted.inc()
                os._exit(0)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)
        stop = True
        for thread in threads:
            thread.join()
        from plainview.capture.metrics.scrape import families
        total = [family.samples[0].value for family in families() if family.name.startswith({name!r})][0]
        print(total - sum(done))
    """)
    assert output.split() == ["5000.0"]


def test_a_program_that_becomes_another_begins_anew_beside_what_it_had_counted(metered, name):
    plainview.counter(name).inc()
    metered.run(f"""
        plainview.counter({name!r}).inc(10)
        again = 'import sys, plainview; plainview.configure(service="shop", console="off", dir=sys.argv[1]);'
        again += "plainview.counter({name!r}).inc(100)"
        os.execv(sys.executable, [sys.executable, "-c", again, {str(metered.directory)!r}])
    """)
    assert metered.value(f"{name}_total") == 111


# The folder, the disk, memory.


@pytest.mark.parametrize("gone", ["stream", "spool", "data"])
def test_a_folder_removed_under_a_counting_process_comes_back_with_its_counts(metered, name, gone):
    counted = plainview.counter(name, labels=["a"])
    counted.labels("x").inc(3)
    stream = REGISTRY.board.path
    shutil.rmtree({"stream": stream, "spool": metered.directory / "spool", "data": metered.directory}[gone])
    counted.labels("x").inc(4)
    counted.labels("y").inc()
    wait_for(lambda: Path(stream, cells.CELLS).exists())
    counted.labels("x").inc(5)
    reading = wait_for(lambda: cells.read(stream))
    (number,) = [metric.number for metric in reading.metrics.values() if metric.name == f"{name}_total"]
    found = {series.values: reading.at(series.slot) for series in reading.series[number].values()}
    assert found == {("x",): 12, ("y",): 1}


def fill(path):
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1024))
        except OSError:
            return


def test_a_full_disk_is_counted_through_and_caught_up_with(small_disk, name):
    metered = Metered(small_disk / "data")
    metered.configure(metrics_interval=0.1, metrics_max_series=100_000)
    counted = plainview.counter(name, labels=["n"])
    counted.labels("first").inc()
    wait_for(lambda: metered.told(f"{name}_total"))
    fill(small_disk / "filler")
    for n in range(6_000):  # more than the file has room for
        counted.labels(f"n{n}").inc()
    counted.labels("first").inc()
    assert not REGISTRY.board.stream
    assert metered.value(f"{name}_total", n="n5999") == 1
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    wait_for(lambda: REGISTRY.board.stream)
    counted.labels("first").inc()
    wait_for(lambda: len(metered.told(f"{name}_total")) == 6_001)
    wait_for(lambda: metered.told(f"{name}_total")[("n", "first"),] == 3)
    # Those of a snapshot come one after the other: the last ones may not be there yet.
    wait_for(lambda: set(metered.told(f"{name}_total").values()) == {1.0, 3.0})
    reading = cells.read(REGISTRY.board.stream)
    (number,) = [metric.number for metric in reading.metrics.values() if metric.name == f"{name}_total"]
    assert sum(reading.at(slot) for slot in reading.series[number]) == 6_003
    counted.clear()  # the tests that follow are in the same process


def test_where_no_file_can_be_had_it_is_counted_in_memory(tmp_path, name):
    (tmp_path / "data").write_text("a file where the folder should be")
    metered = Metered(tmp_path / "data")
    metered.configure()
    plainview.counter(name).inc(2)
    assert metered.value(f"{name}_total") == 2
    (tmp_path / "data").unlink()
    wait_for(lambda: REGISTRY.board.stream or REGISTRY.board.settle())
    assert metered.value(f"{name}_total") == 2
    plainview.shutdown()
    assert metered.told(f"{name}_total") == {(): 2}


def test_what_is_counted_before_configure_goes_where_that_says(tmp_path, name):
    plainview.shutdown()
    plainview.counter(name).inc(2)
    metered = Metered(tmp_path / "data")
    metered.configure()
    plainview.counter(name).inc()
    assert metered.value(f"{name}_total") == 3
    plainview.shutdown()
    assert metered.told(f"{name}_total") == {(): 3}


def test_a_program_that_never_configures_is_told_of_at_its_end(tmp_path):
    import sys

    program = "import plainview; plainview.counter('jobs').inc(2)"
    environment = os.environ | {"PLAINVIEW_DIR": str(tmp_path / "data"), "PLAINVIEW_SERVICE": "job"}
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=tmp_path, timeout=60, check=True)
    assert Metered(tmp_path / "data").told("jobs_total") == {(): 2}


def test_configured_again_each_count_is_told_once(metered, tmp_path, name):
    counted, level = plainview.counter(name), plainview.gauge(f"{name}_level")
    counted.inc(2)
    level.set(4)
    other = Metered(tmp_path / "other")
    other.configure()
    counted.inc(3)
    assert other.value(f"{name}_total") == 5
    assert other.value(f"{name}_level") == 4
    metered.configure()
    counted.inc(4)
    plainview.shutdown()
    assert sum(metered.told(f"{name}_total").values()) == 6
    assert sum(other.told(f"{name}_total").values()) == 3


def test_capture_that_is_off_counts_and_writes_nothing(tmp_path, name):
    metered = Metered(tmp_path / "data")
    metered.configure(enabled=False)
    plainview.counter(name).inc(2)
    assert plainview.counter(name).value == 2
    plainview.shutdown()
    assert not metered.directory.exists()


# Snapshots, and the last word.


def take(metered):
    plainview.capture.runtime.runtime().keeper.metrics.take()


def test_a_snapshot_tells_of_what_has_changed_and_every_eighth_of_all(metered, name):
    counted, level = plainview.counter(name, labels=["a"]), plainview.gauge(f"{name}_level")
    counted.labels("x").inc(2)
    counted.labels("y").inc(1)
    level.set(3)
    for _ in range(9):
        take(metered)
        counted.labels("x").inc()
    lines = [line for line in metered.lines() if line.get("name", name).startswith(name)]
    by_number = {}
    for line in lines:
        by_number.setdefault(line["number"], []).append(line)
    first = min(by_number)
    by_number = {number - first + 1: found for number, found in by_number.items()}
    assert sorted(by_number) == list(range(1, 10))
    assert all(found[-1].get("kind", "snapshot") == "snapshot" for found in by_number.values())
    assert [number for number, found in by_number.items() if found[-1].get("full")] == [1, 9]
    points = {
        number: [point for line in found if line.get("name") == f"{name}_total" for point in line["points"]]
        for number, found in by_number.items()
    }
    assert points[1] == [{"labels": {"a": "x"}, "value": 2}, {"labels": {"a": "y"}, "value": 1}]
    assert points[2] == [{"labels": {"a": "x"}, "value": 1}]
    assert points[9] == [{"labels": {"a": "x"}, "value": 1}, {"labels": {"a": "y"}, "value": 0}]
    assert not [line for line in by_number[2] if line.get("name") == f"{name}_level"]


def test_a_series_that_is_removed_is_told_of_with_its_last_increase(metered, name):
    counted = plainview.counter(name, labels=["a"])
    counted.labels("x").inc(2)
    take(metered)
    counted.labels("x").inc(3)
    counted.remove("x")
    take(metered)
    take(metered)
    (_, last) = [line for line in metered.lines() if line.get("name") == f"{name}_total"]
    assert last["points"] == [{"labels": {"a": "x"}, "value": 3, "removed": True}]


def test_many_series_are_several_lines_none_longer_than_allowed(metered, name):
    metered.configure(max_line=4096, metrics_max_series=5000)
    counted = plainview.counter(name, labels=["n"])
    for n in range(2000):
        counted.labels(f"number {n}").inc()
    take(metered)
    (stream,) = [path for path in (metered.directory / "spool").iterdir() if str(path) == REGISTRY.board.path]
    for segment in segments.listing(stream):
        if segment.kind == "metric":
            data = (stream / str(segment)).read_bytes()
            assert max(map(len, data[: segments.complete(data)].splitlines())) < 4096
    assert len(metered.told(f"{name}_total")) == 2000
    counted.clear()


KILLED = """
    import plainview.capture.metrics.snapshot as snapshot
    counted = plainview.counter({name!r}, labels=["n"])
    metrics = plainview.capture.runtime.runtime().keeper.metrics
    sizes = plainview.histogram("{name}_sizes")
    for n in range(10):
        counted.labels(str(n)).inc(n + 1)
    sizes.observe(2)
    metrics.take()
    for n in range(10):
        counted.labels(str(n)).inc(100)
    sizes.observe(3)
    remaining = {lines}
    put = metrics._put
    def dying(line):
        global remaining
        if remaining == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        remaining -= 1
        return put(line)
    metrics._put = dying
    if {lines} < 0:
        snapshot.cells.write_bank = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
    metrics.take()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("lines", [-1, 0, 1, 2, 3, 4, 99])
def test_killed_anywhere_in_a_snapshot_each_increase_is_told_once(metered, name, lines):
    plainview.counter("alive").inc()
    head = "plainview.configure(service='shop', environment='production', file='', max_line=1024,"
    metered.run(f"{head} dir={str(metered.directory)!r}, metrics_interval=3600)\n" + KILLED_FOR(name, lines))
    (stream,) = [path for path in (metered.directory / "spool").iterdir() if str(path) != REGISTRY.board.path]
    for _ in range(2):
        metered.finalise()
    (stream / cells.DONE).unlink()  # as if whoever did it had been killed before it was noted
    metered.finalise()
    told = metered.told(f"{name}_total")
    assert {labels[0][1]: value for labels, value in told.items()} == {str(n): n + 101 for n in range(10)}
    observed = [point for line in metered.lines() if line.get("name") == f"{name}_sizes" for point in line["points"]]
    assert sum(point["sum"] for point in observed) == 5
    assert sum(sum(point["buckets"]) for point in observed) == 2
    assert metered.value(f"{name}_total", n="3") == 104


def KILLED_FOR(name, lines):  # noqa: N802 - beside its text
    import textwrap

    return textwrap.dedent(KILLED.format(name=name, lines=lines))


def test_a_living_process_is_not_finalised(metered, name):
    plainview.counter(name).inc()
    assert not cells.finalise(REGISTRY.board.path)
    assert not Path(REGISTRY.board.path, cells.DONE).exists()


def test_the_dead_are_dead_while_somebody_writes_their_last_word(tmp_path, name, monkeypatch):
    metered = Metered(tmp_path / "data")  # not configured: nobody else looks after them here
    metered.run(f"plainview.counter({name!r}).inc(7); os.kill(os.getpid(), signal.SIGKILL)")
    (stream,) = (metered.directory / "spool").iterdir()
    seen = []
    fold = cells.final.fold

    def meanwhile(*given):
        seen.append((segments.is_alive(stream), cells.finalise(stream)))
        return fold(*given)

    monkeypatch.setattr(cells.final, "fold", meanwhile)
    assert cells.finalise(stream)
    assert seen == [(False, False)]  # it is not alive, but another is at it


def test_the_living_look_after_the_dead_of_their_service(metered, name):
    metered.configure(metrics_interval=0.1)
    plainview.counter(name).inc()
    metered.run(f"plainview.counter({name!r}).inc(7); os.kill(os.getpid(), signal.SIGKILL)")
    wait_for(lambda: sum(metered.told(f"{name}_total").values()) == 8)
    assert metered.value(f"{name}_total") == 8


def test_files_that_are_damaged_are_no_cells_and_are_done_with(tmp_path):
    stream = tmp_path / "spool" / "s-1-a"
    stream.mkdir(parents=True)
    assert cells.finalise(stream)
    (stream / cells.CELLS).write_bytes(b"abc")
    (stream / cells.SERIES).write_bytes(b'["m",1,"a_total","counter"]\n["s",1,9999999,[]]\n\xff\xfe{[')
    (stream / cells.EMITTED[0]).write_bytes(b"x" * 30)
    (stream / segments.PROCESS).write_bytes(b"[")
    assert cells.finalise(stream)
    assert (stream / cells.DONE).exists()


def test_a_bank_that_was_cut_short_does_not_count(tmp_path):
    cells.write_bank(tmp_path, 2, array("d", [1.0, 2.0]))
    assert cells.bank(tmp_path, 2).tolist() == [1.0, 2.0]
    path = tmp_path / cells.EMITTED[0]
    path.write_bytes(path.read_bytes()[:-4])
    assert cells.bank(tmp_path, 2) is None
    assert cells.bank(tmp_path, 1) is None


def test_files_of_cells_are_known_by_name():
    assert all(map(cells.is_cells_file, [cells.CELLS, cells.SERIES, *cells.EMITTED, cells.DONE, "cells.new"]))
    assert not any(map(cells.is_cells_file, ["cellsx", "log-000001.ndjson", "my.cells"]))


def test_a_forked_child_has_told_nothing(metered, name):
    program = metered.start(
        f"""
        counted = plainview.counter({name!r})
        counted.inc(5)
        plainview.capture.runtime.runtime().keeper.metrics.take()
        child = os.fork()
        if child == 0:
            counted.inc(2)
            plainview.capture.runtime.runtime().keeper.metrics.take()
            os._exit(0)
        os.waitpid(child, 0)
        """
    )
    assert program.wait(60) == 0
    assert sum(metered.told(f"{name}_total").values()) == 7


def test_snapshots_go_on_when_one_cannot_be_taken(metered, name, monkeypatch):
    counted = plainview.counter(name)
    counted.inc()
    taking = plainview.capture.runtime.runtime().keeper.metrics
    with monkeypatch.context() as patch:
        patch.setattr(Snapshots, "_static", lambda _: 1 / 0)
        taking.take()
    counted.inc()
    taking.take()
    assert metered.told(f"{name}_total") == {(): 2}
