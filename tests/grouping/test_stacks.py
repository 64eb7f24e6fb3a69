"""Stack traces as they are printed."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given, strategies as st
from raised_pairs import record

from plainview.grouping import stacks
from plainview.grouping.fingerprint import group

#: Lines that printed stacks are made of.
LINES = """
Traceback (most recent call last):
  File "/a/b.py", line 3, in f
    f()
    ^^^
ValueError: x
KeyError
The above exception was the direct cause of the following exception:

\"""
  + Exception Group Traceback (most recent call last):
  |   File "/a/b.py", line 3, in f
  | ExceptionGroup: g (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: y
    +---------------- 2 ----------------
    +------------------------------------
java.lang.Error: x
\tat a.B.c(B.java:5)
Caused by: x.Y: z
\t... 3 more
TypeError: q
    at f (/a.js:1:2)
f@/a.js:1:2
panic: boom
goroutine 1 [running]:
main.f()
\t/a/b.go:3 +0x1d
""".splitlines()
PIECES = st.lists(st.sampled_from(LINES) | st.text(max_size=20), max_size=30).map("\n".join)


@given(PIECES, st.sampled_from(["python", "java", "javascript", "go", "cobol", ""]))
def test_any_text_is_read_and_what_belongs_to_another_comes_after_it(text, platform):
    found = stacks.parse(text, platform)
    for at, one in enumerate(found):
        assert {"type", "message", "frames"} <= one.keys()
        assert "parent" not in one or one["parent"] < at
    assert group({"stack_trace": text, "platform": platform}).fingerprint


def chained():
    try:
        {}["id"]
    except KeyError as error:
        raise ValueError("several\nlines") from error


def grouped():
    failed = []
    for step in (chained, lambda: int("x")):
        try:
            step()
        except ValueError as error:
            failed.append(error)
    raise ExceptionGroup("some failed", [*failed, ExceptionGroup("more", [TypeError("t"), OSError(5, "io")])])


@pytest.mark.parametrize("step", [chained, grouped])
def test_what_python_prints_is_read_as_it_was_raised(step):
    try:
        step()
    except Exception as error:  # noqa: BLE001 - any
        raised, printed = error, traceback.format_exc()
    found, structured = stacks.parse(printed), record(raised)["exceptions"]
    assert [one["type"] for one in found] == [one["type"] for one in structured]
    assert [one.get("relation") for one in found] == [one.get("relation") for one in structured]
    assert [one.get("parent") for one in found] == [one.get("parent") for one in structured]
    lines = [[frame["line"] for frame in one["frames"]] for one in found]
    assert lines == [[frame["line"] for frame in one["frames"]] for one in structured]
    assert [one["message"].partition(" (")[0] for one in found] == [
        one["message"].partition(" (")[0] for one in structured
    ]


def test_the_format_is_told_by_the_look_of_it():
    text = "java.lang.IllegalStateException: closed\n\tat com.shop.Orders.save(Orders.java:12)\n"
    assert stacks.parse(text, "python") == stacks.parse(text, "java") != []


THREAD = """Exception in thread "main" a.B: x
\tat c.D.e(D.java:5)
Caused by: f.G: y
\tat h.I.j(Unknown Source)
\t... 1 more
"""
CAUSED = """Error: a
    at f (/a.js:1:2)
Caused by: TypeError: b
    at g (/b.js:1:2)
"""
PANIC = """panic: boom [recovered]

goroutine 7 [running]:
runtime/debug.Stack()
\t/usr/local/go/src/runtime/debug/stack.go:24 +0x5e
shop/orders.(*S).Save(0x1)
\t/b/orders.go:8 +0x1d

goroutine 8 [running]:
main.other()
\t/b/x.go:1 +0x1
"""


@pytest.mark.parametrize(
    ("platform", "text", "types", "innermost"),
    [
        ("java", THREAD, ["B", "G"], "e"),
        ("java", "a.B: x\n\tat c.D.e(D.java:5)\n\tSuppressed: f.G: y\n\t\tat h.I.j(I.java:1)", ["B"], "e"),
        ("javascript", "Error [X]: bad\n    at async f (file:///b.mjs:1:2)\n    at node:x:1:2", ["Error"], "async f"),
        ("javascript", "f@https://x.y/z.js:1:2\n@https://x.y/z.js:3:4", ["Error"], "f"),
        ("javascript", CAUSED, ["Error", "TypeError"], "f"),
        ("go", PANIC, ["panic"], "(*S).Save"),
    ],
)
def test_other_languages_are_read(platform, text, types, innermost):
    found = stacks.parse(text, platform)
    assert [one["type"] for one in found] == types
    assert found[0]["frames"][-1]["function"] == innermost


@pytest.mark.parametrize("text", ["", "no stack at all", "at last", "Traceback (most recent call last):", "a: b: c"])
def test_what_is_no_stack_trace_has_no_exceptions(text):
    assert stacks.parse(text) == []


def test_of_a_very_long_text_the_beginning_and_the_end_are_read():
    text = (
        "Traceback (most recent call last):\n" + '  File "/a.py", line 1, in f\n    f()\n' * 100_000 + "ValueError: end"
    )
    found = stacks.parse(text)
    assert (found[0]["type"], found[0]["message"]) == ("ValueError", "end")
    assert len(found[0]["frames"]) * 30 < stacks.MAX_LENGTH
