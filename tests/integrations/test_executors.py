"""Work in pools of threads and processes: the batch's context goes along, its items are counted in the parent."""

from __future__ import annotations

import sys

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


def test_what_a_function_has_on_it_does_not_keep_it_from_another_process(programs):
    done = programs.run(sys.executable, programs.write("attributes.py", ATTRIBUTES))
    assert done.returncode == 0, done.stderr
