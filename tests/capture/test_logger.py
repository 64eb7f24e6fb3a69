"""The native logger and the form of a log line."""

from __future__ import annotations

import json
import re
import sys

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import plainview

TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")


def test_a_line_has_the_documented_fields(capture):
    capture.configure(version="1.2.3")
    plainview.get_logger("shop.cart").info("added", sku="a-1", count=2)
    line = capture.last()
    assert TIMESTAMP.match(line["timestamp"])
    assert (line["level"], line["logger"], line["message"]) == ("INFO", "shop.cart", "added")
    assert (line["service"], line["environment"], line["version"]) == ("test", "production", "1.2.3")
    assert line["extra"] == {"sku": "a-1", "count": 2}
    assert line["source"]["file"] == __file__
    assert line["source"]["function"] == "test_a_line_has_the_documented_fields"
    assert line["source"]["line"] == sys._getframe().f_lineno - 8


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_every_level_has_a_method_and_is_kept_from_its_level_on(capture, level):
    capture.configure(level=level)
    log = plainview.get_logger("a")
    for method in ("debug", "info", "warning", "error", "critical"):
        getattr(log, method)("x")
    kept = [line["level"] for line in capture.logs()]
    assert kept == ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"][-len(kept) :]
    assert kept[0] == level.upper()


def test_the_source_is_the_caller_whichever_way_a_record_is_made(capture, monkeypatch):
    log = plainview.get_logger("a")
    log.log("INFO", "by level")
    log.bind(a=1).warning("bound")
    plainview.shutdown()
    monkeypatch.setenv("PLAINVIEW_DIR", str(capture.directory))
    log.error("the first, which configures")
    log.log("error", "the second")
    assert {line["source"]["function"] for line in capture.logs()} == {
        "test_the_source_is_the_caller_whichever_way_a_record_is_made"
    }
    assert len(capture.logs()) == 4


def test_warn_is_accepted_where_a_level_is_read(capture):
    capture.configure(level="WARN", levels={"chatty": "warn"})
    log = plainview.get_logger("a")
    log.info("no")
    log.log("WARN", "yes")
    assert [line["level"] for line in capture.logs()] == ["WARNING"]
    plainview.set_level("warn")
    with pytest.raises(ValueError, match="unknown level 'loud'"):
        log.log("loud", "x")


def test_levels_per_logger_follow_the_names_dots(capture):
    capture.configure(level="WARNING", levels={"shop": "DEBUG", "shop.noise": "ERROR"})
    for name in ("shop.cart", "shop.noise.deep", "shopping"):
        plainview.get_logger(name).info("x")
        plainview.get_logger(name).error("y")
    assert [(line["logger"], line["message"]) for line in capture.logs()] == [
        ("shop.cart", "x"),
        ("shop.cart", "y"),
        ("shop.noise.deep", "y"),
        ("shopping", "y"),
    ]


def test_a_level_can_be_changed_while_the_program_runs(capture):
    log = plainview.get_logger("a.b")
    log.debug("before")
    plainview.set_level("DEBUG", "a")
    log.debug("after")
    assert [line["message"] for line in capture.logs()] == ["after"]
    assert log.is_enabled_for("DEBUG")


def test_a_logger_made_before_configure_follows_it(capture):
    plainview.shutdown()
    log = plainview.get_logger("early")
    capture.configure(level="ERROR")
    log.info("no")
    log.error("yes")
    assert [line["message"] for line in capture.logs()] == ["yes"]


def test_bind_adds_fields_and_leaves_the_first_logger_alone(capture):
    log = plainview.get_logger("a")
    bound = log.bind(order="o-1", step=1)
    bound.info("one", step=2)
    bound.unbind("order").info("two")
    log.info("three")
    assert [line["extra"] for line in capture.logs()] == [{"order": "o-1", "step": 2}, {"step": 1}, {}]


def test_fields_with_a_place_of_their_own_are_put_there_as_text(capture):
    with plainview.context(job_id="outer", user_id=7):
        plainview.get_logger("a").info("x", job_id="inner", request_id=5, duration_ms=12, step=1)
    line = capture.last()
    assert (line["job_id"], line["user_id"], line["request_id"]) == ("inner", "7", "5")
    assert line["duration_ms"] == 12.0
    assert line["extra"] == {"step": 1}


def test_a_duration_that_is_no_number_stays_with_the_other_fields(capture):
    plainview.get_logger("a").info("x", duration_ms="long")
    assert capture.last()["extra"] == {"duration_ms": "long"}


def test_a_field_wins_over_what_is_bound_and_no_key_stands_twice(capture):
    with plainview.context(step=1, stage="draft"):
        plainview.get_logger("a").info("x", step=2)
    assert capture.last()["extra"] == {"stage": "draft", "step": 2}
    stream = next((capture.directory / "spool").glob("[!.]*/log-000001.ndjson"))
    assert stream.read_bytes().count(b'"step"') == 1


