"""gevent's pools of greenlets and threads: the operation goes along with what is given out in it."""

from __future__ import annotations

import json
import sys

import pytest

PROGRAM = """
    import json, sys
    if sys.argv[1] == "patched":
        from gevent import monkey
        monkey.patch_all()
    import gevent
    import plainview
    from gevent.pool import Group, Pool
    from gevent.threadpool import ThreadPool, ThreadPoolExecutor
    from plainview.context import current

    def who(*_):
        frame = current.get()
        return frame.operation and frame.operation.name, frame.bound.fields.get("job_id")

    def broken():
        raise LookupError("broken")

    told = []
    ways = {
        "spawn": lambda pool: [pool.spawn(who, 1).get()],
        "map": lambda pool: pool.map(who, range(5)),
        "map by name": lambda pool: pool.map(func=who, iterable=range(2)),
        "map_async": lambda pool: pool.map_async(who, range(5), told.append).get(),
        "imap": lambda pool: list(pool.imap(who, range(5), range(5))),
        "imap_unordered": lambda pool: list(pool.imap_unordered(who, range(5))),
        "apply": lambda pool: [pool.apply(who, (1,)), pool.apply(who)],
        "apply_async": lambda pool: [pool.apply_async(who, (1,), {}, told.append).get() for _ in range(5)],
    }
    pools = {"Group": Group(), "Pool": Pool(2), "ThreadPool": ThreadPool(2), "hub": gevent.get_hub().threadpool}
    executor = ThreadPoolExecutor(2)
    found = {}
    for round in ("outside", "one", "two", "outside again"):
        def ask():
            for pool in pools:
                for way in ways:
                    found[f"{round} {pool} {way}"] = ways[way](pools[pool])
            found[f"{round} executor"] = [executor.submit(who).result(), *executor.map(who, range(2))]
            for pool in pools.values():
                try:
                    pool.apply(broken)
                except LookupError:
                    found[f"{round} error"] = [who()]
        if round.startswith("outside"):
            ask()
        else:
            with plainview.job(round, id=f"j-{round}"):
                ask()
    print(json.dumps(found))
"""


@pytest.mark.parametrize("how", ["plain", "patched"])
def test_what_is_given_to_a_pool_is_part_of_the_operation_that_it_was_given_out_in(programs, how):
    done = programs.run(sys.executable, programs.write("pools.py", PROGRAM), how)
    assert done.returncode == 0, done.stderr
    expected = {"one": ["one", "j-one"], "two": ["two", "j-two"]}
    found = json.loads(done.stdout)
    assert len(found) == 4 * (4 * 8 + 2)
    for way, answers in found.items():
        assert answers, way
        assert all(answer == expected.get(way.split()[0], [None, None]) for answer in answers), (way, answers)
    assert programs.spool.internal_errors() == 0


INSIDE = """
    import plainview
    from gevent.pool import Pool
    from gevent.threadpool import ThreadPool

    def price(number):
        with plainview.engine("price", number=number):
            pass

    for pool in (Pool(3), ThreadPool(3)):
        with plainview.batch("nightly"):
            pool.map(price, range(10))
"""


def test_operations_in_a_pool_are_parts_of_that_around_them(programs):
    done = programs.run(sys.executable, programs.write("inside.py", INSIDE))
    assert done.returncode == 0, done.stderr
    spans = programs.spool.spans()
    batches = [span["span_id"] for span in spans if span["name"] == "batch nightly"]
    priced = [span["parent_span_id"] for span in spans if span["name"] == "engine price"]
    assert sorted(priced) == sorted(batches * 10)
    assert len(batches) == 2


SUBCLASS = """
    import plainview
    from gevent import Greenlet
    from gevent.pool import Pool

    class Named(Greenlet):
        def __init__(self, name):
            super().__init__()
            self.called = name

        def _run(self):
            return self.called

    with plainview.job("one"):
        assert Pool(2, Named).spawn("ann").get() == "ann"
        try:
            Pool(2).map()
        except TypeError:
            print("as ever")
"""


def test_what_takes_no_function_and_what_is_wrong_is_as_without_us(programs):
    done = programs.run(sys.executable, programs.write("subclass.py", SUBCLASS))
    assert (done.returncode, done.stdout) == (0, "as ever\n"), done.stderr
