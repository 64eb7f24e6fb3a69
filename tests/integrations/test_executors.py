"""Work in pools of threads and processes: the batch's context goes along, its items are counted in the parent."""

from __future__ import annotations

import sys
from collections import Counter

import pytest
from harness import Programs, read

ATTRIBUTES = """
    import threading
    from concurrent.futures import ProcessPoolExecutor

    def double(number):
        return number * 2

    double.lock = threading.Lock()  # the function is pickled by its name: this never was

    if __name__ == "__main__":
        with ProcessPoolExecutor(1) as pool:
            assert pool.submit(double, 21).result() == 42
"""
BATCH = """
    import logging, multiprocessing, os, signal, sys
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    import plainview

    log = logging.getLogger("pool.log")

    def price(order):
        if order % 100 == 7:
            raise LookupError(f"no price of {order}")
        if order % 100 == 0:
            with plainview.engine("price", order=order):
                log.info("pricing", extra={"order": order})
        return order * 2

    def die(order):
        os.kill(os.getpid(), signal.SIGKILL)

    def work(name, pool, function, orders):
        with plainview.batch(name, id=name, items=len(orders)) as batch, pool:
            futures = [pool.submit(function, order) for order in orders]
            for index, future in enumerate(futures):
                try:
                    with batch.item(index):
                        future.result()
                except (LookupError, BrokenProcessPool):
                    pass

    def main():
        with plainview.context(request_id="r1"):
            spawn = multiprocessing.get_context("spawn")
            work("processes", ProcessPoolExecutor(2), price, range(1_000))
            work("spawned", ProcessPoolExecutor(2, mp_context=spawn), price, range(10))
            work("threads", ThreadPoolExecutor(2), price, range(1_000))
            work("killed", ProcessPoolExecutor(1), die, range(3))
            # One pool for two batches: each piece of work belongs to the one that it was given out in.
            with ProcessPoolExecutor(1) as pool:
                for name in ("one", "two"):
                    with plainview.batch(name, id=name):
                        pool.submit(price, 0).result()
                pool.submit(price, 0).result()

    if __name__ == "__main__":
        main()
"""


def test_what_a_function_has_on_it_does_not_keep_it_from_another_process(programs):
    done = programs.run(sys.executable, programs.write("attributes.py", ATTRIBUTES))
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What was recorded of all batches."""
    programs = Programs(tmp_path_factory.mktemp("executors"))
    done = programs.run(sys.executable, programs.write("batch.py", BATCH))
    assert done.returncode == 0, done.stderr
    assert programs.spool.internal_errors() == 0
    return programs.spool


def test_batches_over_pools_are_told_as_one(told):
    lines = read(told.directory, "operation")
    for name, items, failing, opening in (
        ("processes", 1_000, 10, 10),
        ("spawned", 10, 1, 1),
        ("threads", 1_000, 10, 10),
    ):
        (closed,) = (line for line in lines if line["event"] == "close" and line.get("key") == name)
        # Counted in the parent, where results are taken.
        assert (closed["done"], closed["total"], closed["status"]) == (items, items, "completed")
        assert closed["data"] == {"succeeded": items - failing, "failed": failing}
        failed = [line for line in lines if line["event"] == "item" and line["key"] == name]
        assert [line["data"]["index"] for line in failed] == [place for place in range(items) if place % 100 == 7]
        assert failed[0]["reason"] == "LookupError: no price of 7"
        # What happens in the pool is in the batch's context, and its operations are parts of the batch.
        written = [line for line in told.logs("pool.log", batch_id=name) if line["request_id"] == "r1"]
        assert len(written) == opening
        engines = [line for line in lines if line["kind"] == "engine" and line.get("batch_id") == name]
        assert len(engines) == opening
        assert {line["parent_id"] for line in engines} == {closed["operation_id"]}
        assert {line["span_id"] for line in written} == {line["operation_id"] for line in engines}
        assert ({line["pid"] for line in written} == {closed["pid"]}) is (name == "threads")


def test_a_process_that_is_killed_fails_the_items_that_were_to_come(told):
    lines = [line for line in read(told.directory, "operation") if line.get("key") == "killed"]
    reasons = Counter(line["reason"].partition(":")[0] for line in lines if line["event"] == "item")
    assert reasons == {"BrokenProcessPool": 3}
    (closed,) = (line for line in lines if line["event"] == "close")
    assert closed["data"] == {"failed": 3}


def test_a_pool_that_stays_does_not_keep_the_batch_that_it_was_started_in(told):
    lines = read(told.directory, "operation")
    by_key = {
        line["key"]: line["operation_id"] for line in lines if line["kind"] == "batch" and line["event"] == "open"
    }
    engines = [line for line in lines if line["kind"] == "engine"]
    for name in ("one", "two"):
        assert [line["parent_id"] for line in engines if line.get("batch_id") == name] == [by_key[name]]
    (alone,) = (line for line in engines if "batch_id" not in line)
    assert "parent_id" not in alone
