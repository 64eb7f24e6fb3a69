"""An error that comes in masses is sampled by its rule; the counts add up, the disk is not filled."""

from __future__ import annotations

import threading

import pytest
from errors import divide, errors, raised

import plainview


def fail(kind=ZeroDivisionError):
    try:
        divide(0)
    except kind:
        plainview.capture_exception()


def total(capture) -> int:
    return sum(record.get("count", 1) for record in errors(capture))


def test_a_hundred_thousand_of_the_same_are_few_lines_and_an_exact_count(capture):
    for _ in range(100_000):
        fail()
    plainview.shutdown()
    records = errors(capture)
    assert total(capture) == 100_000
    assert 101 <= len(records) < 250
    assert len({record["error_id"] for record in records}) == len(records)
    assert all("count" not in record for record in records[:99])
    assert {record["exceptions"][0]["type"] for record in records} == {"ZeroDivisionError"}
    assert sum(path.stat().st_size for path in capture.directory.rglob("error-*")) < 3 << 20


def test_a_storm_from_many_threads_is_counted_exactly(capture):
    capture.configure(error_burst=5)

    def work():
        for _ in range(2500):
            fail()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    plainview.shutdown()
    assert total(capture) == 20_000
    assert len(errors(capture)) < 200


def test_each_type_and_place_has_its_own_share(capture):
    capture.configure(error_burst=3)
    for number in range(10):
        fail()
        plainview.capture_exception(raised(ValueError(str(number))))
        plainview.capture_exception(raised(OSError(str(number))))
    plainview.shutdown()
    kinds = [record["exceptions"][0]["type"] for record in errors(capture) if "count" not in record]
    assert [kinds.count(kind) for kind in ("ZeroDivisionError", "ValueError", "OSError")] == [3, 3, 3]
    assert total(capture) == 30


def test_ten_thousand_different_errors_are_all_written(capture):
    capture.configure(source_context=0)
    for number in range(10_000):
        scope = {}
        exec(compile(f"def place():\n    raise ValueError({number})", f"generated_{number}.py", "exec"), scope)
        try:
            scope["place"]()
        except ValueError:
            plainview.capture_exception()
    plainview.shutdown()
    assert {record["exceptions"][0]["message"] for record in errors(capture)} > {str(n) for n in range(500)}
    assert total(capture) == 10_000


def test_what_was_only_counted_is_told_by_itself_when_the_storm_is_over(capture):
    """In a program that goes on: its keeper tells it."""
    done = capture.program("""
        def fail():
            try:
                1 / 0
            except ZeroDivisionError:
                plainview.capture_exception()
        for _ in range(1000):
            fail()
        time.sleep(3)
        os.kill(os.getpid(), 9)
    """)
    assert done.returncode == -9
    assert total(capture) == 1000


def test_the_log_lines_of_a_storm_point_only_to_errors_that_were_written(capture):
    capture.configure(error_burst=2)
    log = plainview.get_logger("shop")
    for _ in range(50):
        log.error("failed", exc_info=raised(ValueError("x")))
    plainview.shutdown()
    written = {record["error_id"] for record in errors(capture)}
    told = [line["exception"].get("error_id") for line in capture.logs()]
    assert {error_id for error_id in told if error_id} <= written
    assert told.count(None) >= 40


@pytest.mark.parametrize("burst", [0])
def test_sampling_can_be_switched_off(capture, burst):
    capture.configure(error_burst=burst)
    for _ in range(300):
        fail()
    assert len(errors(capture)) == 300
