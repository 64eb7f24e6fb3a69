"""What nobody caught: each of the interpreter's hooks, in real programs; other hooks are heard as well."""

from __future__ import annotations

import os
import signal
import sys
import weakref

import pytest
from errors import errors, only

import plainview

HOOKS = {
    "excepthook": ("excepthook", "CRITICAL", "raise LookupError('lost')"),
    "a thread": ("threading", "ERROR", "t = threading.Thread(target=lambda: {}['lost']); t.start(); t.join()"),
    "a finaliser": (
        "unraisable",
        "ERROR",
        """
class Thing:
    def __del__(self): raise LookupError('lost')
thing = Thing()
del thing
""",
    ),
    "a finaliser at the very end": (
        "unraisable",
        "ERROR",
        """
class Thing:
    def __del__(self): raise LookupError('lost')
thing = Thing()
""",
    ),
    "a task that nobody waits for": (
        "asyncio",
        "ERROR",
        """
import asyncio
async def fail(): raise LookupError('lost')
async def main():
    task = asyncio.create_task(fail())
    await asyncio.sleep(0.01)
    del task
    import gc; gc.collect()
asyncio.run(main())
""",
    ),
    "a callback of a loop": (
        "asyncio",
        "ERROR",
        """
import asyncio
def fail(): raise LookupError('lost')
async def main():
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0.01)
asyncio.run(main())
""",
    ),
}


@pytest.mark.parametrize("name", HOOKS)
def test_what_nobody_caught_is_an_error(capture, name):
    mechanism, level, source = HOOKS[name]
    done = capture.program(source)
    record = only(capture)
    assert (record["mechanism"], record["level"], record["handled"]) == (mechanism, level, False)
    assert record["exceptions"][0]["type"] in {"LookupError", "KeyError"}
    assert "lost" in record["exceptions"][0]["message"]
    # What the interpreter itself says is said as before.
    assert "lost" in done.stderr
    assert "plainview:" not in done.stderr
    assert done.returncode == (1 if name == "excepthook" else 0)


def test_what_was_logged_and_then_nobody_caught_is_one_error(capture):
    capture.program("""
        try:
            raise LookupError("lost")
        except LookupError:
            log.exception("told")
            logging.getLogger("x").exception("told")
            raise
    """)
    record = only(capture)
    assert record["message"] == "told"
    assert {line["exception"]["error_id"] for line in capture.logs()} == {record["error_id"]}


def test_the_context_that_was_left_on_the_way_to_the_hook_is_the_error_s(capture):
    capture.program("""
        with plainview.context(job_id="j-9"), plainview.span("work", step=1):
            raise LookupError("lost")
    """)
    record, (span,) = only(capture), capture.spans()
    assert (record["mechanism"], record["handled"], record["job_id"]) == ("excepthook", False, "j-9")
    assert (record["trace_id"], record["span_id"]) == (span["trace_id"], span["span_id"])


@pytest.mark.parametrize("ending", ["sys.exit(3)", "raise SystemExit", "raise KeyboardInterrupt", "os._exit(0)"])
def test_the_end_of_a_program_is_no_error(capture, ending):
    capture.program(f"log.info('x')\n{ending}")
    assert errors(capture) == []


def test_hooks_of_others_are_heard_before_us_and_after(capture):
    done = capture.program("""
        plainview.shutdown()
        def first(*a): print("first", a[0].__name__)
        sys.excepthook = first
        plainview.configure(service="test", environment="production", file="", dir=sys.argv[1])
        ours = sys.excepthook
        def last(*a):
            print("last", a[0].__name__)
            ours(*a)
        sys.excepthook = last
        raise LookupError("lost")
    """, str(capture.directory))  # fmt: skip
    assert done.stdout.split() == ["last", "LookupError", "first", "LookupError"]
    assert only(capture)["mechanism"] == "excepthook"


def test_a_handler_of_the_application_s_own_stays_in_charge_of_its_loop(capture):
    done = capture.program("""
        import asyncio
        def fail(): raise LookupError("lost")
        async def main():
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda loop, context: print("mine:", context["exception"]))
            loop.call_soon(fail)
            await asyncio.sleep(0.01)
        asyncio.run(main())
    """)
    assert done.stdout == "mine: lost\n"
    assert errors(capture) == []


def test_shutdown_puts_the_hooks_back(tmp_path):
    before = sys.excepthook, sys.unraisablehook
    plainview.configure(dir=str(tmp_path), service="test", environment="production", file="")
    assert sys.excepthook is not before[0]
    plainview.shutdown()
    assert (sys.excepthook, sys.unraisablehook) == before


