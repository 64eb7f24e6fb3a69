"""Causes, contexts, groups and notes: an error is told as the interpreter tells it, and bounded."""

from __future__ import annotations

from errors import divide, errors, only, printed, raised
from hypothesis import HealthCheck, given, settings, strategies as st

import plainview

log = plainview.get_logger("shop")


def test_causes_and_contexts_are_told_as_the_interpreter_does(capture):
    def fail():
        try:
            try:
                {}["a"]
            except KeyError:
                divide(0)
        except ZeroDivisionError as error:
            raise LookupError("c") from error

    try:
        fail()
    except LookupError as error:
        expected = printed(error)
        plainview.capture_exception()
    record = only(capture)
    assert record["stack_trace"] == expected
    assert [(one["type"], one.get("parent"), one.get("relation")) for one in record["exceptions"]] == [
        ("LookupError", None, None),
        ("ZeroDivisionError", 0, "cause"),
        ("KeyError", 1, "context"),
    ]


def test_a_suppressed_context_is_left_out(capture):
    try:
        try:
            divide(0)
        except ZeroDivisionError:
            raise LookupError("c") from None
    except LookupError:
        plainview.capture_exception()
    assert len(only(capture)["exceptions"]) == 1


@st.composite
def families(draw):
    """Exceptions that hang together in any way at all, cycles included."""
    count = draw(st.integers(1, 7))
    made = [raised(draw(st.sampled_from([ValueError, KeyError, OSError]))(f"e{n}")) for n in range(count)]
    index = st.one_of(st.none(), st.integers(0, count - 1))
    for error in made:
        cause, context = draw(index), draw(index)
        error.__context__ = None if context is None else made[context]
        if cause is not None:
            error.__cause__ = made[cause]
        if draw(st.booleans()):
            error.__suppress_context__ = draw(st.booleans())
        for note in draw(st.lists(st.sampled_from(["n1", "two\nlines", ""]), max_size=2)):
            error.add_note(note)
    return made[0]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(families())
def test_whatever_exceptions_hang_together_it_is_printed_as_the_interpreter_prints_it(capture, error):
    expected = printed(error)
    error_id = plainview.capture_exception(error)
    record = next(one for one in errors(capture) if one["error_id"] == error_id)
    assert record["stack_trace"] == expected
    told = [one["message"].strip("'") for one in record["exceptions"]]
    order = [line.split(": ")[1].strip("'") for line in expected.splitlines() if line.startswith(("Val", "Key", "OSE"))]
    assert told == order[::-1]


groups = st.recursive(
    st.builds(ValueError, st.sampled_from("abc")),
    lambda below: st.builds(ExceptionGroup, st.sampled_from(["g", "h"]), st.lists(below, min_size=1, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups)
def test_a_group_is_a_tree(capture, error):
    error_id = plainview.capture_exception(raised(error))
    record = next(one for one in errors(capture) if one["error_id"] == error_id)
    listed = record["exceptions"]

    def tree(index):
        return (
            listed[index]["message"].partition(" (")[0],
            [tree(n) for n, one in enumerate(listed) if one.get("parent") == index],
        )

    def real(one):
        return str(one).partition(" (")[0], [real(each) for each in getattr(one, "exceptions", ())]

    assert tree(0) == real(error)
    assert record["stack_trace"] == printed(error)


def test_a_wide_a_deep_and_a_long_family_are_bounded_and_what_is_left_out_is_counted(capture):
    plainview.capture_exception(raised(ExceptionGroup("wide", [ValueError(str(n)) for n in range(10_000)])))
    deep = ValueError("bottom")
    for _ in range(60):
        deep = ExceptionGroup("deep", [deep])
    plainview.capture_exception(raised(deep))
    first = error = raised(ValueError("0"))
    for number in range(1, 5000):
        error.__cause__ = error = raised(ValueError(str(number)))
    plainview.capture_exception(first)
    wide, deep, long = errors(capture)
    assert len(wide["exceptions"]) + wide["exceptions_omitted"] == 10_001
    assert len(wide["exceptions"]) < 20
    assert deep["exceptions_omitted"] > 0
    assert len(long["exceptions"]) + long["exceptions_omitted"] == 5000
    assert (long["exceptions"][0]["message"], long["exceptions"][-1]["message"]) == ("0", "4999")


def test_a_syntax_error_says_where(capture):
    try:
        compile("a = 1\nb = = 2\n", "config.py", "exec")
    except SyntaxError as error:
        expected = printed(error)
        plainview.capture_exception()
    record = only(capture)
    assert record["stack_trace"] == expected
    last = record["exceptions"][0]["frames"][-1]
    assert (last["file"], last["line"], last["source"]) == ("config.py", 2, "b = = 2")


def test_recursion_a_hundred_thousand_deep_is_bounded(capture):
    """In an interpreter of its own: whoever recurses so deep allows it first."""
    done = capture.program("""
        sys.setrecursionlimit(110_000)
        threading.stack_size(1 << 29)
        def down(n):
            if not n: raise ValueError("bottom")
            down(n - 1)
        def ping(n):
            if not n: raise ValueError("bottom")
            pong(n - 1)
        def pong(n):
            ping(n)
        def work():
            for function in (down, ping):
                try:
                    function(50_000 if function is ping else 100_000)
                except ValueError:
                    log.exception("fell")
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    """)
    assert done.returncode == 0, done.stderr
    assert "plainview:" not in done.stderr
    for record in errors(capture):
        (exception,) = record["exceptions"]
        start, end = exception["frames_omitted"]
        assert len(exception["frames"]) + end - start == 100_002
        assert exception["frames"][0]["function"] == "work"
        assert exception["frames"][-1]["source"].strip() == 'if not n: raise ValueError("bottom")'
        assert len(record["stack_trace"]) < 70_000
        assert "left out" in record["stack_trace"] or "cut" in record["stack_trace"]