@pytest.mark.parametrize("how", ["exception", "exc_info", "instance"])
def test_exceptions_carry_type_message_and_stack(capture, how):
    log = plainview.get_logger("a")
    try:
        raise KeyError("missing")
    except KeyError as error:
        if how == "exception":
            log.exception("failed", order=1)
        else:
            log.error("failed", exc_info=True if how == "exc_info" else error, order=1)
    line = capture.last()
    assert line["exception"]["type"] == "KeyError"
    assert line["exception"]["message"] == "'missing'"
    assert "raise KeyError" in line["exception"]["stack_trace"]
    assert line["extra"] == {"order": 1}
    assert line["source"]["function"].endswith("carry_type_message_and_stack")


def test_chains_and_groups_are_kept(capture):
    try:
        try:
            raise ExceptionGroup("several", [ValueError("a"), TypeError("b")])
        except ExceptionGroup as group:
            raise RuntimeError("outer") from group
    except RuntimeError:
        plainview.get_logger("a").exception("x")
    stack = capture.last()["exception"]["stack_trace"]
    assert all(part in stack for part in ("ValueError: a", "TypeError: b", "RuntimeError: outer", "direct cause"))


class Hostile:
    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __str__


def cycle():
    one: list = []
    one.append(one)
    return one


def deep():
    value: list = []
    for _ in range(200):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (cycle(), "[cycle]"),
        (float("nan"), "NaN"),
        (float("-inf"), "-inf"),
        (b"\x00\xff", r"b'\\x00\\xff'"),
        ({3}, "[3]"),
        (Hostile(), "[Hostile whose __str__ raised RuntimeError]"),
        ("x" * 10_000_000, "…[cut: 10000000 characters]"),
        (deep(), "[too deep]"),
        ("\ud800", r"\\ud800"),
        (10**400, "1" + "0" * 400),
        ({"a": float("nan"), 3: {"b": object}}, "NaN"),
        (list(range(100_000)), "[99744 more]"),
        (1 + 2j, "(1+2j)"),
        (Exception("boom"), "Exception: boom"),
    ],
)
def test_a_value_that_cannot_be_encoded_is_bounded_and_says_so(capture, value, said):
    plainview.get_logger("a").info("x", value=value, other=1)
    stream = next((capture.directory / "spool").glob("[!.]*/log-000001.ndjson"))
    raw = stream.read_bytes().rstrip(b"\0").decode()
    line = json.loads(raw)
    assert line["message"] == "x"
    assert line["extra"]["other"] == 1
    assert said in raw
    assert len(raw) < 70_000


def test_a_line_that_is_too_long_loses_its_fields_and_says_so(capture):
    plainview.get_logger("a").info("x", **{f"k{number}": "y" * 16_000 for number in range(40)})
    line = capture.last()
    assert line["message"] == "x"
    assert "fields left out" in line["extra"]["line_too_long"]


def test_text_cannot_break_out_of_its_line(capture):
    text = 'a\nb\r\n\x1b[31mred\x1b[0m\0 <script>alert(1)</script> "}\u2028'
    plainview.get_logger(text).error(text, **{text: text})
    (line,) = capture.logs()
    assert (line["message"], line["logger"]) == (text, text)
    stream = next((capture.directory / "spool").glob("[!.]*/log-000001.ndjson"))
    raw = stream.read_bytes().rstrip(b"\0")
    assert raw.count(b"\n") == 1
    assert b"\x1b" not in raw


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.dates()
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner) | st.sets(st.integers())
    ),
    max_leaves=20,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(message=st.text(), fields=st.dictionaries(st.text(), ANYTHING, max_size=6))
def test_whatever_is_logged_makes_one_line_of_json_and_never_raises(capture, message, fields):
    before = len(capture.logs())
    fields.pop("exc_info", None)
    plainview.get_logger("any").info(message, **fields)
    lines = capture.logs()
    assert len(lines) == before + 1
    assert isinstance(lines[-1]["extra"], dict)


def test_without_configure_the_first_record_configures_from_the_environment(capture, monkeypatch):
    plainview.shutdown()
    monkeypatch.setenv("PLAINVIEW_DIR", str(capture.directory))
    monkeypatch.setenv("PLAINVIEW_ENVIRONMENT", "staging")
    monkeypatch.setenv("PLAINVIEW_FILE", str(capture.directory / "x.log"))
    plainview.get_logger("a").info("first", a=1)
    assert capture.last()["environment"] == "staging"


def test_disabled_capture_writes_nothing_and_changes_nothing(capture):
    capture.configure(enabled=False)
    plainview.get_logger("a").critical("x")
    with plainview.span("s"):
        pass
    assert capture.logs() == []
    assert capture.spans() == []
