"""The console: readable, and nothing that was logged can play tricks on it."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys

import pytest
from hypothesis import given, strategies as st

from plainview.sinks.console import Console
from plainview.sinks.text import Pretty

CONTROLS = {*map(chr, range(32)), *map(chr, range(127, 160)), *"\u2028\u2029\u202a\u202e\u2066\u2069\u200f\ufeff"}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    import time

    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def written(*lines: bytes, form="pretty", stream=None) -> str:
    stream = stream or io.StringIO()
    Console(form, stream).write("log", lines)
    return stream.getvalue()


def test_a_record_is_one_line_of_time_level_logger_message_and_fields(line):
    text = written(
        line(extra={"title": "Der Prozess", "step": 3}, duration_ms=12.5, request_id="r1", trace_id="t" * 32)
    )
    assert text == (
        '01:47:55.123 INFO  studio.api  book created  title="Der Prozess" step=3 duration_ms=12.5 request_id=r1\n'
    )


def test_times_are_local(line, monkeypatch):
    import time

    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    assert written(line()).startswith("07:17:55.123 ")


def test_levels_keep_the_columns(line):
    starts = {written(line(level=level))[:19] for level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")}
    assert starts == {f"01:47:55.123 {word} " for word in ("DEBUG", "INFO ", "WARN ", "ERROR", "CRIT ")}


def test_the_exception_stands_below_indented(line):
    exception = {"type": "ValueError", "message": "no", "stack_trace": "Traceback\n  File x\nValueError: no\n"}
    assert written(line(level="ERROR", exception=exception)).splitlines()[1:] == [
        "  │ Traceback",
        "  │   File x",
        "  │ ValueError: no",
    ]


def test_an_exception_without_a_stack_shows_type_and_message(line):
    assert "  │ KeyError: 'x'" in written(line(exception={"type": "KeyError", "message": "'x'"}))


def test_colours_on_a_terminal_only(line):
    assert "\x1b[34mINFO" in written(line(), stream=Terminal())
    assert "\x1b" not in written(line())


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_the_usual_variables_decide_on_colour(line, monkeypatch, variables, coloured):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b" in written(line(), stream=Terminal())) is coloured


def test_a_forged_record_in_a_message_stays_on_its_line(line):
    text = written(line(message="hi\n01:00:00.000 INFO  auth  admin logged in\x1b[2K\x1b[1A\r"))
    assert text.count("\n") == 1
    assert r"hi\n01:00:00.000 INFO  auth  admin logged in\x1b[2K\x1b[1A\r" in text


def test_a_forged_record_in_a_stack_trace_is_marked_as_part_of_it(line):
    text = written(line(exception={"stack_trace": "ValueError: x\n01:00:00.000 INFO  auth  fine\x1b[0m"}))
    assert text.splitlines()[1:] == ["  │ ValueError: x", r"  │ 01:00:00.000 INFO  auth  fine\x1b[0m"]


@given(
    st.fixed_dictionaries(
        {"message": st.text(), "logger": st.text(), "level": st.text()},
        optional={
            "extra": st.dictionaries(st.text(), st.text() | st.lists(st.text()) | st.none() | st.booleans()),
            "request_id": st.text(),
            "timestamp": st.text(),
            "exception": st.fixed_dictionaries({"stack_trace": st.text()}),
        },
    )
)
def test_whatever_is_logged_the_text_has_no_control_character(record):
    encoded = json.dumps(record).encode()
    text = Pretty(colour=False)(encoded)
    assert not CONTROLS & set(text.replace("\n", ""))
    assert all(other.startswith("  │ ") for other in text.splitlines()[1:])


@given(st.binary())
def test_what_is_no_record_is_shown_made_visible(data):
    text = Pretty(colour=False)(data)
    assert text.endswith("\n")
    assert "\x1b" not in text


def test_json_is_the_line_itself_with_terminal_controls_escaped(line):
    plain, tricky = line(), line(message="csi \x9b2K del \x7f next\u0085line")
    assert written(plain, form="json") == plain.decode() + "\n"
    text = written(tricky, form="json")
    assert json.loads(text) == json.loads(tricky)
    assert not set(text) & {"\x9b", "\x7f", "\x85"}


def test_standard_output_is_never_written(line):
    program = f"from plainview.sinks.console import Console; Console('pretty').write('log', [{line()!r}])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout == ""
    assert "book created" in done.stderr


@pytest.fixture(autouse=True)
def _buffered(monkeypatch):
    # As most programs run: what is written past the buffer then matters.
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


@pytest.mark.parametrize("closing", ["sys.stderr.close()", "sys.stderr = None", "os.close(2)"])
def test_a_closed_standard_error_is_given_up_silently(line, closing):
    program = (
        "import os, sys\nfrom plainview.sinks.console import Console\n"
        f"console = Console('pretty') if {closing!r} != 'sys.stderr = None' else None\n{closing}\n"
        f"console = console or Console('json')\nfor _ in range(3): console.write('log', [{line()!r}])\nprint('fine')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout == "fine\n"


def test_a_reader_that_went_away_is_given_up_silently(line):
    reading, writing = os.pipe()
    os.close(reading)
    program = (
        "import sys\nfrom plainview.sinks.console import Console\nconsole = Console('json')\n"
        f"for _ in range(3): console.write('log', [{line()!r}])\nprint('fine')"
    )
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=writing, check=True)
    os.close(writing)
    assert done.stdout == b"fine\n"


def test_a_terminal_that_does_not_block_gets_everything(line):
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    program = (
        "from plainview.sinks.console import Console\nconsole = Console('json')\n"
        f"for _ in range(100): console.write('log', [{line()!r}] * 20)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stderr=writing) as running:
        os.close(writing)
        with os.fdopen(reading, "rb") as shown:
            assert shown.read().count(b"\n") == 2000
    assert running.returncode == 0


def test_on_a_real_terminal_it_is_coloured(line):
    control, terminal = pty.openpty()
    program = f"from plainview.sinks.console import Console; Console('pretty').write('log', [{line()!r}])"
    subprocess.run([sys.executable, "-c", program], stderr=terminal, check=True)
    shown = os.read(control, 4096).decode()
    os.close(terminal)
    os.close(control)
    assert "\x1b[34mINFO" in shown


def test_a_stderr_that_logs_does_not_make_us_log_ourselves(line, monkeypatch):
    stream, calls = io.StringIO(), []

    class LogsWhatItIsGiven:
        def write(self, text):
            calls.append(text)

        def flush(self):
            calls.append("flush")

    monkeypatch.setattr(sys, "stderr", stream)
    console = Console("pretty")
    monkeypatch.setattr(sys, "stderr", LogsWhatItIsGiven())
    console.write("log", [line()])
    assert "book created" in stream.getvalue()
    assert calls == []