def test_a_hook_that_others_have_wrapped_only_passes_on_after_shutdown_and_works_again_after(tmp_path, capture):
    heard = []
    ours = sys.excepthook
    sys.excepthook = lambda *given: (heard.append(given[0]), ours(*given))
    try:
        plainview.shutdown()
        error = LookupError("lost")
        sys.excepthook(LookupError, error, None)
        assert errors(capture) == []
        capture.configure()
        sys.excepthook(LookupError, error, None)
        assert only(capture)["mechanism"] == "excepthook"
        assert heard == [LookupError, LookupError]
    finally:
        sys.excepthook = ours


def test_without_capture_the_hooks_are_left_alone(capture):
    plainview.shutdown()
    before = sys.excepthook
    capture.configure(capture_errors=False)
    assert sys.excepthook is before


def test_a_forked_child_tells_its_own_errors_once(capture):
    capture.program("""
        error = LookupError("parent")
        plainview.capture_exception(error)
        if os.fork() == 0:
            plainview.capture_exception(error)
            raise LookupError("child")
        os.wait()
        raise LookupError("parent again")
    """)
    told = sorted((record["exceptions"][0]["message"], record["mechanism"]) for record in errors(capture))
    assert told == [("child", "excepthook"), ("parent", "manual"), ("parent again", "excepthook")]
    assert len({record["pid"] for record in errors(capture)}) == 2


def test_an_exception_from_a_process_pool_is_one_error_and_tells_where_it_comes_from(capture):
    capture.program("""
        from concurrent.futures import ProcessPoolExecutor
        def told(n):
            try:
                raise LookupError("told there")
            except LookupError:
                log.exception("in the worker")
                raise
        def untold(n):
            raise LookupError("told here")
        if __name__ == "__main__":
            with ProcessPoolExecutor(1) as pool:
                for function in (told, untold):
                    try:
                        pool.submit(function, 1).result()
                    except LookupError:
                        log.exception("in the parent")
    """)
    there, here = errors(capture)
    assert (there["message"], here["message"]) == ("in the worker", "in the parent")
    assert there["pid"] != here["pid"]
    assert "in untold" in here["exceptions"][1]["message"]
    assert len(capture.logs()) == 3
    assert {line["exception"]["error_id"] for line in capture.logs()} == {there["error_id"], here["error_id"]}


def test_kill_9_right_after_a_capture_keeps_it(capture):
    done = capture.program("""
        import signal
        plainview.capture_exception(LookupError("lost"))
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert done.returncode == -signal.SIGKILL
    only(capture)


def test_a_span_s_exception_that_nobody_speaks_of_is_told_in_the_end(capture):
    capture.program("""
        def attempt():
            try:
                with plainview.context(job_id="j"), plainview.span("outermost"):
                    try:
                        with plainview.span("inner"):
                            raise LookupError("handled within: no error")
                    except LookupError:
                        pass
                    raise LookupError("left the work")
            except LookupError:
                pass
        attempt()
    """)
    record = only(capture)
    assert record["exceptions"][0]["message"] == "left the work"
    assert (record["mechanism"], record.get("handled", True), record["job_id"]) == ("span", True, "j")


def test_a_span_s_exception_that_is_logged_is_told_by_the_log(capture):
    for _ in range(3):
        try:
            with plainview.span("outermost"):
                raise LookupError("lost")
        except LookupError:
            plainview.get_logger("worker").exception("job failed")
    plainview.shutdown()
    assert [record["mechanism"] for record in errors(capture)] == ["logging"] * 3


def test_nothing_that_an_exception_holds_is_held_any_longer_by_us(capture):
    class Connection:
        """Goes back to its pool when nobody has it any more."""

    def work():
        connection = Connection()
        refs.append(weakref.ref(connection))
        raise LookupError("lost")

    refs = []
    for attempt in range(3):
        try:
            with plainview.context(attempt=attempt), plainview.span("outermost"):
                work()
        except LookupError:
            if attempt:
                plainview.get_logger("x").exception("failed")
        assert refs[-1]() is None
    plainview.shutdown()
    assert len(errors(capture)) == 3


def test_a_capture_in_a_signal_handler_is_kept(capture):
    def handler(*_):
        plainview.capture_exception(LookupError("from the handler"))

    previous = signal.signal(signal.SIGUSR1, handler)
    try:
        for number in range(50):
            os.kill(os.getpid(), signal.SIGUSR1)
            plainview.capture_exception(LookupError(str(number)))
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert sum(record.get("count", 1) for record in errors(capture)) == 100
