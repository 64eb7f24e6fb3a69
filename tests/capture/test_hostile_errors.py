"""Exceptions that lie, fail, recurse or are of no size: each is told, and hurts nobody."""

from __future__ import annotations

import builtins

import msgspec
import pytest
from errors import only, printed, raised

import plainview
from plainview.records import ErrorRecord

log = plainview.get_logger("shop")


class LiarError(ValueError):
    """Says it is something else, and hides where it comes from."""

    __class__ = int
    __traceback__ = __cause__ = __dict__ = property(lambda _: 1 / 0)


class RaisesError(ValueError):
    def __str__(self):
        raise RuntimeError("no")


class ExitsError(ValueError):
    def __str__(self):
        raise SystemExit


class RecursesError(ValueError):
    def __str__(self):
        return str(self)


class NumberError(ValueError):
    def __str__(self):
        return 5  # noqa: PLE0307 - that is what is wrong with it


class NotedError(ValueError):
    """Its notes are a trap."""

    @property
    def __notes__(self):
        raise RuntimeError("no")


class NamelessError(ValueError):
    __module__ = None


class SlottedError(ValueError):
    __slots__ = ()

    def __setattr__(self, name, value):
        raise AttributeError(name)


def _with_notes():
    error = ValueError("x")
    error.__notes__ = [5, "fine", "\udcff", *["n"] * 1000]
    return error


def _its_own_cause():
    error = ValueError("x")
    error.__cause__ = error.__context__ = error
    return error


HOSTILE = {
    "liar": lambda: LiarError("x"),
    "raises": RaisesError,
    "exits": ExitsError,
    "recurses": RecursesError,
    "number": NumberError,
    "noted": NotedError,
    "nameless": NamelessError,
    "slotted": SlottedError,
    "huge": lambda: ValueError("x" * 20_000_000),
    "surrogates": lambda: ValueError("half \udcff a pair"),
    "control": lambda: ValueError("nul \0, line\nand \x1b[31m"),
    "unprintable": lambda: ValueError(RaisesError()),
    "notes": lambda: raised(_with_notes()),
    "syntax": lambda: SyntaxError("x", ("f", "not a line", None, 7)),
    "itself": _its_own_cause,
    "group": lambda: ExceptionGroup("g", [RaisesError(), RecursesError(), ExitsError()]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_exception_is_told_and_hurts_nobody(capture, name):
    error = HOSTILE[name]()
    try:
        raise error
    except Exception:
        log.exception("hostile")
        error_id = plainview.capture_exception()
    record = only(capture)
    assert record["error_id"] == error_id
    assert capture.last()["exception"]["error_id"] == error_id
    assert record["exceptions"][0]["frames"][0]["function"].startswith("test_a_hostile_exception")
    assert len(msgspec.json.encode(record)) < 300_000
    msgspec.json.decode(msgspec.json.encode(record), type=ErrorRecord)
    assert plainview.capture.runtime.runtime().recorder.spool.counters.internal_errors == 0


def test_an_exception_that_was_never_raised_has_no_frames(capture):
    plainview.capture_exception(ValueError("made"))
    (exception,) = only(capture)["exceptions"]
    assert "frames" not in exception or exception["frames"] == []
    assert only(capture)["stack_trace"] == "ValueError: made\n"


def test_a_line_that_would_be_too_long_loses_what_it_can_do_without(capture):
    capture.configure(max_line=8192)

    def down(n):
        if not n:
            raise ValueError("bottom")
        down(n - 1)

    try:
        down(100)
    except ValueError:
        plainview.capture_exception(notes=["n" * 1000] * 50)
    record = only(capture)
    assert len(msgspec.json.encode(record)) <= 8192
    assert record["exceptions"][0]["message"] == "bottom"
    assert "line_too_long" in record["extra"]


BUILT_IN = sorted(
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, Warning | BaseExceptionGroup)
)
ARGUMENTS = {
    "UnicodeDecodeError": ("utf-8", b"\xff", 0, 1, "bad"),
    "UnicodeEncodeError": ("ascii", "é", 0, 1, "bad"),
    "UnicodeTranslateError": ("é", 0, 1, "bad"),
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_exception_of_the_interpreter_is_printed_as_it_prints_it(capture, name):
    error = raised(getattr(builtins, name)(*ARGUMENTS.get(name, ("said",))))
    plainview.capture_exception(error)
    assert only(capture)["stack_trace"] == printed(error)
